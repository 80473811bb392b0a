"""No two attachments bear one name."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.attachment_list import NAME, ListedRow, name_key
from ipgov.intake.submitted import Submitted


def attachment_names_differ(submitted: Submitted) -> Iterator[Problem]:
    """Find a name that stands in an earlier row; case and width of letters make no difference."""
    first: dict[str, ListedRow] = {}
    for row in submitted.listed.rows:
        key = name_key(row.name)
        if key and key in first:
            found = f"附件名称“{row.name}”与 {first[key].cell} 重复"
            expected = "每个附件一行，名称各不相同；证明多个栏目的写在同一行"
            yield submitted.list_problem("attachment_names_differ", found, expected, row, NAME)
        first.setdefault(key, row)
