"""Which day is due: working days, calendar days, months and years, and the days of a cycle.

The documents state no counting rule; ours follows 民法典 第二百零一至二百零四条 by analogy: the starting day
is not counted, a period of months or years ends on the corresponding day, else on the month's last, and a
last day that is no working day moves to the next one.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, replace

from ipgov.calendars.working_days import WorkingDays, known
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.policy.rules import Budget, CycleCalendar, YearDay

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class DueDay:
    """A day, whether a provisional day was looked at to find it, and the calendar that gave it."""

    date: dt.date
    provisional: bool
    calendar: str


@dataclass(frozen=True)
class CycleDays:
    """The days of one period: opened, due, last day for late ones, evaluated."""

    opens: DueDay
    due: DueDay
    late_until: DueDay
    evaluate_on: DueDay


def roll(date: dt.date, calendar: WorkingDays | None = None) -> DueDay:
    """Return the day itself if it is a working day, else the next working day.

    ``calendar`` here and below: the days as known at some time; None: by everything entered.
    """
    return _walk(date, 1, calendar or known())


def add_working_days(
    start: dt.date, n: int, *, count_start_day: bool = False, calendar: WorkingDays | None = None
) -> DueDay:
    """Return the ``n``-th working day after ``start``, or from ``start`` on if ``count_start_day``.

    ``n`` = 0 is ``roll(start)``. Raises UnknownError for a negative ``n``.
    """
    if n < 0:
        raise UnknownError(f"工作日天数 {n} 无效：须为 0 或正整数")
    if n == 0:
        return roll(start, calendar)
    return _walk(start if count_start_day else start + ONE_DAY, n, calendar or known())


def due(start: dt.date, budget: Budget, calendar: WorkingDays | None = None) -> DueDay:
    """Return the last day of a length of time that starts with ``start``."""
    if budget.working_days is not None:
        return add_working_days(
            start, budget.working_days, count_start_day=budget.count_start_day, calendar=calendar
        )
    last = _nominal(start, budget)
    return roll(last, calendar) if budget.roll else as_written(last, calendar)


def working_days_before(date: dt.date, n: int, calendar: WorkingDays | None = None) -> DueDay:
    """Return the ``n``-th working day before a day; 0: the day itself if worked, else the last before it.

    Raises UnknownError for a negative ``n``.
    """
    if n < 0:
        raise UnknownError(f"工作日天数 {n} 无效：须为 0 或正整数")
    days = calendar or known()
    return _walk(date - ONE_DAY, n, days, -1) if n else _walk(date, 1, days, -1)


def cycle_days(cycle: CycleCalendar, year: int) -> CycleDays:
    """Return the days of the period that ends with ``year``.

    Raises RefusedError where they do not follow each other: opened, due, late ones, evaluated after that.
    """
    opens, due_day = year_day(cycle.opens, year), year_day(cycle.due, year)
    late_until = _after(due_day, cycle.late_until)
    evaluate_on = _after(due_day, cycle.evaluate_after)
    if not opens.date < due_day.date <= late_until.date < evaluate_on.date:
        raise RefusedError(
            f"{year} 年度的日期次序不对：开放 {opens.date}、截止 {due_day.date}、"
            f"逾期受理至 {late_until.date}、评价 {evaluate_on.date}；应依次在后"
        )
    return CycleDays(opens, due_day, late_until, evaluate_on)


def _walk(first: dt.date, n: int, days: WorkingDays, step: int = 1) -> DueDay:
    """Return the ``n``-th working day counted from ``first`` on, backwards if ``step`` is -1."""
    at, provisional = first, False
    while True:
        looked_at = days.day(at)
        provisional = provisional or looked_at.provisional
        n -= looked_at.working
        if n == 0:
            return DueDay(at, provisional, days.version)
        at += step * ONE_DAY


def as_written(date: dt.date, calendar: WorkingDays | None = None) -> DueDay:
    """Return a day that no calendar moves."""
    return DueDay(date, False, (calendar or known()).version)


def _nominal(start: dt.date, budget: Budget) -> dt.date:
    if budget.calendar_days is not None:
        counted = 1 if budget.count_start_day and budget.calendar_days else 0
        return start + (budget.calendar_days - counted) * ONE_DAY
    months = budget.months if budget.months is not None else 12 * (budget.years or 0)
    return _months_later(start, months, count_start_day=budget.count_start_day)


def _months_later(start: dt.date, months: int, *, count_start_day: bool) -> dt.date:
    index = start.year * 12 + start.month - 1 + months
    year, month = index // 12, index % 12 + 1
    last = calendar.monthrange(year, month)[1]
    if start.day > last:
        return dt.date(year, month, last)
    corresponding = dt.date(year, month, start.day)
    return corresponding - ONE_DAY if count_start_day and months else corresponding


def year_day(rule: YearDay, year: int, calendar: WorkingDays | None = None) -> DueDay:
    """Return a day of a year for the period that ends with ``year``."""
    nominal = rule.nominal(year)
    return roll(nominal, calendar) if rule.roll else as_written(nominal, calendar)


def _after(start: DueDay, budget: Budget) -> DueDay:
    found = due(start.date, budget)
    return replace(found, provisional=found.provisional or start.provisional)
