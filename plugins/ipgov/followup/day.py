"""The work of one day on obligations: open, set due days, end, find overdue, remind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ipgov.followup.agenda import Index, base_of, key_of, next_of, series_of
from ipgov.followup.events import DueSet, Event, EventName, Obligation, Obligations, fold
from ipgov.followup.facts import OFFICE, Facts, MoreTime
from ipgov.followup.ladder import pending, step_name, times_extended
from ipgov.followup.openings import Call, Source, calls, following, resolved
from ipgov.followup.reminders import Reckoner
from ipgov.policy.duties import Rung
from ipgov.policy.duty_store import DutyBook
from ipgov.registry.codes import PROVINCES


class Day:
    """The work of one day."""

    def __init__(
        self, obligations: Obligations, facts: Facts, duties: DutyBook, days: Reckoner, day: dt.date
    ):
        self.obligations, self.facts, self.duties, self.days, self.day = obligations, facts, duties, days, day
        self.touched: set[str] = set()
        self._events: list[Event] = []
        self._names: dict[tuple[str, str], str] = {}  # by programme and code

    def events(self, index: Index, looked_at: list[Source], awake: set[str]) -> list[Event]:
        """Return the day's events; brings the obligations and the index forward."""
        called = {id(s): calls(s, self.facts, self.day) for s in looked_at}
        gone = self._no_longer_called(index, looked_at, called)
        self._go_on(index, {k for k in awake | gone if k in self.obligations}, gone)
        opening = [c for s in looked_at for c in called[id(s)]]
        opening += self._after([self.obligations[k] for k in sorted(self.touched)])
        while opening:
            opened = self._open(index, opening)
            opening = self._after(opened)
        return self._events

    def _no_longer_called(
        self, index: Index, looked_at: list[Source], called: Mapping[int, list[Call]]
    ) -> set[str]:
        gone: set[str] = set()
        still = {c.base for found in called.values() for c in found}
        for source in looked_at:
            if source.follows_cause:
                there = index.by_source.get((source.rule.duty.code, source.subject), set())
                gone |= {
                    k
                    for k in there
                    if base_of(k) not in still
                    and (self.obligations[k].ended is None or self._resumes(self.obligations[k]))
                    and "/" not in self.obligations[k].cause
                }
            elif source.occurrence is not None and not called[id(source)]:
                there = index.by_source.get((source.rule.duty.code, source.subject), set())
                cause = f"occurrence:{source.occurrence.id}"
                gone |= {
                    k for k in there if self.obligations[k].cause == cause and not self.obligations[k].ended
                }
        return gone

    def _go_on(self, index: Index, keys: set[str], gone: set[str]) -> None:
        """Bring obligations forward; a case before its parts, which end with it."""
        queue, depth = set(keys), 0
        while queue:
            now = sorted(k for k in queue if index.depths[k] == depth)
            queue.difference_update(now)
            for key in now:
                before = self.obligations[key]
                self._bring_forward(key, key in gone)
                after = self.obligations[key]
                if (after.ended, after.dues) != (before.ended, before.dues):
                    queue |= index.resting.get(key, set())
            depth += 1

    def _open(self, index: Index, opening: list[Call]) -> list[Obligation]:
        """Open what is not open yet; a case before its parts."""
        opened: list[Obligation] = []
        for call in sorted(opening, key=lambda c: (c.rule.duty.part_of is not None, c.base)):
            if self._is_there(index, call):
                continue
            part_of = self._whole(index, call)
            if part_of is not None and self.obligations[part_of].ended is not None:
                continue
            key = key_of(call.base, index.generations.get(call.base, 0) + 1)
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

    def _is_there(self, index: Index, call: Call) -> bool:
        newest = index.newest(call.base)
        if newest is None or self.obligations[newest].ended == "withdrawn":
            return False
        # after one that was itself opened anew comes another
        return call.rule.duty.opened_by.after is None or self.obligations[newest].cause == call.cause

    def _whole(self, index: Index, call: Call) -> str | None:
        """Return the key of the case of which the call is a part."""
        if (whole := call.rule.duty.part_of) is None:
            return None
        programme, _, party, subject = call.base.split("/", 3)
        return index.newest(f"{programme}/{whole}/{party}/{series_of(subject)}")

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
        """Return what comes after obligations that have ended, are overdue, or come again and again."""
        found: list[Call] = []
        for o in ended:
            found += self._next_of_series(o)
            for rule in self.duties.following(o.rule.duty.code):
                since = o.ended_on if o.ended in ("met", "lapsed") else None
                if rule.duty.opened_by.also_when_overdue and o.ended is None and o.is_overdue:
                    since = o.due.due_on
                if since is None or self.duties.governing(rule.duty.code, since) is not rule:
                    continue
                call = following(rule, o.key, o.unit, o.period, since, self.facts, self.day)
                found += [call] if call is not None else []
        return found

    def _next_of_series(self, o: Obligation) -> list[Call]:
        """Return the next one where a milestone comes again: from due day to due day, while the case runs."""
        duty, whole = o.rule.duty, self.obligations.get(o.part_of or "")
        if not duty.repeats or whole is None or o.ended == "withdrawn" or whole.ended is not None:
            return []
        begins = o.due.due_on
        if begins >= self.day or self.days.due(o.rule, begins).date >= whole.due.due_on:
            return []
        body = None if o.unit is None else self.facts.body(duty.programme, o.unit, self.day)
        return [
            Call(
                rule=o.rule,
                base=next_of(base_of(o.key)),
                party=o.party,
                unit=o.unit,
                period=o.period,
                opened_on=begins,
                cause=o.key,
                owed_by=resolved(duty.owed_by, o.party, body),
                owed_to=resolved(duty.owed_to, o.party, body),
            )
        ]

    def _resumes(self, o: Obligation) -> bool:
        """Tell whether the judgement that ended it counts no more."""
        return o.judged_by is not None and self.facts.judgement(o.key, self.day)[0] != o.judged_by

    def _bring_forward(self, key: str, gone: bool) -> None:
        """Do everything that a day brings to one obligation."""
        self.touched.add(key)
        if self._resumes(self.obligations[key]):
            number, _ = self.facts.judgement(key, self.day)
            self._emit(key, "resumed", str(number), {"why": "原结论已撤销，待重新作出结论"})
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
            period = self.facts.period(duty.collected_in, o.period)
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
            period = (o.rule.duty.collected_in, o.period, o.unit)
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
        number, judged = self.facts.judgement(key, self.day)
        if met_by == "judgement" and judged is not None:
            late = judged.judged_on > due.due_on
            overdue = any(event == "overdue" for event, _ in o.taken)
            detail = {
                "on": judged.judged_on.isoformat(),
                "late": late,
                "lifted": overdue and not late,
                "judged": judged.outcome,
                "judgement": number,
            }
            step = "" if number == 1 else str(number)
            self._emit(key, "met" if judged.outcome == "met" else "lapsed", step, detail)
            return True
        whole = None if o.part_of is None else self.obligations.get(o.part_of)
        if whole is not None and whole.ended is not None:
            why = "所属事项已撤销" if whole.ended == "withdrawn" else "所属事项已办结"
            self._emit(key, "withdrawn", "", {"on": self.day.isoformat(), "why": why})
            return True
        if gone or self._cause_gone(o):
            detail = {"on": self.day.isoformat(), "why": "产生该事项的事实不再成立"}
            if (back := self.facts.retraction(o.cause, self.day)) is not None:
                detail |= {"why": back.reason, "retracted_by": back.by}
            self._emit(key, "withdrawn", "", detail)
            return True
        if met_by == "lapse" and not due.provisional and due.due_on < self.day:
            self._emit(key, "lapsed", "", {"on": due.due_on.isoformat()})
            return True
        return False

    def _cause_gone(self, o: Obligation) -> bool:
        """Tell whether what it came after was withdrawn, or goes on again."""
        before, opening = self.obligations.get(o.cause), o.rule.duty.opened_by
        if before is None or opening.after is None or before.ended is not None:
            return before is not None and before.ended == "withdrawn"
        return not (opening.also_when_overdue and any(event == "overdue" for event, _ in before.taken))

    def _received(self, o: Obligation) -> dt.date | None:
        """Return the first day on which what meets it came in; None: nothing did."""
        duty = o.rule.duty
        days: list[dt.date] = []
        if duty.met_by == "report":
            days = [r.received_on for r in self.facts.reports.get(o.key, ()) if r.known_on < self.day]
            days += self._reported_with(o) + self._reported_before(o)
        elif duty.met_by == "submission" and o.unit is not None and o.period is not None:
            rows = self.facts.submissions.get((duty.collected_in, o.period, o.unit), ())
            days = [r.received_on for r in rows if r.known_on < self.day]
        return min(days, default=None)

    def _reported_before(self, o: Obligation) -> list[dt.date]:
        """Return when what it owes came in before it was opened anew in the same case."""
        base, number = base_of(o.key), int(o.key.partition("#")[2] or 1)
        earlier = [key_of(base, n) for n in range(1, number) if o.part_of is not None]
        same = [k for k in earlier if k in self.obligations and self.obligations[k].part_of == o.part_of]
        told = [r for k in same for r in self.facts.reports.get(k, ()) if r.known_on < o.opened_day]
        return [r.received_on for r in told]

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
        ladder = pending(o, self.days, self.day)
        ready = [(day, at) for at, day in ladder if day <= self.day]
        if not ready:
            return None
        rung = o.rule.ladder.rungs[max(ready)[1]] if o.rule.ladder else None
        return None if rung is None else (rung, step_name(rung, times_extended(o)))

    def _named(self, code: str, unit: str | None, o: Obligation) -> dict[str, str]:
        key = (o.rule.duty.programme, code)
        if key not in self._names:
            self._names[key] = self._name(code, unit, o)
        return {"code": code, "name": self._names[key]}

    def _name(self, code: str, unit: str | None, o: Obligation) -> str:
        if code == OFFICE:
            return "本局"
        if code in PROVINCES:
            return PROVINCES[code].name
        if unit is not None and code == unit:
            return self.facts.body(o.rule.duty.programme, unit, self.day).name
        return self.facts.organisation(code, self.day)

    def _emit(self, key: str, event: EventName, step: str, detail: Mapping[str, Any]) -> None:
        self._put(Event(key, self.day, event, step, detail))

    def _put(self, event: Event) -> None:
        self._events.append(event)
        self.obligations[event.key] = fold(self.obligations.get(event.key), event)
