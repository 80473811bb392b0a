"""What an indicator or dimension does to ranks and grades, beside its weight and beside the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Any

from ipgov.evaluation.rule_checks.data import Finding, RuleData
from ipgov.evaluation.sensitivity.means import divided
from ipgov.evaluation.sensitivity.recombination import Leaf, Model
from ipgov.evaluation.sensitivity.variation import Draws, children, without
from ipgov.policy.scoring import Dimension, Indicator
from ipgov.policy.sensitivity import ROOT

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_ONE = Draws(1, {})
_LEAST = 3  # values of a group: two always lie on a line
_CONTEXT = Context(prec=30)


def moves_nothing(data: RuleData) -> Iterator[Finding]:
    """Find what could be left out: no rank or grade changes without it, nor with everybody at its mean."""
    for i in data.scored:
        scores = [s.score for s in data.nodes.get(i.code, {}).values()]
        if len(scores) > 1 and len(set(scores)) == 1:
            found = f"{data.named(i.code)}：{len(scores)} 家得分全部为 {scores[0]}，没有区分"
            yield Finding(data.path(i), found, "能分出高低的评分办法，或另选指标")
        elif scores and _idle(data, [i]):
            found = f"{data.named(i.code)}：剔除，或各家都取平均分，名次与等级均无一变化"
            yield Finding(data.path(i), found, "对名次或等级有作用的指标、权重与评分办法")
    for d in data.scoring.dimensions:
        below = data.leaves_below(d.code)
        if len(below) > 1 and _idle(data, below):
            found = f"{data.named(d.code)}：剔除其下全部指标，或各家都取平均分，名次与等级均无一变化"
            yield Finding(data.path(d), found, "对名次或等级有作用的维度、权重与评分办法")


def _idle(data: RuleData, items: Sequence[Indicator]) -> bool:
    """Tell whether nothing changes without these indicators, nor with all of them at their means."""
    own = {unit: (row["rank"], row["grade"]) for unit, row in data.results.items()}
    if not data.recombined:
        rule = without(data.scoring, {i.code for i in items}, data.known)
        if rule is None:
            return False
        rows = data.run(rule).results.to_pylist()
        return own == {row["unit"]: (row["rank"], row["grade"]) for row in rows}
    changed = ({i.code: change(data.model.leaves[i.code]) for i in items} for change in (_gone, _level))
    return all(own == _placed(data, leaves) for leaves in changed)


def _placed(data: RuleData, changed: Mapping[str, Leaf]) -> dict[str, tuple[int | None, str | None]]:
    """Return ranks and grades with some indicators' scores changed."""
    m = data.model
    model = Model(m.scoring, (), m.known, m.units, {**m.leaves, **changed}, m.vetoed)
    placed = model.place(_ONE)
    names = [g.name for g in data.scoring.grades]
    return {
        unit: (int(rank) if rank >= 0 else None, names[grade] if grade >= 0 else None)
        for unit, rank, grade in zip(m.units.codes, placed.rank[0], placed.grade[0], strict=True)
    }


def _gone(leaf: Leaf) -> Leaf:
    import numpy as np

    nobody = np.zeros(leaf.present.shape, bool)
    return Leaf(np.zeros_like(leaf.score), nobody, nobody)


def _level(leaf: Leaf) -> Leaf:
    """Return the scores with the mean in place of each."""
    import numpy as np

    count = int(leaf.present.sum())
    if not count:
        return leaf
    mean = divided(np.array([int(leaf.score[leaf.present].sum())]), np.array([count]))[0]
    return leaf._replace(score=np.where(leaf.present, mean, leaf.score))


def says_the_same(data: RuleData) -> Iterator[Finding]:
    """Find pairs of indicators whose values go together within groups, by size or by order."""
    limit = data.limits.correlated
    values = {i.code: _values(data, i.code) for i in data.scored}
    for one, other in combinations(data.scored, 2):
        x, y = values[one.code], values[other.code]
        pairs = _pairs(data, x, y)
        count = sum(map(len, pairs))
        if count < limit.minimum_units:
            continue
        for name, of in (("Pearson", pairs), ("Spearman", [_ordered(p) for p in pairs])):
            r = _correlation(of)
            if r is not None and abs(r) >= limit.at_least:
                found = (
                    f"{data.named(one.code)}与 {other.code}{data.named(other.code)}：{count} 家的数值高度相关"
                    f"（{name} 相关系数 {r:.3f}，类别内）"
                )
                expected = f"相关系数绝对值小于 {limit.at_least}，或合并为一项"
                yield Finding(data.path(one), found, expected)
                break


def _values(data: RuleData, code: str) -> dict[str, Fraction]:
    return {unit: Fraction(s.value) for unit, s in data.nodes.get(code, {}).items() if s.value is not None}


_Pair = tuple[Fraction, Fraction]


def _pairs(data: RuleData, x: Mapping[str, Fraction], y: Mapping[str, Fraction]) -> list[list[_Pair]]:
    """Return the pairs of values by group; groups that are too small say nothing."""
    by_group: dict[str, list[_Pair]] = {}
    for unit in x.keys() & y.keys():
        by_group.setdefault(data.groups[unit], []).append((x[unit], y[unit]))
    return [pairs for _, pairs in sorted(by_group.items()) if len(pairs) >= _LEAST]


def _ordered(pairs: Sequence[_Pair]) -> list[_Pair]:
    """Return the ranks in place of the values; ties share the mean rank."""
    ranks = [_mean_ranks([p[side] for p in pairs]) for side in (0, 1)]
    return list(zip(*ranks, strict=True))


def _mean_ranks(values: Sequence[Fraction]) -> list[Fraction]:
    ordered = sorted(values)
    first: dict[Fraction, int] = {}
    count: dict[Fraction, int] = {}
    for place, v in enumerate(ordered, 1):
        first.setdefault(v, place)
        count[v] = count.get(v, 0) + 1
    return [first[v] + Fraction(count[v] - 1, 2) for v in values]


def _moments(groups: Sequence[Sequence[_Pair]]) -> tuple[Fraction, Fraction, Fraction]:
    """Return the sums of squares and of products about the means of the groups: xx, yy, xy."""
    xx = yy = xy = Fraction(0)
    for pairs in groups:
        # values have at most twelve decimals: whole numbers make the sums quick
        whole = [(int(a * 10**12), int(b * 10**12)) for a, b in pairs]
        n, sx, sy = len(whole), sum(a for a, _ in whole), sum(b for _, b in whole)
        xx += Fraction(n * sum(a * a for a, _ in whole) - sx * sx, n)
        yy += Fraction(n * sum(b * b for _, b in whole) - sy * sy, n)
        xy += Fraction(n * sum(a * b for a, b in whole) - sx * sy, n)
    return xx, yy, xy


def _correlation(groups: Sequence[Sequence[_Pair]]) -> Decimal | None:
    """Return the correlation within groups at twelve decimals; None where either side never varies."""
    xx, yy, xy = _moments(groups)
    if not xx or not yy:
        return None
    square = xy * xy / (xx * yy)
    root = _CONTEXT.sqrt(_CONTEXT.divide(Decimal(square.numerator), Decimal(square.denominator)))
    return root.quantize(Decimal("1e-12"), context=_CONTEXT).copy_sign(Decimal(1 if xy > 0 else -1))


def importance(data: RuleData) -> Iterator[Finding]:
    """Find children that count for much more, or less, in their node than their weight says, by group."""
    limit = data.limits.importance
    for parent in (ROOT, *(d.code for d in data.scoring.dimensions)):
        node = {u: s.score for u, s in data.nodes.get(parent, {}).items() if s.score is not None}
        for group in sorted(set(data.groups.values())):
            units = [u for u in node if data.groups[u] == group]
            below = [c for c in children(data.scoring, parent) if data.weight(c, group) > 0]
            if len(units) < limit.minimum_units or len(below) < 2:
                continue
            yield from _unlike_weights(data, parent, group, units, below)


def _unlike_weights(
    data: RuleData,
    parent: str,
    group: str,
    units: Sequence[str],
    below: Sequence[Indicator | Dimension],
) -> Iterator[Finding]:
    limit = data.limits.importance
    explained = {c.code: _explained(data, parent, c.code, units) for c in below}
    whole = sum(explained.values())
    weights = {c.code: Fraction(data.weight(c, group)) for c in below}
    if not whole:
        return
    for c in below:
        if len({s.score for u in units if (s := data.nodes.get(c.code, {}).get(u))}) < 2:
            continue  # it is the same for all, and told of as such
        share, weight = explained[c.code] / whole, weights[c.code] / sum(weights.values())
        factor = Fraction(limit.factor)
        if share > weight * factor or share * factor < weight:
            where = f"类别 {group}，" if group else ""
            found = (
                f"{data.named(c.code)}：{where}{len(units)} 家中，对上级{data.named(parent)}的实际影响占"
                f" {_percent(share)}，权重占 {_percent(weight)}"
            )
            expected = f"两者相差不到 {limit.factor} 倍：调整权重、评分办法或与之高度相关的指标"
            yield Finding(f"{data.path(c)}.weight", found, expected)


def _explained(data: RuleData, parent: str, code: str, units: Sequence[str]) -> Fraction:
    """Return the squared correlation of a child's scores with its node's."""
    pairs: list[_Pair] = []
    for unit in units:
        child, node = data.nodes.get(code, {}).get(unit), data.nodes[parent][unit]
        if child is not None and child.score is not None and node.score is not None:
            pairs.append((Fraction(child.score), Fraction(node.score)))
    if len(pairs) < _LEAST:
        return Fraction(0)
    xx, yy, xy = _moments([pairs])
    return xy * xy / (xx * yy) if xx and yy else Fraction(0)


def _percent(share: Fraction) -> str:
    return f"{Decimal(round(share * 1000)) / 10}%"
