"""Recusal: nobody decides on a body that their own organisation hosts or operates.

Computed from the registry. A recusal by declaration would add its rows to ``conflicts``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select, union

from ipgov.core import tables
from ipgov.core.steps import SHANGHAI
from ipgov.decisions.officers import Officer
from ipgov.decisions.rounds import Round
from ipgov.registry.asof import newest
from ipgov.registry.organisations import current_codes


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
                body, (body.c.unit == evaluated.c.unit) & (body.c.programme == round_.programme)
            ),
        )
    ).all()
    codes = {own, *(r.host_code for r in rows), *(r.operator_code for r in rows)}
    carried_on = current_codes(connection, codes, today, known_at)
    found = {
        Conflict(r.unit, r.name, relation)
        for r in rows
        for relation, code in (("依托单位", r.host_code), ("运营单位", r.operator_code))
        if carried_on[code] == carried_on[own]
    }
    return sorted(found, key=lambda c: (c.unit, c.relation))
