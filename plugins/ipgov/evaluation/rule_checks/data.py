"""What the checks of a rule look at: its values, scores and results, by node and unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from ipgov.evaluation.sensitivity.analysis import build_model
from ipgov.evaluation.sensitivity.recombination import Model, unsupported
from ipgov.evaluation.sensitivity.variation import children, node_names
from ipgov.evaluation.weights import weights_of
from ipgov.policy.scoring import Dimension, Indicator, Scoring
from ipgov.policy.sensitivity import RuleChecks

if TYPE_CHECKING:
    from ipgov.evaluation.engine import Evaluation


class Finding(NamedTuple):
    """What was found at a place of the rule, and what would be right; in Chinese."""

    path: str
    found: str
    expected: str


class Scored(NamedTuple):
    """What a node has of a unit: the value that was measured (indicators), the score; None: none."""

    value: Decimal | None
    score: Decimal | None
    detail: str


@dataclass(frozen=True)
class RuleData:
    """A rule with what came out of it. ``nodes``: node → unit → what it has, where it applies."""

    scoring: Scoring
    limits: RuleChecks
    run: Callable[[Scoring], Evaluation]
    known: tuple[str, ...]
    model: Model
    recombined: bool
    groups: Mapping[str, str]  # unit → group
    results: Mapping[str, Mapping[str, Any]]
    nodes: Mapping[str, Mapping[str, Scored]]

    @property
    def scored(self) -> list[Indicator]:
        """Return the indicators of the tree."""
        return [i for i in self.scoring.indicators if i.role == "score"]

    def named(self, code: str) -> str:
        """Return a node as a reader knows it."""
        return f"“{node_names(self.scoring)[code]}”"

    def path(self, item: Indicator | Dimension) -> str:
        """Return where the rule says it."""
        kind = "indicators" if isinstance(item, Indicator) else "dimensions"
        return f"scoring.{kind}[{item.code}]"

    def leaves_below(self, code: str) -> list[Indicator]:
        """Return the indicators below a dimension, at any depth."""
        found: list[Indicator] = []
        for c in children(self.scoring, code):
            found += [c] if isinstance(c, Indicator) else self.leaves_below(c.code)
        return found

    def weight(self, item: Indicator | Dimension, group: str) -> Decimal:
        """Return a weight in a group."""
        weight = weights_of(item, self.known)
        return weight if isinstance(weight, Decimal) else weight.get(group, Decimal(0))

    def by_group(self, code: str) -> dict[str, list[str]]:
        """Return the units to which a node applies, by their group."""
        found: dict[str, list[str]] = {}
        for unit in self.nodes.get(code, {}):
            found.setdefault(self.groups[unit], []).append(unit)
        return found


def read(scoring: Scoring, limits: RuleChecks, run: Callable[[Scoring], Evaluation]) -> RuleData:
    """Evaluate and put everything together."""
    evaluation = run(scoring)
    results = {row["unit"]: row for row in evaluation.results.to_pylist()}
    nodes: dict[str, dict[str, Scored]] = {}
    columns = ["unit", "node", "value", "normalised", "detail"]
    for row in evaluation.scores.select(columns).to_pylist():
        scored = Scored(row["value"], row["normalised"], row["detail"])
        nodes.setdefault(row["node"], {})[row["unit"]] = scored
    known = evaluation.plan.groups
    return RuleData(
        scoring=scoring,
        limits=limits,
        run=run,
        known=known,
        model=build_model(run, scoring, (), known),
        recombined=not unsupported(scoring, ()),
        groups={unit: row["group"] for unit, row in results.items()},
        results=results,
        nodes=nodes,
    )
