"""A number has no more decimals than its field keeps; a count has none."""

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Answer, Submitted
from ipgov.intake.wording import decimals_kept, expectation, plain

_WITH_DECIMALS = ("amount", "count", "number", "percent")


def decimals(submitted: Submitted, answer: Answer) -> Problem | None:
    """Find a number with more decimals than are kept; rounding is the sender's to decide."""
    value, field = answer.typed.value, answer.asked or answer.field
    if value is None or field.type not in _WITH_DECIMALS:
        return None
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent <= decimals_kept(field):
        return None
    found = f"“{field.label}”为 {plain(value)}{field.unit}，有 {-exponent} 位小数"
    return answer.problem(
        "decimals", found, expectation(field, submitted.expected.period), submitted.filename
    )
