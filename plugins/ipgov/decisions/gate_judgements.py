"""What reviewers judge of conditions: workbooks handed out, come back, and what each brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on

from ipgov.core import objects
from ipgov.core.errors import Problem
from ipgov.core.tables import gate_judgement, gate_return, gate_sheet


@dataclass(frozen=True)
class GateSheet:
    """A workbook as it was handed to a reviewer."""

    id: int
    programme: str
    period: str
    reviewer: str
    sha256: str


@dataclass(frozen=True)
class Given:
    """One answer of a returned workbook, with its cell."""

    unit: str
    gate: str
    submission_id: int
    met: bool
    reason: str
    sheet: str
    cell: str


@dataclass(frozen=True)
class Standing:
    """What a reviewer's newest answer about a condition of an application is."""

    id: int
    reviewer: str
    unit: str
    gate: str
    submission_id: int
    met: bool
    reason: str


def issue(
    connection: Connection,
    programme: str,
    period: str,
    reviewer: str,
    fingerprint: str,
    data: bytes,
    known_at: dt.datetime,
) -> bool:
    """Put a workbook on record as handed out; return whether it was new."""
    if issued(connection, fingerprint, known_at) is not None:
        return False
    connection.execute(
        gate_sheet.insert().values(
            programme=programme,
            period=period,
            reviewer=reviewer,
            fingerprint=fingerprint,
            sha256=objects.put_content(data),
            known_at=known_at,
        )
    )
    return True


def issued(connection: Connection, fingerprint: str, known_at: dt.datetime) -> GateSheet | None:
    """Return the workbook that was handed out under a fingerprint; None: none was."""
    table = gate_sheet
    query = select(*(table.c[n] for n in GateSheet.__dataclass_fields__)).where(
        table.c.fingerprint == fingerprint, table.c.known_at <= known_at
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else GateSheet(**row)


def newest_sha256(connection: Connection, sheet_id: int) -> str | None:
    """Return the hash of what came back last of a workbook, whatever came of it."""
    table = gate_return
    return connection.execute(
        select(table.c.sha256)
        .where(table.c.sheet_id == sheet_id)
        .order_by(table.c.received_at.desc(), table.c.id.desc())
        .limit(1)
    ).scalar()


def record(
    connection: Connection,
    sheet: GateSheet,
    filename: str,
    data: bytes,
    given: Sequence[Given],
    problems: Sequence[Problem],
    received_at: dt.datetime,
    known_at: dt.datetime,
) -> str:
    """Record a workbook that came back; return what became of it. With problems no answer is kept."""
    outcome = "returned" if problems else "accepted"
    return_id = connection.execute(
        gate_return.insert()
        .values(
            sheet_id=sheet.id,
            filename=filename,
            sha256=objects.put_content(data),
            received_at=received_at,
            outcome=outcome,
            problems=[p.as_dict() for p in problems],
            known_at=known_at,
        )
        .returning(gate_return.c.id)
    ).scalar_one()
    if given and not problems:
        connection.execute(
            gate_judgement.insert(),
            [{"return_id": return_id, "known_at": known_at, **vars(g)} for g in given],
        )
    return outcome


def standing(
    connection: Connection, programme: str, period: str, submissions: Iterable[int], known_at: dt.datetime
) -> list[Standing]:
    """Return each reviewer's newest answer about each condition of these applications, in a fixed order."""
    judgement, back, sheet = gate_judgement, gate_return, gate_sheet
    query = (
        select(
            judgement.c.id,
            sheet.c.reviewer,
            judgement.c.unit,
            judgement.c.gate,
            judgement.c.submission_id,
            judgement.c.met,
            judgement.c.reason,
        )
        .join(back, back.c.id == judgement.c.return_id)
        .join(sheet, sheet.c.id == back.c.sheet_id)
        .where(
            sheet.c.programme == programme,
            sheet.c.period == period,
            judgement.c.submission_id.in_(list(submissions)),
            judgement.c.known_at <= known_at,
        )
        .ext(distinct_on(judgement.c.unit, judgement.c.gate, sheet.c.reviewer))
        .order_by(
            judgement.c.unit,
            judgement.c.gate,
            sheet.c.reviewer,
            back.c.received_at.desc(),
            judgement.c.id.desc(),
        )
    )
    return [Standing(**row) for row in connection.execute(query).mappings()]
