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
from collections.abc import Callable, Iterator, Mapping

from ipgov.calendars.working_days import WorkingDays
from ipgov.followup.agenda import Agenda, index_of
from ipgov.followup.day import Day
from ipgov.followup.events import ENDS, TURNS, DueSet, Event, Obligation, Obligations, fold
from ipgov.followup.facts import ONE_DAY, Facts
from ipgov.followup.ladder import next_day
from ipgov.followup.openings import sources
from ipgov.followup.reminders import reckoner
from ipgov.policy.duty_store import DutyBook

__all__ = ["ENDS", "TURNS", "DueSet", "Event", "Obligation", "Obligations", "advance", "fold", "run"]


def advance(
    obligations: Mapping[str, Obligation], facts: Facts, duties: DutyBook, calendar: WorkingDays, day: dt.date
) -> list[Event]:
    """Return the events of one day, in order; ``calendar`` as known when it began.

    The same day again, after its events, has none.
    """
    work = Day(dict(obligations), facts, duties, reckoner(calendar), day)
    found = sources(facts, duties, day)
    return work.events(index_of(obligations), found, set(obligations))


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
    index, agenda = index_of(obligations), Agenda(sources(facts, duties, last), first)
    agenda.wake(first, (o.key for o in obligations.values() if o.ended is None))
    calendar, day = calendar_on(first), first
    while day <= last:
        known = calendar_on(day)
        awake, looked_at = agenda.on(day, facts, index)
        if known is not calendar:
            awake |= {o.key for o in obligations.values() if o.ended is None or o.rule.duty.repeats}
            calendar = known
        # the first day takes up whatever was left where the run before ended
        looked = set(obligations) if day == first else awake
        if looked or looked_at:
            work = Day(obligations, facts, duties, reckoner(known), day)
            events = work.events(index, looked_at, looked)
            for key in work.touched:
                if (coming := next_day(obligations[key], reckoner(known), day)) is not None:
                    agenda.wake(coming, (key,))
            if events:
                yield day, events
        day += ONE_DAY
