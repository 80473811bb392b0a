"""Public notices of lists and the objections to them: what there is, and what a recognition may rest on.

The days of a notice are reckoned by ``calendars/running``. This module answers two needs of the lifecycle
(2024-1155#33): the notice is over, and no objection is undecided or was upheld.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from ipgov.calendars import running as times
from ipgov.calendars.running import Running
from ipgov.core import tables as t
from ipgov.core.errors import UnknownError
from ipgov.policy.rules import Budget
from ipgov.registry import title_needs

NOTICE = "public_notice"  # the kind of policies/papers.yaml


@dataclass(frozen=True)
class Publicity:
    """An issued public notice; ``last_on``: as the public was told; ``withdrawn_on``: None, it stands."""

    id: int
    programme: str
    document_id: int
    round_id: int
    title: str
    issued_on: dt.date
    starts_on: dt.date
    last_on: dt.date
    runs: Mapping[str, Any]
    withdrawn_on: dt.date | None
    known_at: dt.datetime

    def on(self, day: dt.date) -> Running:
        """Return how its time stands on a day."""
        limit = Budget.model_validate(self.runs)
        return times.running(self.starts_on, self.last_on, limit, self.issued_on, day)


def _publicities(known_at: dt.datetime) -> Select[Any]:
    own, document, back = t.publicity, t.document, t.document.alias("back")
    taken = (back.c.withdraws == own.c.document_id) & (back.c.known_at <= known_at)
    names = ("id", "programme", "document_id", "round_id", "starts_on", "last_on", "runs", "known_at")
    return (
        select(
            *(own.c[n] for n in names),
            document.c.title,
            document.c.issued_on,
            back.c.issued_on.label("withdrawn_on"),
        )
        .join(document, document.c.id == own.c.document_id)
        .join(back, taken, isouter=True)
        .where(own.c.known_at <= known_at)
        .order_by(own.c.id)
    )


def every(connection: Connection, known_at: dt.datetime, programme: str | None = None) -> list[Publicity]:
    """Return the public notices issued by a moment, the withdrawn ones too, in order."""
    query = _publicities(known_at)
    if programme is not None:
        query = query.where(t.publicity.c.programme == programme)
    return [Publicity(**row) for row in connection.execute(query).mappings()]


def get(connection: Connection, publicity_id: int, known_at: dt.datetime) -> Publicity:
    """Return a public notice; UnknownError names those that there are."""
    there = every(connection, known_at)
    for found in there:
        if found.id == publicity_id:
            return found
    listed = "、".join(f"{p.id}（{p.title}）" for p in there) or "无"
    raise UnknownError(f"没有编号为 {publicity_id} 的公示；现有：{listed}")


def units(connection: Connection, publicity_id: int) -> dict[str, str]:
    """Return the names of a notice's bodies as announced, by code, in the order of the notice."""
    own = t.publicity_unit
    query = select(own.c.unit, own.c.name).where(own.c.publicity_id == publicity_id).order_by(own.c.id)
    return {row.unit: row.name for row in connection.execute(query)}


def of_unit(connection: Connection, programme: str, unit: str, known_at: dt.datetime) -> Publicity | None:
    """Return the newest standing notice that names a body; None where there is none."""
    own = t.publicity_unit
    query = _publicities(known_at).join(own, own.c.publicity_id == t.publicity.c.id)
    rows = connection.execute(query.where(t.publicity.c.programme == programme, own.c.unit == unit))
    standing = [p for p in (Publicity(**row) for row in rows.mappings()) if p.withdrawn_on is None]
    return standing[-1] if standing else None


def objections(
    connection: Connection, known_at: dt.datetime, *, programme: str | None = None, units: Sequence[str] = ()
) -> list[RowMapping]:
    """Return the objections that count, in order; who objected is not among the columns.

    Those of the table, and of the answer: ``outcome``, ``answer_reason``, ``answered_on``; null: undecided.
    """
    own, answer, notice = t.objection, t.objection_answer, t.publicity
    answered = (answer.c.objection_id == own.c.id) & (answer.c.known_at <= known_at)
    query = (
        select(
            own,
            notice.c.programme,
            notice.c.document_id,
            answer.c.outcome,
            answer.c.reason.label("answer_reason"),
            answer.c.answered_on,
        )
        .join(notice, notice.c.id == own.c.publicity_id)
        .join(answer, answered, isouter=True)
        .where(own.c.known_at <= known_at)
        .order_by(own.c.id)
    )
    if programme is not None:
        query = query.where(notice.c.programme == programme)
    if units:
        query = query.where(own.c.unit.in_(list(units)))
    return list(connection.execute(query).mappings())


def objection(connection: Connection, objection_id: int, known_at: dt.datetime) -> RowMapping:
    """Return one objection; UnknownError where there is none of that number."""
    there = objections(connection, known_at)
    for row in there:
        if row["id"] == objection_id:
            return row
    listed = "、".join(str(row["id"]) for row in there) or "无"
    raise UnknownError(f"没有编号为 {objection_id} 的异议；现有：{listed}")


def withheld(connection: Connection, programme: str, known_at: dt.datetime) -> dict[str, str]:
    """Return, by code of the body, why it may not be recognised: an undecided or upheld objection.

    An objection that is undecided counts whatever notice it was made to; one that was upheld ended the
    candidature to which its notice belonged, so it counts against the newest standing notice only.
    """
    newest: dict[str, int] = {}
    own = t.publicity_unit
    for notice in every(connection, known_at, programme):
        if notice.withdrawn_on is None:
            named = connection.execute(select(own.c.unit).where(own.c.publicity_id == notice.id)).scalars()
            newest |= dict.fromkeys(named, notice.id)
    found: dict[str, str] = {}
    for row in objections(connection, known_at, programme=programme):
        if row["outcome"] is None:
            found[row["unit"]] = f"异议 {row['id']}（{row['received_on']} 收到）尚未答复"
        elif row["outcome"] == "upheld" and newest.get(row["unit"]) == row["publicity_id"]:
            found.setdefault(row["unit"], f"异议 {row['id']} 经核查成立")
    return found


def _expired(
    connection: Connection, programme: str, unit: str, on: dt.date, known_at: dt.datetime
) -> str | None:
    notice = of_unit(connection, programme, unit, known_at)
    if notice is None:
        return "须公示期满，没有公示过"
    time = notice.on(on)
    if time.over_on is not None:
        return None
    wait = "，其间的放假安排尚未公布，须待公布后推算" if time.provisional else ""
    return f"须公示期满，公示期至 {time.last_on} 止{wait}"


def _unopposed(
    connection: Connection, programme: str, unit: str, on: dt.date, known_at: dt.datetime
) -> str | None:
    why = withheld(connection, programme, known_at).get(unit)
    return None if why is None else f"须公示无异议，{why}"


title_needs.provide("notice_expired", _expired)
title_needs.provide("no_open_objection", _unopposed)
