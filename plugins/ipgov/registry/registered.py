"""Everything that is registered of a programme on a day, whether or not it holds the title."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.registry.asof import newest
from ipgov.registry.titles import life, standings_on


@dataclass(frozen=True)
class Registered:
    """A body as registered on a day, its organisations' names (empty: none valid that day), its state.

    ``valid_from``, ``source``: of this version; ``titled``: it holds the title; ``titled_on``: the newest day
    of recognition, None where it never was.
    """

    unit: str
    name: str
    kind: str
    province: str
    route: str
    host_code: str
    host_name: str
    operator_code: str
    operator_name: str
    valid_from: dt.date
    source: str
    state: str
    titled: bool
    titled_on: dt.date | None


def registered(
    connection: Connection, programme: str, on: dt.date, known_at: dt.datetime
) -> list[Registered]:
    """Return every body registered by a day, as known at a moment, by unit.

    UnknownError for a programme that confers no title.
    """
    of = life(programme)
    table = tables.titled_body
    every = newest(table, [table.c.programme, table.c.unit], on, known_at)
    last = standings_on(of.programme, on, known_at)
    organisations = newest(tables.organisation, [tables.organisation.c.code], on, known_at)
    host, operator = organisations.alias("host"), organisations.alias("operator")
    names = (
        "unit",
        "name",
        "kind",
        "province",
        "route",
        "host_code",
        "operator_code",
        "valid_from",
        "source",
    )
    rows = connection.execute(
        select(
            *(every.c[n] for n in names),
            host.c.name.label("host_name"),
            operator.c.name.label("operator_name"),
            last.c.event,
            last.c.titled_on,
        )
        .join(last, last.c.unit == every.c.unit, isouter=True)
        .join(host, host.c.code == every.c.host_code, isouter=True)
        .join(operator, operator.c.code == every.c.operator_code, isouter=True)
        .where(every.c.programme == of.programme)
        .order_by(every.c.unit)
    ).mappings()
    found = []
    for row in rows:
        state = of.states_after[row["event"]] if row["event"] else of.initial
        found.append(
            Registered(
                **{n: row[n] for n in names},
                host_name=row["host_name"] or "",
                operator_name=row["operator_name"] or "",
                state=state.name,
                titled=state.titled,
                titled_on=row["titled_on"],
            )
        )
    return found
