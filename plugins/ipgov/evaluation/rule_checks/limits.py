"""Limits of a rule that its values run against: goalposts, benchmarks, grades, quotas, missing values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from ipgov.evaluation.rule_checks.data import Finding, RuleData
from ipgov.evaluation.sensitivity.placing import places
from ipgov.evaluation.sensitivity.recombination import Leaf, Model, Units
from ipgov.evaluation.sensitivity.variation import Draws
from ipgov.policy.methods import Goalposts, GroupBenchmark, RatioToBenchmark
from ipgov.policy.scoring import Grade, Indicator, Quota

_ONE = Draws(1, {})
_FALLEN = '"benchmark_from": "otherwise"'  # in the detail of a score


def missing(data: RuleData) -> Iterator[Finding]:
    """Find indicators that many of those to whom they apply have no value of."""
    for i in data.scored:
        every = data.nodes.get(i.code, {})
        lacking = sum(s.value is None for s in every.values())
        if every and lacking > data.limits.missing * len(every):
            found = f"{data.named(i.code)}：{len(every)} 家中 {lacking} 家没有数值"
            yield Finding(data.path(i), found, f"缺数不超过 {_percent(data.limits.missing)}")


def clamped(data: RuleData) -> Iterator[Finding]:
    """Find goalposts and caps beyond which most values lie, so that they cannot be told apart."""
    for i in data.scored:
        n = i.normalisation
        there = [s for s in data.nodes.get(i.code, {}).values() if s.value is not None]
        limit = data.limits.clamped * len(there)
        if isinstance(n, Goalposts) and not i.transforms:
            for name, end, count in (
                ("minimum", n.minimum, sum(s.value < n.minimum for s in there if s.value is not None)),
                ("maximum", n.maximum, sum(s.value > n.maximum for s in there if s.value is not None)),
            ):
                held = n.clamp in ("both", name)
                if held and count > limit:
                    found = f"{data.named(i.code)}：{len(there)} 家中 {count} 家的数值越过 {end}，不再区分"
                    expected = f"越过的不超过 {_percent(data.limits.clamped)}：放宽 {name}"
                    yield Finding(f"{data.path(i)}.normalisation.{name}", found, expected)
        elif isinstance(n, RatioToBenchmark):
            count = sum(s.score == n.cap for s in there)
            if count > limit:
                found = f"{data.named(i.code)}：{len(there)} 家中 {count} 家达到封顶分 {n.cap}，得分不再区分"
                expected = f"封顶的不超过 {_percent(data.limits.clamped)}：提高基准值"
                yield Finding(f"{data.path(i)}.normalisation.benchmark", found, expected)


def benchmarks(data: RuleData) -> Iterator[Finding]:
    """Find what is taken from other units' values where too few of them have one."""
    for i in data.scored:
        n = i.normalisation
        if isinstance(n, RatioToBenchmark) and isinstance(n.benchmark, GroupBenchmark):
            sources: list[tuple[str, Any]] = [(f"{data.path(i)}.normalisation.benchmark", n.benchmark)]
        else:
            sources = [(f"{data.path(i)}.normalisation", n)]
        sources += [(f"{data.path(i)}.transforms[{k}]", t) for k, t in enumerate(i.transforms)]
        for path, source in sources:
            if hasattr(source, "minimum_members"):
                yield from _too_few(data, i, path, source)


def _too_few(data: RuleData, i: Indicator, path: str, source: Any) -> Iterator[Finding]:
    units = data.by_group(i.code)
    if getattr(source, "within", "group") == "all":
        units = {"": [u for of in units.values() for u in of]}
    counts = {g: sum(data.nodes[i.code][u].value is not None for u in of) for g, of in units.items()}
    few = {g: n for g, n in counts.items() if n < source.minimum_members}
    if few:
        told = "、".join(f"{g or '全部'} {n} 家" for g, n in sorted(few.items()))
        instead = getattr(source, "otherwise", None)
        used = f"，改用 {instead}" if instead is not None else ""
        found = f"{data.named(i.code)}：有数值的只有 {told}，不足 {source.minimum_members} 家{used}"
        expected = "按现有家数可以得出的办法：降低 minimum_members、改用固定值或并组"
        yield Finding(path, found, expected)
    if isinstance(source, GroupBenchmark):
        details = {g: [data.nodes[i.code][u].detail for u in of] for g, of in units.items() if g not in few}
        fallen = [g for g, of in sorted(details.items()) if any(_FALLEN in d for d in of)]
        if fallen:
            told = "、".join(g or "全部" for g in fallen)
            found = f"{data.named(i.code)}：{told} 的统计值不为正，改用 {source.otherwise}"
            yield Finding(path, found, "为正的基准值")


def grades(data: RuleData) -> Iterator[Finding]:
    """Find grades that nobody could reach, not with the best score there is in every indicator."""
    if not data.recombined or data.scoring.rounding.first != "highest" or not data.results:
        return
    best = _best_total(data)
    for g in data.scoring.grades:
        if g.floor is not None and best < g.floor:
            found = f"“{g.name}”：各项都取现有最高分，总分也只有 {best}，达不到 {g.floor}"
            yield Finding(f"scoring.grades[{g.name}].floor", found, f"不高于 {best}，或放宽评分标准")


def _best_total(data: RuleData) -> Decimal:
    """Return the best total of anybody who had the best score of the group in everything."""
    import numpy as np

    columns = data.model.units.columns()
    leaves = {}
    for i in data.scoring.indicators:
        leaf = data.model.leaves[i.code]
        score, present = [], []
        for of in columns.values():
            there = leaf.score[0][of][leaf.present[0][of]]
            present.append(bool(len(there)))
            worst = i.role == "deduction"
            score.append(int(there.min() if worst else there.max()) if len(there) else 0)
        nobody = np.zeros((1, len(columns)), bool)
        leaves[i.code] = Leaf(np.array([score]), np.array([present]), nobody)
    names = tuple(columns)
    model = Model(data.scoring, (), data.known, Units(names, names), leaves, np.zeros(len(columns), bool))
    total = max(int(t) for t in model.place(_ONE).total[0])
    return Decimal(total).scaleb(-data.scoring.rounding.total)


def quotas(data: RuleData) -> Iterator[Finding]:
    """Find quotas that give no place, and ties at the edge for which there is no place."""
    ranked = {u: row for u, row in data.results.items() if row["rank"] is not None}
    for number, g in enumerate(data.scoring.grades):
        if g.quota is None:
            continue
        groups = [""] if g.quota.within == "all" else sorted({data.groups[u] for u in ranked})
        for group in groups:
            units = [u for u in ranked if g.quota.within == "all" or data.groups[u] == group]
            yield from _quota(data, number, g, g.quota, group, units)


def _quota(
    data: RuleData, number: int, g: Grade, quota: Quota, group: str, units: Sequence[str]
) -> Iterator[Finding]:
    import numpy as np

    path, where = f"scoring.grades[{g.name}].quota", f"类别 {group} " if group else ""
    names = [x.name for x in data.scoring.grades]
    seats = int(places(quota, np.array([len(units)]))[0])
    if seats == 0:
        how = f"份额 {quota.share}（{quota.rounding}）得 0 个名额"
        found = f"“{g.name}”：{where}参加排名 {len(units)} 家，{how}，无一家可得"
        yield Finding(path, found, "按现有家数至少得 1 个名额")
        return
    if quota.counted == "from_first":
        graded = [data.results[u]["grade"] for u in units if data.results[u]["grade"]]
        seats -= sum(names.index(x) < number for x in graded)
    rival = sorted((data.results[u]["rank"], u) for u in units if _candidate(data, g, number, u))
    if seats <= 0 or len(rival) <= seats or rival[seats - 1][0] != rival[seats][0]:
        return
    edge = rival[seats][0]
    tied = [u for rank, u in rival if rank == edge]
    left = seats - sum(rank < edge for rank, _ in rival)
    out = quota.tie_at_edge == "all_out"
    got = seats - left if out else seats - left + len(tied)
    tie = f"余 {left} 个时有 {len(tied)} 家同分（名次 {edge}）"
    how = f"按规则{'均不进入' if out else '均进入'}，实得 {got} 家"
    found = f"“{g.name}”：{where}名额 {seats} 个，{tie}，{how}"
    yield Finding(path, found, "名额边缘没有同分：保留更多小数、按未舍入的总分排名，或另定同分的办法")


def _candidate(data: RuleData, g: Grade, number: int, unit: str) -> bool:
    """Tell whether a unit competes for a grade: it got none better, reaches the limit, and is not vetoed."""
    row = data.results[unit]
    names = [x.name for x in data.scoring.grades]
    if row["grade"] is None or names.index(row["grade"]) < number:
        return False
    total = row["total"]
    reached = (
        (g.floor is None or total >= g.floor)
        and (g.ceiling is None or total <= g.ceiling)
        and (g.below is None or total < g.below)
    )
    place = data.model.units.codes.index(unit)
    lowest = names.index(data.scoring.veto_grade) if data.scoring.veto_grade else 0
    return bool(reached and not (data.model.vetoed[place] and number < lowest))


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"
