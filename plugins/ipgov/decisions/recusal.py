"""Recusal: nobody decides on, and no expert scores, a body that their own organisation hosts or operates.

Computed from the registry; an expert's declared recusals stand beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, union

from ipgov.core import tables
from ipgov.core.steps import SHANGHAI
from ipgov.decisions.experts import Expert, declared_recusals
from ipgov.decisions.officers import Officer
from ipgov.decisions.rounds import Round
from ipgov.policy.store import governs
from ipgov.policy.title_words import title_words
from ipgov.registry.asof import newest
from ipgov.registry.organisations import current_codes, descendants
from ipgov.registry.platforms import Unit

RELATIONS = {"host": "依托单位", "operator": "运营单位"}


@dataclass(frozen=True)
class Conflict:
    """An evaluated body whose host (or operating) unit is the officer's own organisation."""

    unit: str
    name: str
    relation: str  # 依托单位 or 运营单位

    def __str__(self) -> str:
        return f"{self.unit} {self.name}的{self.relation}"


def conflicts(
    connection: Connection, round_: Round, officer: Officer, known_at: dt.datetime
) -> list[Conflict]:
    """Return the evaluated bodies on which this officer may not decide, ordered by unit.

    Host and operating unit both as frozen with the data and as registered by ``known_at``; an organisation
    and the one that carries it on by renaming or merger are the same.
    """
    own = officer.organisation_code
    if not own:
        return []
    today = known_at.astimezone(SHANGHAI).date()
    if round_.result_set_id is None:
        units = (
            select(tables.obligation.c.unit)
            .join(tables.case_round, tables.case_round.c.obligation_id == tables.obligation.c.id)
            .where(tables.case_round.c.round_id == round_.id)
        )
        return registered_conflicts(
            connection, round_.programme, list(connection.execute(units).scalars()), officer, known_at
        )
    evaluated = (
        select(tables.snapshot_unit)
        .join(tables.result_set, tables.result_set.c.snapshot_id == tables.snapshot_unit.c.snapshot_id)
        .where(tables.result_set.c.id == round_.result_set_id)
        .subquery()
    )
    body = newest(
        tables.titled_body, [tables.titled_body.c.programme, tables.titled_body.c.unit], today, known_at
    )
    rows = connection.execute(
        union(
            select(evaluated.c.unit, evaluated.c.name, evaluated.c.host_code, evaluated.c.operator_code),
            select(evaluated.c.unit, evaluated.c.name, body.c.host_code, body.c.operator_code).join(
                body, (body.c.unit == evaluated.c.unit) & (body.c.programme == governs(round_.programme))
            ),
        )
    ).all()
    return _own(connection, rows, own, today, known_at)


def registered_conflicts(
    connection: Connection,
    programme: str,
    units: Collection[str],
    officer: Officer,
    known_at: dt.datetime,
) -> list[Conflict]:
    """Return those of the bodies on which this officer may not decide, as they are registered."""
    own = officer.organisation_code
    if not own or not units:
        return []
    today = known_at.astimezone(SHANGHAI).date()
    keys = [tables.titled_body.c.programme, tables.titled_body.c.unit]
    body = newest(tables.titled_body, keys, today, known_at)
    rows = connection.execute(
        select(body.c.unit, body.c.name, body.c.host_code, body.c.operator_code).where(
            body.c.programme == governs(programme), body.c.unit.in_(units)
        )
    ).all()
    return _own(connection, rows, own, today, known_at)


def _own(
    connection: Connection, rows: Sequence[Any], own: str, today: dt.date, known_at: dt.datetime
) -> list[Conflict]:
    """Return the bodies (unit, name, host_code, operator_code) that are of the person's own organisation."""
    codes = {own, *(r.host_code for r in rows), *(r.operator_code for r in rows)}
    carried_on = current_codes(connection, codes, today, known_at)
    found = {
        Conflict(r.unit, r.name, relation)
        for r in rows
        for relation, code in (("依托单位", r.host_code), ("运营单位", r.operator_code))
        if carried_on[code] == carried_on[own]
    }
    return sorted(found, key=lambda c: (c.unit, c.relation))


def expert_recusals(
    connection: Connection,
    programme: str,
    experts: Iterable[Expert],
    units: Collection[Unit],
    recused_by: Iterable[str],
    on: dt.date,
    known_at: dt.datetime,
) -> dict[tuple[str, str], str]:
    """Return why which expert does not score which body, by (expert, unit), in Chinese.

    ``recused_by``: the relations (host, operator) of a body to an organisation that recuse its people.
    Organisations are the same, or one carries on the other in whatever way (a split as well: there the
    interest goes on, though no computation may follow it to a single successor), as of a day.
    """
    experts = list(experts)
    names = RELATIONS | {"host": title_words(governs(programme)).host}
    roles = [(u, names[r], getattr(u, r).code) for u in units for r in recused_by]
    own = {code for e in experts for code in e.organisations}
    lines = descendants(connection, own | {code for _, _, code in roles}, on, known_at)
    merged = current_codes(connection, lines, on, known_at)
    body = title_words(governs(programme)).body
    found = {
        (e.number, u.unit): f"所在单位{_how(code, other)}该{body}的{relation}"
        for e in experts
        for code in e.organisations
        for u, relation, other in roles
        if merged[code] == merged[other] or other in lines[code] or code in lines[other]
    }
    wanted = {e.number for e in experts}
    declared = declared_recusals(connection, programme, known_at)
    return found | {
        (expert, unit): f"登记回避：{reason}"
        for (expert, unit), reason in declared.items()
        if expert in wanted and (expert, unit) not in found
    }


def _how(own: str, other: str) -> str:
    return "是" if own == other else "与另一单位有承继关系，该单位是"
