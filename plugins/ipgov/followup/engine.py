"""The advance of obligations, day by day: pure, from facts and rules to events.

A day's events rest on what was known when the day began. Every day is worked on once, in order; the events of
the days before are the state. What can change nothing is not looked at: an obligation is looked at when
something about it became known, when the calendar became another one, and on the next day that it waits for.

Nothing that takes legal effect rests on a provisional day: while the due day is provisional nothing is
overdue and nothing lapses, even when the day has passed. A due day is never moved to before the day on which
it is set anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ipgov.calendars.working_days import WorkingDays
from ipgov.followup.facts import OFFICE, ONE_DAY, Facts, MoreTime, PeriodKey
from ipgov.followup.openings import Call, Source, calls, following, resolved, sources
from ipgov.followup.reminders import Reckoner, reckoner
from ipgov.policy.duties import Rung
from ipgov.policy.duty_store import DutyBook, DutyRule
from ipgov.registry.codes import PROVINCES

EventName = Literal["opened", "due_set", "reminded", "overdue", "escalated", "met", "lapsed", "withdrawn"]
ENDS = ("met", "lapsed", "withdrawn")


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
        return replace(obligation, taken=taken, ended=event.event, ended_on=on)
    return replace(obligation, taken=taken)


def advance(
    obligations: Mapping[str, Obligation], facts: Facts, duties: DutyBook, calendar: WorkingDays, day: dt.date
) -> list[Event]:
    """Return the events of one day, in order; ``calendar`` as known when it began.

    The same day again, after its events, has none.
    """
    work = _Day(dict(obligations), facts, duties, reckoner(calendar), day)
    found = sources(facts, duties, day)
    return work.events(_index(obligations), found, set(obligations))


def run(
    obligations: Obligations,
    facts: Facts,
    duties: DutyBook,
    calendar_on: Callable[[dt.date], WorkingDays],
    first: dt.date,
    last: dt.date,
) -> Iterator[tuple[dt.date, list[Event]]]:
    """Yield the days from ``first`` to ``last`` that have events, with these; brings ``obligations`` forward.

    ``calendar_on`` gives the calendar as known when a day began. The events are those of ``advance`` called
    for every single day.
    """
    index, agenda = _index(obligations), _Agenda(sources(facts, duties, last), first)
    agenda.wake(first, (o.key for o in obligations.values() if o.ended is None))
    calendar, day = calendar_on(first), first
    while day <= last:
        known = calendar_on(day)
        awake, looked_at = agenda.on(day, facts, index)
        if known is not calendar:
            awake |= {o.key for o in obligations.values() if o.ended is None}
            calendar = known
        # the first day takes up whatever was left where the run before ended
        looked = set(obligations) if day == first else awake
        if looked or looked_at:
            work = _Day(obligations, facts, duties, reckoner(known), day)
            events = work.events(index, looked_at, looked)
            for key in work.touched:
                if (next_day := _next_day(obligations[key], reckoner(known), day)) is not None:
                    agenda.wake(next_day, (key,))
            if events:
                yield day, events
        day += ONE_DAY


@dataclass
class _Index:
    """Obligations by what may change them."""

    by_source: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # duty, subject
    by_period: dict[PeriodKey, set[str]] = field(default_factory=dict)
    resting: dict[str, set[str]] = field(default_factory=dict)  # on one that is a whole, or came before
    depths: dict[str, int] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)  # how often a base was opened

    def add(self, o: Obligation) -> None:
        base, subject = _base(o.key), _base(o.subject)
        self.by_source.setdefault((o.rule.duty.code, subject), set()).add(o.key)
        if o.period is not None and o.unit is not None:
            self.by_period.setdefault((o.rule.duty.programme, o.period, o.unit), set()).add(o.key)
        for other in o.rests_on:
            self.resting.setdefault(other, set()).add(o.key)
        self.depths[o.key] = max((self.depths.get(other, 0) + 1 for other in o.rests_on), default=0)
        self.generations[base] = self.generations.get(base, 0) + 1

    def newest(self, base: str) -> str | None:
        """Return the key of the newest obligation of a base; None: it was never opened."""
        number = self.generations.get(base, 0)
        return None if number == 0 else _key(base, number)


def _index(obligations: Mapping[str, Obligation]) -> _Index:
    index = _Index()

    def add(o: Obligation) -> None:
        if o.key not in index.depths:
            for other in o.rests_on:  # first: how deep it stands is counted from there
                if other in obligations:
                    add(obligations[other])
            index.add(o)

    for o in obligations.values():
        add(o)
    return index


def _base(key: str) -> str:
    return key.partition("#")[0]


def _key(base: str, number: int) -> str:
    return base if number == 1 else f"{base}#{number}"


class _Agenda:
    """Which obligations and sources are to be looked at on which day."""

    def __init__(self, found: list[Source], first: dt.date):
        self._keys: dict[dt.date, set[str]] = {}
        self._sources: dict[dt.date, list[Source]] = {}
        for source in found:
            days = {d for d in source.looked_at if d > first and d >= source.begins}
            for day in days | ({first} if source.begins <= first else {source.begins}):
                self._sources.setdefault(day, []).append(source)

    def wake(self, day: dt.date, keys: Iterable[str]) -> None:
        self._keys.setdefault(day, set()).update(keys)

    def on(self, day: dt.date, facts: Facts, index: _Index) -> tuple[set[str], list[Source]]:
        awake = self._keys.pop(day, set()) | facts.keys_with_news.get(day, set())
        for period in facts.periods_with_news.get(day, ()):
            awake |= index.by_period.get(period, set())
        return awake, self._sources.get(day, [])


class _Day:
    """The work of one day."""

    def __init__(
        self, obligations: Obligations, facts: Facts, duties: DutyBook, days: Reckoner, day: dt.date
    ):
        self.obligations, self.facts, self.duties, self.days, self.day = obligations, facts, duties, days, day
        self.touched: set[str] = set()
        self._events: list[Event] = []

    def events(self, index: _Index, looked_at: list[Source], awake: set[str]) -> list[Event]:
        """Return the day's events; brings the obligations and the index forward."""
        called = {id(s): calls(s, self.facts, self.day) for s in looked_at}
        gone = self._no_longer_called(index, looked_at, called)
        self._go_on(index, {k for k in awake | gone if k in self.obligations}, gone)
        opening = [c for s in looked_at for c in called[id(s)]]
        ended = [o for k in awake | gone if (o := self.obligations.get(k)) is not None]
        opening += self._after(ended)
        while opening:
            opened = self._open(index, opening)
            opening = self._after(opened)
        return self._events

    def _no_longer_called(
        self, index: _Index, looked_at: list[Source], called: Mapping[int, list[Call]]
    ) -> set[str]:
        gone: set[str] = set()
        still = {c.base for found in called.values() for c in found}
        for source in looked_at:
            if source.follows_cause:
                there = index.by_source.get((source.rule.duty.code, source.subject), set())
                gone |= {
                    k
                    for k in there
                    if _base(k) not in still
                    and self.obligations[k].ended is None
                    and "/" not in self.obligations[k].cause
                }
        return gone

    def _go_on(self, index: _Index, keys: set[str], gone: set[str]) -> None:
        """Bring obligations forward; a case before its parts, which end with it."""
        queue, depth = set(keys), 0
        while queue:
            now = sorted(k for k in queue if index.depths[k] == depth)
            queue.difference_update(now)
            for key in now:
                was_open = self.obligations[key].ended is None
                self._bring_forward(key, key in gone)
                if was_open and self.obligations[key].ended is not None:
                    queue |= index.resting.get(key, set())
            depth += 1

    def _open(self, index: _Index, opening: list[Call]) -> list[Obligation]:
        """Open what is not open yet; a case before its parts."""
        opened: list[Obligation] = []
        for call in sorted(opening, key=lambda c: (c.rule.duty.part_of is not None, c.base)):
            newest = index.newest(call.base)
            if newest is not None and self.obligations[newest].ended != "withdrawn":
                continue
            part_of = self._whole(index, call)
            if part_of is not None and self.obligations[part_of].ended is not None:
                continue
            key = _key(call.base, index.generations.get(call.base, 0) + 1)
            obligation = self._obligation(call, key, part_of)
            index.add(obligation)
            self._put(
                Event(
                    key,
                    self.day,
                    "opened",
                    "",
                    {
                        "on": call.opened_on.isoformat(),
                        "cause": call.cause,
                        "owed_by": self._named(call.owed_by, call.unit, obligation),
                        "owed_to": self._named(call.owed_to, call.unit, obligation),
                    },
                    obligation,
                )
            )
            self._bring_forward(key, gone=False)
            opened.append(self.obligations[key])
        return opened

    def _whole(self, index: _Index, call: Call) -> str | None:
        """Return the key of the case of which the call is a part."""
        if (whole := call.rule.duty.part_of) is None:
            return None
        programme, _, party, subject = call.base.split("/", 3)
        return index.newest(f"{programme}/{whole}/{party}/{subject}")

    def _obligation(self, call: Call, key: str, part_of: str | None) -> Obligation:
        return Obligation(
            key=key,
            rule=call.rule,
            party=call.party,
            unit=call.unit,
            period=call.period,
            owed_by=call.owed_by,
            owed_to=call.owed_to,
            opened_on=call.opened_on,
            cause=call.cause,
            part_of=part_of,
            opened_day=self.day,
        )

    def _after(self, ended: list[Obligation]) -> list[Call]:
        """Return what comes after obligations that have ended, or are overdue."""
        found: list[Call] = []
        for code in self.duties.codes:
            for rule in self.duties.entries(code):
                opening = rule.duty.opened_by
                for o in ended if opening.after is not None else ():
                    if o.rule.duty.code != opening.after or o.rule.duty.programme != rule.duty.programme:
                        continue
                    since = o.ended_on if o.ended in ("met", "lapsed") else None
                    if since is None and o.ended is None and opening.also_when_overdue and o.is_overdue:
                        since = o.due.due_on
                    if since is None or self.duties.governing(code, since) is not rule:
                        continue
                    call = following(rule, o.key, o.unit, o.period, since, self.facts, self.day)
                    found += [call] if call is not None else []
        return found

    def _bring_forward(self, key: str, gone: bool) -> None:
        """Do everything that a day brings to one obligation."""
        self.touched.add(key)
        if self.obligations[key].ended is not None:
            return
        self._set_due(key)
        if self._end(key, gone):
            return
        o = self.obligations[key]
        due = o.due
        if not due.provisional and due.due_on < self.day and not o.is_overdue:
            self._emit(key, "overdue", due.due_on.isoformat(), {"due_on": due.due_on.isoformat()})
        self._remind(key)

    def _set_due(self, key: str) -> None:
        o = self.obligations[key]
        due = self._reckoned(o)
        if o.dues:
            last = o.due
            if due.due_on < min(self.day, last.due_on):  # nobody could still keep to it
                due = replace(due, due_on=last.due_on)
            if (due.due_on, due.provisional) == (last.due_on, last.provisional):
                return
        detail = {
            "due_on": due.due_on.isoformat(),
            "provisional": due.provisional,
            "reason": due.reason,
            "earlier": o.due.due_on.isoformat() if o.dues else None,
        }
        if due.reason == "extension":
            newest = self._more_time(o)
            if newest is not None:
                detail |= {"by": newest.by, "why": newest.reason}
        self._put(Event(key, self.day, "due_set", self.day.isoformat(), detail, due=due))

    def _reckoned(self, o: Obligation) -> DueSet:
        duty = o.rule.duty
        if duty.due.period is not None:
            assert o.period is not None  # noqa: S101 - policy: due.period only where a period opened it
            period = self.facts.period(duty.programme, o.period)
            base = self.days.due_of_period(period.due, int(period.period))
        else:
            base = self.days.due(o.rule, o.opened_on)
        reason = "calendar" if o.dues else "opened"
        newest = self._more_time(o)
        if newest is not None and newest.until > base.date:
            reason = "extension" if o.dues else "opened"
            return DueSet(newest.until, False, base.calendar, reason, self.day)
        return DueSet(base.date, base.provisional, base.calendar, reason, self.day)

    def _more_time(self, o: Obligation) -> MoreTime | None:
        """Return the decision that gives the most time: the newest of its own, and of the body's period."""
        newest = [self._newest(self.facts.extensions.get(o.key, ()))]
        if o.rule.duty.due.period is not None and o.period is not None and o.unit is not None:
            period = (o.rule.duty.programme, o.period, o.unit)
            newest.append(self._newest(self.facts.period_extensions.get(period, ())))
        return max((n for n in newest if n is not None), key=lambda n: n.until, default=None)

    def _newest(self, rows: tuple[MoreTime, ...]) -> MoreTime | None:
        known = [r for r in rows if r.known_on < self.day]
        return known[-1] if known else None

    def _end(self, key: str, gone: bool) -> bool:
        """End what was met, judged, has run out, or is no longer called for."""
        o = self.obligations[key]
        due, met_by = o.due, o.rule.duty.met_by
        received = self._received(o)
        if received is not None:
            late = received > due.due_on
            overdue = any(event == "overdue" for event, _ in o.taken)
            detail = {"on": received.isoformat(), "late": late, "lifted": overdue and not late}
            self._emit(key, "met", "", detail)
            return True
        judged = self.facts.judgements.get(key)
        if met_by == "judgement" and judged is not None and judged.known_on < self.day:
            late = judged.judged_on > due.due_on
            overdue = any(event == "overdue" for event, _ in o.taken)
            detail = {
                "on": judged.judged_on.isoformat(),
                "late": late,
                "lifted": overdue and not late,
                "judged": "met" if judged.met else "failed",
            }
            self._emit(key, "met" if judged.met else "lapsed", "", detail)
            return True
        whole = None if o.part_of is None else self.obligations.get(o.part_of)
        if whole is not None and whole.ended is not None:
            why = "所属事项已撤销" if whole.ended == "withdrawn" else "所属事项已办结"
            self._emit(key, "withdrawn", "", {"on": self.day.isoformat(), "why": why})
            return True
        if gone or self._cause_withdrawn(o):
            self._emit(key, "withdrawn", "", {"on": self.day.isoformat(), "why": "产生该事项的事实不再成立"})
            return True
        if met_by == "lapse" and not due.provisional and due.due_on < self.day:
            self._emit(key, "lapsed", "", {"on": due.due_on.isoformat()})
            return True
        return False

    def _cause_withdrawn(self, o: Obligation) -> bool:
        before = self.obligations.get(o.cause)
        return before is not None and before.ended == "withdrawn"

    def _received(self, o: Obligation) -> dt.date | None:
        """Return the first day on which what meets it came in; None: nothing did."""
        duty = o.rule.duty
        days: list[dt.date] = []
        if duty.met_by == "report":
            days = [r.received_on for r in self.facts.reports.get(o.key, ()) if r.known_on < self.day]
            days += self._reported_with(o)
        elif duty.met_by == "submission" and o.unit is not None and o.period is not None:
            rows = self.facts.submissions.get((duty.programme, o.period, o.unit), ())
            days = [r.received_on for r in rows if r.known_on < self.day]
        return min(days, default=None)

    def _reported_with(self, o: Obligation) -> list[dt.date]:
        table, _, number = o.cause.partition(":")
        if table != "occurrence":
            return []
        told = self.facts.reported_with.get(int(number))
        return [told] if told is not None else []

    def _remind(self, key: str) -> None:
        """Take the step of the ladder that has come; of several the last, and none on a day not worked."""
        o = self.obligations[key]
        step = self._step(o)
        if step is None or not self.days.working(self.day):
            return
        rung, name = step
        name_of = "escalated" if rung.overdue else "reminded"
        to = []
        for role in rung.to:
            body = None if o.unit is None else self.facts.body(o.rule.duty.programme, o.unit, self.day)
            code = resolved(role, o.party, body)
            to.append({"party": role, **self._named(code, o.unit, o)})
        detail = {
            "rung": rung.step,
            "to": [dict(t) for t in to],
            "due_on": o.due.due_on.isoformat(),
            "provisional": o.due.provisional,
        }
        self._emit(key, name_of, name, detail)  # type: ignore[arg-type]

    def _step(self, o: Obligation) -> tuple[Rung, str] | None:
        ladder = _pending(o, self.days, self.day)
        ready = [(day, at) for at, day in ladder if day <= self.day]
        if not ready:
            return None
        rung = o.rule.ladder.rungs[max(ready)[1]] if o.rule.ladder else None
        return None if rung is None else (rung, _step_name(rung, _extensions(o)))

    def _named(self, code: str, unit: str | None, o: Obligation) -> dict[str, str]:
        if code == OFFICE:
            return {"code": code, "name": "本局"}
        if code in PROVINCES:
            return {"code": code, "name": PROVINCES[code].name}
        if unit is not None and code == unit:
            return {"code": code, "name": self.facts.body(o.rule.duty.programme, unit, self.day).name}
        return {"code": code, "name": self.facts.organisation(code, self.day)}

    def _emit(self, key: str, event: EventName, step: str, detail: Mapping[str, Any]) -> None:
        self._put(Event(key, self.day, event, step, detail))

    def _put(self, event: Event) -> None:
        self._events.append(event)
        self.obligations[event.key] = fold(self.obligations.get(event.key), event)


def _extensions(o: Obligation) -> int:
    return sum(d.reason == "extension" for d in o.dues)


def _step_name(rung: Rung, extensions: int) -> str:
    """Name the step: of a day put off by a decision is reminded anew, of one that the calendar moved not."""
    return rung.step if not extensions else f"{rung.step}@{extensions}"


def _pending(o: Obligation, days: Reckoner, day: dt.date) -> list[tuple[int, dt.date]]:
    """Return the steps still to be taken: their place in the ladder and their day."""
    if o.rule.ladder is None or o.ended is not None:
        return []
    extensions = _extensions(o)
    since = o.opened_day if not extensions else max(d.set_on for d in o.dues if d.reason == "extension")
    rungs = o.rule.ladder.rungs
    taken = [
        at
        for at, rung in enumerate(rungs)
        for event in ("reminded", "escalated")
        if (event, _step_name(rung, extensions)) in o.taken
    ]
    last = max(taken, default=-1)
    found = []
    for at, on in enumerate(days.steps(o.rule, o.opened_day, o.opened_on, o.due.due_on)):
        rung = rungs[at]
        if at <= last or (extensions and rung.at in ("opening", "halfway")):
            continue
        if rung.overdue:
            if o.is_overdue:
                found.append((at, on))
        elif on >= since and day <= o.due.due_on:
            found.append((at, on))
    return found


def _next_day(o: Obligation, days: Reckoner, day: dt.date) -> dt.date | None:
    """Return the next day on which something happens if nothing new becomes known; None: never."""
    if o.ended is not None:
        return None
    coming = [max(on, day + ONE_DAY) for _, on in _pending(o, days, day)]
    if not o.due.provisional and not o.is_overdue:
        coming.append(max(o.due.due_on, day) + ONE_DAY)
    return min(coming, default=None)
