"""Which steps of its ladder an obligation has still before it."""

from __future__ import annotations

import datetime as dt

from ipgov.followup.events import Obligation
from ipgov.followup.facts import ONE_DAY
from ipgov.followup.reminders import Reckoner
from ipgov.policy.duties import Rung


def times_extended(o: Obligation) -> int:
    """Return how often its due day was put off by a decision."""
    return sum(d.reason == "extension" for d in o.dues)


def step_name(rung: Rung, extensions: int) -> str:
    """Name the step: of a day put off by a decision is reminded anew, of one that the calendar moved not."""
    return rung.step if not extensions else f"{rung.step}@{extensions}"


def pending(o: Obligation, days: Reckoner, day: dt.date) -> list[tuple[int, dt.date]]:
    """Return the steps still to be taken: their place in the ladder and their day."""
    if o.rule.ladder is None or o.ended is not None:
        return []
    extensions = times_extended(o)
    since = o.opened_day if not extensions else max(d.set_on for d in o.dues if d.reason == "extension")
    rungs = o.rule.ladder.rungs
    done = {step for event, step in o.taken if event in ("reminded", "escalated")}
    last = max((at for at, r in enumerate(rungs) if step_name(r, extensions) in done), default=-1)
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


def next_day(o: Obligation, days: Reckoner, day: dt.date) -> dt.date | None:
    """Return the next day on which something happens if nothing new becomes known; None: never."""
    following = [o.due.due_on + ONE_DAY] if o.rule.duty.repeats and o.due.due_on >= day else []
    if o.ended is not None:
        return following[0] if following and o.ended != "withdrawn" else None
    coming = following + [max(on, day + ONE_DAY) for _, on in pending(o, days, day)]
    if not o.due.provisional and not o.is_overdue:
        coming.append(max(o.due.due_on, day) + ONE_DAY)
    return min(coming, default=None)
