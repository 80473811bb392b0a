"""What a result means for each body, put together for rating lists, notices and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core.steps import Cycle
from ipgov.core.tables import proposed_outcome, result, result_set, score, snapshot_unit
from ipgov.documents import rating_list as rating
from ipgov.documents import sensitivity_sheet
from ipgov.documents.rating_layout import LOOKED_UP
from ipgov.evaluation import store as results
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures import audit_routes, explanations, sensitivity
from ipgov.procedures.rated_sources import rating_flags
from ipgov.quality import findings as quality_findings

STATES = {
    "accepted": "按期报送",
    "accepted_late": "逾期报送（宽限期内）",
    "late": "逾期报送（超过宽限期，未评价）",
    "returned": "报送表被退回，未更正",
    "missing": "未报送",
    "exempt": "认定不满规定年限，不参加评价",
    "not_forwarded": "省级未在期限内审核报送",
    "returned_by_province": "省级审核退回，未重新报送",
    "not_copied": "没有抄送省级的记录",
}


@dataclass(frozen=True)
class Outcome:
    """What the history of results would mean for the title."""

    outcome: str
    name: str
    basis: str
    explanation: str
    evidence: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class UnitResult:
    """One body's result with the scores below it, by code of indicator and dimension."""

    unit: str
    name: str
    kind: str
    kind_name: str
    province: str
    route: str
    state: str
    total: Decimal | None
    rank: int | None
    group_rank: int | None
    group_size: int
    grade: str | None
    passed: bool | None
    reasons: Sequence[Any]
    scores: Mapping[str, Mapping[str, Any]]
    outcomes: Sequence[Outcome]

    @property
    def state_name(self) -> str:
        """Return how the body's workbook came in."""
        return STATES[self.state]


def unit_results(connection: Connection, rules: RuleVersion, result_set_id: int) -> list[UnitResult]:
    """Return every body's result of a result set: evaluated ones by rank, then the others by code."""
    rows = (
        connection.execute(
            select(result, snapshot_unit)
            .join(result_set, result_set.c.id == result.c.result_set_id)
            .join(
                snapshot_unit,
                (snapshot_unit.c.snapshot_id == result_set.c.snapshot_id)
                & (snapshot_unit.c.unit == result.c.unit),
            )
            .where(result.c.result_set_id == result_set_id)
            .order_by(result.c.rank.asc().nulls_last(), result.c.unit)
            .with_only_columns(
                result.c.unit,
                snapshot_unit.c.name,
                snapshot_unit.c.kind,
                snapshot_unit.c.province,
                snapshot_unit.c.route,
                snapshot_unit.c.state,
                result.c.total,
                result.c.rank,
                result.c.group_rank,
                result.c.grade,
                result.c.passed,
                result.c.reasons,
            )
        )
        .mappings()
        .all()
    )
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row["kind"]] = sizes.get(row["kind"], 0) + (row["rank"] is not None)
    scores: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in connection.execute(select(score).where(score.c.result_set_id == result_set_id)).mappings():
        scores.setdefault(row["unit"], {})[row["node"]] = dict(row)
    names = {o.outcome: o.name for o in rules.outcomes}
    outcomes: dict[str, list[Outcome]] = {}
    for row in connection.execute(
        select(proposed_outcome).where(proposed_outcome.c.result_set_id == result_set_id)
    ).mappings():
        outcomes.setdefault(row["unit"], []).append(
            Outcome(row["outcome"], names[row["outcome"]], row["basis"], row["explanation"], row["evidence"])
        )
    return [
        UnitResult(
            **row,
            kind_name=rules.kinds[row["kind"]].name,
            group_size=sizes[row["kind"]],
            scores=scores.get(row["unit"], {}),
            outcomes=outcomes.get(row["unit"], []),
        )
        for row in rows
    ]


def compose(connection: Connection, cycle: Cycle, rules: Loaded, result_set_id: int) -> rating.RatingList:
    """Put the rating list together: this result and how firm it is, last year's, warnings, proposals."""
    head = connection.execute(select(result_set).where(result_set.c.id == result_set_id)).mappings().one()
    found = quality_findings.findings(connection, head["snapshot_id"])
    history = results.history(connection, cycle.programme, cycle.period, cycle.known_at)
    warnings: dict[str, list[str]] = {}
    for f in found:
        if f.unit is not None and f.severity != "info":
            warnings.setdefault(f.unit, []).append(f.message)
    for unit, told in rating_flags(connection, head["snapshot_id"], rules.rules):
        warnings.setdefault(unit, []).append(told)
    for unit, told in audit_routes.flags(connection, head["snapshot_id"]):
        warnings.setdefault(unit, []).append(told)
    last_year = {
        unit: years[-1] for unit, years in history.items() if years and years[-1].period == cycle.year - 1
    }
    firmness = sensitivity.of_result_set(connection, result_set_id, rules.rules)
    firm = {u.unit: u for u in firmness.units} if firmness else {}
    of_units = unit_results(connection, rules.rules, result_set_id)
    rows = [
        rating.Row(
            unit=r.unit,
            name=r.name,
            kind=r.kind_name,
            province=r.province,
            state=r.state_name,
            total=r.total,
            rank=r.rank,
            group_rank=r.group_rank,
            grade=r.grade,
            scores=_nodes(r, "normalised"),
            values=_nodes(r, "value"),
            weights=_nodes(r, "weight"),
            points=_nodes(r, "contribution"),
            history=tuple(history.get(r.unit, ())),
            last_total=last_year[r.unit].total if r.unit in last_year else None,
            last_rank=last_year[r.unit].rank if r.unit in last_year else None,
            last_grade=last_year[r.unit].grade if r.unit in last_year else None,
            flags=tuple(warnings.get(r.unit, ())),
            reasons=tuple(str(x) for x in r.reasons),
            proposed="、".join(o.name for o in r.outcomes),
            rank_interval=sensitivity_sheet.interval(firm[r.unit]) if r.unit in firm else "",
            grade_kept=firm[r.unit].kept if r.unit in firm else None,
        )
        for r in of_units
    ]
    listed = [r.unit for r in of_units]
    return rating.RatingList(
        rules=rules.rules,
        rule_sha256=rules.sha256,
        programme=cycle.programme,
        period=cycle.period,
        fingerprint=head["fingerprint"],
        rows=tuple(rows),
        sensitivity=firmness,
        findings=tuple(found),
        routes=audit_routes.listed(connection, head["snapshot_id"], rules.rules),
        explained=tuple(explanations.of_bodies(connection, result_set_id, rules.rules, listed))
        if 0 < len(listed) <= LOOKED_UP
        else (),
        clauses=store.clauses(),
    )


def _nodes(result_: UnitResult, figure: str) -> dict[str, Decimal | None]:
    return {node: s[figure] for node, s in result_.scores.items()}
