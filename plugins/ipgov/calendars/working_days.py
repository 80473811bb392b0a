"""Which days are working days: announced arrangements, the operator's entries, and provisional years.

Announced: ``chinesecalendar`` (State Council notices of 2004 to its last year) and the notices entered in
``policies/calendars/``. A later year without a notice is provisional: Monday to Friday minus the statutory
days, no make-up days; it may plan and remind, nothing takes legal effect on it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import chinese_calendar

from ipgov.core.errors import UnknownError
from ipgov.core.settings import settings
from ipgov.policy.holidays import Calendars, calendars

DayKind = Literal["statutory_holiday", "make_up_working_day", "weekend", "working_day"]


@dataclass(frozen=True)
class Day:
    """What a day is and how that is known; ``source`` is Chinese."""

    date: dt.date
    working: bool
    kind: DayKind
    provisional: bool
    source: str


class WorkingDays:
    """The days as known at one time; asked for thousands of times, so each is found once."""

    def __init__(self, entered: Calendars):
        self._entered = entered
        self._days: dict[dt.date, Day] = {}

    @property
    def version(self) -> str:
        """Return what the days are known from: the package's version and the hash of what was entered."""
        return f"chinesecalendar-{chinese_calendar.__version__}+{self._entered.sha256[:12]}"

    def edition(self) -> bytes:
        """Return everything entered that the days rest on, to be kept under ``version``."""
        return self._entered.content()

    def day(self, date: dt.date) -> Day:
        """Return what a day is; see the function ``day``."""
        found = self._days.get(date)
        if found is None:
            found = self._days[date] = _find(date, self._entered)
        return found


def known(known_on: dt.date | None = None) -> WorkingDays:
    """Return the days by what was entered by the end of ``known_on``; None: by everything entered."""
    entered = _entered()
    last = max((e for e in entered.entered if known_on is None or e <= known_on), default=None)
    # all days of knowledge between two entries know the same
    since = None if known_on is None or last == max(entered.entered, default=None) else last or dt.date.min
    return _known_since(settings().calendars_folder, entered.sha256, since)


@lru_cache(maxsize=32)
def _known_since(folder: Path, sha256: str, since: dt.date | None) -> WorkingDays:
    entered = calendars(folder)
    return WorkingDays(entered if since is None else entered.known_on(since))


def entered_between(after: dt.date, until: dt.date) -> tuple[str, ...]:
    """Return what was entered from one day on and before another: notices by their document, single days.

    What is entered on a day is known from the next one on: so ``after`` counts and ``until`` does not.
    """
    entered = _entered()
    notices = [(n.entered, n.document) for n in entered.notices.values()]
    days = [(o.entered, f"{o.date}：{o.note}") for o in entered.overrides.values()]
    return tuple(text for on, text in (*notices, *days) if on is not None and after <= on < until)


def is_working_day(day_: dt.date, known_on: dt.date | None = None) -> bool:
    """Tell whether a day is worked; UnknownError before the first year with data."""
    return day(day_, known_on).working


def day(date: dt.date, known_on: dt.date | None = None) -> Day:
    """Return what a day is, by what was entered by the end of ``known_on`` (None: by everything entered).

    A far year is provisional, never an error. Raises UnknownError for a year before the first with data
    (2004) that has no notice entered.
    """
    return known(known_on).day(date)


def calendar_version(known_on: dt.date | None = None) -> str:
    """Return what the days are known from: the package's version and the hash of ``policies/calendars/``."""
    return known(known_on).version


def announced(year: int, entered: Calendars) -> bool:
    """Tell whether the holidays of a year are known: entered, or of the package's years."""
    return year in entered.notices or year <= _package_years()[1]


def _find(date: dt.date, entered: Calendars) -> Day:
    year = date.year
    base = _by_notice(date, entered) or _by_package(date) or _provisional(date, entered)
    if base is None:
        first, _ = _package_years()
        raise UnknownError(
            f"没有 {year} 年的工作日数据：已有 {first} 年起的放假安排；"
            "更早的年份请在 policies/calendars/ 录入放假通知"
        )
    override = entered.overrides.get(date)
    if override is None:
        return base
    kind = _kind(date, off=not override.working, worked=override.working)
    return Day(date, override.working, kind, base.provisional, f"运行方调整：{override.note}")


def _entered() -> Calendars:
    return calendars(settings().calendars_folder)


@cache
def _package_years() -> tuple[int, int]:
    years = [d.year for d in chinese_calendar.holidays]
    return min(years), max(years)


def _kind(date: dt.date, *, off: bool, worked: bool) -> DayKind:
    weekend = date.weekday() >= 5
    if off:
        return "statutory_holiday"
    if weekend:
        return "make_up_working_day" if worked else "weekend"
    return "working_day"


def _known(date: dt.date, *, off: bool, worked: bool, source: str) -> Day:
    kind = _kind(date, off=off, worked=worked)
    return Day(date, kind in ("make_up_working_day", "working_day"), kind, False, source)


def _by_notice(date: dt.date, entered: Calendars) -> Day | None:
    # a year's notice may move the last days of the year before, so it is asked first
    following = entered.notices.get(date.year + 1)
    own = entered.notices.get(date.year)
    for notice in (following, own):
        if notice is None:
            continue
        off, worked = date in notice.days_off(), date in notice.make_up_days
        if off or worked or notice is own:
            return _known(date, off=off, worked=worked, source=notice.document)
    return None


def _by_package(date: dt.date) -> Day | None:
    first, last = _package_years()
    if not first <= date.year <= last:
        return None
    return _known(
        date,
        off=date in chinese_calendar.holidays,
        worked=date in chinese_calendar.workdays,
        source=f"chinesecalendar {chinese_calendar.__version__}（国务院办公厅放假通知）",
    )


def _provisional(date: dt.date, entered: Calendars) -> Day | None:
    if date.year <= _package_years()[1]:
        return None
    names = entered.statutory_days(date.year)
    kind = _kind(date, off=date in names, worked=False)
    lunar = "" if date.year in entered.festivals else "；农历节日未列入"
    source = f"暂定：{date.year} 年放假通知尚未录入{lunar}"
    return Day(date, kind == "working_day", kind, True, source)
