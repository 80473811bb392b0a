"""Every field of the form has its cell."""

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Answer, Submitted


def has_every_field(submitted: Submitted, answer: Answer) -> Problem | None:
    """Find a field whose row is gone, doubled or renamed. Of a missing sheet nothing more is said."""
    if answer.place is not None:
        return None
    if answer.asked is None:
        expected = f"在所附更正工作簿的“{answer.form_sheet}”表内填报"
        return answer.problem("has_every_field", answer.lost, expected, submitted.filename)
    sheets = submitted.workbook.sheets if submitted.workbook else {}
    rest = any(a.place for a in submitted.answers if a.form_sheet == answer.form_sheet)
    if answer.form_sheet not in sheets and not rest:
        return None
    expected = f"“{answer.form_sheet}”表内恰有一行“{answer.asked.label}”"
    return answer.problem("has_every_field", answer.lost, expected, submitted.filename)
