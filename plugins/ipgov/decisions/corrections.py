"""Corrections (更正): rounds that put a recalculated result of an issued period before the reviewers.

What was issued is never changed. A correction names the round that it corrects, the sheet that compares both
results, who asked for it and why, and the bodies whose result it changes; of the others nothing is said anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.core.errors import RefusedError
from ipgov.core.steps import Mode
from ipgov.decisions import rounds
from ipgov.decisions.officers import Role, officer, role_label


@dataclass(frozen=True)
class Correction:
    """What a round of correction corrects; ``units``: the bodies whose published result it changes."""

    id: int
    round_id: int
    corrects_round_id: int
    comparison_sha256: str
    opened_by: str
    reason: str
    units: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """What somebody asks to put before the reviewers; ``fingerprint``: of all of it."""

    corrects: rounds.Round
    result_set_id: int
    fingerprint: str
    rating_list_sha256: str
    comparison_sha256: str
    units: Sequence[str]
    opened_by: str
    reason: str


def check_may_open(connection: Connection, login: str, known_at: dt.datetime) -> None:
    """Refuse whoever is no active reviewer; UnknownError for a login that there is not."""
    person = officer(connection, login, known_at)
    if not person.active or Role.REVIEWER not in person.roles:
        raise RefusedError(f"“{login}”不能提出更正；应为在岗的{role_label(Role.REVIEWER)}人员")


def open_correction(connection: Connection, proposal: Proposal, known_at: dt.datetime) -> rounds.Round:
    """Open the round of a correction; the same proposal again returns the round that it has.

    Raises RefusedError for a person who may not, without a reason or a changed body, and where another round
    of the period is open.
    """
    check_may_open(connection, proposal.opened_by, known_at)
    if not proposal.reason.strip():
        raise RefusedError("提出更正须写明事由")
    if not proposal.units:
        raise RefusedError("重算结果与已发布的一致，没有可更正的内容")
    was = proposal.corrects
    opened = rounds.open_round(
        connection,
        was.programme,
        was.period,
        proposal.result_set_id,
        proposal.fingerprint,
        proposal.rating_list_sha256,
        was.rule_sha256,
        known_at,
        mode=Mode.RECALCULATE,
    )
    if of_round(connection, opened.id) is not None:
        return opened
    row_id = connection.execute(
        tables.correction.insert()
        .values(
            round_id=opened.id,
            corrects_round_id=was.id,
            comparison_sha256=proposal.comparison_sha256,
            opened_by=proposal.opened_by,
            reason=proposal.reason,
            known_at=known_at,
        )
        .returning(tables.correction.c.id)
    ).scalar_one()
    connection.execute(
        tables.correction_unit.insert(),
        [{"correction_id": row_id, "unit": u, "known_at": known_at} for u in sorted(proposal.units)],
    )
    return opened


def of_round(connection: Connection, round_id: int) -> Correction | None:
    """Return what a round corrects; None for a round of an evaluation."""
    table = tables.correction
    row = connection.execute(select(table).where(table.c.round_id == round_id)).mappings().first()
    if row is None:
        return None
    unit = tables.correction_unit
    units = connection.execute(
        select(unit.c.unit).where(unit.c.correction_id == row["id"]).order_by(unit.c.unit)
    ).scalars()
    return Correction(
        row["id"],
        row["round_id"],
        row["corrects_round_id"],
        row["comparison_sha256"],
        row["opened_by"],
        row["reason"],
        tuple(units),
    )
