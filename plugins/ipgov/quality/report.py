"""What a check found, by severity, rule, province and body, down to every cell."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

from ipgov.core import objects
from ipgov.core.errors import UnknownError
from ipgov.policy import store
from ipgov.quality import suite
from ipgov.quality.suite import SEVERITIES
from ipgov.registry.asof import listed
from ipgov.registry.codes import PROVINCES

DIRECT, WHOLE = "direct", "whole"
LINES = {DIRECT: "直接报送单位", WHOLE: "全部数据"}
SEVERITY_NAMES = {"critical": "严重", "warning": "警告", "info": "提示"}
WAIVED = {"yes": "已豁免", "no": "未豁免"}


@dataclass(frozen=True)
class Check:
    """One run of a suite over a live snapshot of a period."""

    id: int
    programme: str
    period: str
    snapshot_id: int
    as_of: dt.date
    rule_sha256: str
    suite: str
    suite_sha256: str
    passed: bool
    known_at: dt.datetime


@dataclass(frozen=True)
class Filter:
    """What is looked at; None: everything. ``province`` is a code, ``direct`` or ``whole``."""

    severity: str | None = None
    rule: str | None = None
    province: str | None = None
    unit: str | None = None
    waived: str | None = None

    def as_dict(self) -> dict[str, str]:
        """Return what is chosen, by name."""
        return {k: v for k, v in asdict(self).items() if v is not None}


@dataclass(frozen=True)
class Count:
    """How many findings: all, of how many bodies, waived, stopping (critical and not waived)."""

    found: int
    bodies: int
    waived: int
    stopping: int


@dataclass(frozen=True)
class RuleCount(Count):
    """What a rule found, with its name, and its basis in words."""

    rule: str
    title: str
    severity: str
    basis: str


@dataclass(frozen=True)
class PlaceCount(Count):
    """What was found in a province (or of those who report directly, or in the data as a whole)."""

    province: str
    name: str


@dataclass(frozen=True)
class BodyCount(Count):
    """What was found of a body."""

    unit: str
    name: str
    province: str


@dataclass(frozen=True)
class Found:
    """One finding at its cell."""

    id: int
    rule: str
    severity: str
    basis: str
    province: str
    unit: str | None
    name: str | None
    field: str | None
    label: str | None
    message: str
    found: str | None
    sheet: str | None
    cell: str | None
    submission_id: int | None
    waiver_id: int | None
    granted_by: str | None
    waived_because: str | None
    waived_until: dt.date | None

    @property
    def stops(self) -> bool:
        """Tell whether it stops the evaluation."""
        return self.severity == "critical" and self.waiver_id is None


@dataclass(frozen=True)
class Report:
    """A check, what is chosen of it, its counts in every view, and findings in order."""

    check: Check
    chosen: Filter
    total: Count
    severities: Mapping[str, Count]
    rules: Sequence[RuleCount]
    provinces: Sequence[PlaceCount]
    bodies: Sequence[BodyCount]
    findings: Sequence[Found]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"chosen": self.chosen.as_dict()}


_CHECKS = text(
    """
    SELECT c.id, s.programme, s.period, c.snapshot_id, s.as_of, s.rule_sha256, c.suite, c.suite_sha256,
        c.passed, c.known_at
    FROM quality_check c
    JOIN snapshot s ON s.id = c.snapshot_id
    WHERE s.programme = :programme AND s.period = :period AND s.mode = 'live' AND c.known_at <= :known_at
    ORDER BY c.id DESC
    """
)

_FOUND = """
    WITH found AS (
        SELECT f.id, f.rule, f.severity, f.basis, f.unit, u.name, f.field, f.message, f.found, f.sheet,
            f.cell, f.submission_id, f.waiver_id, w.granted_by, w.reason AS waived_because,
            w.until AS waived_until,
            CASE WHEN u.unit IS NULL THEN 'whole' WHEN u.route = 'direct' THEN 'direct' ELSE u.province END
                AS province
        FROM finding f
        JOIN quality_check c ON c.id = f.check_id
        LEFT JOIN snapshot_unit u ON u.snapshot_id = c.snapshot_id AND u.unit = f.unit
        LEFT JOIN waiver w ON w.id = f.waiver_id
        WHERE f.check_id = :check_id
    ),
    chosen AS (
        SELECT *
        FROM found
        WHERE (CAST(:severity AS text) IS NULL OR severity = :severity)
            AND (CAST(:rule AS text) IS NULL OR rule = :rule)
            AND (CAST(:province AS text) IS NULL OR province = :province)
            AND (CAST(:unit AS text) IS NULL OR unit = :unit)
            AND (CAST(:waived AS text) IS NULL OR (waiver_id IS NOT NULL) = (:waived = 'yes'))
    )
"""
_COUNTS = text(
    _FOUND
    + """
    SELECT
        CASE GROUPING(severity, rule, province, unit)
            WHEN 15 THEN 'total' WHEN 7 THEN 'severity' WHEN 3 THEN 'rule' WHEN 13 THEN 'province' ELSE 'unit'
        END AS view,
        severity, rule, basis, province, unit, name,
        count(*) AS found,
        count(DISTINCT unit) AS bodies,
        count(waiver_id) AS waived,
        count(*) FILTER (WHERE severity = 'critical' AND waiver_id IS NULL) AS stopping
    FROM chosen
    GROUP BY GROUPING SETS ((), (severity), (severity, rule, basis), (province), (province, unit, name))
    ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), rule,
        count(*) FILTER (WHERE severity = 'critical' AND waiver_id IS NULL) DESC, count(*) DESC,
        province, unit
    """
)
_ROWS = text(
    _FOUND  # noqa: S608
    + """
    SELECT * FROM chosen
    ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), rule, unit, id
    LIMIT CAST(:size AS bigint) OFFSET :start
    """
)


def checks(connection: Connection, programme: str, period: str, known_at: dt.datetime) -> list[Check]:
    """Return the checks of a period's live snapshots known at a moment, the newest first."""
    given = {"programme": programme, "period": period, "known_at": known_at}
    return [Check(**row) for row in connection.execute(_CHECKS, given).mappings()]


def choose(there: Sequence[Check], programme: str, period: str, check_id: int | None = None) -> Check:
    """Return the newest check, or the one asked for; UnknownError names those there are."""
    if not there:
        raise UnknownError(f"“{programme}”{period} 年度尚未作过数据质量检查")
    if check_id is None:
        return there[0]
    for one in there:
        if one.id == check_id:
            return one
    raise UnknownError(
        f"“{programme}”{period} 年度没有编号为 {check_id} 的检查；现有：{listed([str(c.id) for c in there])}"
    )


def report(
    connection: Connection,
    check: Check,
    chosen: Filter = Filter(),
    *,
    size: int | None = None,
    start: int = 0,
) -> Report:
    """Return what a check found; ``size`` findings from ``start`` on (all by default), counts always of all.

    Raises UnknownError for a severity, rule, province, body or state of waiver that the check does not know.
    """
    rules = suite.kept(objects.get_content(check.suite_sha256))
    _refuse_unknown(connection, check, chosen, rules)
    given = asdict(chosen) | {"check_id": check.id}
    counts: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(_COUNTS, given).mappings():
        counts.setdefault(row["view"], []).append(dict(row))
    form = store.parse(objects.get_content(check.rule_sha256), "（已冻结的规则）").rules.form
    rows = connection.execute(_ROWS, given | {"size": size, "start": start}).mappings()
    return Report(
        check=check,
        chosen=chosen,
        total=_count(counts["total"][0]),
        severities={r["severity"]: _count(r) for r in counts.get("severity", ())},
        rules=[
            RuleCount(
                **asdict(_count(r)),
                rule=r["rule"],
                title=rules[r["rule"]].name if r["rule"] in rules else r["rule"],
                severity=r["severity"],
                basis=r["basis"],
            )
            for r in counts.get("rule", ())
        ],
        provinces=[
            PlaceCount(**asdict(_count(r)), province=r["province"], name=place_name(r["province"]))
            for r in counts.get("province", ())
        ],
        bodies=[
            BodyCount(**asdict(_count(r)), unit=r["unit"], name=r["name"], province=r["province"])
            for r in counts.get("unit", ())
            if r["unit"] is not None
        ],
        findings=[
            Found(**r, label=form.fields[r["field"]].label if r["field"] in form.fields else None)
            for r in rows
        ],
    )


def place_name(province: str) -> str:
    """Return what a line is called: a province, those who report directly, the data as a whole."""
    return LINES.get(province) or PROVINCES[province].name


def basis_words(basis: str) -> str:
    """Return a basis in words: the clause with its document and text, or the operator's reason."""
    if basis.startswith("operator"):
        return f"运行方自定：{basis.removeprefix('operator').removeprefix(':').strip() or '未写明理由'}"
    clause = store.clauses().get(basis)
    if clause is None:
        return basis
    return f"{clause['doc_no']}{clause['section']}：“{clause['key_zh']}”（{basis}）"


def _count(row: Mapping[str, Any]) -> Count:
    return Count(row["found"], row["bodies"], row["waived"], row["stopping"])


def _refuse_unknown(
    connection: Connection, check: Check, chosen: Filter, rules: Mapping[str, suite.Rule]
) -> None:
    there: dict[str, Sequence[str]] = {
        "severity": SEVERITIES,
        "rule": list(rules),
        "province": [*PROVINCES, *LINES],
        "waived": list(WAIVED),
    }
    words = {"severity": "严重程度", "rule": "规则", "province": "省份", "waived": "豁免状态", "unit": "单位"}
    if chosen.rule is not None and chosen.rule not in rules:
        found = text("SELECT DISTINCT rule FROM finding WHERE check_id = :check_id ORDER BY rule")
        there["rule"] = [*rules, *connection.execute(found, {"check_id": check.id}).scalars()]
    if chosen.unit is not None:
        units = text("SELECT unit FROM snapshot_unit WHERE snapshot_id = :id ORDER BY unit")
        there["unit"] = list(connection.execute(units, {"id": check.snapshot_id}).scalars())
    for name, value in chosen.as_dict().items():
        if value not in there[name]:
            raise UnknownError(f"没有名为“{value}”的{words[name]}；可用：{listed(list(there[name]))}")


def to_json(value: Report) -> str:
    """Return a report as JSON text, in Chinese as it is."""
    return json.dumps(value.as_dict(), ensure_ascii=False, indent=2, default=str)
