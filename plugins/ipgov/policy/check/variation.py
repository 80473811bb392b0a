"""What a rule version varies to see how firm its ranks are: it must exist, and be something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ipgov.policy.check.finding import Finding
from ipgov.policy.rules import ScoringRules
from ipgov.policy.scoring import Scoring
from ipgov.policy.sensitivity import (
    ROOT,
    AggregationVariation,
    MissingVariation,
    NormalisationVariation,
    SensitivityRules,
)

_OUTSIDE = ("per_unit", "threshold")


def varied(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that the nodes and indicators that vary exist, each variation under a name of its own."""
    if rules.sensitivity is None:
        return
    nodes = (ROOT, *(d.code for d in rules.scoring.dimensions))
    scored = tuple(i.code for i in rules.scoring.indicators if i.role == "score")
    for path, named, accepted in _named(rules.sensitivity, nodes, scored):
        if strange := [n for n in named if n not in accepted]:
            yield Finding(path, f"“{'、'.join(strange)}”不存在", "、".join(accepted))
    for name, count in Counter(m.name for m in rules.sensitivity.methods).items():
        if count > 1:
            yield Finding(f"sensitivity.methods[{name}]", f"出现 {count} 次", "名称唯一")


def _named(
    rules: SensitivityRules, nodes: tuple[str, ...], scored: tuple[str, ...]
) -> Iterator[tuple[str, Sequence[str], tuple[str, ...]]]:
    if rules.weights:
        yield "sensitivity.weights.nodes", rules.weights.nodes, nodes
    for m in rules.methods:
        path = f"sensitivity.methods[{m.name}]"
        if isinstance(m, AggregationVariation):
            yield f"{path}.nodes", m.nodes, nodes
        else:
            yield f"{path}.indicators", m.indicators, scored


def alternatives(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that an alternative can be used, and differs from what the rule has."""
    for m in rules.sensitivity.methods if rules.sensitivity else ():
        path = f"sensitivity.methods[{m.name}].alternatives"
        if isinstance(m, NormalisationVariation):
            if strange := [a.method for a in m.alternatives if a.method in _OUTSIDE]:
                yield Finding(path, f"{'、'.join(strange)} 不是计分指标的方法", "计分指标的标准化方法")
            own = [i for i in rules.scoring.indicators if i.normalisation.method in m.methods]
            if m.methods and not own:
                at = f"sensitivity.methods[{m.name}].methods"
                yield Finding(at, f"没有指标用 {'、'.join(m.methods)}", "至少一个指标所用的方法")
        elif isinstance(m, (AggregationVariation, MissingVariation)):
            own_names = set(_own(rules.scoring, m))
            if same := [a for a in m.alternatives if own_names == {a}]:
                yield Finding(path, f"{'、'.join(same)} 与规则本身相同", "与规则本身不同的办法")


def _own(scoring: Scoring, m: AggregationVariation | MissingVariation) -> Iterator[str]:
    """Return what the rule itself says of what varies."""
    if isinstance(m, MissingVariation):
        yield from (i.missing for i in scoring.indicators if not m.indicators or i.code in m.indicators)
        return
    aggregations = {ROOT: scoring.aggregation} | {d.code: d.aggregation for d in scoring.dimensions}
    yield from (a for n, a in aggregations.items() if not m.nodes or n in m.nodes)
