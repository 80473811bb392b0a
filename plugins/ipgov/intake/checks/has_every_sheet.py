"""Every sheet of the form is there, whatever it is called now."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Submitted


def has_every_sheet(submitted: Submitted) -> Iterator[Problem]:
    """Find a sheet that is gone: neither its name nor any of its fields is in the workbook."""
    there = set(submitted.workbook.sheets) if submitted.workbook else set()
    asked = [a for a in submitted.answers if a.asked is not None]
    for name in dict.fromkeys(a.form_sheet for a in asked):
        if name not in there and not any(a.place for a in asked if a.form_sheet == name):
            yield submitted.problem(
                "has_every_sheet", f"缺少工作表“{name}”", f"保留表内全部工作表，含“{name}”", sheet=name
            )
