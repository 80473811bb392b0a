"""What provinces decided about the files of their bodies, in the record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, true
from sqlalchemy.dialects.postgresql import distinct_on

from ipgov.core import objects
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import (
    obligation,
    obligation_report,
    province_audit,
    province_audit_return,
    province_audit_sheet,
)


@dataclass(frozen=True)
class Audit:
    """A province's answer about one submission; ``late``: after the last day, kept and not counted."""

    id: int
    unit: str
    submission_id: int
    answer: str
    forwards: bool
    opinion: str
    place: int | None
    auditor: str
    audited_on: dt.date
    received_at: dt.datetime
    late: bool

    @property
    def received_on(self) -> dt.date:
        """Return the day of receipt in Shanghai."""
        return self.received_at.astimezone(SHANGHAI).date()


_COLUMNS = tuple(province_audit.c[name] for name in Audit.__dataclass_fields__)


def standing(
    connection: Connection,
    submissions: Iterable[int],
    known_at: dt.datetime,
    *,
    in_time: bool = False,
) -> dict[int, Audit]:
    """Return the newest answer about each of these submissions, as known at a moment."""
    table = province_audit
    query = (
        select(*_COLUMNS)
        .where(table.c.submission_id.in_(list(submissions)), table.c.known_at <= known_at)
        .ext(distinct_on(table.c.submission_id))
        .order_by(table.c.submission_id, table.c.received_at.desc(), table.c.id.desc())
    )
    if in_time:
        query = query.where(table.c.late.is_(False))
    rows = connection.execute(query).mappings()
    return {row["submission_id"]: Audit(**row) for row in rows}


def copies(
    connection: Connection, duty: str, period: str, units: Iterable[str], known_at: dt.datetime
) -> dict[str, dt.date]:
    """Return, by body, the first day on which a copy to its province was reported (2024-1155#39)."""
    own, report = obligation, obligation_report
    rows = connection.execute(
        select(own.c.unit, func.min(report.c.received_on))
        .join(report, report.c.obligation_id == own.c.id)
        .where(
            own.c.duty == duty,
            own.c.period == period,
            own.c.unit.in_(list(units)),
            report.c.known_at <= known_at,
        )
        .group_by(own.c.unit)
    )
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True)
class Sheet:
    """A workbook as it was handed out."""

    id: int
    programme: str
    period: str
    province: str
    fingerprint: str
    sha256: str
    due_on: dt.date


def issue(
    connection: Connection,
    place: tuple[str, str, str],
    fingerprint: str,
    data: bytes,
    due_on: dt.date,
    known_at: dt.datetime,
) -> bool:
    """Put a workbook for a place (programme, period, province) on record; False: it was, before."""
    programme, period, province = place
    if issued(connection, place, fingerprint, None) is not None:
        return False
    connection.execute(
        province_audit_sheet.insert().values(
            programme=programme,
            period=period,
            province=province,
            fingerprint=fingerprint,
            sha256=objects.put_content(data),
            due_on=due_on,
            known_at=known_at,
        )
    )
    return True


def issued(
    connection: Connection, place: tuple[str, str, str], fingerprint: str, known_at: dt.datetime | None
) -> Sheet | None:
    """Return the workbook that was handed out under a fingerprint (by ``known_at``); None: none was."""
    table = province_audit_sheet
    programme, period, province = place
    row = (
        connection.execute(
            select(*(table.c[name] for name in Sheet.__dataclass_fields__)).where(
                table.c.programme == programme,
                table.c.period == period,
                table.c.province == province,
                table.c.fingerprint == fingerprint,
                true() if known_at is None else table.c.known_at <= known_at,
            )
        )
        .mappings()
        .first()
    )
    return None if row is None else Sheet(**row)


def record_return(connection: Connection, values: Mapping[str, object]) -> int:
    """Add a file of a province's folder that was read; return its id."""
    query = province_audit_return.insert().values(**values).returning(province_audit_return.c.id)
    return int(connection.execute(query).scalar_one())


def record(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Add answers, all of one return."""
    if rows:
        connection.execute(province_audit.insert(), list(rows))


def meet(
    connection: Connection,
    duty: str,
    period: str,
    units: Mapping[str, str],
    day: dt.date,
    by: str,
    proof: str,
    known_at: dt.datetime,
) -> int:
    """Report to the obligations of a duty what a province forwarded (body → opinion); return how many."""
    own = obligation
    found = connection.execute(
        select(own.c.id, own.c.unit).where(
            own.c.duty == duty, own.c.period == period, own.c.unit.in_(list(units))
        )
    ).all()
    written = 0
    for row in found:
        values = {
            "obligation_id": row.id, "received_on": day, "reported_by": by, "note": units[row.unit],
        }  # fmt: skip
        same = [obligation_report.c[name] == value for name, value in values.items()]
        if connection.execute(select(obligation_report.c.id).where(*same)).first() is None:
            connection.execute(
                obligation_report.insert().values(**values, evidence_sha256=proof, known_at=known_at)
            )
            written += 1
    return written
