"""Experts: the people who score what no figure measures, and the bodies that they must not score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.registry.asof import listed
from ipgov.registry.codes import uscc_form_problem


@dataclass(frozen=True)
class Expert:
    """A person by number: name, every organisation they belong to (USCC; for recusal), fields, active or not.

    No organisation means that there is none, not that it is not known.
    """

    number: str
    name: str
    organisations: tuple[str, ...]
    fields: tuple[str, ...]
    active: bool


def register_expert(connection: Connection, expert: Expert, known_at: dt.datetime) -> bool:
    """Enter an expert or a change of one; return whether a row was written (an unchanged one writes none).

    Raises RefusedError for an empty number or name and for a malformed 统一社会信用代码, under which no
    recusal would ever be found.
    """
    if not expert.number.strip() or not expert.name.strip():
        raise RefusedError(f"专家“{expert.number or expert.name}”的编号与姓名均须填写")
    for code in expert.organisations:
        if problem := uscc_form_problem(code):
            raise RefusedError(f"专家“{expert.number}”的所在单位代码有误：{problem}")
    lock(connection, "expert", expert.number)
    if _newest(connection, known_at, [expert.number]).get(expert.number) == expert:
        return False
    connection.execute(
        tables.expert.insert().values(
            number=expert.number,
            name=expert.name,
            organisations=list(expert.organisations),
            fields=list(expert.fields),
            active=expert.active,
            known_at=known_at,
        )
    )
    return True


def experts(
    connection: Connection, known_at: dt.datetime, numbers: Iterable[str] | None = None
) -> dict[str, Expert]:
    """Return experts by number, active or not, as known at a moment: all of them, or those asked for.

    UnknownError names every number that there is not.
    """
    wanted = None if numbers is None else sorted(set(numbers))
    found = _newest(connection, known_at, wanted)
    if wanted is not None and (unknown := [n for n in wanted if n not in found]):
        known = sorted(_newest(connection, known_at, None))
        raise UnknownError(f"没有编号为“{'、'.join(unknown)}”的专家；现有：{listed(known)}")
    return found


def _newest(connection: Connection, known_at: dt.datetime, numbers: list[str] | None) -> dict[str, Expert]:
    table = tables.expert
    query = (
        select(table)
        .ext(distinct_on(table.c.number))
        .where(table.c.known_at <= known_at)
        .order_by(table.c.number, table.c.known_at.desc(), table.c.id.desc())
    )
    if numbers is not None:
        query = query.where(table.c.number.in_(numbers))
    return {
        row["number"]: Expert(
            row["number"], row["name"], tuple(row["organisations"]), tuple(row["fields"]), row["active"]
        )
        for row in connection.execute(query).mappings()
    }


def declare_recusal(
    connection: Connection,
    programme: str,
    expert: str,
    unit: str,
    reason: str,
    entered_by: str,
    known_at: dt.datetime,
    *,
    stands: bool = True,
) -> bool:
    """Record that an expert does not score a body, or (``stands`` False) no longer; return whether written.

    It counts from ``known_at`` on, for scores given before as well. Raises UnknownError for an unknown
    expert, RefusedError without reason or name, or where there is nothing to take back.
    """
    if not reason.strip() or not entered_by.strip():
        raise RefusedError(f"专家“{expert}”回避 {unit}：须写明事由与登记人")
    experts(connection, known_at, [expert])
    lock(connection, "recusal", programme, expert, unit)
    before = declared_recusals(connection, programme, known_at).get((expert, unit))
    if before is None and not stands:
        raise RefusedError(f"专家“{expert}”对 {unit} 没有登记的回避可以撤销")
    if stands and before == reason:
        return False
    connection.execute(
        tables.expert_recusal.insert().values(
            programme=programme,
            expert=expert,
            unit=unit,
            reason=reason,
            entered_by=entered_by,
            stands=stands,
            known_at=known_at,
        )
    )
    return True


def declared_recusals(
    connection: Connection, programme: str, known_at: dt.datetime
) -> dict[tuple[str, str], str]:
    """Return why which expert declared not to score which body, by (expert, unit)."""
    table = tables.expert_recusal
    rows = connection.execute(
        select(table)
        .ext(distinct_on(table.c.expert, table.c.unit))
        .where(table.c.programme == programme, table.c.known_at <= known_at)
        .order_by(table.c.expert, table.c.unit, table.c.known_at.desc(), table.c.id.desc())
    ).mappings()
    return {(r["expert"], r["unit"]): r["reason"] for r in rows if r["stands"]}
