"""Cases: obligations that have a record, and where each stands on a day.

A case is the obligation of a duty that ``policies/cases/`` names. Its events are rows
(``case_event``); where it stands is what ``case_states`` makes of them, on every day and as known at every
moment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select

from ipgov.calendars import deadlines
from ipgov.core import tables as t
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import fingerprint
from ipgov.followup import case_states
from ipgov.followup.agenda import base_of
from ipgov.followup.case_problems import of_case
from ipgov.followup.case_states import CaseEvent, Standing, State
from ipgov.policy import cases as policy
from ipgov.policy.cases import CaseRules
from ipgov.policy.duty_store import duties, frozen_duty
from ipgov.policy.rules import Budget
from ipgov.registry.asof import listed, newest


@dataclass(frozen=True)
class Case:
    """An obligation with the rules of its case, and the body as it is registered."""

    obligation_id: int
    programme: str
    duty: str
    period: str | None
    unit: str
    name: str
    province: str
    route: str
    opened_on: dt.date
    due_on: dt.date
    rules: CaseRules
    case_rules_sha256: str
    rule_sha256: str
    round_id: int | None
    progress_every: Budget | None  # how far apart reports on progress are due; None: none is asked for

    @property
    def round_period(self) -> str:
        """Return the period under which its papers and rounds stand: its own, else the year it opened in."""
        return self.period or str(self.opened_on.year)


def unopened(
    connection: Connection, day: dt.date, known_at: dt.datetime
) -> list[tuple[RowMapping, CaseRules]]:
    """Return the obligations opened by a day whose duty is a case and that have no record yet."""
    there = select(t.rectification_case.c.id).where(t.rectification_case.c.obligation_id == t.obligation.c.id)
    rows = connection.execute(
        select(t.obligation)
        .where(
            t.obligation.c.opened_on <= day,
            t.obligation.c.known_at <= known_at,
            t.obligation.c.unit.is_not(None),
            t.obligation.c.duty.in_(sorted({c.duty for c in policy.every()})),
            ~there.exists(),
        )
        .order_by(t.obligation.c.opened_on, t.obligation.c.key)
    ).mappings()
    found = ((row, policy.governing(row["programme"], row["duty"], row["opened_on"])) for row in rows)
    return [(row, rules) for row, rules in found if rules is not None]


def unnotified(connection: Connection, known_at: dt.datetime) -> list[int]:
    """Return the cases in which nothing has happened yet: the notice is still to go out."""
    case, event = t.rectification_case, t.case_event
    happened = select(event.c.id).where(event.c.obligation_id == case.c.obligation_id).exists()
    query = select(case.c.obligation_id).where(case.c.known_at <= known_at, ~happened)
    return list(connection.execute(query.order_by(case.c.obligation_id)).scalars())


def withdrawn(connection: Connection, known_at: dt.datetime) -> list[int]:
    """Return the cases whose obligation is owed no more while they themselves have not ended."""
    case, event, gone = t.rectification_case, t.case_event, t.obligation_event
    ended = event.c.event.in_(("close", "withdraw")) & (event.c.obligation_id == case.c.obligation_id)
    query = (
        select(case.c.obligation_id)
        .join(gone, gone.c.obligation_id == case.c.obligation_id)
        .where(gone.c.event == "withdrawn", gone.c.known_at <= known_at)
        .where(~select(event.c.id).where(ended).exists())
    )
    return list(connection.execute(query.order_by(case.c.obligation_id)).scalars())


def due_on(connection: Connection, obligation_id: int, known_at: dt.datetime) -> dt.date:
    """Return the last day of an obligation as known at a moment, with every extension granted by then."""
    due, more = t.obligation_due, t.obligation_extension
    last = connection.execute(
        select(due.c.due_on)
        .where(due.c.obligation_id == obligation_id, due.c.known_at <= known_at)
        .order_by(due.c.id.desc())
        .limit(1)
    ).scalar()
    if last is None:
        raise UnknownError(f"事项 {obligation_id} 尚未确定期限")
    extended = connection.execute(
        select(func.max(more.c.until)).where(
            more.c.obligation_id == obligation_id, more.c.known_at <= known_at
        )
    ).scalar()
    return max(last, extended or last)


def _cases(known_at: dt.datetime) -> Select[Any]:
    far = dt.date.max  # the body as it was registered last, whatever its first day
    body = newest(t.titled_body, [t.titled_body.c.programme, t.titled_body.c.unit], far, known_at)
    case = t.rectification_case
    return (
        select(
            t.obligation.c.id.label("obligation_id"),
            t.obligation.c.programme,
            t.obligation.c.duty,
            t.obligation.c.period,
            t.obligation.c.unit,
            t.obligation.c.opened_on,
            body.c.name,
            body.c.province,
            body.c.route,
            case.c.case_rules_sha256,
            case.c.rule_sha256,
            case.c.round_id,
        )
        .join(case, case.c.obligation_id == t.obligation.c.id)
        .join(body, (body.c.programme == t.obligation.c.programme) & (body.c.unit == t.obligation.c.unit))
        .where(case.c.known_at <= known_at)
        .order_by(t.obligation.c.opened_on, t.obligation.c.id)
    )


def _case(connection: Connection, row: Any, known_at: dt.datetime) -> Case:
    return Case(
        **row,
        rules=policy.frozen(row["case_rules_sha256"]),
        due_on=due_on(connection, row["obligation_id"], known_at),
        progress_every=_progress_every(connection, row),
    )


def _progress_every(connection: Connection, row: Any) -> Budget | None:
    """Return the limit of the duty of progress reports, as frozen where one was opened."""
    code = policy.frozen(row["case_rules_sha256"]).progress.milestone
    if code is None:
        return None
    table = t.obligation
    own = select(table.c.rule_sha256).where(table.c.part_of_id == row["obligation_id"], table.c.duty == code)
    sha256 = connection.execute(own.order_by(table.c.id).limit(1)).scalar()
    rule = frozen_duty(sha256) if sha256 else duties().governing(code, row["opened_on"])
    return None if rule is None else rule.duty.due.limit


def get(connection: Connection, case_id: int, known_at: dt.datetime) -> Case:
    """Return a case by the number of its obligation; UnknownError names those there are."""
    row = connection.execute(_cases(known_at).where(t.obligation.c.id == case_id)).mappings().first()
    if row is None:
        there = connection.execute(select(t.rectification_case.c.obligation_id).order_by("obligation_id"))
        raise UnknownError(
            f"没有编号为 {case_id} 的整改案件；现有：{listed([str(i) for i in there.scalars()])}"
        )
    return _case(connection, row, known_at)


def every(
    connection: Connection, known_at: dt.datetime, programme: str | None = None, unit: str | None = None
) -> list[Case]:
    """Return the cases known at a moment, in order of opening."""
    query = _cases(known_at)
    if programme is not None:
        query = query.where(t.obligation.c.programme == programme)
    if unit is not None:
        query = query.where(t.obligation.c.unit == unit)
    return [_case(connection, row, known_at) for row in connection.execute(query).mappings().all()]


def events(
    connection: Connection,
    case_id: int,
    known_at: dt.datetime | None = None,
    through: dt.date | None = None,
) -> list[CaseEvent]:
    """Return what happened in a case, in order: up to a day, as known at a moment."""
    table = t.case_event
    query = select(table).where(table.c.obligation_id == case_id).order_by(table.c.sequence)
    if known_at is not None:
        query = query.where(table.c.known_at <= known_at)
    if through is not None:
        query = query.where(table.c.day <= through)
    rows = connection.execute(query).mappings()
    return [CaseEvent(r["event"], r["day"], r["actor"], r["note"], r["detail"]) for r in rows]


def standing(
    connection: Connection, case: Case, known_at: dt.datetime | None = None, through: dt.date | None = None
) -> Standing:
    """Return where a case stands: on a day, as known at a moment."""
    return case_states.replay(case.rules, events(connection, case.obligation_id, known_at, through))


def record(
    connection: Connection,
    case: Case,
    event: str,
    day: dt.date,
    actor: str,
    note: str,
    known_at: dt.datetime,
    detail: Mapping[str, Any] | None = None,
) -> tuple[int, Standing]:
    """Write what happened; return the row's id and where the case stands then.

    Raises RefusedError where it cannot happen now (``case_states``); nothing is written then.
    """
    lock(connection, "case", case.obligation_id)
    before = events(connection, case.obligation_id)
    due = due_on(connection, case.obligation_id, known_at)
    new = CaseEvent(event, day, actor, note, {"due_on": due.isoformat(), **(detail or {})})
    after = case_states.apply(case.rules, case_states.replay(case.rules, before), new)
    table = t.case_event
    row_id = connection.execute(
        table.insert()
        .values(
            obligation_id=case.obligation_id,
            sequence=len(before) + 1,
            event=event,
            day=day,
            actor=actor,
            note=note,
            detail=dict(new.detail),
            known_at=known_at,
        )
        .returning(table.c.id)
    ).scalar_one()
    return int(row_id), after


def judge(
    connection: Connection,
    obligation_id: int,
    outcome: str,
    day: dt.date,
    actor: str,
    note: str,
    known_at: dt.datetime,
) -> None:
    """Meet (or fail) the obligation itself: nobody is reminded any more.

    ``outcome`` withdrawn: the judgement counts no more, duties and reminders go on until the next. A
    judgement stands until it is withdrawn; where there is none to withdraw, nothing happens.
    """
    table = t.obligation_judgement
    newest = select(table.c.outcome).where(table.c.obligation_id == obligation_id)
    last = connection.execute(newest.order_by(table.c.id.desc()).limit(1)).scalar()
    if (last in ("met", "failed")) != (outcome == "withdrawn"):
        return
    connection.execute(
        table.insert().values(
            obligation_id=obligation_id,
            judged_on=day,
            outcome=outcome,
            judged_by=actor,
            note=note,
            known_at=known_at,
        )
    )


def evaluation(connection: Connection, case: Case) -> int | None:
    """Return the office's own obligation to evaluate again; None where there is none, or it was withdrawn."""
    rule = case.rules.reevaluation
    own = milestone(connection, case, rule.duty) if rule is not None and rule.duty else None
    event = t.obligation_event
    gone = select(event.c.id).where(event.c.obligation_id == own, event.c.event == "withdrawn")
    return None if own is None or connection.execute(gone).first() else own


def progress_owed(connection: Connection, case: Case) -> int | None:
    """Return the oldest report on progress that is still owed, which the next one meets; None: none is.

    One that was withdrawn with the case counts as well: what meets it meets what is opened anew.
    """
    o, report, event = t.obligation, t.obligation_report, t.obligation_event
    met = select(event.c.id).where(event.c.obligation_id == o.c.id, event.c.event == "met").exists()
    there = select(report.c.id).where(report.c.obligation_id == o.c.id).exists()
    rows = connection.execute(
        select(o.c.id, o.c.key, (met | there).label("done"))
        .where(o.c.part_of_id == case.obligation_id, o.c.duty == case.rules.progress.milestone)
        .order_by(o.c.id)
    ).mappings()
    newest: dict[str, RowMapping] = {}
    done = set[str]()
    for row in rows:
        base = base_of(row["key"])
        newest[base] = row
        if row["done"]:
            done.add(base)
    return next((int(row["id"]) for base, row in newest.items() if base not in done), None)


def milestone(connection: Connection, case: Case, duty: str) -> int | None:
    """Return the newest obligation of another duty that belongs to a case; None where it was not opened."""
    table = t.obligation
    query = select(table.c.id).where(
        table.c.programme == case.programme, table.c.duty == duty, table.c.unit == case.unit
    )
    query = query.where(table.c.opened_on >= case.opened_on)
    if case.period is not None:
        query = query.where((table.c.period == case.period) | table.c.period.is_(None))
    return connection.execute(query.order_by(table.c.id.desc()).limit(1)).scalar()


def progress_days(case: Case) -> list[dt.date]:
    """Return the days on which a progress report is due, as planned: one each interval, to the due day."""
    every_, found = case.progress_every, list[dt.date]()
    if every_ is None:
        return found
    at = deadlines.due(case.opened_on, every_).date
    while at < case.due_on:
        found.append(at)
        following = deadlines.due(at, every_).date
        if following <= at:
            raise RefusedError(f"{case.rules.name}的进展报告间隔须大于零")
        at = following
    return found


def overdue(case: Case, events_: Sequence[CaseEvent], day: dt.date) -> list[str]:
    """Return in Chinese what a case owes and has not done by a day."""
    now = case_states.replay(case.rules, [e for e in events_ if e.day <= day])
    if now.state not in (State.NOTIFIED, State.RECTIFYING):
        return []
    told = []
    expected = [d for d in progress_days(case) if d < day]
    if len(expected) > now.progress:
        told.append(f"应报进展报告 {len(expected)} 份，已报 {now.progress} 份")
    if day > case.due_on:
        lacking = [
            *(["整改方案"] if case.rules.plan.required and not now.plans else []),
            *(["佐证材料"] if case.rules.evidence.required and not now.evidence else []),
        ]
        short = f"，缺{'、'.join(lacking)}" if lacking else ""
        told.append(f"整改期限 {case.due_on} 已过，尚未验收{short}")
    return told


def evidence(connection: Connection, case_id: int) -> list[RowMapping]:
    """Return every file that came in a case, kept or refused, in order."""
    table = t.case_evidence
    rows = connection.execute(select(table).where(table.c.obligation_id == case_id).order_by(table.c.id))
    return list(rows.mappings())


def put_up(connection: Connection, case: Case, outcome: str) -> dict[str, Any]:
    """Return exactly what a round about the case puts before the reviewers: all that happened before it."""
    told: list[CaseEvent] = []
    for event in events(connection, case.obligation_id):
        told.append(event)
    if told and told[-1].event == "propose":
        told.pop()
    kept = [e for e in evidence(connection, case.obligation_id) if e["outcome"] == "kept"]
    return {
        "case": case.obligation_id,
        "unit": case.unit,
        "opened_on": case.opened_on,
        "case_rules": case.case_rules_sha256,
        "rules": case.rule_sha256,
        "problems": [p.as_dict() for p in of_case(connection, case.obligation_id)],
        "events": [
            {"event": e.event, "day": e.day, "actor": e.actor, "note": e.note, "detail": dict(e.detail)}
            for e in told
        ],
        "evidence": [
            {"filename": e["filename"], "sha256": e["sha256"], "problems": list(e["problems"])} for e in kept
        ],
        "outcome": outcome,
    }


def record_fingerprint(connection: Connection, case: Case, outcome: str, paper_sha256: str) -> str:
    """Return the fingerprint that an approval of a case is bound to: its record, the outcome, the paper."""
    return fingerprint({**put_up(connection, case, outcome), "paper": paper_sha256})
