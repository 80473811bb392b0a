"""Whatever happens and whenever it is worked on, the events are the same, and they keep the rules."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from follow_up_worlds import FIRST, LAST, ONE_DAY, World, duty_book, known_before, worlds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.followup import engine
from ipgov.followup.engine import Event, Obligation, Obligations

UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]
FEW = settings(max_examples=50, deadline=None, suppress_health_check=UNHURRIED)
MANY = settings(max_examples=200, deadline=None, suppress_health_check=UNHURRIED)


def folded(events: list[Event], state: Obligations | None = None) -> Obligations:
    state = dict(state or {})
    for event in events:
        state[event.key] = engine.fold(state.get(event.key), event)
    return state


def day_by_day(world: World, last: dt.date = LAST) -> list[Event]:
    events: list[Event] = []
    state: Obligations = {}
    day = FIRST
    while day <= last:
        known, calendar = known_before(world.facts, day), world.calendar_on(day)
        new = engine.advance(state, known, duty_book(), calendar, day)
        state = folded(new, state)
        events += new
        if new:  # the same day once more
            assert engine.advance(state, known, duty_book(), calendar, day) == []
        day += ONE_DAY
    return events


def at_once(world: World, first: dt.date, last: dt.date, state: Obligations) -> list[Event]:
    known = known_before(world.facts, last)
    found = engine.run(dict(state), known, duty_book(), world.calendar_on, first, last)
    return [e for _, events in found for e in events]


@FEW
@given(worlds())
def test_looking_at_what_may_change_gives_what_looking_at_everything_every_day_gives(world: World) -> None:
    assert at_once(world, FIRST, LAST, {}) == day_by_day(world)


@MANY
@given(worlds(), st.lists(st.dates(FIRST, LAST), max_size=4))
def test_late_or_in_parts_the_events_are_the_same_and_keep_the_rules(
    world: World, outages: list[dt.date]
) -> None:
    expected = at_once(world, FIRST, LAST, {})
    events: list[Event] = []
    first = FIRST
    for last in sorted({*outages, LAST}):  # each time restored from what was written so far
        events += at_once(world, first, last, folded(events))
        first = last + ONE_DAY
    assert events == expected
    keep_the_rules(world, expected)


def keep_the_rules(world: World, events: list[Event]) -> None:
    by_key: dict[str, list[Event]] = {}
    for event in events:
        by_key.setdefault(event.key, []).append(event)
    for told in by_key.values():
        of_one(world, told)


def of_one(world: World, events: list[Event]) -> None:
    assert [e.event for e in events[:2]] == ["opened", "due_set"]
    assert len({(e.event, e.step) for e in events}) == len(events), "never twice"
    for end, after in pairwise(events):
        if end.event in engine.ENDS:
            assert (after.event, end.detail.get("judged") is not None) == ("resumed", True), "the end"
        assert after.event != "resumed" or end.event in engine.ENDS, "what has ended alone goes on again"
    o: Obligation | None = None
    for event in events:
        o = engine.fold(o, event)
        calendar = world.calendar_on(event.day)
        if event.event in ("reminded", "escalated"):
            assert calendar.day(event.day).working
            if event.event == "escalated":
                assert o.is_overdue
                assert event.day > o.due.due_on
            else:
                assert event.day <= o.due.due_on
            assert event.detail["to"]
        if event.event == "overdue":
            assert o.due.due_on < event.day
            assert not o.due.provisional
        if event.event == "lapsed" and o.rule.duty.met_by == "lapse":
            assert o.due.due_on < event.day
            assert not o.due.provisional
        if event.due is not None:
            checked_due(world, o, event)
    reminders = [e.day for e in events if e.event in ("reminded", "escalated")]
    assert len(set(reminders)) == len(reminders), "two steps of a day are one"


def checked_due(world: World, o: Obligation, event: Event) -> None:
    calendar, due = world.calendar_on(event.day), event.due
    assert due is not None
    limit = o.rule.duty.due.limit
    granted = {m.until for rows in world.facts.extensions.values() for m in rows}
    kept = len(o.dues) > 1 and due.due_on == o.dues[-2].due_on  # too late to take days away
    if limit is not None and limit.roll and due.due_on not in granted and not kept:
        assert calendar.day(due.due_on).working
        # nobody enters 2031: provisional as long as no notice says otherwise
        looked_at = [
            calendar.day(o.opened_on + i * ONE_DAY) for i in range((due.due_on - o.opened_on).days + 1)
        ]
        assert not due.provisional or any(d.provisional for d in looked_at)
        assert due.provisional == looked_at[-1].provisional or limit.working_days is not None
    if len(o.dues) > 1:
        earlier = o.dues[-2]
        assert (due.due_on, due.provisional) != (earlier.due_on, earlier.provisional)
        assert due.due_on >= min(event.day, earlier.due_on)
    assert due.calendar == calendar.version
