"""Scoring workbooks on record: handed out, come back, and the scores that each brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.core.errors import Problem
from ipgov.core.objects import put_content


@dataclass(frozen=True)
class Sheet:
    """A workbook as it was handed to a member of a panel."""

    id: int
    panel_id: int
    expert: str
    sha256: str


@dataclass(frozen=True)
class Score:
    """A score of a returned workbook, or why there is none, with its cell."""

    unit: str
    indicator: str
    score: Decimal | None
    abstained: str | None
    comment: str
    sheet: str
    cell: str


def issue(
    connection: Connection, panel_id: int, expert: str, fingerprint: str, data: bytes, known_at: dt.datetime
) -> bool:
    """Put a workbook on record as handed out; return whether it was new. The first of a question stands."""
    table = tables.scoring_sheet
    same = (table.c.panel_id == panel_id) & (table.c.expert == expert) & (table.c.fingerprint == fingerprint)
    if connection.execute(select(table.c.id).where(same)).first():
        return False
    values: dict[str, Any] = {"panel_id": panel_id, "expert": expert, "fingerprint": fingerprint}
    connection.execute(table.insert().values(**values, sha256=put_content(data), known_at=known_at))
    return True


def issued(connection: Connection, fingerprint: str, known_at: dt.datetime) -> Sheet | None:
    """Return the workbook that was handed out under a fingerprint; None where there is none."""
    table = tables.scoring_sheet
    row = connection.execute(
        select(table.c.id, table.c.panel_id, table.c.expert, table.c.sha256)
        .where(table.c.fingerprint == fingerprint, table.c.known_at <= known_at)
        .order_by(table.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else Sheet(row.id, row.panel_id, row.expert, row.sha256)


def newest_sha256(connection: Connection, panel_id: int, expert: str) -> str | None:
    """Return the hash of the workbook that a member sent last in this round, whatever came of it."""
    sheet, returned = tables.scoring_sheet, tables.scoring_return
    return connection.execute(
        select(returned.c.sha256)
        .join(sheet, sheet.c.id == returned.c.sheet_id)
        .where(sheet.c.panel_id == panel_id, sheet.c.expert == expert)
        .order_by(returned.c.received_at.desc(), returned.c.id.desc())
        .limit(1)
    ).scalar()


def accepted(connection: Connection, panel_id: int, known_at: dt.datetime) -> dict[str, dt.datetime]:
    """Return when each member's newest accepted workbook of a round came in, by expert."""
    sheet, returned = tables.scoring_sheet, tables.scoring_return
    rows = connection.execute(
        select(sheet.c.expert, returned.c.received_at)
        .join(sheet, sheet.c.id == returned.c.sheet_id)
        .where(
            sheet.c.panel_id == panel_id, returned.c.outcome == "accepted", returned.c.known_at <= known_at
        )
        .order_by(returned.c.received_at, returned.c.id)
    )
    return {r.expert: r.received_at for r in rows}


def record(
    connection: Connection,
    sheet: Sheet,
    filename: str,
    data: bytes,
    scores: Sequence[Score],
    problems: Sequence[Problem],
    received_at: dt.datetime,
    known_at: dt.datetime,
) -> str:
    """Record a workbook that came back; return what became of it. With problems no score is kept."""
    outcome = "returned" if problems else "accepted"
    return_id = connection.execute(
        tables.scoring_return.insert()
        .values(
            sheet_id=sheet.id,
            filename=filename,
            sha256=put_content(data),
            received_at=received_at,
            outcome=outcome,
            problems=[p.as_dict() for p in problems],
            known_at=known_at,
        )
        .returning(tables.scoring_return.c.id)
    ).scalar_one()
    if scores and not problems:
        connection.execute(
            tables.expert_score.insert(),
            [{"return_id": return_id, "known_at": known_at, **vars(s)} for s in scores],
        )
    return outcome
