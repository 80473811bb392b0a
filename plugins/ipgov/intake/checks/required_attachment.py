"""A workbook that may not come without an attachment lists it, and it is there."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.attachment_list import NAME, name_key
from ipgov.intake.submitted import Submitted, attachments_asked


def required_attachment(submitted: Submitted) -> Iterator[Problem]:
    """Find a required kind that is not listed or not received, where policy returns the workbook for that."""
    asked, unit, kept = attachments_asked(submitted), submitted.expected.unit, submitted.expected.attachments
    if asked is None or unit is None or submitted.listed.lost:
        return
    for kind in asked.kinds_for(unit.kind).values():
        if not (kind.required and kind.missing == "returned"):
            continue
        rows = [r for r in submitted.listed.rows if r.kind == kind]
        if not rows:
            found = f"附件清单没有列出“{kind.name}”"
            yield submitted.list_problem("required_attachment", found, f"列出“{kind.name}”并一并报送")
        for row in rows:
            if kept is not None and row.name and name_key(row.name) not in kept:
                found = f"没有收到“{kind.name}”（{row.name}）"
                expected = "先将此文件放入报送目录，再报送本表"
                yield submitted.list_problem("required_attachment", found, expected, row, NAME)
