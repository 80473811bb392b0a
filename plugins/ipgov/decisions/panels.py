"""Panels: which experts score which bodies and indicators, in which round, until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects.postgresql import distinct_on

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError
from ipgov.decisions.experts import experts
from ipgov.decisions.panel_plans import Assignment, Pair, Plan, plan_problems, rules_of_panel
from ipgov.decisions.recusal import expert_recusals
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit


@dataclass(frozen=True)
class Member:
    """A member of a panel; results speak of them by ``place`` where they must not name them."""

    expert: str
    place: int
    role: str


@dataclass(frozen=True)
class Panel:
    """A round of scoring of a panel as it counts (its newest revision)."""

    id: int
    programme: str
    period: str
    number: int
    round: int
    revision: int
    formed_on: dt.date
    due_on: dt.date
    formed_by: str
    basis: str
    rule_sha256: str
    members: tuple[Member, ...]

    @property
    def title(self) -> str:
        """Return how people call it."""
        return f"第 {self.number} 专家组第 {self.round} 轮"


def form(
    connection: Connection,
    programme: str,
    period: str,
    loaded: Loaded,
    plan: Plan,
    units: Collection[Unit],
    by: str,
    formed_on: dt.date,
    due_on: dt.date,
    known_at: dt.datetime,
) -> Panel:
    """Form the first round of a panel, or (as long as nothing came in) form it anew.

    ``units``: the bodies that may be scored. Raises UnknownError for an unknown expert; RefusedError that
    lists everything else at once: size, inactive or doubled members, unknown or empty scopes, a body and
    indicator that another panel scores or that too few members may score after recusal.
    """
    rule, rules = rules_of_panel(loaded.rules), loaded.rules
    people = experts(connection, known_at, (s.expert for s in plan.seats))
    lock(connection, "panel", programme, period)
    made = rounds(connection, programme, period, known_at)
    if any(p.number == plan.number and p.round > 1 for p in made):
        raise RefusedError(f"第 {plan.number} 专家组已再开一轮，不能改组")
    others = {
        (unit, indicator)
        for p in made
        if p.number != plan.number
        for _, unit, indicator in asked(connection, p.id)
    }
    recused = expert_recusals(
        connection, programme, people.values(), units, rule.recused_by, formed_on, known_at
    )
    assigned = plan.assigned(rules, units)
    if problems := tuple(plan_problems(plan, by, rules, people, units, assigned, recused, others)):
        raise RefusedError(f"第 {plan.number} 专家组有 {len(problems)} 处问题，未予组成", problems)
    members = [Member(s.expert, place, s.role) for place, s in enumerate(plan.seats, 1)]
    head = {
        "programme": programme,
        "period": period,
        "number": plan.number,
        "round": 1,
        "formed_on": formed_on,
        "due_on": due_on,
        "formed_by": by,
        "basis": plan.basis,
        "rule_sha256": loaded.sha256,
    }
    return _write(connection, head, members, assigned, known_at)


def next_round(
    connection: Connection,
    before: Panel,
    pairs: Collection[Pair],
    by: str,
    basis: str,
    formed_on: dt.date,
    due_on: dt.date,
    known_at: dt.datetime,
) -> Panel:
    """Open another round of a panel: the same members score these bodies and indicators again."""
    lock(connection, "panel", before.programme, before.period)
    made = rounds(connection, before.programme, before.period, known_at)
    (first,) = (p for p in made if p.number == before.number and p.round == 1)
    again = [a for a in asked(connection, first.id) if a[1:] in pairs]
    if not again:
        raise RefusedError(f"{before.title}没有需要再次评分的单位与指标")
    head = {
        "programme": before.programme,
        "period": before.period,
        "number": before.number,
        "round": before.round + 1,
        "formed_on": formed_on,
        "due_on": due_on,
        "formed_by": by,
        "basis": basis,
        "rule_sha256": before.rule_sha256,
    }
    return _write(connection, head, before.members, again, known_at)


def asked(connection: Connection, panel_id: int) -> list[Assignment]:
    """Return who is to score what in a round, recused or not, in the order in which it was laid down."""
    table = tables.panel_assignment
    rows = connection.execute(
        select(table.c.expert, table.c.unit, table.c.indicator)
        .where(table.c.panel_id == panel_id)
        .order_by(table.c.id)
    )
    return [(r.expert, r.unit, r.indicator) for r in rows]


def _write(
    connection: Connection,
    head: Mapping[str, Any],
    members: Sequence[Member],
    assigned: Sequence[Assignment],
    known_at: dt.datetime,
) -> Panel:
    table, sheet, returned = tables.panel, tables.scoring_sheet, tables.scoring_return
    same = [table.c[k] == head[k] for k in ("programme", "period", "number", "round")]
    received = connection.execute(
        select(returned.c.id)
        .join(sheet, sheet.c.id == returned.c.sheet_id)
        .join(table, table.c.id == sheet.c.panel_id)
        .where(*same, returned.c.outcome == "accepted")
        .limit(1)
    ).first()
    newest = (
        connection.execute(select(table).where(*same).order_by(table.c.revision.desc()).limit(1))
        .mappings()
        .first()
    )
    if newest is not None and all(newest[k] == v for k, v in head.items()):
        there = get(connection, newest["id"])
        if there.members == tuple(members) and asked(connection, there.id) == list(assigned):
            return there
    if received:
        raise RefusedError(
            f"第 {head['number']} 专家组第 {head['round']} 轮已收到评分，不能改组；可以再开一轮"
        )
    panel_id = int(
        connection.execute(
            table.insert()
            .values(**head, revision=newest["revision"] + 1 if newest else 1, known_at=known_at)
            .returning(table.c.id)
        ).scalar_one()
    )
    connection.execute(
        tables.panel_member.insert(),
        [
            {"panel_id": panel_id, "expert": m.expert, "place": m.place, "role": m.role, "known_at": known_at}
            for m in members
        ],
    )
    connection.execute(
        tables.panel_assignment.insert(),
        [
            {"panel_id": panel_id, "expert": e, "unit": u, "indicator": i, "known_at": known_at}
            for e, u, i in assigned
        ],
    )
    return get(connection, panel_id)


def _newest_revisions(programme: str, period: str) -> Any:
    table = tables.panel
    return (
        select(table)
        .ext(distinct_on(table.c.number, table.c.round))
        .where(table.c.programme == programme, table.c.period == period)
        .order_by(table.c.number, table.c.round, table.c.revision.desc())
    )


def get(connection: Connection, panel_id: int) -> Panel:
    """Return a panel by id, whether or not it was formed anew since."""
    row = connection.execute(select(tables.panel).where(tables.panel.c.id == panel_id)).mappings().one()
    return _panels(connection, [row])[0]


def rounds(connection: Connection, programme: str, period: str, known_at: dt.datetime) -> list[Panel]:
    """Return every round of every panel of a period that counts, by number and round."""
    query = _newest_revisions(programme, period).where(tables.panel.c.known_at <= known_at)
    return _panels(connection, connection.execute(query).mappings().all())


def current(connection: Connection, programme: str, period: str, known_at: dt.datetime) -> list[Panel]:
    """Return each panel's newest round."""
    newest = {p.number: p for p in rounds(connection, programme, period, known_at)}
    return list(newest.values())


def _panels(connection: Connection, rows: Iterable[RowMapping]) -> list[Panel]:
    rows, table = list(rows), tables.panel_member
    members: dict[int, list[Member]] = {r["id"]: [] for r in rows}
    for m in connection.execute(
        select(table).where(table.c.panel_id.in_(members)).order_by(table.c.panel_id, table.c.place)
    ).mappings():
        members[m["panel_id"]].append(Member(m["expert"], m["place"], m["role"]))
    names = [n for n in Panel.__dataclass_fields__ if n != "members"]
    return [Panel(**{n: r[n] for n in names}, members=tuple(members[r["id"]])) for r in rows]
