"""What must be answered is answered."""

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Answer, Submitted
from ipgov.intake.wording import expectation


def required_value_present(submitted: Submitted, answer: Answer) -> Problem | None:
    """Find an empty cell of a required field."""
    if answer.place is None or answer.not_of_type or not answer.converted.blank or not answer.required:
        return None
    expected = f"必填：{expectation(answer.field, submitted.expected.period)}" + (
        "；没有的填 0" if answer.field.type in ("count", "amount") else ""
    )
    return answer.problem(
        "required_value_present", f"“{answer.field.label}”未填", expected, submitted.filename
    )
