"""What commands and pages show of cases: where each stands, what it owes, everything that happened."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection

from ipgov.core.database import reading
from ipgov.followup import case_states, cases
from ipgov.followup.case_problems import of_case
from ipgov.followup.case_states import EVENTS
from ipgov.followup.cases import Case
from ipgov.procedures import case_papers, case_workbooks


def _head(connection: Connection, case: Case, day: dt.date, known_at: dt.datetime) -> dict[str, Any]:
    happened = cases.events(connection, case.obligation_id, known_at, day)
    now = case_states.replay(case.rules, happened)
    ending = case.rules.endings[now.outcome].name if now.outcome else ""
    return {
        "case": case.obligation_id,
        "kind": case.rules.name,
        "inquiry": case.rules.inquiry is not None,
        "programme": case.programme,
        "period": case.period,
        "unit": case.unit,
        "name": case.name,
        "state": now.state.value,
        "state_name": now.state.label,
        "opened_on": case.opened_on,
        "due_on": case.due_on,
        "outcome": now.outcome,
        "outcome_name": ending,
        "overdue": cases.overdue(case, happened, day),
    }


def listed(
    day: dt.date, known_at: dt.datetime, programme: str | None = None, unit: str | None = None
) -> list[dict[str, Any]]:
    """Return every case that was open or over by a day, as known at a moment."""
    with reading() as connection:
        found = [c for c in cases.every(connection, known_at, programme, unit) if c.opened_on <= day]
        return [_head(connection, c, day, known_at) for c in found]


def of_round(connection: Connection, case_id: int, outcome: str) -> dict[str, Any]:
    """Return a case whole, as all that is on record says, and the ending that a round proposes."""
    always = dt.datetime.max.replace(tzinfo=dt.UTC)
    case = cases.get(connection, case_id, always)
    ending = case.rules.endings[outcome]
    proposed = {
        "proposed": ending.name,
        "meaning": ending.meaning,
        "basis": case_papers.basis_in_words(ending.basis),
    }
    return {**_whole(connection, case, dt.date.max, always), **proposed}


def show(case_id: int, day: dt.date, known_at: dt.datetime) -> dict[str, Any]:
    """Return one case whole: head, problems, events, files; UnknownError where there is none."""
    with reading() as connection:
        return _whole(connection, cases.get(connection, case_id, known_at), day, known_at)


def _whole(connection: Connection, case: Case, day: dt.date, known_at: dt.datetime) -> dict[str, Any]:
    happened = cases.events(connection, case.obligation_id, known_at, day)
    now = case_states.replay(case.rules, happened)
    left = None if now.unsolved is None else set(now.unsolved)
    problems = [
        {
            **p.as_dict(),
            "kind_name": p.kind_name,
            "place": p.place,
            "solved": None if left is None else p.number not in left,
            "checked": "" if left is None else case_papers.found_word(case, p.number in left),
        }
        for p in of_case(connection, case.obligation_id)
    ]
    events = [
        {
            "event": e.event,
            "event_name": EVENTS[e.event],
            "day": e.day,
            "actor": e.actor,
            "said": case_papers.said(e),
        }
        for e in happened
    ]
    names = ("filename", "bytes", "problems", "outcome", "reason", "digest", "media_type", "scan")
    files = [{n: f[n] for n in names} for f in cases.evidence(connection, case.obligation_id)]
    return {
        **_head(connection, case, day, known_at),
        "progress_days": cases.progress_days(case),
        "problems": problems,
        "events": events,
        "files": files,
        "workbooks": case_workbooks.of_case(connection, case.obligation_id, known_at),
    }
