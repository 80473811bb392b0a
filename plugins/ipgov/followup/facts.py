"""What the daily advance rests on: facts in memory, each with the day on which it became known.

A day's events rest on what was known when the day began: a fact counts from the day after ``known_on`` (the
calendar day in Shanghai of its ``known_at``) on. So it makes no difference at what hour a day is worked on,
how often, or how much later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeVar

from ipgov.core.errors import UnknownError
from ipgov.policy.rules import RuleVersion, YearDay

OFFICE = "office"
ONE_DAY = dt.timedelta(days=1)
_T = TypeVar("_T")
_K = TypeVar("_K")
PeriodKey = tuple[str, str, str]  # programme, period, unit


@dataclass(frozen=True)
class Body:
    """A registered body from a day on: where it belongs and who hosts and operates it."""

    programme: str
    unit: str
    name: str
    province: str
    route: str
    host_code: str
    operator_code: str
    valid_from: dt.date
    known_on: dt.date


@dataclass(frozen=True)
class Named:
    """An organisation's name from a day on."""

    code: str
    name: str
    valid_from: dt.date
    known_on: dt.date


@dataclass(frozen=True)
class TitleChange:
    """An event after which a body holds its title, or no longer does."""

    programme: str
    unit: str
    titled: bool
    effective_on: dt.date
    known_on: dt.date
    recognises: bool = True  # of those that give it: not one that only gives it back


@dataclass(frozen=True)
class Retracted:
    """That something had been recorded by mistake: by whom and why."""

    by: str
    reason: str
    known_on: dt.date


@dataclass(frozen=True)
class Occurred:
    """A recorded occurrence; ``reported_on``: whoever owes the duty told of it on that day."""

    id: int
    programme: str
    party: str
    kind: str
    subject: str
    occurred_on: dt.date
    reported_on: dt.date | None
    known_on: dt.date
    retracted: Retracted | None = None


@dataclass(frozen=True)
class OpenedPeriod:
    """A cycle that was opened; ``due`` as its frozen rules give it, before any calendar."""

    id: int
    programme: str
    period: str
    opened_on: dt.date
    due: YearDay
    due_on: dt.date
    evaluate_on: dt.date
    known_on: dt.date
    rules: RuleVersion | None = None  # as frozen; None: every body of the programme is asked

    def asks(self, titled_on: dt.date | None) -> bool:
        """Tell whether a body recognised on that day is asked for this period."""
        return self.rules is None or self.rules.asks(titled_on, int(self.period))


@dataclass(frozen=True)
class Issued:
    """What was issued of a body in a period; of several the one issued last counts."""

    id: int  # of the issue
    programme: str
    period: str
    unit: str
    grade: str | None
    outcomes: frozenset[str]
    issued_on: dt.date
    known_on: dt.date


@dataclass(frozen=True)
class Received:
    """Something that came in for an obligation: a report, or an accepted submission."""

    received_on: dt.date
    known_on: dt.date


@dataclass(frozen=True)
class Judged:
    """A recorded judgement: met, or failed for good; or that the one before it counts no more."""

    judged_on: dt.date
    outcome: Literal["met", "failed", "withdrawn"]
    known_on: dt.date


@dataclass(frozen=True)
class MoreTime:
    """A recorded decision that gives more time; of several the one decided last counts."""

    until: dt.date
    by: str
    reason: str
    known_on: dt.date


@dataclass(frozen=True)
class Facts:
    """Everything that may open, move or end an obligation. Nothing opened before ``since`` is followed up.

    Recorded occurrences are: somebody chose to record them. Sequences stand in the order of record.
    """

    since: dt.date
    bodies: tuple[Body, ...] = ()
    organisations: tuple[Named, ...] = ()
    titles: tuple[TitleChange, ...] = ()
    occurrences: tuple[Occurred, ...] = ()
    periods: tuple[OpenedPeriod, ...] = ()
    issued: tuple[Issued, ...] = ()
    reports: Mapping[str, tuple[Received, ...]] = field(default_factory=dict)
    judgements: Mapping[str, tuple[Judged, ...]] = field(default_factory=dict)
    extensions: Mapping[str, tuple[MoreTime, ...]] = field(default_factory=dict)
    submissions: Mapping[PeriodKey, tuple[Received, ...]] = field(default_factory=dict)
    period_extensions: Mapping[PeriodKey, tuple[MoreTime, ...]] = field(default_factory=dict)

    def judgement(self, key: str, day: dt.date) -> tuple[int, Judged | None]:
        """Return the judgement of an obligation that counts on a day, and how many rows were known by then.

        None: there is none, or what there was has been withdrawn. The number names the judgement.
        """
        known = [j for j in self.judgements.get(key, ()) if j.known_on < day]
        return len(known), known[-1] if known and known[-1].outcome != "withdrawn" else None

    def body(self, programme: str, unit: str, day: dt.date) -> Body:
        """Return a body as it is on a day; UnknownError where it is not registered.

        Before its first day it is what it was first registered as.
        """
        known = [b for b in self._bodies.get((programme, unit), ()) if b.known_on < day]
        if not known:
            raise UnknownError(f"“{programme}”没有登记代码为“{unit}”的单位")
        valid = [b for b in known if b.valid_from <= day]
        return max(valid, key=lambda b: b.valid_from) if valid else min(known, key=lambda b: b.valid_from)

    def registered(self, programme: str, on: dt.date, day: dt.date) -> list[str]:
        """Return the bodies of a programme that were registered on a day, as known on another, in order."""
        return [
            unit
            for unit in self._units.get(programme, ())
            if any(b.valid_from <= on and b.known_on < day for b in self._bodies[programme, unit])
        ]

    def titled(self, programme: str, unit: str, on: dt.date, day: dt.date) -> bool | None:
        """Tell whether a body held its title on a day, as known on another; None: it never had it."""
        last: TitleChange | None = None
        for change in self._titles.get((programme, unit), ()):
            if change.effective_on <= on and change.known_on < day:
                last = change
        return None if last is None else last.titled

    def titled_on(self, programme: str, unit: str, day: dt.date) -> dt.date | None:
        """Return the newest day of recognition up to a day, as known when it began; None: there is none."""
        days = [
            t.effective_on
            for t in self._titles.get((programme, unit), ())
            if t.titled and t.recognises and t.effective_on <= day and t.known_on < day
        ]
        return max(days, default=None)

    def organisation(self, code: str, day: dt.date) -> str:
        """Return an organisation's name on a day; its code where no name was known."""
        known = [n for n in self._named.get(code, ()) if n.known_on < day and n.valid_from <= day]
        return max(known, key=lambda n: n.valid_from).name if known else code

    def period(self, programme: str, period: str) -> OpenedPeriod:
        """Return an opened period; UnknownError where it is not open."""
        for found in self.periods:
            if (found.programme, found.period) == (programme, period):
                return found
        raise UnknownError(f"“{programme}”{period} 年度尚未开启")

    @cached_property
    def reported_with(self) -> dict[int, dt.date]:
        """Return the day of the report by occurrence, for those that were told of by whoever owed it."""
        return {o.id: o.reported_on for o in self.occurrences if o.reported_on is not None}

    def retraction(self, cause: str, day: dt.date) -> Retracted | None:
        """Return how the occurrence that is a cause was taken back, as known on a day; None: it was not."""
        found = self._retractions.get(cause)
        return found if found is not None and found.known_on < day else None

    @cached_property
    def _retractions(self) -> dict[str, Retracted]:
        return {f"occurrence:{o.id}": o.retracted for o in self.occurrences if o.retracted is not None}

    @cached_property
    def _bodies(self) -> dict[tuple[str, str], list[Body]]:
        return _grouped(self.bodies, lambda b: (b.programme, b.unit))

    @cached_property
    def _units(self) -> dict[str, list[str]]:
        units: dict[str, list[str]] = {}
        for programme, unit in sorted(self._bodies):
            units.setdefault(programme, []).append(unit)
        return units

    @cached_property
    def _named(self) -> dict[str, list[Named]]:
        return _grouped(self.organisations, lambda n: n.code)

    @cached_property
    def _titles(self) -> dict[tuple[str, str], list[TitleChange]]:
        # on one day the order of record decides; the sort is stable
        ordered = sorted(self.titles, key=lambda t: t.effective_on)
        return _grouped(ordered, lambda t: (t.programme, t.unit))

    @cached_property
    def keys_with_news(self) -> dict[dt.date, set[str]]:
        """Return by day the keys of obligations of which something was known for the first time."""
        news: dict[dt.date, set[str]] = {}
        for told in (self.reports, self.extensions, self.judgements):
            for key, rows in told.items():
                for row in rows:
                    news.setdefault(row.known_on + ONE_DAY, set()).add(key)
        return news

    @cached_property
    def judged_anew(self) -> frozenset[dt.date]:
        """Return the days on which a judgement may be found to count no more."""
        return frozenset(
            row.known_on + ONE_DAY for rows in self.judgements.values() if len(rows) > 1 for row in rows
        )

    @cached_property
    def periods_with_news(self) -> dict[dt.date, set[PeriodKey]]:
        """Return by day the bodies' periods of which something was known for the first time."""
        news: dict[dt.date, set[PeriodKey]] = {}
        for told in (self.submissions, self.period_extensions):
            for key, rows in told.items():
                for row in rows:
                    news.setdefault(row.known_on + ONE_DAY, set()).add(key)
        return news


def _grouped(rows: Iterable[_T], key: Callable[[_T], _K]) -> dict[_K, list[_T]]:
    groups: dict[_K, list[_T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
