"""How a field's demands are said, the same on the blank form, in its cell's warning and in every problem."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from ipgov.policy.rules import Form, FormField, FormSheet, YearDay


def plain(number: Decimal) -> str:
    """Write a number without exponent and without trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def decimals_kept(field: FormField) -> int:
    """Return how many decimals a value may have; a count has none."""
    return 0 if field.type == "count" else field.decimals


def range_text(field: FormField) -> str:
    """Say the range of a number: ``0 至 100,000``; empty where there is none."""

    def grouped(number: Decimal) -> str:
        whole, dot, rest = plain(number).partition(".")
        return f"{int(whole):,}{dot}{rest}"

    if field.minimum is not None and field.maximum is not None:
        return f"{grouped(field.minimum)} 至 {grouped(field.maximum)}"
    if field.minimum is not None:
        return f"不小于 {grouped(field.minimum)}"
    return f"不大于 {grouped(field.maximum)}" if field.maximum is not None else ""


def day_limits(field: FormField, period: str) -> tuple[dt.date | None, dt.date | None]:
    """Return the first and the last day that a date may have, in a period (a year); None: any."""
    return _day(field.earliest, period), _day(field.latest, period)


def _day(limit: dt.date | YearDay | None, period: str) -> dt.date | None:
    return limit.nominal(int(period)) if isinstance(limit, YearDay) else limit


def days_text(field: FormField, period: str) -> str:
    """Say the range of a date: ``2024-01-01 至 2024-12-31``; empty where there is none."""
    first, last = day_limits(field, period)
    if first and last:
        return f"{first} 至 {last}"
    return f"不早于 {first}" if first else f"不晚于 {last}" if last else ""


def expectation(field: FormField, period: str) -> str:
    """Say what a cell accepts in a period: ``最多 2 位小数的数字，0 至 100,000,000``."""
    match field.type:
        case "yes_no":
            return "“是”或“否”"
        case "choice":
            return "下列之一：" + "、".join(field.choices)
        case "date":
            return "，".join(s for s in ("日期，如 2025-03-01", days_text(field, period)) if s)
        case "text":
            return "文字"
    kept = decimals_kept(field)
    said = [f"最多 {kept} 位小数的数字" if kept else "整数", range_text(field)]
    example = "（98.5% 填 98.5）" if field.type == "percent" else ""
    return "，".join(s for s in said if s) + example


def basis_of(form: Form, sheet: FormSheet, field: FormField) -> str:
    """Return what the field stands under: the basis of the nearest enclosing block that names one."""
    return field.basis or sheet.basis or form.basis or "operator"
