"""A result made again from a list, its values and rules: outcomes of everybody, and what adds up to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ipgov.evaluation.comparison.changes import Outcome, Standing
from ipgov.evaluation.engine import Evaluation, evaluate
from ipgov.evaluation.plan import ADJUSTMENTS
from ipgov.evaluation.store import absent
from ipgov.policy.rules import RuleVersion, ScoringRules

if TYPE_CHECKING:
    import pyarrow as pa

REST = "rest"  # what the engine cannot tell apart: totals that are no sum of their parts


class Rebuilt:
    """One combination of list, values and rules, evaluated."""

    def __init__(self, standings: Mapping[str, Standing], values: pa.Table, rules: ScoringRules):
        self._evaluation = _evaluate(values, rules)
        self.outcomes = _outcomes(self._evaluation, standings, rules)

    def parts(self, units: Sequence[str]) -> dict[str, dict[str, Decimal]]:
        """Return, for each unit with a total, what the nodes bring to it; they sum to it exactly."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._evaluation is None:
            return {}
        scores = self._evaluation.scores
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in scores.filter(pc.is_in(scores["unit"], pa.array(units, pa.string()))).to_pylist():
            rows.setdefault(row["unit"], []).append(row)
        totals = {u: o.total for u, o in self.outcomes.items()}
        return {u: _parts(found, total) for u, found in rows.items() if (total := totals.get(u)) is not None}


def _evaluate(values: pa.Table, rules: ScoringRules) -> Evaluation | None:
    if not values.num_rows:
        return None
    groups = tuple(rules.kinds) if isinstance(rules, RuleVersion) else ()
    known = {i.source_field for i in rules.scoring.indicators} | {
        i.denominator for i in rules.scoring.indicators if i.denominator
    }
    # what the other side's form asks and this one's rules do not use is no mistake
    unused = frozenset(values["indicator"].unique().to_pylist()) - known
    return evaluate(values, rules.scoring, groups=groups, allowed_unused=unused)


def _outcomes(
    evaluation: Evaluation | None, standings: Mapping[str, Standing], rules: ScoringRules
) -> dict[str, Outcome]:
    rows = evaluation.results.to_pylist() if evaluation else []
    found = {
        r["unit"]: Outcome(
            True,
            r["total"],
            r["rank"],
            r["group_rank"],
            r["grade"],
            r["passed"],
            tuple(json.loads(r["reasons"])),
        )
        for r in rows
    }
    for unit, s in standings.items():
        if unit in found:
            continue
        if s.counts:
            found[unit] = Outcome(True)  # a workbook without a single number
        else:
            told = absent(rules, unit, s.group, s.state)
            found[unit] = Outcome(True, grade=told.grade, passed=told.passed, reasons=(told.reason,))
    return found


def _parts(rows: Sequence[Mapping[str, Any]], total: Decimal) -> dict[str, Decimal]:
    """Return the contributions that no node below tells apart further, and what they leave of the total."""
    told_apart = {r["parent"] for r in rows if r["contribution"] is not None and r["role"] != "total"}
    parts = {
        r["node"]: r["contribution"]
        for r in rows
        if r["contribution"] is not None and r["role"] != "total" and r["node"] not in told_apart
    }
    rest = total - sum(parts.values(), Decimal(0))
    return parts | ({REST: rest} if rest else {})


def node_names(*rules: ScoringRules) -> dict[str, str]:
    """Return what every node of these rules is called."""
    names = {**ADJUSTMENTS, REST: "不能分解到指标的部分"}
    for r in rules:
        names |= {d.code: d.name for d in r.scoring.dimensions}
        names |= {i.code: i.name for i in r.scoring.indicators}
    return names
