"""Every attachment is of a kind that is asked of the body."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.attachment_list import KIND
from ipgov.intake.submitted import Submitted


def attachment_kind(submitted: Submitted) -> Iterator[Problem]:
    """Find a row whose kind is left open or unknown."""
    asked, unit = submitted.form.attachments, submitted.expected.unit
    if asked is None or unit is None:
        return
    names = "、".join(k.name for k in asked.kinds_for(unit.kind).values())
    for row in submitted.listed.rows:
        if row.kind is None:
            text = row.texts[KIND]
            found = f"附件类别“{text}”不在所列之内" if text else "没有填写附件类别"
            yield submitted.list_problem("attachment_kind", found, f"下列之一：{names}", row, KIND)
