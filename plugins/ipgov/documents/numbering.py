"""Document numbers (发文字号): reserved before a document is made, so that none is skipped or given twice."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ipgov.core.database import lock, transaction
from ipgov.core.errors import RefusedError
from ipgov.core.tables import document_number
from ipgov.documents.model import plain_text


@dataclass(frozen=True)
class Reserved:
    """A number set aside for one document: its row and how it is printed."""

    id: int
    text: str


def number_text(series: str, year: int, serial: int) -> str:
    """Return 国知平评函〔2026〕7号: full year in six-angled brackets, no leading zeros (7.2.5)."""
    return f"{series}〔{year}〕{serial}号"


def reserve(series: str, year: int, reserved_for: str, known_at: dt.datetime) -> Reserved:
    """Set the next number of a series and year aside for a document's key, or find it again.

    A transaction of its own: reservations of one series and year wait for each other, whoever asks. What was
    once reserved stays so: a retry, even in the next year, takes up its own number. Raises RefusedError where
    the key holds a number of another series.
    """
    with transaction() as connection:
        lock(connection, "reserved_for", reserved_for)
        there = _reserved(connection, reserved_for)
        if there is not None:
            if there.series != series:
                raise RefusedError(f"“{reserved_for}”已预留字号 {there.text}，不能改用“{series}”")
            return Reserved(there.id, there.text)
        lock(connection, "document_number", series, year)
        last = connection.execute(
            select(func.max(document_number.c.serial)).where(
                document_number.c.series == series, document_number.c.year == year
            )
        ).scalar()
        serial = (last or 0) + 1
        row_id = connection.execute(
            document_number.insert()
            .values(
                series=_checked(series),
                year=year,
                serial=serial,
                reserved_for=reserved_for,
                known_at=known_at,
            )
            .returning(document_number.c.id)
        ).scalar_one()
    return Reserved(row_id, number_text(series, year, serial))


@dataclass(frozen=True)
class _Row:
    id: int
    series: str
    year: int
    serial: int

    @property
    def text(self) -> str:
        return number_text(self.series, self.year, self.serial)


def _reserved(connection: Connection, reserved_for: str) -> _Row | None:
    row = connection.execute(
        select(
            document_number.c.id, document_number.c.series, document_number.c.year, document_number.c.serial
        ).where(document_number.c.reserved_for == reserved_for)
    ).first()
    return None if row is None else _Row(*row)


def _checked(series: str) -> str:
    if not plain_text(series).strip() or series != series.strip():
        raise RefusedError(f"字号“{series}”无效：应为机关代字，如“国知平评函”")
    return series
