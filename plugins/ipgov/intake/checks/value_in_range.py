"""A number lies where it can lie at all."""

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Answer, Submitted
from ipgov.intake.wording import expectation, plain


def value_in_range(submitted: Submitted, answer: Answer) -> Problem | None:
    """Find a number below the field's minimum or above its maximum (both inclusive)."""
    value, field = answer.converted.value, answer.field
    if value is None:
        return None
    low = field.minimum is not None and value < field.minimum
    if not low and (field.maximum is None or value <= field.maximum):
        return None
    found = f"“{field.label}”为 {plain(value)}{field.unit}，{'低于下限' if low else '超过上限'}"
    return answer.problem("value_in_range", found, expectation(field), submitted.filename)
