"""Results that were published before this system, as imported: a year's newest source, and its values.

Append-only: an import is whole (``published_result``), and every value that it brought, changed or took back
has a row of its own (``published_value``) that names what it supersedes. The newest source of a year counts.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select

from ipgov.core.tables import published_result, published_source, published_value
from ipgov.evaluation.outcomes import YearResult
from ipgov.intake.published import Entry

Key = tuple[str, str, str]  # unit, aspect, indicator (empty for a result)


@dataclass(frozen=True)
class Source:
    """Where a year's published results come from: ``rule_version`` None: the document names none."""

    id: int
    programme: str
    period: str
    document_number: str
    published_on: dt.date
    publisher: str
    found_at: str
    rule_version: str | None
    sha256: str
    imported_by: str
    reason: str | None
    supersedes: int | None
    known_at: dt.datetime

    @property
    def label(self) -> str:
        """Return how people call it: number, publisher and day."""
        return f"{self.document_number}（{self.publisher}，{self.published_on}）"


@dataclass(frozen=True)
class PublishedResult:
    """What was published of a body. ``passed`` None: not evaluated."""

    unit: str
    name: str
    total: Decimal | None
    rank: int | None
    grade: str | None
    passed: bool | None


@dataclass(frozen=True)
class Changes:
    """How many values an import brought, changed and took back."""

    imported: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def any(self) -> bool:
        """Tell whether there is anything to record."""
        return bool(self.imported or self.changed or self.removed)


_SOURCE = tuple(Source.__dataclass_fields__)


def _sources(programme: str | None, period: str | None, known_at: dt.datetime | None) -> Select[Any]:
    query = select(*(published_source.c[c] for c in _SOURCE)).order_by(published_source.c.id)
    if programme is not None:
        query = query.where(published_source.c.programme == programme)
    if period is not None:
        query = query.where(published_source.c.period == period)
    return query if known_at is None else query.where(published_source.c.known_at <= known_at)


def sources(
    connection: Connection,
    programme: str | None = None,
    period: str | None = None,
    known_at: dt.datetime | None = None,
) -> list[Source]:
    """Return the imports that match, in their order; those of one year supersede each other."""
    rows = connection.execute(_sources(programme, period, known_at)).mappings()
    return [Source(**{c: row[c] for c in _SOURCE}) for row in rows]


def newest(
    connection: Connection, programme: str, period: str, known_at: dt.datetime | None = None
) -> Source | None:
    """Return the source that counts for a year; None where nothing of it was imported."""
    found = sources(connection, programme, period, known_at)
    return found[-1] if found else None


def results(connection: Connection, source_id: int) -> dict[str, PublishedResult]:
    """Return what a source says of every body, by unit."""
    table = published_result
    columns = (
        table.c.unit,
        table.c.published_name,
        table.c.total,
        table.c.rank,
        table.c.grade,
        table.c.passed,
    )
    query = select(*columns).where(table.c.source_id == source_id).order_by(table.c.unit)
    return {row.unit: PublishedResult(*row) for row in connection.execute(query)}


def values(connection: Connection, source: Source) -> dict[Key, Mapping[str, Any]]:
    """Return the rows of the values that stand with a source: the newest of each, none taken back."""
    table = published_value
    newest_first = func.row_number().over(
        partition_by=(table.c.unit, table.c.aspect, table.c.code), order_by=table.c.id.desc()
    )
    ranked = (
        select(table, newest_first.label("place"))
        .join(published_source, published_source.c.id == table.c.source_id)
        .where(
            published_source.c.programme == source.programme,
            published_source.c.period == source.period,
            table.c.source_id <= source.id,
        )
        .subquery()
    )
    query = select(ranked).where(ranked.c.place == 1, ranked.c.change != "removed").order_by(ranked.c.id)
    found = connection.execute(query).mappings()
    return {(r["unit"], r["aspect"], r["code"]): dict(r) for r in found}


def save(
    connection: Connection,
    source: Mapping[str, Any],
    names: Mapping[str, str],
    entries: Mapping[Key, Entry],
    before: Mapping[Key, Mapping[str, Any]],
    known_at: dt.datetime,
) -> tuple[int, Changes]:
    """Store an import whole; return its id and what it changed.

    ``source``: the columns of its row; ``names``: unit → name as published; ``before``: the ``values`` that
    stood until now.
    """
    source_id = connection.execute(
        published_source.insert().values(**source, known_at=known_at).returning(published_source.c.id)
    ).scalar_one()
    connection.execute(
        published_result.insert(),
        [
            {"source_id": source_id, "known_at": known_at, **_result(unit, name, entries)}
            for unit, name in sorted(names.items())
        ],
    )
    rows = list(_changes(entries, before))
    common = {"source_id": source_id, "known_at": known_at}
    if rows:
        connection.execute(published_value.insert(), [{**row, **common} for row in rows])
    return int(source_id), _counted(rows)


def changes(entries: Mapping[Key, Entry], before: Mapping[Key, Mapping[str, Any]]) -> Changes:
    """Return what an import would change."""
    return _counted(_changes(entries, before))


def _counted(rows: Iterable[Mapping[str, Any]]) -> Changes:
    kinds = [row["change"] for row in rows]
    return Changes(kinds.count("imported"), kinds.count("changed"), kinds.count("removed"))


def _result(unit: str, name: str, entries: Mapping[Key, Entry]) -> dict[str, Any]:
    total, rank, grade, passed = (
        entries.get((unit, aspect, "")) for aspect in ("total", "rank", "grade", "passed")
    )
    return {
        "unit": unit,
        "published_name": name,
        "total": total.value if total else None,
        "rank": int(rank.value) if rank and rank.value is not None else None,
        "grade": grade.text_value if grade else None,
        "passed": bool(passed.value) if passed and passed.value is not None else None,
    }


def _changes(
    entries: Mapping[Key, Entry], before: Mapping[Key, Mapping[str, Any]]
) -> Iterable[dict[str, Any]]:
    for key in sorted({*entries, *before}):
        now, was = entries.get(key), before.get(key)
        if now is not None and was is not None and _same(now, was):
            continue
        unit, aspect, code = key
        change = "imported" if was is None else "changed" if now is not None else "removed"
        place = (now.raw, now.sheet, now.cell) if now is not None else ("", was["sheet"], was["cell"])  # type: ignore[index]
        yield {
            "unit": unit, "aspect": aspect, "code": code, "change": change,
            "value": now.value if now is not None else None,
            "text_value": now.text_value if now is not None else None,
            "raw": place[0], "sheet": place[1], "cell": place[2],
            "transforms": json.loads(json.dumps(now.transforms)) if now is not None else [],
            "supersedes": None if was is None else was["id"],
        }  # fmt: skip


def _same(now: Entry, was: Mapping[str, Any]) -> bool:
    return now.value == was["value"] and now.text_value == was["text_value"]


def history(
    connection: Connection, programme: str, before_period: str, known_at: dt.datetime, unit: str | None = None
) -> dict[str, list[YearResult]]:
    """Return each unit's imported results of earlier periods, as known then; ``source`` says so."""
    found: dict[str, list[YearResult]] = {}
    counting = {s.period: s for s in sources(connection, programme, known_at=known_at)}
    by_id = {s.id: s for s in counting.values() if int(s.period) < int(before_period)}
    table = published_result
    query = select(table).where(table.c.source_id.in_(by_id)).order_by(table.c.unit)
    query = query.where(table.c.unit == unit) if unit is not None else query
    for row in connection.execute(query).mappings():
        source = by_id[row["source_id"]]
        said = f"{source.period} 年度导入的已公布结果：{source.label}"
        year = YearResult(int(source.period), row["passed"], row["grade"], row["total"], row["rank"], said)
        found.setdefault(row["unit"], []).append(year)
    return found


def merged(
    issued: Mapping[str, Sequence[YearResult]], imported: Mapping[str, Sequence[YearResult]]
) -> dict[str, list[YearResult]]:
    """Return both histories as one, oldest first. A year is either issued here or imported, never both."""
    units = sorted({*issued, *imported})
    return {u: sorted([*issued.get(u, ()), *imported.get(u, ())], key=lambda y: y.period) for u in units}
