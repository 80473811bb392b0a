"""An obligation, and what the advance did about it: its events are what it is made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar

from ipgov.policy.duty_store import DutyRule

EventName = Literal[
    "opened", "due_set", "reminded", "overdue", "escalated", "met", "lapsed", "withdrawn", "resumed"
]
ENDS = ("met", "lapsed", "withdrawn")
# what decides whether it has ended: the last of these
TURNS = (*ENDS, "resumed")


class _Named(Protocol):
    @property
    def event(self) -> str: ...


_T = TypeVar("_T", bound=_Named)


@dataclass(frozen=True)
class DueSet:
    """A due day as it was set on a day; ``reason``: opened, calendar, extension."""

    due_on: dt.date
    provisional: bool
    calendar: str
    reason: str
    set_on: dt.date


@dataclass(frozen=True)
class Obligation:
    """An obligation as its events so far have made it. ``opened_day``: on which it was opened here."""

    key: str
    rule: DutyRule
    party: str
    unit: str | None
    period: str | None
    owed_by: str
    owed_to: str
    opened_on: dt.date
    cause: str
    part_of: str | None
    opened_day: dt.date
    dues: tuple[DueSet, ...] = ()
    taken: frozenset[tuple[str, str]] = frozenset()  # (event, step)
    ended: str | None = None
    ended_on: dt.date | None = None
    judged_by: int | None = None  # the number of the judgement that ended it

    @property
    def due(self) -> DueSet:
        """Return the due day that counts: the newest."""
        return self.dues[-1]

    @property
    def subject(self) -> str:
        """Return what tells it apart from others of the same duty and party."""
        return self.key.split("/", 3)[3]

    @property
    def rests_on(self) -> tuple[str, ...]:
        """Return the keys of the case that it is part of, and of the one that came before it."""
        before = (self.cause,) if "/" in self.cause else ()
        return before if self.part_of is None else (self.part_of, *before)

    @property
    def is_overdue(self) -> bool:
        """Tell whether it was found overdue at the due day that counts."""
        return ("overdue", self.due.due_on.isoformat()) in self.taken


@dataclass(frozen=True)
class Event:
    """Something that the advance did on a day; ``step`` tells two of the same name apart."""

    key: str
    day: dt.date
    event: EventName
    step: str
    detail: Mapping[str, Any]
    opens: Obligation | None = field(default=None, compare=False)
    due: DueSet | None = None


Obligations = dict[str, Obligation]


def end_of(events: Iterable[_T]) -> _T | None:
    """Return the event that ended an obligation, of its events in order; None: it has not ended."""
    last = None
    for event in events:
        if event.event in TURNS:
            last = event
    return None if last is None or last.event == "resumed" else last


def fold(obligation: Obligation | None, event: Event) -> Obligation:
    """Return the obligation after an event; the first one opens it."""
    if obligation is None:
        assert event.opens is not None  # noqa: S101 - nothing happens before it is opened
        obligation = event.opens
    taken = obligation.taken | {(event.event, event.step)}
    if event.due is not None:
        return replace(obligation, taken=taken, dues=(*obligation.dues, event.due))
    if event.event in ENDS:
        on = dt.date.fromisoformat(event.detail["on"])
        by = event.detail.get("judgement")
        return replace(obligation, taken=taken, ended=event.event, ended_on=on, judged_by=by)
    if event.event == "resumed":
        return replace(obligation, taken=taken, ended=None, ended_on=None, judged_by=None)
    return replace(obligation, taken=taken)
