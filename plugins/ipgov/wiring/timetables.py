"""When a programme's period is run: on the day its rules name, reckoned in working days.

The scheduler, the DAG processor and the API server call these; they never raise for a year without rules or
without a holiday notice (airflow stops scheduling on an exception), and read policy only when asked.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

if TYPE_CHECKING:
    from ipgov.policy.rules import CycleCalendar

TIMEZONE = "Asia/Shanghai"
RUN_HOUR = 9


class PeriodTimetable(Timetable):
    """One run per period, due on its rules' evaluation day; its data interval is the year that names it.

    ``automatic_from`` is the first period that the scheduler runs by itself: unpausing a DAG never starts
    the years before it. A person may run any period; a backfill recalculates any range of those due.

    The logical date is the year's first moment in Shanghai. A range's ends are read as people mean them: 1
    January of a year, at whatever hour and in whatever zone it is written (a bare date is midnight of the
    zone that reads it), means this year; any other moment is that moment.
    """

    def __init__(self, programme: str, automatic_from: int):
        self.programme = programme
        self.automatic_from = automatic_from
        self.description = f"每期一次，按“{programme}”规则的评价日（工作日）运行"

    def serialize(self) -> dict[str, Any]:
        """Return what the scheduler needs to rebuild this timetable."""
        return {"programme": self.programme, "automatic_from": self.automatic_from}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> PeriodTimetable:
        """Rebuild the timetable in the scheduler."""
        return cls(**data)

    @property
    def summary(self) -> str:
        """Return the line shown in the list of DAGs."""
        return self.description

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """Return the newest period that was due at the given moment; of a year's first moment, that year.

        So a run by hand with a year's logical date is of the year that a backfill takes it for.
        """
        year = run_after.in_timezone(TIMEZONE).year
        if run_after == _interval(year).start:
            return _interval(year)
        while self._due(year) > run_after or not has_period(self.programme, year):
            year -= 1
        return _interval(year)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next period's run. Only a backfill sets ``restriction.catchup``: our DAGs have none."""
        if last_automated_data_interval is not None:
            year = _year(last_automated_data_interval) + 1
        elif restriction.earliest is not None:
            year = _first_year(restriction.earliest)
        else:
            return None
        if not restriction.catchup:
            year = max(year, self.automatic_from)
        year = self._period(year)
        if not restriction.catchup:
            now = pendulum.now(TIMEZONE)
            while self._due(following := self._period(year + 1)) <= now:
                year = following
        elif self._due(year) > pendulum.now(TIMEZONE):
            return None  # its run would wait for that day, and keep every other backfill waiting with it
        if restriction.latest is not None and year > _last_year(restriction.latest):
            return None
        return DagRunInfo(run_after=self._due(year), data_interval=_interval(year))

    def _period(self, year: int) -> int:
        """Return the last year of the first period that ends with this year or a later one."""
        while not has_period(self.programme, year):
            year += 1
        return year

    def _due(self, year: int) -> pendulum.DateTime:
        day = evaluation_day(self.programme, year)
        return pendulum.datetime(day.year, day.month, day.day, RUN_HOUR, tz=TIMEZONE)


def _interval(year: int) -> DataInterval:
    return DataInterval(
        pendulum.datetime(year, 1, 1, tz=TIMEZONE), pendulum.datetime(year + 1, 1, 1, tz=TIMEZONE)
    )


def _first_year(earliest: pendulum.DateTime) -> int:
    """Return the first year of a range from this moment on."""
    here = earliest.in_timezone(TIMEZONE)
    for written in (earliest, here):
        if (written.month, written.day) == (1, 1):
            return written.year
    return here.year + 1


def _last_year(latest: pendulum.DateTime) -> int:
    """Return the last year of a range up to this moment, however it is written."""
    return max(latest.year, latest.in_timezone(TIMEZONE).year)


def _year(interval: DataInterval) -> int:
    return interval.end.in_timezone(TIMEZONE).subtract(seconds=1).year


def evaluation_day(programme: str, year: int) -> dt.date:
    """Return the day on which a period is evaluated.

    A year before the first rules is reckoned with the first ones: its run then says that it is refused.
    """
    from ipgov.calendars.deadlines import cycle_days

    return cycle_days(_calendar(programme, year), year).evaluate_on.date


def has_period(programme: str, year: int) -> bool:
    """Tell whether a period ends with a year; before the first: whether one would, whose run is refused."""
    cycle = _calendar(programme, year)
    return cycle.has(year) or (year < cycle.first_period and (cycle.first_period - year) % cycle.length == 0)


def _calendar(programme: str, year: int) -> CycleCalendar:
    from ipgov.policy import store

    in_force = [v for v in store.versions(programme) if v.rules.status == "in_force"]
    covering = [v for v in in_force if v.rules.effective <= dt.date(year, 12, 31)]
    return (covering[-1:] or in_force[:1])[0].rules.cycle
