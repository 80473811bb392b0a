"""What may vary of a scoring rule, the draws from it, and the rule of a single draw.

Random numbers: draw ``d`` of a factor is bytes 8d to 8d+7 (big-endian) of SHAKE256 (FIPS 202) over three
lines: ``ipgov/sensitivity/1``, the seed, the factor's code. A number depends on nothing else: not on other
factors, the number of draws, threads, the order of units or any library. All that follows is whole numbers,
so the same seed gives the same draws everywhere. What changes them: seed, ``share``, ``distribution``,
``kept``, the number of alternatives, the code of an indicator or dimension, the place of a variation of
method in its list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import UnknownError
from ipgov.evaluation.weights import weights_of
from ipgov.policy.scoring import Dimension, Indicator, Scoring
from ipgov.policy.sensitivity import (
    ROOT,
    AggregationVariation,
    LeaveOut,
    MethodVariation,
    MissingVariation,
    NormalisationVariation,
    SensitivityRules,
    WeightVariation,
)

if TYPE_CHECKING:
    import numpy as np

BASE = 10_000  # a multiplier of a weight is a whole number of these parts
_TRIANGLE = 2**32
_SUMMED = Decimal("1e-9")  # of weights that must be rounded
_TERMS = {
    "weighted_arithmetic_mean": "加权算术平均",
    "weighted_geometric_mean": "加权几何平均",
    "weighted_harmonic_mean": "加权调和平均",
    "weighted_sum": "加权求和",
    "minimum": "取最低分",
    "exclude_unit": "缺数即不予评价",
    "zero": "缺数计零分",
    "drop_and_rescale": "缺数剔除、权重分摊",
    "goalposts": "固定阈值法",
    "min_max": "极差法",
    "z_score": "标准分法",
    "rank": "名次法",
    "percentile_rank": "百分位次法",
    "exponential_rank": "指数位次法",
    "distance_to_target": "目标距离法",
    "efficacy": "功效系数法",
    "piecewise": "分段线性法",
    "steps": "分档法",
    "ratio_to_benchmark": "基准比值法",
    "boolean": "是否法",
    "expert_mean": "专家平均法",
}


@dataclass(frozen=True)
class WeightFactor:
    """The weight of one node below its parent; a draw of it is a multiplier in parts of ``BASE``."""

    node: str
    name: str
    parent: str
    rule: WeightVariation

    @property
    def code(self) -> str:
        """Return what names the factor's stream of random numbers."""
        return f"weight/{self.node}"

    @property
    def spread(self) -> int:
        """Return how far a multiplier may lie from ``BASE``."""
        return int(self.rule.share * BASE)

    @property
    def levels(self) -> tuple[str, ...]:
        """Return, in Chinese, the ends between which it varies."""
        percent = format((self.rule.share * 100).normalize(), "f")
        return (f"权重减少 {percent}%", f"权重增加 {percent}%")


@dataclass(frozen=True)
class MethodFactor:
    """A variation of method; a draw of it is 0 (the rule's own) or the number of an alternative."""

    code: str
    rule: MethodVariation
    targets: tuple[str, ...]  # codes of nodes or indicators that it touches
    levels: tuple[str, ...]  # of the alternatives, in Chinese

    @property
    def name(self) -> str:
        """Return what the rule calls it."""
        return self.rule.name


Factor = WeightFactor | MethodFactor


@dataclass(frozen=True)
class Draws:
    """``count`` draws: of every factor by its code, a multiplier or the number of an alternative per draw."""

    count: int
    of: Mapping[str, np.ndarray[Any, np.dtype[np.int64]]]

    def part(self, chosen: slice) -> Draws:
        """Return some of the draws."""
        some = {code: numbers[chosen] for code, numbers in self.of.items()}
        return Draws(len(range(*chosen.indices(self.count))), some)


def factors(scoring: Scoring, rules: SensitivityRules) -> tuple[Factor, ...]:
    """Return everything that varies: weights in the order of the tree, then methods as listed.

    Raises UnknownError (Chinese) for nodes and indicators that the scoring does not have.
    """
    names = node_names(scoring)
    found: list[Factor] = []
    if rules.weights:
        chosen = _known(rules.weights.nodes, (ROOT, *(d.code for d in scoring.dimensions)), "weights.nodes")
        for parent in chosen:
            below = list(children(scoring, parent))
            if len(below) > 1:  # an only child keeps the whole weight
                found += [WeightFactor(c.code, c.name, parent, rules.weights) for c in below]
    for number, rule in enumerate(rules.methods):
        targets = _targets(scoring, rule, number)
        if not targets:
            raise UnknownError(f"sensitivity.methods[{number}]“{rule.name}”没有涉及任何一个指标或节点")
        levels = tuple(names[t] for t in targets) if isinstance(rule, LeaveOut) else tuple(_told(rule))
        found.append(MethodFactor(f"method/{number}", rule, targets, levels))
    return tuple(found)


def node_names(scoring: Scoring) -> dict[str, str]:
    """Return every node's name by code, the root among them."""
    nodes: tuple[Dimension | Indicator, ...] = (*scoring.dimensions, *scoring.indicators)
    return {ROOT: "总分"} | {n.code: n.name for n in nodes}


def children(scoring: Scoring, parent: str) -> Iterator[Indicator | Dimension]:
    """Yield what lies directly below a node (``total``: the root), in the order of the engine."""
    code = "" if parent == ROOT else parent
    if code:
        yield from (i for i in scoring.indicators if i.dimension == code)
    yield from (d for d in scoring.dimensions if d.parent == code)


def _known(named: Sequence[str], every: Sequence[str], place: str) -> Sequence[str]:
    if strange := [n for n in named if n not in every]:
        what = f"{'、'.join(strange)}；可用：{'、'.join(every)}"
        raise UnknownError(f"sensitivity.{place} 写到未知的代码：{what}")
    return named or every


def _targets(scoring: Scoring, rule: MethodVariation, number: int) -> tuple[str, ...]:
    place = f"methods[{number}]"
    if isinstance(rule, AggregationVariation):
        every = (ROOT, *(d.code for d in scoring.dimensions))
        return tuple(_known(rule.nodes, every, f"{place}.nodes"))
    scored = {i.code: i for i in scoring.indicators if i.role == "score"}
    if isinstance(rule, NormalisationVariation) and rule.methods:
        return tuple(c for c, i in scored.items() if i.normalisation.method in rule.methods)
    return tuple(_known(rule.indicators, tuple(scored), f"{place}.indicators"))


def _told(rule: AggregationVariation | NormalisationVariation | MissingVariation) -> Iterator[str]:
    for a in rule.alternatives:
        name = a if isinstance(a, str) else a.method
        yield _TERMS.get(name, name)


def choices_of(factor: MethodFactor) -> int:
    """Return how many alternatives there are beside the rule's own."""
    return len(factor.levels)


def stream(seed: int, code: str, count: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return ``count`` random numbers of 64 bits of a factor; the first of them are those of any count."""
    import numpy as np

    key = f"ipgov/sensitivity/1\n{seed}\n{code}\n".encode()
    return np.frombuffer(hashlib.shake_256(key).digest(8 * count), ">u8").astype(np.uint64)


def draw(every: Sequence[Factor], seed: int, count: int) -> Draws:
    """Draw ``count`` times from every factor, each from its own stream."""
    import numpy as np

    of = {}
    for f in every:
        raw = stream(seed, f.code, count)
        if isinstance(f, WeightFactor):
            k = f.spread
            if f.rule.distribution == "uniform":
                of[f.code] = BASE - k + (raw % np.uint64(2 * k + 1)).astype(np.int64)
            else:  # the difference of two uniform numbers
                one = ((raw // np.uint64(_TRIANGLE)) % np.uint64(k + 1)).astype(np.int64)
                other = ((raw % np.uint64(_TRIANGLE)) % np.uint64(k + 1)).astype(np.int64)
                of[f.code] = BASE + one - other
        else:
            kept = raw % np.uint64(BASE) < np.uint64(int(f.rule.kept * BASE))
            other = (raw // np.uint64(BASE) % np.uint64(choices_of(f))).astype(np.int64) + 1
            of[f.code] = np.where(kept, 0, other)
    return Draws(count, of)


def one_at_a_time(every: Sequence[Factor]) -> tuple[Draws, dict[str, list[int]]]:
    """Return the rule itself as draw 0, then each factor alone at each of its levels; and where they are."""
    import numpy as np

    levels = [
        (f.code, level)
        for f in every
        for level in (
            (BASE - f.spread, BASE + f.spread) if isinstance(f, WeightFactor) else range(1, choices_of(f) + 1)
        )
    ]
    count = 1 + len(levels)
    of = {f.code: np.full(count, BASE if isinstance(f, WeightFactor) else 0, np.int64) for f in every}
    places: dict[str, list[int]] = {}
    for place, (code, level) in enumerate(levels, 1):
        of[code][place] = level
        places.setdefault(code, []).append(place)
    return Draws(count, of), places


def joined(first: Draws, second: Draws) -> Draws:
    """Return the draws of both, one after the other."""
    import numpy as np

    of = {code: np.concatenate([numbers, second.of[code]]) for code, numbers in first.of.items()}
    return Draws(first.count + second.count, of)


def with_method(indicator: Indicator, factor: MethodFactor, choice: int) -> Indicator:
    """Return the indicator under a choice of normalisation or of the rule for missing values."""
    if choice == 0:
        return indicator
    rule = factor.rule
    if isinstance(rule, MissingVariation):
        return indicator.model_copy(update={"missing": rule.alternatives[choice - 1]})
    assert isinstance(rule, NormalisationVariation)  # noqa: S101
    method = rule.alternatives[choice - 1]
    own = getattr(indicator.normalisation, "direction", None)
    if own and "direction" in type(method).model_fields and "direction" not in method.model_fields_set:
        method = method.model_copy(update={"direction": own})
    return indicator.model_copy(update={"normalisation": method})


def inputs_of(scoring: Scoring) -> frozenset[str]:
    """Return the inputs that the rule uses: one that leaves an indicator out must let them stand unused."""
    return frozenset(n for i in scoring.indicators for n in (i.source_field, i.denominator) if n)


def rebuilt(scoring: Scoring, **changes: Any) -> Scoring:
    """Return the scoring with changes, validated anew (what methods leave out is filled in)."""
    return Scoring.model_validate({n: getattr(scoring, n) for n in type(scoring).model_fields} | changes)


def rule_of_draw(
    scoring: Scoring, every: Sequence[Factor], draws: Draws, place: int, known: tuple[str, ...]
) -> Scoring | None:
    """Return the scoring of one draw as a rule of its own, as the engine takes it.

    None where leaving out leaves a group without any indicator: that is no rule, and nobody of the group has
    a total.
    """
    chosen = {f.code: int(draws.of[f.code][place]) for f in every}
    indicators = {i.code: i for i in scoring.indicators}
    aggregation = {ROOT: scoring.aggregation} | {d.code: d.aggregation for d in scoring.dimensions}
    left_out: set[str] = set()
    multipliers: dict[str, int] = {}
    for f in every:
        choice = chosen[f.code]
        if isinstance(f, WeightFactor):
            multipliers[f.node] = choice
        elif isinstance(f.rule, AggregationVariation):
            if choice:
                aggregation |= dict.fromkeys(f.targets, f.rule.alternatives[choice - 1])
        elif isinstance(f.rule, LeaveOut):
            left_out |= {f.targets[choice - 1]} if choice else set()
        else:
            indicators |= {t: with_method(indicators[t], f, choice) for t in f.targets}
    changed = rebuilt(
        scoring,
        aggregation=aggregation[ROOT],
        indicators=tuple(indicators.values()),
        dimensions=tuple(
            d.model_copy(update={"aggregation": aggregation[d.code]}) for d in scoring.dimensions
        ),
    )
    rest = without(changed, left_out, known)
    return None if rest is None else _summed(_weighted(rest, multipliers, known), scoring, known)


def without(scoring: Scoring, left_out: set[str], known: tuple[str, ...]) -> Scoring | None:
    """Return the scoring without some indicators; a dimension that loses its last child loses its weight.

    None where that leaves a group without any indicator.
    """
    if not left_out:
        return scoring
    indicators = tuple(i for i in scoring.indicators if i.code not in left_out)
    dimensions = {d.code: d for d in scoring.dimensions}
    groups = known or ("",)
    if not indicators:
        return None
    for _ in range(len(dimensions)):  # from the leaves up, once per level at most
        rest = rebuilt(scoring, indicators=indicators, dimensions=tuple(dimensions.values()))
        kept: dict[str, Dimension] = {}
        for code, d in dimensions.items():
            below = list(children(rest, code))
            own = {g: _weight_in(d, g, known) for g in groups}
            alive = {g: w for g, w in own.items() if any(_weight_in(c, g, known) for c in below)}
            if not below or not any(alive.values()):
                continue
            if known and {g: w for g, w in own.items() if w} != {g: w for g, w in alive.items() if w}:
                d = d.model_copy(update={"weight": alive})
            kept[code] = d
        if kept == dimensions:
            break
        dimensions = kept
        top = [d for d in dimensions.values() if not d.parent]
        if not all(any(_weight_in(d, g, known) for d in top) for g in groups):
            return None
    return rebuilt(scoring, indicators=indicators, dimensions=tuple(dimensions.values()))


def _weight_in(item: Indicator | Dimension, group: str, known: tuple[str, ...]) -> Decimal:
    weight = weights_of(item, known)
    return weight if isinstance(weight, Decimal) else weight[group]


def _weighted(scoring: Scoring, multipliers: Mapping[str, int], known: tuple[str, ...]) -> Scoring:
    def times(item: Any) -> Any:
        if (m := multipliers.get(item.code)) is None:
            return item
        weight = weights_of(item, known)
        # means take weights in proportion: nothing need be rounded to bring them back to a sum
        varied = weight * m if isinstance(weight, Decimal) else {g: w * m for g, w in weight.items()}
        return item.model_copy(update={"weight": varied})

    return rebuilt(
        scoring,
        indicators=tuple(times(i) for i in scoring.indicators),
        dimensions=tuple(times(d) for d in scoring.dimensions),
    )


def _summed(varied: Scoring, own: Scoring, known: tuple[str, ...]) -> Scoring:
    """Bring the weights below weighted sums, which are no proportions, back to the sum that they had."""
    aggregation = {ROOT: varied.aggregation} | {d.code: d.aggregation for d in varied.dimensions}
    changed: dict[str, dict[str, Decimal]] = {}
    for parent in (n for n, a in aggregation.items() if a == "weighted_sum"):
        below = list(children(varied, parent))
        for g in known or ("",):
            before = sum(_weight_in(c, g, known) for c in children(own, parent))
            after = sum(_weight_in(c, g, known) for c in below)
            for c in below:
                weight = _weight_in(c, g, known) * before / after if after else Decimal(0)
                changed.setdefault(c.code, {})[g] = weight.quantize(_SUMMED, ROUND_HALF_UP)

    def back(item: Any) -> Any:
        weights = changed.get(item.code)
        if weights is None:
            return item
        return item.model_copy(update={"weight": weights if known else weights[""]})

    if not changed:
        return varied
    return rebuilt(
        varied,
        indicators=tuple(back(i) for i in varied.indicators),
        dimensions=tuple(back(d) for d in varied.dimensions),
    )
