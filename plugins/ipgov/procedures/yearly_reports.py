"""The yearly workbooks that an evaluation over several years builds on, and what is put together from them.

Which workbook of a year counts is that year's own procedure's matter (``choosing.choose``); here is
what follows: the numbers over the years, and the way from each of them back to every cell (2024-1155#41).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, text

from ipgov.core.errors import UnknownError
from ipgov.core.tables import snapshot_year, snapshot_yearly_value
from ipgov.evaluation.basis import in_chinese, own_basis
from ipgov.evaluation.explain import Source
from ipgov.policy.rules import RuleVersion
from ipgov.policy.yearly import YearlyInput

WORDS = {"sum": "各年合计", "mean": "各年平均", "last": "末年数值", "growth": "末年较首年增长（%）"}
STATES = {
    "accepted": "按期报送",
    "accepted_late": "逾期报送（宽限期内）",
    "late": "逾期报送（超过宽限期）",
    "returned": "被退回，未更正",
    "missing": "未报送",
    "exempt": "当年无须报送",
    "not_forwarded": "省级部门未转报",
    "returned_by_province": "省级部门退回",
    "not_copied": "没有抄送省级部门的记录",
}


@dataclass(frozen=True)
class Year:
    """What a body sent in for one year of the period that counts there, or the state it is in."""

    unit: str
    period: str
    state: str
    submission_id: int | None = None
    submission_sha256: str | None = None

    @property
    def key(self) -> list[str | None]:
        """Return what of it decides a snapshot's content."""
        return [self.unit, self.period, self.state, self.submission_sha256]


@dataclass(frozen=True)
class Combined:
    """A number put together from the years; None: there was not enough. ``source`` names every cell."""

    unit: str
    field: str
    value: Decimal | None
    years: int  # that had a value
    source: str


# Exact: numbers are added and compared as they are, and divided once, by whole-number division (div) to what
# is kept, half-up; PostgreSQL's own division rounds before the last rounding.
_COMBINE = text(
    """
    WITH rule AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rules AS jsonb))
            AS r(code text, field text, combine text, decimals integer, fewer text)
    ),
    owner AS (
        SELECT * FROM jsonb_to_recordset(CAST(:years AS jsonb))
            AS y(unit text, period text, submission_id bigint)
    ),
    part AS (
        SELECT o.unit, r.code, o.period, v.value,
            o.period || '=' || s.sha256 || '#' || v.sheet || '!' || v.cell AS source,
            row_number() OVER (PARTITION BY o.unit, r.code ORDER BY o.period) = 1 AS earliest,
            o.period = :last AS latest
        FROM rule r
        CROSS JOIN owner o
        JOIN submission s ON s.id = o.submission_id
        JOIN submitted_value v ON v.submission_id = s.id AND v.field = r.field
        WHERE v.value IS NOT NULL
    ),
    gathered AS (
        SELECT unit, code, count(*)::integer AS years, sum(value) AS total,
            max(value) FILTER (WHERE earliest AND NOT latest) AS first,
            max(value) FILTER (WHERE latest) AS last,
            string_agg(source, ';' ORDER BY period) AS every_source,
            max(source) FILTER (WHERE latest) AS last_source
        FROM part GROUP BY unit, code
    ),
    quotient AS (
        SELECT u.unit, r.code, r.combine, r.decimals, r.fewer, coalesce(g.years, 0) AS years,
            CASE r.combine
                WHEN 'sum' THEN g.total
                WHEN 'mean' THEN g.total
                WHEN 'last' THEN g.last
                WHEN 'growth' THEN CASE WHEN g.first > 0 THEN (g.last - g.first) * 100 END
            END AS above,
            CASE r.combine
                WHEN 'mean' THEN g.years
                WHEN 'growth' THEN CASE WHEN g.first > 0 THEN g.first END
                ELSE 1
            END AS below,
            CASE r.combine WHEN 'last' THEN g.last_source ELSE g.every_source END AS source
        FROM rule r
        CROSS JOIN (SELECT DISTINCT unit FROM owner) u
        LEFT JOIN gathered g ON g.unit = u.unit AND g.code = r.code
    )
    SELECT unit, code, years, coalesce(source, '') AS source,
        CASE WHEN fewer = 'used' OR years = :length THEN
            sign(above) * div(abs(above) * 2 * CAST('1e' || decimals AS numeric) + below, 2 * below)
                * CAST('1e-' || decimals AS numeric)
        END AS value
    FROM quotient ORDER BY unit, code
    """
)


def combine(
    connection: Connection, rules: RuleVersion, years: Sequence[Year], units: Collection[str]
) -> list[Combined]:
    """Return every number of these bodies that the rules put together from the years, by body and code."""
    mine = [y for y in years if y.unit in units]
    if rules.yearly is None or not mine:
        return []
    last = max(y.period for y in mine)
    rows = connection.execute(
        _COMBINE,
        {
            "rules": json.dumps(
                [
                    {k: getattr(i, k) for k in ("code", "field", "combine", "decimals", "fewer")}
                    for i in rules.yearly.inputs
                ]
            ),
            "years": json.dumps(
                [{"unit": y.unit, "period": y.period, "submission_id": y.submission_id} for y in mine]
            ),
            "last": last,
            "length": rules.cycle.length,
        },
    )
    return [Combined(r.unit, r.code, r.value, r.years, r.source) for r in rows]


def save(
    connection: Connection,
    snapshot_id: int,
    years: Sequence[Year],
    combined: Sequence[Combined],
    known_at: dt.datetime,
) -> None:
    """Store with a snapshot what was sent in for each year, and what was put together from it."""
    common = {"snapshot_id": snapshot_id, "known_at": known_at}
    if years:
        connection.execute(
            snapshot_year.insert(),
            [
                common
                | {"unit": y.unit, "period": y.period, "state": y.state, "submission_id": y.submission_id}
                for y in years
            ],
        )
    if combined:
        connection.execute(
            snapshot_yearly_value.insert(),
            [
                common | {"unit": c.unit, "field": c.field, "value": c.value, "years": c.years}
                for c in combined
            ],
        )


_CELLS = text(
    """
    SELECT y.unit, y.period, y.state, v.field, v.sheet, v.cell, v.raw, v.transforms, v.value,
        s.sha256, s.object_key
    FROM snapshot_year y
    LEFT JOIN submission s ON s.id = y.submission_id
    LEFT JOIN submitted_value v ON v.submission_id = s.id AND v.field = ANY(:fields)
    WHERE y.snapshot_id = :snapshot_id AND y.unit = ANY(:units)
    ORDER BY y.unit, y.period
    """
)


def yearly_sources(
    connection: Connection, snapshot_id: int, rules: RuleVersion, units: Sequence[str]
) -> Iterator[tuple[str, Source]]:
    """Yield for each body, input by input, how it was put together and every cell of every year behind it.

    A year without a workbook that counts stands among them with its reason.
    """
    if rules.yearly is None:
        return
    asked = {
        "snapshot_id": snapshot_id,
        "units": list(units),
        "fields": [i.field for i in rules.yearly.inputs],
    }
    rows = [dict(r) for r in connection.execute(_CELLS, asked).mappings()]
    table = snapshot_yearly_value
    values = {
        (r.unit, r.field): r.value
        for r in connection.execute(select(table).where(table.c.snapshot_id == snapshot_id))
    }
    for unit in units:
        own = [r for r in rows if r["unit"] == unit]
        for given in rules.yearly.inputs if own else ():
            yield unit, _together(given, own, values.get((unit, given.code)), rules)
            for row in own:
                if (source := _cell(given, row, max(r["period"] for r in own))) is not None:
                    yield unit, source


def _together(
    given: YearlyInput, rows: Sequence[dict[str, Any]], value: Decimal | None, rules: RuleVersion
) -> Source:
    """Return in words how an input came of the years."""
    counted = [r for r in rows if given.combine != "last" or r["period"] == max(x["period"] for x in rows)]
    parts = {r["period"]: r["value"] for r in counted if r["field"] == given.field and r["value"] is not None}
    said = "，".join(f"{period} 年度 {number.normalize():f}" for period, number in sorted(parts.items()))
    result = "无法合成" if value is None else f"{value:f}{given.unit}"
    basis = in_chinese(own_basis(given) or (own_basis(rules.yearly) if rules.yearly else ""))
    if given.combine not in WORDS:
        raise UnknownError(f"合成办法“{given.combine}”未知；应为：{'、'.join(WORDS)}")
    note = f"{WORDS[given.combine]}：{said or '没有数值'} → {result}（依据：{basis}）"
    return Source(given.code, "", "", label=given.label, note=note)


def _cell(given: YearlyInput, row: dict[str, Any], last: str) -> Source | None:
    """Return the cell of one year; of a year without a workbook that counts, why; None: not looked at."""
    if given.combine == "last" and row["period"] != last:
        return None
    told = f"{row['period']} 年度自评"
    if row["sha256"] is None:
        if row["state"] not in STATES:
            raise UnknownError(f"年度报送状态“{row['state']}”未知；应为：{'、'.join(STATES)}")
        return Source(given.code, "", "", label=told, note=STATES[row["state"]])
    if row["field"] != given.field:
        return None
    return Source(
        field=given.code,
        file=row["object_key"].rpartition("/")[2],
        raw=row["raw"],
        sheet=row["sheet"],
        cell=row["cell"],
        sha256=row["sha256"],
        label=given.label,
        transforms=tuple(row["transforms"]),
        note=told,
    )


def combined_of(
    connection: Connection, snapshot_id: int, units: Sequence[str]
) -> dict[tuple[str, str], Decimal | None]:
    """Return what a snapshot put together from the years of these bodies, by body and code."""
    table = snapshot_yearly_value
    query = select(table).where(table.c.snapshot_id == snapshot_id, table.c.unit.in_(units))
    return {(r.unit, r.field): r.value for r in connection.execute(query)}
