"""A time that is announced to the public: on which day it is over, told day by day as it was known then."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ipgov.calendars import deadlines
from ipgov.calendars.deadlines import ONE_DAY, DueDay
from ipgov.calendars.working_days import WorkingDays, entered_between, known
from ipgov.policy.rules import Budget


@dataclass(frozen=True)
class Moved:
    """The last day became a later one: on which day that was known, and by which entry (Chinese)."""

    set_on: dt.date
    earlier: dt.date
    last_on: dt.date
    reason: str
    calendar: str


@dataclass(frozen=True)
class Running:
    """How a time stands: its last day, whether that is provisional, since when it is over (None: it runs)."""

    starts_on: dt.date
    last_on: dt.date
    provisional: bool
    over_on: dt.date | None
    moved: tuple[Moved, ...]


def calendar_of(day: dt.date) -> WorkingDays:
    """Return the days as known when a day begins: what is entered on it is known from the next one on."""
    return known(day - ONE_DAY)


def last_day(starts_on: dt.date, limit: Budget, day: dt.date) -> DueDay:
    """Return the last day of a time as known when ``day`` begins."""
    return deadlines.due(starts_on, limit, calendar_of(day))


def running(starts_on: dt.date, told: dt.date, limit: Budget, issued_on: dt.date, as_of: dt.date) -> Running:
    """Return how an announced time stands on a day; the same however often and how late it is asked.

    ``told``: the last day that the public was told. An entry of holidays moves it while the time runs: it
    becomes later, never earlier, since everybody may rely on what was told. A time that passes days of a year
    whose holidays are not announced ends on none of them: it waits for the announcement. Once it is over, no
    later entry changes it.
    """
    moved: list[Moved] = []
    last, provisional = told, True
    day, calendar = issued_on, ""
    while day <= as_of:
        days = calendar_of(day)
        if days.version != calendar:
            calendar = days.version
            due = deadlines.due(starts_on, limit, days)
            provisional = due.provisional
            if due.date > last:
                since = moved[-1].set_on if moved else issued_on
                why = "；".join(entered_between(since - ONE_DAY, day)) or "工作日推算有变动"
                moved.append(Moved(day, last, due.date, why, due.calendar))
                last = due.date
        if day > last and not provisional:
            return Running(starts_on, last, False, day, tuple(moved))
        day += ONE_DAY
    return Running(starts_on, last, provisional, None, tuple(moved))
