"""The gate: nothing is evaluated on data that fails a critical rule (``expectations/``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import ProgrammingError

from ipgov.core.database import reading
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, RefusedError, UnknownError
from ipgov.core.objects import put_content
from ipgov.core.tables import snapshot
from ipgov.policy.rules import RuleVersion
from ipgov.quality import expectations, session, suite
from ipgov.quality.expectations import Answer
from ipgov.quality.findings import Finding, Waivers, waivers
from ipgov.quality.suite import PLACES, Rule


@dataclass(frozen=True)
class Gate:
    """The verdict on a snapshot: the suite by name and hash, every finding, whether it may be evaluated."""

    suite: str
    suite_sha256: str
    findings: tuple[Finding, ...]
    passed: bool  # no critical finding is left without a waiver


def check(snapshot_id: int, rules: RuleVersion, known_at: dt.datetime) -> Gate:
    """Hold a committed snapshot against the suite of its rules; nothing is written but the suite's file.

    Great Expectations decides which rules fail; of those every failing row is read, not only its first 20.
    Raises UnknownError for an unknown snapshot or suite, GovernanceError for an unusable suite, and
    EnvironmentProblemError where a rule could not be answered.
    """
    with reading() as connection:
        frozen = connection.execute(select(snapshot).where(snapshot.c.id == snapshot_id)).mappings().first()
        if frozen is None:
            raise UnknownError(f"没有编号为 {snapshot_id} 的快照")
        if frozen["programme"] != rules.programme:
            raise RefusedError(
                f"快照 {snapshot_id} 属于“{frozen['programme']}”，不能按“{rules.programme}”的规则检查"
            )
        waived = waivers(connection, frozen["programme"], frozen["period"], known_at)
    chosen = suite.load(rules.quality.suite)
    connect = session.connector(snapshot_id, rules, known_at)
    answers = expectations.run(chosen.rules, connect, expectations.PASSED_OR_NOT)
    failed = [r for r in chosen.rules if not answers[r.rule].passed]
    written_by_gx = expectations.run(
        [r for r in failed if r.query is None], connect, expectations.INDEX_QUERIES
    )
    engine = session.open_engine(connect)
    with engine.connect() as connection:
        found = [
            _lift(f, waived)
            for rule in failed
            for f in _findings(connection, rule, written_by_gx.get(rule.rule))
        ]
    return Gate(chosen.name, put_content(chosen.data), tuple(found), not any(f.stops for f in found))


def _findings(connection: Connection, rule: Rule, answer: Answer | None) -> list[Finding]:
    """Return one finding per failing row, or one without a place for a rule about the data as a whole."""
    query = rule.query or _index_query(rule, answer)
    if query is None:
        return [_finding(rule, dict(answer.result if answer else {}))]
    rows = _rows(connection, rule, query)
    expected = answer.result["unexpected_count"] if answer else None
    if not rows or (expected is not None and len(rows) != expected):
        raise EnvironmentProblemError(
            f"数据质量规则 {rule.rule} 未通过，但只查到 {len(rows)} 行失败记录"
            f"（应为 {expected or '至少 1'} 行）"
        )
    return sorted((_finding(rule, r) for r in rows), key=lambda f: (f.unit or "", f.field or "", f.message))


def _index_query(rule: Rule, answer: Answer | None) -> str | None:
    if answer is None or "unexpected_count" not in answer.result:
        return None
    query = answer.result.get("unexpected_index_query")
    if not query:
        raise EnvironmentProblemError(f"数据质量规则 {rule.rule} 未给出失败行的查询")
    failing = str(query).rstrip().rstrip(";")
    return f"SELECT v.* FROM {rule.view} v WHERE v.row_key IN (SELECT f.row_key FROM ({failing}) f)"  # noqa: S608


def _rows(connection: Connection, rule: Rule, query: str) -> list[dict[str, Any]]:
    try:
        # as Great Expectations reads it: :name would be a parameter, a colon is \:, % is itself
        return [dict(r) for r in connection.execute(text(query)).mappings()]
    except ProgrammingError as error:
        raise GovernanceError(f"数据质量规则 {rule.rule} 的查询无法执行：{error.orig}") from error


def _finding(rule: Rule, row: Mapping[str, Any]) -> Finding:
    try:
        place: dict[str, Any] = {name: row.get(column) for name, column in PLACES.items()}
        place |= {name: row[column] for name, column in rule.columns.items()}
        message = rule.message.format_map({k: _shown(v) for k, v in row.items()})
    except KeyError as error:
        known = "、".join(row) or "无"
        raise GovernanceError(f"数据质量规则 {rule.rule} 引用了不存在的列 {error}；可用：{known}") from None
    found = place.pop("found")
    return Finding(
        rule=rule.rule,
        severity=rule.severity,
        basis=rule.basis,
        message=message,
        found=None if found is None else _shown(found),
        **place,
    )


def _shown(value: Any) -> str:
    if value is None:
        return "空"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _lift(finding: Finding, waived: Waivers) -> Finding:
    granted = waived.of(finding.unit, finding.rule)
    return replace(finding, waiver_id=granted[0], waived=granted[1]) if granted else finding
