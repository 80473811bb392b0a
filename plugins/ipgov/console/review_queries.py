"""What the pages of a round show: rounds, decisions, marks, answers that did not count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on

from ipgov.console.queries import Rows, fetch
from ipgov.core import tables as t
from ipgov.core.errors import UnknownError
from ipgov.registry.asof import listed


def rounds(connection: Connection, programme: str | None = None, period: str | None = None) -> Rows:
    """Return rounds (of all cycles, or of one) in order, with the moment of their issue if there was one."""
    query = (
        select(t.review_round, t.issue.c.known_at.label("issued_at"))
        .join(t.issue, t.issue.c.round_id == t.review_round.c.id, isouter=True)
        .order_by(t.review_round.c.programme, t.review_round.c.period, t.review_round.c.number)
    )
    if programme is not None:
        query = query.where(t.review_round.c.programme == programme, t.review_round.c.period == period)
    return fetch(connection, query)


def corrections(connection: Connection, programme: str, period: str) -> Rows:
    """Return the corrections of a cycle: which round corrects which, who asked, why, of which bodies."""
    return fetch(
        connection,
        _corrections().where(t.review_round.c.programme == programme, t.review_round.c.period == period),
    )


def correction(connection: Connection, round_id: int) -> RowMapping | None:
    """Return what a round corrects; None for a round of an evaluation."""
    return connection.execute(_corrections().where(t.correction.c.round_id == round_id)).mappings().first()


def cases(connection: Connection, round_ids: Sequence[int]) -> dict[int, RowMapping]:
    """Return, by round, the case that it is about, with the body's code; other rounds are not named."""
    rows = fetch(
        connection,
        select(t.case_round, t.obligation.c.unit)
        .join(t.obligation, t.obligation.c.id == t.case_round.c.obligation_id)
        .where(t.case_round.c.round_id.in_(round_ids))
        .order_by(t.case_round.c.id),
    )
    return {row["round_id"]: row for row in rows}


def _corrections() -> Select[Any]:
    units = (
        select(func.array_agg(aggregate_order_by(t.correction_unit.c.unit, t.correction_unit.c.unit)))
        .where(t.correction_unit.c.correction_id == t.correction.c.id)
        .scalar_subquery()
    )
    corrected = t.review_round.alias("corrected")
    return (
        select(t.correction, corrected.c.number.label("corrected_number"), units.label("units"))
        .join(t.review_round, t.review_round.c.id == t.correction.c.round_id)
        .join(corrected, corrected.c.id == t.correction.c.corrects_round_id)
        .order_by(t.correction.c.id)
    )


def decisions(connection: Connection, round_ids: Sequence[int]) -> Rows:
    """Return the decisions of rounds in order of record, with the officer's name as registered now."""
    officer = (
        select(t.officer.c.login, t.officer.c.name)
        .ext(distinct_on(t.officer.c.login))
        .order_by(t.officer.c.login, t.officer.c.id.desc())
        .subquery()
    )
    return fetch(
        connection,
        select(t.decision, officer.c.name.label("actor_name"))
        .join(officer, officer.c.login == t.decision.c.actor, isouter=True)
        .where(t.decision.c.round_id.in_(round_ids))
        .order_by(t.decision.c.id),
    )


def refused_decisions(connection: Connection, round_id: int) -> Rows:
    """Return the answers of a round that did not count, with the reason."""
    table = t.refused_decision
    return fetch(connection, select(table).where(table.c.round_id == round_id).order_by(table.c.id))


def marks(connection: Connection, round_id: int) -> Rows:
    """Return the newest mark of each person on each body of a round, with the body's name."""
    newest = (
        select(t.review_mark)
        .ext(distinct_on(t.review_mark.c.unit, t.review_mark.c.actor))
        .where(t.review_mark.c.round_id == round_id)
        .order_by(t.review_mark.c.unit, t.review_mark.c.actor, t.review_mark.c.id.desc())
        .subquery()
    )
    named = (
        select(t.snapshot_unit.c.unit, t.snapshot_unit.c.name)
        .join(t.result_set, t.result_set.c.snapshot_id == t.snapshot_unit.c.snapshot_id)
        .join(t.review_round, t.review_round.c.result_set_id == t.result_set.c.id)
        .where(t.review_round.c.id == round_id)
        .subquery()
    )
    return fetch(
        connection,
        select(newest, named.c.name)
        .join(named, named.c.unit == newest.c.unit, isouter=True)
        .order_by(newest.c.mark.desc(), newest.c.unit, newest.c.actor),
    )


def review_round(connection: Connection, round_id: int) -> RowMapping:
    """Return a round, with the hash of its charts if it has any; UnknownError names those there are."""
    charts = (
        select(t.rating_chart.c.charts_sha256)
        .where(
            t.rating_chart.c.result_set_id == t.review_round.c.result_set_id,
            t.rating_chart.c.rating_list_sha256 == t.review_round.c.rating_list_sha256,
        )
        .scalar_subquery()
    )
    found = (
        connection.execute(
            select(t.review_round, t.issue.c.known_at.label("issued_at"), charts.label("charts_sha256"))
            .join(t.issue, t.issue.c.round_id == t.review_round.c.id, isouter=True)
            .where(t.review_round.c.id == round_id)
        )
        .mappings()
        .first()
    )
    if found is not None:
        return found
    there = connection.execute(select(t.review_round.c.id).order_by(t.review_round.c.id.desc())).scalars()
    raise UnknownError(f"没有编号为 {round_id} 的审核轮次；现有：{listed([str(i) for i in there])}")


def decision_of(connection: Connection, round_id: int, actor: str) -> RowMapping | None:
    """Return what a person decided in a round (one person decides once), or None."""
    table = t.decision
    return (
        connection.execute(select(table).where(table.c.round_id == round_id, table.c.actor == actor))
        .mappings()
        .first()
    )
