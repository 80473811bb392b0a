"""Published history: a year's results from before this system, imported with their source.

A workbook is handed out, filled in from the published document, and read back. A body that was renamed or
whose organisations were merged is found through the registry as of the period's last day. What is imported
counts as issued history (2023-156#21) and is compared with a recalculation; it makes no document, gives no
number and changes no title.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core import objects, seals
from ipgov.core.database import is_simulation, lock, reading, transaction
from ipgov.core.errors import GovernanceError, Problem, RefusedError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.tables import issue, organisation, published_value, review_round, titled_body
from ipgov.decisions import rounds
from ipgov.documents import published_form
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.evaluation import published
from ipgov.intake.published import RESULTS, Entry, Published, Row, read_published
from ipgov.policy import store
from ipgov.registry import platforms
from ipgov.registry.asof import listed
from ipgov.registry.organisations import current_codes


@dataclass(frozen=True)
class Imported:
    """What an import did; ``repeated``: the same file again, nothing was written."""

    programme: str
    period: str
    source_id: int
    units: int
    imported: int
    changed: int
    removed: int
    repeated: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def last_day(period: str) -> dt.date:
    """Return the day as of which a period's bodies are known; UnknownError for what is no year."""
    if not (len(period) == 4 and period.isascii() and period.isdecimal() and period >= "1900"):
        raise UnknownError(f"年度“{period}”无效；应为四位年份，如 2023")
    return dt.date(int(period), 12, 31)


def blank(programme: str, period: str, known_at: dt.datetime) -> bytes:
    """Return the workbook for a year: the bodies titled on its last day, the indicators of its rules.

    Raises UnknownError where there were none, or no rules; RefusedError for a year issued by this system.
    """
    day = last_day(period)
    rules = store.governing(programme, int(period)).rules
    with reading() as connection:
        _refuse_issued(connection, programme, period)
        units = platforms.roster(connection, programme, day, known_at)
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
    if not units:
        raise UnknownError(f"{day}“{programme}”没有已认定的单位，应先登记当时的名单")
    asked = published_form.Blank(
        title=f"{rules.title}：已公布结果补录表",
        author=rules.issuer.name,
        programme=programme,
        period=period,
        units=[(u.unit, u.name) for u in units],
        indicators=[(i.code, i.name, i.unit) for i in rules.scoring.indicators],
    )
    return published_form.write(asked, banner)


def import_file(
    filename: str, data: bytes, imported_by: str, known_at: dt.datetime, reason: str | None = None
) -> Imported:
    """Import a filled-in workbook as *published*: its source, and a change record for every value.

    A later import of the year needs a ``reason``; it supersedes the earlier one value by value. The same
    content again changes nothing. Raises GovernanceError with every problem of the file (nothing is written
    then), RefusedError for a year that this system issued itself.
    """
    if not imported_by.strip():
        raise RefusedError("导入已公布结果须写明经办人")
    imported = _import(filename, data, imported_by, known_at, reason)
    # also when repeated: the first may have been killed before this
    seals.ensure("manual", f"published:{imported.source_id}", known_at)
    return imported


def _import(
    filename: str, data: bytes, imported_by: str, known_at: dt.datetime, reason: str | None
) -> Imported:
    read = read_published(data, filename)
    if not read.programme:
        raise GovernanceError(f"{filename} 不能导入", read.problems)
    last_day(read.period)
    sha256 = sha256_hex(data)
    with transaction() as connection:
        lock(connection, "rounds", read.programme, read.period)  # a round of the year waits, or is seen
        _refuse_issued(connection, read.programme, read.period)
        names, entries, problems = _resolved(connection, read, filename, known_at)
        if problems:
            raise GovernanceError(
                f"{filename} 有 {len(problems)} 处问题，没有导入任何内容", tuple(sorted(problems, key=_order))
            )
        before = published.newest(connection, read.programme, read.period)
        if before and before.sha256 == sha256:
            return Imported(read.programme, read.period, before.id, len(names), 0, 0, 0, repeated=True)
        stood = published.values(connection, before) if before else {}
        if before and not (reason or "").strip():
            told = published.changes(entries, stood)
            raise RefusedError(
                f"{read.period} 年度已导入过（{before.label}），本次新增 {told.imported}、"
                f"改动 {told.changed}、删去 {told.removed} 个值；更正已导入的内容须写明事由"
            )
        objects.put_content(data)
        source_id, changes = published.save(
            connection,
            {
                **read.source,
                "programme": read.programme,
                "period": read.period,
                "filename": filename,
                "sha256": sha256,
                "imported_by": imported_by,
                "reason": (reason or "").strip() if before else None,
                "supersedes": before.id if before else None,
            },
            names,
            entries,
            stood,
            known_at,
        )
    return Imported(
        read.programme, read.period, source_id, len(names), changes.imported, changes.changed, changes.removed
    )


def imports(programme: str | None = None, period: str | None = None) -> list[dict[str, Any]]:
    """Return every import, in order, with how many results and changes of values it brought."""
    with reading() as connection:
        found = []
        for source in published.sources(connection, programme, period):
            kinds = connection.execute(
                select(published_value.c.change).where(published_value.c.source_id == source.id)
            ).scalars()
            told = list(kinds)
            counts = {kind: told.count(kind) for kind in ("imported", "changed", "removed")}
            results = published.results(connection, source.id)
            passed = [r.passed for r in results.values()]
            found.append(
                {
                    **asdict(source),
                    "units": len(results),
                    "passed": passed.count(True),
                    "failed": passed.count(False),
                    **counts,
                }
            )
    return found


def _refuse_issued(connection: Connection, programme: str, period: str) -> None:
    issued = connection.execute(
        select(review_round.c.number)
        .join(issue, issue.c.round_id == review_round.c.id)
        .where(review_round.c.programme == programme, review_round.c.period == period)
        .where(review_round.c.result_set_id.is_not(None))
        .limit(1)
    ).scalar()
    if issued is not None:
        raise RefusedError(f"{period} 年度的结果由本系统签发（第 {issued} 轮），不得以导入的结果覆盖")
    last = rounds.latest_round(connection, programme, period)
    if last is not None and rounds.ended(connection, last.id) is None:
        raise RefusedError(f"{last.label}正在本系统审批，不得导入该年度的结果")


def _order(problem: Problem) -> tuple[str, int, str]:
    return (problem.sheet, int("".join(c for c in problem.cell if c.isdigit()) or 0), problem.cell)


def _resolved(
    connection: Connection, read: Published, filename: str, known_at: dt.datetime
) -> tuple[dict[str, str], dict[published.Key, Entry], list[Problem]]:
    """Return unit → name as published, every entry by unit, and everything that is wrong."""
    finder = _Finder(connection, read.programme, last_day(read.period), known_at)
    problems = [*read.problems, *_unknown_indicators(read, filename)]
    names: dict[str, str] = {}
    entries: dict[published.Key, Entry] = {}
    places: dict[tuple[str, str], str] = {}
    for row in sorted(read.rows, key=lambda r: r.sheet != RESULTS):
        try:
            unit = finder.find(row)
        except UnknownError as error:
            problems.append(_at(row, filename, error.message, finder.expected))
            continue
        if (row.sheet, unit) in places:
            found = f"{unit} 在 {places[row.sheet, unit]} 已有一行"
            problems.append(_at(row, filename, found, "每家单位一行"))
            continue
        places[row.sheet, unit] = row.cell
        if row.sheet == RESULTS:
            names[unit] = row.name or finder.name(unit)
        elif unit not in names:
            problems.append(_at(row, filename, f"{unit} 不在“{RESULTS}”表", f"“{RESULTS}”表有该单位一行"))
        entries |= {(unit, e.aspect, e.code): e for e in row.entries}
    return names, entries, problems


def _at(row: Row, filename: str, found: str, expected: str) -> Problem:
    return Problem("published_unit", found, expected, filename, row.sheet, row.cell)


def _unknown_indicators(read: Published, filename: str) -> list[Problem]:
    rules = store.governing(read.programme, int(read.period)).rules
    known = [i.code for i in rules.scoring.indicators]
    expected = f"{read.period} 年度规则（{rules.version}）的指标：{listed(known)}"
    return [
        Problem("published_indicator", f"没有指标“{code[:40]}”", expected, filename, *place)
        for code, place in read.codes.items()
        if code not in known
    ]


class _Finder:
    """Who a line of a published list is about: by code, by a name of then or now, by its organisations."""

    def __init__(self, connection: Connection, programme: str, on: dt.date, known_at: dt.datetime):
        store.versions(programme)
        self._names: dict[str, set[str]] = {}
        self._units: dict[str, str] = {}
        body = titled_body
        query = select(body.c.unit, body.c.name, body.c.host_code, body.c.operator_code, body.c.valid_from)
        versions = connection.execute(
            query.where(body.c.programme == store.governs(programme), body.c.known_at <= known_at).order_by(
                body.c.valid_from, body.c.known_at, body.c.id
            )
        ).all()
        for version in versions:
            if version.valid_from <= on:
                self._units[version.unit] = version.name
        versions = [v for v in versions if v.unit in self._units]
        for version in versions:  # a body may stand under the name that it took later
            self._names.setdefault(version.name, set()).add(version.unit)
        self._by_organisation(connection, versions, on, known_at)
        self.expected = f"{on.year} 年已登记的单位：{listed(sorted(self._units))}"

    def _by_organisation(
        self, connection: Connection, versions: Sequence[Any], on: dt.date, known_at: dt.datetime
    ) -> None:
        """Let the name or code of an organisation stand for the body that its successor is behind."""
        table = organisation
        known = connection.execute(
            select(table.c.code, table.c.name).where(table.c.known_at <= known_at).distinct()
        ).all()
        ends = current_codes(connection, [o.code for o in known], on, known_at)
        behind: dict[str, set[str]] = {}
        for version in versions:
            for code in (version.host_code, version.operator_code):
                behind.setdefault(ends.get(code, code), set()).add(version.unit)
        for o in known:
            for text in (o.code, o.name):
                if text not in self._names or text == o.code:
                    self._names.setdefault(text, set()).update(behind.get(ends[o.code], ()))

    def name(self, unit: str) -> str:
        """Return what a body was called on the day."""
        return self._units[unit]

    def find(self, row: Row) -> str:
        """Return the unit of a line; UnknownError says why there is none, or not one."""
        by_code = self._one(row.unit) if row.unit else None
        by_name = self._one(row.name) if row.name and not row.unit else None
        found = by_code or by_name
        if found is None:
            raise UnknownError(f"没有登记“{row.unit or row.name}”这一单位")
        others = self._names.get(row.name, {found})
        if row.name and others and found not in others:
            raise UnknownError(
                f"代码“{row.unit}”是 {found}，而名称“{row.name}”是 {'、'.join(sorted(others))}"
            )
        return found

    def _one(self, text: str) -> str | None:
        if text in self._units:
            return text
        found = self._names.get(text, set())
        if len(found) > 1:
            raise UnknownError(f"“{text}”对应 {'、'.join(sorted(found))} 几家，不能确定是哪一家")
        return next(iter(found), None)


def check_not_imported(connection: Connection, programme: str, period: str) -> None:
    """Refuse to put up for approval a year whose published results were imported."""
    if source := published.newest(connection, programme, period):
        raise RefusedError(
            f"{period} 年度已导入公布的结果：{source.label}；已公布的年度只重算、比较，不再送审"
        )
