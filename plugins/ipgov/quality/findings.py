"""Findings and waivers: what a check found, kept for ever, and what was let pass by whom until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, exists, select
from sqlalchemy.dialects.postgresql import distinct_on

from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import finding, quality_check, titled_body, waiver
from ipgov.policy import store
from ipgov.quality import suite

if TYPE_CHECKING:
    from ipgov.quality.gate import Gate

EVERY_BODY = "*"  # a waiver for every body, and for what is said of the data as a whole


@dataclass(frozen=True)
class Finding:
    """One thing that a rule found: at a cell, at a body (no cell), or in the data as a whole (no unit).

    ``waiver_id`` and ``waived`` (who let it pass, until when, why) are set where a waiver lifts it.
    """

    rule: str
    severity: str
    basis: str
    unit: str | None
    field: str | None
    message: str
    found: str | None
    sheet: str | None
    cell: str | None
    submission_id: int | None
    waiver_id: int | None = None
    waived: str = ""

    @property
    def stops(self) -> bool:
        """Tell whether this finding stops the evaluation."""
        return self.severity == "critical" and self.waiver_id is None

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self)


def save(connection: Connection, snapshot_id: int, gate: Gate, known_at: dt.datetime) -> int:
    """Store a check and every finding of it; return how many findings were written."""
    check_id = connection.execute(
        quality_check.insert()
        .values(
            snapshot_id=snapshot_id,
            suite=gate.suite,
            suite_sha256=gate.suite_sha256,
            passed=gate.passed,
            known_at=known_at,
        )
        .returning(quality_check.c.id)
    ).scalar_one()
    rows = [
        {k: v for k, v in f.as_dict().items() if k != "waived"} | {"check_id": check_id, "known_at": known_at}
        for f in gate.findings
    ]
    if rows:
        connection.execute(finding.insert(), rows)
    return len(rows)


def findings(connection: Connection, snapshot_id: int) -> list[Finding]:
    """Return what the newest check of a snapshot found, in the suite's order, then by body and field.

    Raises RefusedError where the snapshot was never checked: no check is not the same as no finding.
    """
    check_id = connection.execute(
        select(quality_check.c.id)
        .where(quality_check.c.snapshot_id == snapshot_id)
        .order_by(quality_check.c.id.desc())
        .limit(1)
    ).scalar()
    if check_id is None:
        raise RefusedError(f"快照 {snapshot_id} 尚未经过数据质量检查")
    rows = connection.execute(
        select(finding, waiver.c.granted_by, waiver.c.reason, waiver.c.until)
        .outerjoin(waiver, waiver.c.id == finding.c.waiver_id)
        .where(finding.c.check_id == check_id)
        .order_by(finding.c.id)
    ).mappings()
    return [_finding(r) for r in rows]


def _finding(row: Mapping[Any, Any]) -> Finding:
    kept = {name: row[name] for name in Finding.__dataclass_fields__ if name != "waived"}
    return Finding(**kept, waived=_told(row) if row["waiver_id"] is not None else "")


def _told(waived: Mapping[Any, Any]) -> str:
    return f"{waived['granted_by']}豁免至 {waived['until']}：{waived['reason']}"


def waive(
    connection: Connection,
    programme: str,
    period: str,
    unit: str,
    rule: str,
    granted_by: str,
    reason: str,
    until: dt.date,
    known_at: dt.datetime,
) -> int:
    """Let a rule's findings of a body (or ``*``: every body) pass through ``until``; return the waiver's id.

    A later waiver of the same body and rule replaces it. The findings stay listed, as waived.
    Raises UnknownError for a rule or body that does not exist, RefusedError without person or reason, or
    for a day that is over.
    """
    quality = store.governing(programme, int(period)).rules.quality
    if rule not in (known := [r.rule for r in suite.load(quality.suite).rules]):
        raise UnknownError(f"规则集“{quality.suite}”没有规则“{rule}”；现有：{'、'.join(known)}")
    there = exists().where(titled_body.c.programme == store.governs(programme), titled_body.c.unit == unit)
    if unit != EVERY_BODY and not connection.execute(select(there)).scalar():
        raise UnknownError(
            f"“{programme}”没有编号为“{unit}”的单位；应为已登记的单位编号，或 {EVERY_BODY}（全部单位）"
        )
    if not granted_by.strip() or not reason.strip():
        raise RefusedError("豁免须写明批准人和理由")
    if until < (today := known_at.astimezone(SHANGHAI).date()):
        raise RefusedError(f"豁免截止日 {until} 早于今日（{today}）")
    values = {
        "programme": programme,
        "period": period,
        "unit": unit,
        "rule": rule,
        "granted_by": granted_by.strip(),
        "reason": reason.strip(),
        "until": until,
        "known_at": known_at,
    }
    return int(connection.execute(waiver.insert().values(values).returning(waiver.c.id)).scalar_one())


@dataclass(frozen=True)
class Waivers:
    """The waivers of a period that hold at a moment: by unit and rule, id and what is told of each."""

    by_unit_and_rule: Mapping[tuple[str, str], tuple[int, str]]

    def of(self, unit: str | None, rule: str) -> tuple[int, str] | None:
        """Return (id, what is told) of the waiver for a body's finding; its own goes before that for all."""
        own = self.by_unit_and_rule.get((unit, rule)) if unit is not None else None
        return own or self.by_unit_and_rule.get((EVERY_BODY, rule))


def waivers(connection: Connection, programme: str, period: str, known_at: dt.datetime) -> Waivers:
    """Return the waivers known at ``known_at`` and not yet over on that day (in the office's time zone)."""
    newest = connection.execute(
        select(waiver)
        .ext(distinct_on(waiver.c.unit, waiver.c.rule))
        .where(waiver.c.programme == programme, waiver.c.period == period, waiver.c.known_at <= known_at)
        .order_by(waiver.c.unit, waiver.c.rule, waiver.c.id.desc())
    ).mappings()
    today = known_at.astimezone(SHANGHAI).date()
    return Waivers({(w["unit"], w["rule"]): (w["id"], _told(w)) for w in newest if w["until"] >= today})
