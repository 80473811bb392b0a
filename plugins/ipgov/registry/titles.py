"""Titles: who was given one, who lost it, and in what state of its life a body is on a day.

``title_event`` is the one log; what its events mean is the programme's lifecycle (``policies/lifecycles/``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Subquery, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.policy import lifecycles, store
from ipgov.policy.lifecycles import ACTOR_NAMES, RECOGNISED, Actor, Event, Lifecycle, State, lifecycle
from ipgov.registry import title_needs
from ipgov.registry.asof import listed


def life(programme: str) -> Lifecycle:
    """Return the life of the title whose bodies a programme is about; UnknownError where there is none."""
    return lifecycle(store.governs(programme))


def standings_on(programme: str, on: dt.date, known_at: dt.datetime) -> Subquery:
    """Return a query of (unit, event, titled_on): the last event that changed each unit's state.

    ``titled_on`` is the newest day of recognition up to ``on``; null: never recognised by then.
    """
    event = tables.title_event
    seen = [event.c.programme == programme, event.c.effective_on <= on, event.c.known_at <= known_at]
    last = (
        select(event.c.unit, event.c.event)
        .ext(distinct_on(event.c.unit))
        .where(*seen, event.c.event.in_(list(lifecycle(programme).states_after)))
        .order_by(event.c.unit, event.c.effective_on.desc(), event.c.id.desc())
        .subquery()
    )
    recognised = (
        select(event.c.unit, func.max(event.c.effective_on).label("titled_on"))
        .where(*seen, event.c.event == RECOGNISED)
        .group_by(event.c.unit)
        .subquery()
    )
    return (
        select(last.c.unit, last.c.event, recognised.c.titled_on)
        .join(recognised, recognised.c.unit == last.c.unit, isouter=True)
        .subquery()
    )


def titling_events(programme: str) -> list[str]:
    """Return the events after which a body holds the title."""
    return [event for event, state in life(programme).states_after.items() if state.titled]


def holds_after(programme: str) -> dict[str, bool]:
    """Return, by event, whether a body holds its title after it; of the events that give or end a title.

    The last such event tells whether a body holds its title: every other leaves that as it is.
    """
    of = life(programme)
    return {e: s.titled for e, s in of.states_after.items() if s.titled or e in of.ending}


def changes_of_title() -> dict[tuple[str, str], bool]:
    """Return the same for every programme that confers a title, by (programme, event)."""
    return {
        (programme, event): held
        for programme in lifecycles.programmes()
        for event, held in holds_after(programme).items()
    }


def standings(connection: Connection, programme: str, on: dt.date, known_at: dt.datetime) -> dict[str, State]:
    """Return the state of every body registered by ``known_at`` (whatever its first day), by unit."""
    of = life(programme)
    body, last = tables.titled_body, standings_on(of.programme, on, known_at)
    registered = (
        select(body.c.unit)
        .where(body.c.programme == of.programme, body.c.known_at <= known_at)
        .distinct()
        .subquery()
    )
    rows = connection.execute(
        select(registered.c.unit, last.c.event)
        .join(last, last.c.unit == registered.c.unit, isouter=True)
        .order_by(registered.c.unit)
    )
    return {unit: of.states_after[event] if event else of.initial for unit, event in rows}


def standing(connection: Connection, programme: str, unit: str, on: dt.date, known_at: dt.datetime) -> State:
    """Return a body's state on a day, as known at a moment; UnknownError where it was not registered."""
    every = standings(connection, programme, on, known_at)
    if unit not in every:
        raise UnknownError(f"“{programme}”没有登记代码为“{unit}”的单位；现有：{listed(list(every))}")
    return every[unit]


def record_title_event(
    connection: Connection,
    programme: str,
    unit: str,
    event: str,
    effective_on: dt.date,
    basis: str,
    note: str,
    known_at: dt.datetime,
    *,
    by: Actor,
    document_number: str | None = None,
    document_id: int | None = None,
    round_id: int | None = None,
) -> bool:
    """Record what happened to a title; return whether a row was written (the identical event counts once).

    ``by``: who causes it. ``round_id``: the round that approved it, issued or being issued in this very
    transaction. Raises UnknownError for an unknown event, unit or basis, and RefusedError where the lifecycle
    does not allow the event in the body's state on that day or by whom it is caused, where something that it
    needs is missing, and where it makes an event recorded before impossible.
    """
    of = life(programme)
    happens = of.event(event)
    _check_basis(basis)
    _check_registered(connection, of.programme, unit, effective_on, known_at)
    lock(connection, "title", of.programme, unit)
    values: dict[str, Any] = {
        "programme": of.programme,
        "unit": unit,
        "event": event,
        "effective_on": effective_on,
        "basis": basis,
        "note": note,
        "document_number": document_number,
        "document_id": document_id,
        "round_id": round_id,
    }
    table = tables.title_event
    history = connection.execute(
        select(table)
        .where(table.c.programme == of.programme, table.c.unit == unit)
        .order_by(table.c.effective_on, table.c.id)
    )
    there: list[Mapping[str, Any]] = [dict(row) for row in history.mappings()]
    for row in there:
        if row["event"] == event and row["effective_on"] == effective_on:
            if all(row[k] == v for k, v in values.items()):
                return False
            raise RefusedError(
                f"{unit} 自 {effective_on} 起“{happens.name}”已登记（依据 {row['basis']}），"
                "内容与本次不同；已登记的事项不得改写"
            )
    _check_actor(of, unit, happens, effective_on, by)
    _check_sequence(of, there, values, known_at)
    missing = title_needs.missing(
        connection, happens.needs, of.programme, unit, effective_on, known_at, round_id
    )
    if missing:
        raise RefusedError(f"{unit} 不能自 {effective_on} 起“{happens.name}”：{'；'.join(missing)}")
    connection.execute(table.insert().values(**values, known_at=known_at))
    return True


def _check_basis(basis: str) -> None:
    unknown = [part for part in basis.split("、") if part != "operator" and part not in store.clauses()]
    if unknown:
        raise UnknownError(
            f"依据“{'、'.join(unknown)}”不是已知条款；应为条款编号（如 2023-156#21）或 operator"
        )


def _check_registered(
    connection: Connection, programme: str, unit: str, on: dt.date, known_at: dt.datetime
) -> None:
    body = tables.titled_body
    units = connection.execute(
        select(body.c.unit)
        .where(body.c.programme == programme, body.c.valid_from <= on, body.c.known_at <= known_at)
        .distinct()
        .order_by(body.c.unit)
    ).scalars()
    known = list(units)
    if unit not in known:
        raise UnknownError(f"{on}“{programme}”没有登记代码为“{unit}”的单位；现有：{listed(known)}")


def _check_actor(of: Lifecycle, unit: str, event: Event, on: dt.date, by: Actor) -> None:
    if on < of.effective:
        raise RefusedError(
            f"{unit} 不能自 {on} 起“{event.name}”："
            f"{of.title}的规则自 {of.effective} 起施行，此前没有可适用的规则"
        )
    if by not in event.by:
        allowed = "、".join(ACTOR_NAMES[actor] for actor in event.by)
        raise RefusedError(f"{unit} 的“{event.name}”不能由{ACTOR_NAMES[by]}办理，应由{allowed}办理")


def _check_sequence(
    of: Lifecycle, there: Sequence[Mapping[str, Any]], new: Mapping[str, Any], known_at: dt.datetime
) -> None:
    """Refuse what is impossible at any moment of knowledge from ``known_at`` on (back-dated rows)."""
    moments = {known_at} | {row["known_at"] for row in there if row["known_at"] > known_at}
    for moment in sorted(moments):
        known = [row for row in there if row["known_at"] <= moment]
        now = of.initial
        # On one day the order of writing decides; the sort is stable and the new one is written last.
        for row in sorted([*known, new], key=lambda row: row["effective_on"]):
            event = of.event(row["event"])
            if refusal := of.refusal(now, event):
                reason = "" if row is new else f"（登记本次 {new['effective_on']} 的事项之后）"
                raise RefusedError(
                    f"{new['unit']} 不能自 {row['effective_on']} 起“{event.name}”{reason}：{refusal}"
                )
            now = of.after(now, event)
