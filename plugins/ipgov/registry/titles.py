"""Titles: who was given one, who lost it, and in what standing a body is on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Subquery, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.policy import store
from ipgov.policy.title_words import TitleWords, title_words
from ipgov.registry.asof import listed


class Standing(StrEnum):
    """What a body is on a day: never yet recognised, holding the title, or deprived of it."""

    NOT_TITLED = "not_titled"
    TITLED = "titled"
    CANCELLED = "cancelled"

    def label(self, words: TitleWords) -> str:
        """Return the words that people read, with those of the programme's own document."""
        said = {
            "not_titled": f"尚未{words.recognised}",
            "titled": f"持有{words.noun}",
            "cancelled": f"{words.noun}已取消",
        }
        return said[self.value]


# event: (from which standing it is possible, the standing after it; None: unchanged)
_TRANSITIONS: Mapping[str, tuple[tuple[Standing, ...], Standing | None]] = {
    # The documents bar nobody whose title was cancelled from being recognised anew.
    "recognised": ((Standing.NOT_TITLED, Standing.CANCELLED), Standing.TITLED),
    "cancelled": ((Standing.TITLED,), Standing.CANCELLED),
    "restored": ((Standing.CANCELLED,), Standing.TITLED),
    "renamed": ((Standing.TITLED,), None),
}
_CHANGING = [e for e, (_, after) in _TRANSITIONS.items() if after is not None]


def standings_on(programme: str, on: dt.date, known_at: dt.datetime) -> Subquery:
    """Return a query of (unit, event, titled_on): the last event that changed each unit's standing.

    ``titled_on`` is the newest day of recognition up to ``on``.
    """
    event = tables.title_event
    seen = [event.c.programme == programme, event.c.effective_on <= on, event.c.known_at <= known_at]
    last = (
        select(event.c.unit, event.c.event)
        .ext(distinct_on(event.c.unit))
        .where(*seen, event.c.event.in_(_CHANGING))
        .order_by(event.c.unit, event.c.effective_on.desc(), event.c.id.desc())
        .subquery()
    )
    recognised = (
        select(event.c.unit, func.max(event.c.effective_on).label("titled_on"))
        .where(*seen, event.c.event == "recognised")
        .group_by(event.c.unit)
        .subquery()
    )
    return (
        select(last.c.unit, last.c.event, recognised.c.titled_on)
        .join(recognised, recognised.c.unit == last.c.unit, isouter=True)
        .subquery()
    )


def titling_events() -> list[str]:
    """Return the events after which a body holds the title."""
    return [e for e, (_, after) in _TRANSITIONS.items() if after is Standing.TITLED]


def standings(
    connection: Connection, programme: str, on: dt.date, known_at: dt.datetime
) -> dict[str, Standing]:
    """Return the standing of every body registered by ``known_at`` (whatever its first day), by unit."""
    store.versions(programme)
    body, last = tables.titled_body, standings_on(programme, on, known_at)
    registered = (
        select(body.c.unit)
        .where(body.c.programme == programme, body.c.known_at <= known_at)
        .distinct()
        .subquery()
    )
    rows = connection.execute(
        select(registered.c.unit, last.c.event)
        .join(last, last.c.unit == registered.c.unit, isouter=True)
        .order_by(registered.c.unit)
    )
    return {unit: _after(event) if event else Standing.NOT_TITLED for unit, event in rows}


def _after(event: str) -> Standing:
    after = _TRANSITIONS[event][1]
    assert after is not None  # noqa: S101 - only events that change the standing are asked for
    return after


def standing(
    connection: Connection, programme: str, unit: str, on: dt.date, known_at: dt.datetime
) -> Standing:
    """Return a body's standing on a day, as known at a moment; UnknownError where it was not registered."""
    every = standings(connection, programme, on, known_at)
    if unit not in every:
        raise UnknownError(f"“{programme}”没有登记代码为“{unit}”的平台；现有：{listed(list(every))}")
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
    document_number: str | None = None,
    document_id: int | None = None,
) -> bool:
    """Record what happened to a title; return whether a row was written (the identical event counts once).

    Raises UnknownError for an unknown event, unit or basis, and RefusedError where the event is impossible in
    the body's standing on that day, or makes one recorded before impossible.
    """
    if event not in _TRANSITIONS:
        raise UnknownError(f"没有名为“{event}”的称号事项；可用：{'、'.join(_TRANSITIONS)}")
    _check_basis(basis)
    _check_registered(connection, programme, unit, effective_on, known_at)
    lock(connection, "title", programme, unit)
    values: dict[str, Any] = {
        "programme": programme,
        "unit": unit,
        "event": event,
        "effective_on": effective_on,
        "basis": basis,
        "note": note,
        "document_number": document_number,
        "document_id": document_id,
    }
    table = tables.title_event
    history = connection.execute(
        select(table)
        .where(table.c.programme == programme, table.c.unit == unit)
        .order_by(table.c.effective_on, table.c.id)
    )
    there: list[Mapping[str, Any]] = [dict(row) for row in history.mappings()]
    for row in there:
        if row["event"] == event and row["effective_on"] == effective_on:
            if all(row[k] == v for k, v in values.items()):
                return False
            name = title_words(programme).event(event)
            raise RefusedError(
                f"{unit} 自 {effective_on} 起“{name}”已登记（依据 {row['basis']}），"
                "内容与本次不同；已登记的事项不得改写"
            )
    _check_sequence(unit, there, values, known_at)
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
    store.versions(programme)
    body = tables.titled_body
    units = connection.execute(
        select(body.c.unit)
        .where(body.c.programme == programme, body.c.valid_from <= on, body.c.known_at <= known_at)
        .distinct()
        .order_by(body.c.unit)
    ).scalars()
    known = list(units)
    if unit not in known:
        raise UnknownError(f"{on}“{programme}”没有登记代码为“{unit}”的平台；现有：{listed(known)}")


def _check_sequence(
    unit: str, there: Sequence[Mapping[str, Any]], new: Mapping[str, Any], known_at: dt.datetime
) -> None:
    """Refuse what is impossible at any moment of knowledge from ``known_at`` on (back-dated rows)."""
    moments = {known_at} | {row["known_at"] for row in there if row["known_at"] > known_at}
    for moment in sorted(moments):
        known = [row for row in there if row["known_at"] <= moment]
        now = Standing.NOT_TITLED
        # On one day the order of writing decides; the sort is stable and the new one is written last.
        for row in sorted([*known, new], key=lambda row: row["effective_on"]):
            possible, after = _TRANSITIONS[row["event"]]
            if now not in possible:
                words = title_words(new["programme"])
                name = words.event(row["event"])
                expected = "或".join(s.label(words) for s in possible)
                reason = "" if row is new else f"（登记本次 {new['effective_on']} 的事项之后）"
                raise RefusedError(
                    f"{unit} 不能自 {row['effective_on']} 起“{name}”{reason}："
                    f"当日状态为“{now.label(words)}”，应为“{expected}”"
                )
            now = after or now
