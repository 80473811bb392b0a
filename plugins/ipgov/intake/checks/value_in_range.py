"""A number or a day lies where it can lie at all."""

import datetime as dt

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Answer, Submitted
from ipgov.intake.wording import day_limits, expectation, plain


def value_in_range(submitted: Submitted, answer: Answer) -> Problem | None:
    """Find a number or a day below the field's minimum or above its maximum (both inclusive)."""
    period = submitted.expected.period
    found = _day(answer, period) if answer.field.type == "date" else _number(answer)
    if not found:
        return None
    said = f"“{answer.field.label}”为 {found}"
    return answer.problem("value_in_range", said, expectation(answer.field, period), submitted.filename)


def _number(answer: Answer) -> str:
    value, field = answer.converted.value, answer.field
    if value is None:
        return ""
    shown = f"{plain(value)}{field.unit}"
    if field.minimum is not None and value < field.minimum:
        return f"{shown}，低于下限"
    return f"{shown}，超过上限" if field.maximum is not None and value > field.maximum else ""


def _day(answer: Answer, period: str) -> str:
    if answer.converted.text_value is None:
        return ""
    day = dt.date.fromisoformat(answer.converted.text_value)
    first, last = day_limits(answer.field, period)
    if first is not None and day < first:
        return f"{day}，早于最早日期"
    return f"{day}，晚于最晚日期" if last is not None and day > last else ""
