"""Applicants: entered into the registry, and what happens to their applications recorded in their lives.

What a body, its province and the office do with an application stands in the facts of their own rooms
(submissions, audits, reports); ``catch_up`` records from them the events of the title's life that follow
(2024-1155#28 to #30), once each, and may run as often as one likes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ipgov.calendars.deadlines import cycle_days
from ipgov.core.database import lock, reading, transaction
from ipgov.core.errors import RefusedError
from ipgov.core.steps import SHANGHAI, Cycle, Mode, StepResult
from ipgov.core.tables import (
    obligation,
    obligation_report,
    occurrence,
    province_audit,
    submission,
    title_event,
)
from ipgov.evaluation.basis import in_chinese
from ipgov.intake.inbox import parse_key
from ipgov.policy import store
from ipgov.policy.duty_store import duties
from ipgov.policy.lifecycles import Actor
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures.cycles import opened, rules_of
from ipgov.procedures.gate_review import rule_of
from ipgov.procedures.snapshots import bodies
from ipgov.registry.organisations import Organisation, add_organisation
from ipgov.registry.platforms import Unit, add_titled_body, roster
from ipgov.registry.titles import life, record_title_event, standing, standings


@dataclass(frozen=True)
class Candidate:
    """A body that may apply: its code, the name it would bear, industry, province, route, organisations."""

    unit: str
    name: str
    kind: str
    province: str
    route: str
    host: Organisation
    operator: Organisation


def register(programme: str, candidate: Candidate, by: str, as_of: dt.date, known_at: dt.datetime) -> bool:
    """Enter a candidate with its organisations; return whether anything was written. It gives no title.

    Raises RefusedError for a name that policy does not allow (2024-1155#27), for the direct route of a host
    that may not take it (#29), and for a body that holds the title; else as add_titled_body.
    """
    rules = store.in_force(programme, as_of).rules
    check_fit(rules, candidate)
    source = f"申报登记（{by}）"
    with transaction() as connection:
        lock(connection, "titled body", rules.title_programme, candidate.unit)
        known = {u.unit for u in roster(connection, rules.title_programme, as_of, known_at)}
        if candidate.unit in known:
            raise RefusedError(f"{candidate.unit} 已持有{rules.subject.title}资格，不能再次申报")
        written = [
            add_organisation(connection, organisation, as_of, source, known_at)
            for organisation in dict.fromkeys((candidate.host, candidate.operator))
        ]
        written.append(
            add_titled_body(
                connection,
                programme,
                candidate.unit,
                candidate.name,
                candidate.kind,
                candidate.province,
                candidate.route,
                candidate.host.code,
                candidate.operator.code,
                as_of,
                source,
                known_at,
            )
        )
    return any(written)


def check_fit(rules: RuleVersion, candidate: Candidate) -> None:
    """Refuse a name that policy does not allow (2024-1155#27), and a direct route not open to the host (#29).

    Raises RefusedError.
    """
    rule = rule_of(rules)
    naming = rule.naming
    if not (candidate.name.startswith(naming.level) and candidate.name.endswith(naming.ending)):
        expected = naming.name("＋所属产业＋")
        raise RefusedError(
            f"{candidate.unit}：拟用名称“{candidate.name}”不合规定；应为：{expected}（{naming.basis}）"
        )
    everybody = rule.direct is not None and rule.direct.hosts == "every"
    if candidate.route == "direct" and not everybody and not candidate.host.central_enterprise:
        raise RefusedError(
            f"{candidate.unit}：建设主体{candidate.host.name}不是中央企业，不能直接申报；应经省级知识产权"
            f"管理部门申报（{in_chinese((rule.direct or rule).basis)}）"
        )


def catch_up_received(keys: Iterable[str], as_of: dt.date, known_at: dt.datetime) -> None:
    """Catch up with the periods of recognition to which objects of the inbox belong."""
    places = [place for key in keys if not isinstance(place := parse_key(key), str)]
    for programme, period in sorted({(p.programme, p.period) for p in places}):
        if store.recognises(programme) and opened(programme, period):
            catch_up(Cycle(programme, period, as_of, known_at))


@dataclass(frozen=True)
class _Due:
    """An event that the facts call for; ``note`` names the fact, and so is the event's own."""

    unit: str
    event: str
    by: Actor
    day: dt.date
    note: str
    order: tuple[dt.datetime, int]


def catch_up(cycle: Cycle) -> StepResult:
    """Record what happened to the applications of a period by ``known_at``; again changes nothing.

    A recalculation records nothing. ``output``: the events recorded, how many applied.
    """
    done: list[str] = []
    if cycle.mode is not Mode.LIVE:
        with reading() as connection:
            applied = bodies(connection, cycle, rules_of(connection, cycle).rules)
        return StepResult(read=len(applied), output={"events": done, "applicants": len(applied)})
    with transaction() as connection:
        loaded = rules_of(connection, cycle)
        rule_of(loaded.rules)
        units = {u.unit: u for u in roster(connection, cycle.programme, cycle.as_of, cycle.known_at)}
        lock(connection, "applications", cycle.programme, cycle.period)
        due = sorted(_due(connection, cycle, loaded, units), key=lambda d: (d.unit, *d.order))
        for one in due:
            if _record(connection, cycle, loaded.rules, one):
                done.append(f"{one.unit}:{one.event}")
        _open_filings(connection, cycle, loaded.rules, units)
        applicants = len(bodies(connection, cycle, loaded.rules))
    return StepResult(read=len(due), written=len(done), output={"events": done, "applicants": applicants})


def _due(connection: Connection, cycle: Cycle, loaded: Loaded, units: dict[str, Unit]) -> Iterator[_Due]:
    until = cycle_days(loaded.rules.cycle, cycle.year).late_until.date
    sent = submission
    for row in connection.execute(
        select(sent.c.id, sent.c.unit, sent.c.received_at, sent.c.late).where(
            sent.c.programme == cycle.programme,
            sent.c.period == cycle.period,
            sent.c.outcome == "accepted",
            sent.c.unit.in_(units),
            sent.c.known_at <= cycle.known_at,
        )
    ):
        day = row.received_at.astimezone(SHANGHAI).date()
        if row.late and day > until:
            continue
        event = "applied_directly" if units[row.unit].route == "direct" else "applied"
        note = f"{cycle.period} 年度申报（受理序号 {row.id}）"
        yield _Due(row.unit, event, "body", day, note, (row.received_at, row.id))
    audit = province_audit
    for said in connection.execute(
        select(audit.c.id, audit.c.unit, audit.c.forwards, audit.c.answer, audit.c.received_at).where(
            audit.c.programme == cycle.programme,
            audit.c.period == cycle.period,
            audit.c.late.is_(False),
            audit.c.unit.in_(units),
            audit.c.known_at <= cycle.known_at,
        )
    ):
        day = said.received_at.astimezone(SHANGHAI).date()
        event = "recommended" if said.forwards else "returned"
        note = f"{cycle.period} 年度省级审核：{said.answer}（审核序号 {said.id}）"
        yield _Due(said.unit, event, "province", day, note, (said.received_at, said.id))
    yield from _filed(connection, cycle, loaded.rules, units)


def _filed(
    connection: Connection, cycle: Cycle, rules: RuleVersion, units: dict[str, Unit]
) -> Iterator[_Due]:
    """Yield what was filed with the province (2024-1155#29)."""
    if rules.province_audit is None or not rules.province_audit.copy_duty:
        return
    own, report = obligation, obligation_report
    for row in connection.execute(
        select(own.c.unit, report.c.id, report.c.received_on, report.c.known_at)
        .join(report, report.c.obligation_id == own.c.id)
        .where(
            own.c.duty == rules.province_audit.copy_duty,
            own.c.period == cycle.period,
            own.c.unit.in_(units),
            report.c.known_at <= cycle.known_at,
        )
    ):
        note = f"{cycle.period} 年度申报材料备案（报告序号 {row.id}）"
        yield _Due(row.unit, "filed", "province", row.received_on, note, (row.known_at, row.id))


def _record(connection: Connection, cycle: Cycle, rules: RuleVersion, due: _Due) -> bool:
    """Record an event where the body's life lets it happen; what came to nothing then is passed over.

    A second application while the first is with the province is the same application, made better.
    """
    of = life(cycle.programme)
    event = of.event(due.event)
    table = title_event
    mine = (table.c.programme == of.programme) & (table.c.unit == due.unit)
    there = connection.execute(
        select(table.c.event, table.c.effective_on, table.c.note).where(
            mine, table.c.known_at <= cycle.known_at
        )
    ).all()
    if any((t.event, t.note) == (due.event, due.note) for t in there):
        return False
    last = max((t.effective_on for t in there), default=dt.date.min)
    taken = {t.effective_on for t in there if t.event == due.event}
    # what came before the last event had its say then; a second one of a day is of the day it is recorded
    day = max(due.day, last) if due.day in taken or due.event == "filed" else due.day
    day = cycle.as_of if day in taken else day
    if day < last or day in taken:
        return False
    now = standing(connection, of.programme, due.unit, day, cycle.known_at)
    if of.refusal(now, event):
        return False
    return record_title_event(
        connection,
        of.programme,
        due.unit,
        due.event,
        day,
        event.basis or "operator",
        due.note,
        cycle.known_at,
        by=due.by,
    )


def _open_filings(connection: Connection, cycle: Cycle, rules: RuleVersion, units: dict[str, Unit]) -> None:
    """Record, once, that a body applied directly: the duty to file with its province opens (2024-1155#29)."""
    asked = rules.province_audit.copy_duty if rules.province_audit else ""
    if not asked:
        return
    duty = duties().governing(asked, cycle.as_of)
    kinds = () if duty is None else duty.duty.opened_by.occurrences or ()
    programme = rules.title_programme
    applied = select(submission.c.unit).where(
        submission.c.programme == cycle.programme,
        submission.c.period == cycle.period,
        submission.c.outcome == "accepted",
        submission.c.known_at <= cycle.known_at,
    )
    sent = set(connection.execute(applied).scalars())
    for kind in kinds:
        there = set(
            connection.execute(
                select(occurrence.c.party).where(
                    occurrence.c.programme == programme,
                    occurrence.c.kind == kind.code,
                    occurrence.c.subject == cycle.period,
                )
            ).scalars()
        )
        new = [u for u in units.values() if u.route == "direct" and u.unit in sent - there]
        if new:
            connection.execute(
                occurrence.insert(),
                [
                    {
                        "programme": programme,
                        "party": u.unit,
                        "kind": kind.code,
                        "subject": cycle.period,
                        "occurred_on": cycle.as_of,
                        "reported_on": None,
                        "reported_by": u.unit,
                        "note": f"{kind.name}，{cycle.period} 年度",
                        "evidence_sha256": None,
                        "known_at": cycle.known_at,
                    }
                    for u in new
                ],
            )


def standing_of(programme: str, as_of: dt.date, known_at: dt.datetime) -> list[dict[str, str]]:
    """Return who may apply on a day, and where each stands in the life of the title, by code."""
    rule_of(store.in_force(programme, as_of).rules)
    with reading() as connection:
        now = standings(connection, programme, as_of, known_at)
        return [
            {
                "unit": u.unit,
                "name": u.name,
                "kind": u.kind,
                "province": u.province,
                "host": u.host.name,
                "route": "中央企业直接申报" if u.route == "direct" else "经省级申报",
                "state": now[u.unit].name,
            }
            for u in roster(connection, programme, as_of, known_at)
        ]
