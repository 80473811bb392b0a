"""Which day is due, and on which days the steps of a ladder fall, by the calendar as known on a day."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from ipgov.calendars import deadlines
from ipgov.calendars.deadlines import DueDay
from ipgov.calendars.working_days import WorkingDays
from ipgov.followup.facts import ONE_DAY
from ipgov.policy.duties import Rung
from ipgov.policy.duty_store import DutyRule
from ipgov.policy.rules import YearDay

_Days = tuple[dt.date, ...]


class Reckoner:
    """Reckons with one calendar; hundreds of bodies owe the same on the same day, so each is found once."""

    def __init__(self, calendar: WorkingDays):
        self.calendar = calendar
        self._due: dict[tuple[str, dt.date], DueDay] = {}
        self._ladders: dict[tuple[str, dt.date, dt.date, dt.date], _Days] = {}

    def working(self, day: dt.date) -> bool:
        """Tell whether a day is worked."""
        return self.calendar.day(day).working

    def due(self, rule: DutyRule, opened_on: dt.date) -> DueDay:
        """Return the due day of a duty that has a length of time, or a day of its own."""
        key = (rule.sha256, opened_on)
        if key not in self._due:
            due = rule.duty.due
            if due.limit is not None:
                self._due[key] = deadlines.due(opened_on, due.limit, self.calendar)
            else:
                assert due.day is not None  # noqa: S101 - a period's due day is asked for by due_of_period
                self._due[key] = deadlines.as_written(due.day, self.calendar)
        return self._due[key]

    def due_of_period(self, due: YearDay, year: int) -> DueDay:
        """Return the due day of a period."""
        return deadlines.year_day(due, year, self.calendar)

    def steps(self, rule: DutyRule, opened_day: dt.date, opened_on: dt.date, due_on: dt.date) -> _Days:
        """Return the day of every step of a duty's ladder, in order; always a working day.

        A step that falls on a day not worked moves to the next working day up to the due day, else to the
        last one before. ``opened_day``: on which it was opened; ``opened_on``: from which its time counts.
        """
        if rule.ladder is None:
            return ()
        key = (rule.sha256, opened_day, opened_on, due_on)
        if key not in self._ladders:
            rungs = rule.ladder.rungs
            self._ladders[key] = tuple(self._step(r, opened_day, opened_on, due_on) for r in rungs)
        return self._ladders[key]

    def _step(self, rung: Rung, opened_day: dt.date, opened_on: dt.date, due_on: dt.date) -> dt.date:
        if rung.working_days_before is not None:
            return deadlines.working_days_before(due_on, rung.working_days_before, self.calendar).date
        if rung.working_days_after is not None:
            return deadlines.add_working_days(due_on, rung.working_days_after, calendar=self.calendar).date
        day = {
            "opening": opened_day,
            "halfway": opened_on + (due_on - opened_on) // 2,
            "due": due_on,
        }[rung.at or "due"]
        following = deadlines.roll(day, self.calendar).date
        if day == following or following <= due_on or day > due_on:
            return following
        return deadlines.working_days_before(day, 0, self.calendar).date

    def next_working(self, day: dt.date) -> dt.date:
        """Return the next working day after a day."""
        return deadlines.roll(day + ONE_DAY, self.calendar).date


@lru_cache(maxsize=16)
def reckoner(calendar: WorkingDays) -> Reckoner:
    """Return the reckoner of a calendar."""
    return Reckoner(calendar)
