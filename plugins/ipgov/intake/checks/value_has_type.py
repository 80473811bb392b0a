"""A number is a number, a date a date."""

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Answer, Submitted
from ipgov.intake.wording import expectation


def value_has_type(submitted: Submitted, answer: Answer) -> Problem | None:
    """Find content that no transform turns into the field's type: text in a number, an error, no such day."""
    if not answer.not_of_type:
        return None
    found = f"“{answer.field.label}”：{answer.not_of_type}"
    expected = expectation(answer.field, submitted.expected.period)
    return answer.problem("value_has_type", found, expected, submitted.filename)
