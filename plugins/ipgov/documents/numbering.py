"""Document numbers (发文字号): set aside before a document is made, so that none is skipped or given twice.

A series is counted here, or kept in a register of the office's own; then a person enters each number.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, select

from ipgov.core.database import lock, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import awaited_number, document_number, entered_number
from ipgov.documents.model import plain_text

# 机关代字、年份、序号 (7.2.5): full year in six-angled brackets, no leading zeros, no 第
_NUMBER = re.compile(r"(?P<series>[^\s〔〕]+)〔(?P<year>[0-9]{4})〕(?P<serial>[1-9][0-9]{0,5})号")


class NumberAwaitedError(RefusedError):
    """A document cannot be made yet: its number stands in the office's register, and nobody entered it."""


@dataclass(frozen=True)
class Reserved:
    """A number set aside for one document: its row and how it is printed."""

    id: int
    text: str


@dataclass(frozen=True)
class Awaited:
    """A document that waits for a number of the office's register; ``key`` is the document's."""

    key: str
    series: str
    subject: str
    asked_on: dt.date


def number_text(series: str, year: int, serial: int) -> str:
    """Return 国知平评函〔2026〕7号: full year in six-angled brackets, no leading zeros (7.2.5)."""
    return f"{series}〔{year}〕{serial}号"


def reserve(series: str, year: int, reserved_for: str, known_at: dt.datetime) -> Reserved:
    """Set the next number of a series and year aside for a document's key, or find it again.

    A transaction of its own: reservations of one series and year wait for each other, whoever asks. What was
    once reserved stays so: a retry, even in the next year or after the rules named another series, takes up
    its own number, or it would be a gap.
    """
    with transaction() as connection:
        lock(connection, "reserved_for", reserved_for)
        there = _reserved(connection, reserved_for)
        if there is not None:
            return there
        lock(connection, "document_number", series, year)
        last = connection.execute(
            select(func.max(document_number.c.serial)).where(
                document_number.c.series == series, document_number.c.year == year
            )
        ).scalar()
        return _insert(connection, _checked(series), year, (last or 0) + 1, reserved_for, known_at)


def ask(series: str, subject: str, reserved_for: str, known_at: dt.datetime) -> Reserved | None:
    """Return the number that a person entered for a document's key; None: noted that it waits for one.

    ``subject``: what the document is and whom it goes to, for the office's register.
    """
    with transaction() as connection:
        lock(connection, "reserved_for", reserved_for)
        there = _reserved(connection, reserved_for)
        if there is None and _awaited(connection, reserved_for) is None:
            connection.execute(
                awaited_number.insert().values(
                    series=_checked(series),
                    subject=plain_text(subject),
                    reserved_for=reserved_for,
                    asked_on=known_at.astimezone(SHANGHAI).date(),
                    known_at=known_at,
                )
            )
        return there


def waiting(connection: Connection) -> list[Awaited]:
    """Return the documents for which nobody entered a number yet, in the order in which they asked."""
    a, n = awaited_number.c, document_number.c
    rows = connection.execute(
        select(a.reserved_for, a.series, a.subject, a.asked_on)
        .where(~select(n.id).where(n.reserved_for == a.reserved_for).exists())
        .order_by(a.id)
    )
    return [Awaited(*row) for row in rows]


def enter(reserved_for: str, number: str, actor: str, day: dt.date, known_at: dt.datetime) -> bool:
    """Take the number that the office's register gave a document; False: it was entered before.

    Raises UnknownError for a document that waits for none; RefusedError for a number that is not written
    〔year〕N号, of another series or a year in which it cannot have been given, given to another document, or
    other than the one that was entered before.
    """
    with transaction() as connection:
        lock(connection, "reserved_for", reserved_for)
        asked, there = _awaited(connection, reserved_for), _reserved(connection, reserved_for)
        if asked is None:
            listed = "、".join(f"“{w.key}”" for w in waiting(connection)[:5]) or "无"
            raise UnknownError(f"文书“{reserved_for}”不在等待录入字号；等待录入的有：{listed}")
        if there is not None and there.text == number:
            return False
        if there is not None:
            raise RefusedError(f"文书“{reserved_for}”已录入字号 {there.text}，不得改为“{number}”")
        series, year, serial = _read(number, asked.series, asked.asked_on, day)
        lock(connection, "document_number", series, year)
        n = document_number.c
        holder = connection.execute(
            select(n.reserved_for).where(n.series == series, n.year == year, n.serial == serial)
        ).scalar()
        if holder is not None:
            raise RefusedError(f"字号 {number} 已用于文书“{holder}”，不得重复使用")
        made = _insert(connection, series, year, serial, reserved_for, known_at)
        connection.execute(
            entered_number.insert().values(number_id=made.id, entered_by=actor, known_at=known_at)
        )
    return True


def _read(number: str, series: str, asked_on: dt.date, day: dt.date) -> tuple[str, int, int]:
    """Return series, year and serial of a number as a person typed it."""
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise RefusedError(f"字号“{number}”的写法不对；应为：{number_text(series, day.year, 7)} 的形式")
    if match["series"] != series:
        raise RefusedError(f"字号“{number}”的机关代字是“{match['series']}”；应为：“{series}”")
    year = int(match["year"])
    if not asked_on.year <= year <= day.year:
        years = "至".join(dict.fromkeys((str(asked_on.year), str(day.year))))
        raise RefusedError(f"字号“{number}”的年份是 {year}；应为：{years}")
    return series, year, int(match["serial"])


def _insert(
    connection: Connection, series: str, year: int, serial: int, reserved_for: str, known_at: dt.datetime
) -> Reserved:
    row_id = connection.execute(
        document_number.insert()
        .values(series=series, year=year, serial=serial, reserved_for=reserved_for, known_at=known_at)
        .returning(document_number.c.id)
    ).scalar_one()
    return Reserved(row_id, number_text(series, year, serial))


def _reserved(connection: Connection, reserved_for: str) -> Reserved | None:
    n = document_number.c
    row = connection.execute(
        select(n.id, n.series, n.year, n.serial).where(n.reserved_for == reserved_for)
    ).first()
    return None if row is None else Reserved(row.id, number_text(row.series, row.year, row.serial))


def _awaited(connection: Connection, reserved_for: str) -> Row[str, dt.date] | None:
    a = awaited_number.c
    return connection.execute(select(a.series, a.asked_on).where(a.reserved_for == reserved_for)).first()


def _checked(series: str) -> str:
    if not plain_text(series).strip() or re.search(r"[\s〔〕]", series):
        raise RefusedError(f"字号“{series}”无效：应为机关代字，如“国知平评函”")
    return series
