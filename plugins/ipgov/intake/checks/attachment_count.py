"""No more attachments are listed than are accepted, in all and of a kind."""

from collections import Counter
from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.attachment_list import KIND, NAME
from ipgov.intake.submitted import Submitted


def attachment_count(submitted: Submitted) -> Iterator[Problem]:
    """Find the rows beyond the limit of the form or of their kind."""
    asked = submitted.form.attachments
    if asked is None:
        return
    of_kind: Counter[str] = Counter()
    for number, row in enumerate(submitted.listed.rows, 1):
        limit = asked.max_count
        if number > limit:
            found = f"这是第 {number} 个附件"
            yield submitted.list_problem("attachment_count", found, f"附件不超过 {limit} 个", row, NAME)
        if row.kind is not None:
            of_kind[row.kind.code] += 1
            if row.kind.maximum is not None and of_kind[row.kind.code] > row.kind.maximum:
                found = f"这是第 {of_kind[row.kind.code]} 个“{row.kind.name}”"
                expected = f"“{row.kind.name}”不超过 {row.kind.maximum} 个，多页请合并为一个文件"
                yield submitted.list_problem("attachment_count", found, expected, row, KIND)
