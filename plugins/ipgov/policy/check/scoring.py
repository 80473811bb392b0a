"""The scoring: a tree whose weights sum, methods that can be computed, grades that cover every score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from ipgov.policy.check.finding import Finding
from ipgov.policy.methods import RatioToBenchmark
from ipgov.policy.rules import RuleVersion, ScoringRules
from ipgov.policy.scoring import Dimension, Grade, Indicator, PerGroup, Scoring

HUNDRED = Decimal(100)
_ROOT = ""
_ONE_GROUP = ("",)


def codes(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that a code names one node of the tree."""
    scoring = rules.scoring
    for code, count in Counter(node.code for _, node in _nodes(scoring)).items():
        if count > 1:
            yield Finding(f"scoring[{code}]", f"代码出现 {count} 次", "指标与维度的代码都唯一")


def groups(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that nothing is given for a group that is not, and that somebody is ranked."""
    scoring = rules.scoring
    known = "、".join(scoring.groups) or "未分类别，不得按类别书写"
    for path, named in _named_groups(scoring):
        for group in named:
            if group not in scoring.groups:
                yield Finding(path, f"“{group}”不是类别", known)
    if scoring.groups and not set(scoring.groups) - set(scoring.unranked):
        yield Finding("scoring.unranked", "所有类别都不排名", "至少一个类别参加排名")


def _named_groups(scoring: Scoring) -> Iterator[tuple[str, Iterable[str]]]:
    yield "scoring.unranked", scoring.unranked
    for path, node in _nodes(scoring):
        if isinstance(node.weight, dict):
            yield f"{path}.weight", node.weight
    for indicator in scoring.indicators:
        yield f"scoring.indicators[{indicator.code}].groups", indicator.groups
        method = indicator.normalisation
        if isinstance(method, RatioToBenchmark) and isinstance(method.benchmark, dict):
            yield f"scoring.indicators[{indicator.code}].normalisation.benchmark", method.benchmark


def tree(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that parents exist and lead to the total, and that every dimension named exists."""
    scoring = rules.scoring
    parents = {d.code: d.parent for d in scoring.dimensions}
    for dimension in scoring.dimensions:
        path = f"scoring.dimensions[{dimension.code}].parent"
        if dimension.parent and dimension.parent not in parents:
            yield Finding(path, f"上级维度 {dimension.parent} 不存在", "、".join(parents))
        elif _in_cycle(dimension.code, parents):
            yield Finding(path, "上级维度循环", "逐级通向总分")
    for indicator in scoring.indicators:
        if indicator.dimension and indicator.dimension not in parents:
            path = f"scoring.indicators[{indicator.code}].dimension"
            yield Finding(path, f"维度 {indicator.dimension} 不存在", "、".join(parents))


def _in_cycle(code: str, parents: dict[str, str]) -> bool:
    at, passed = code, set[str]()
    while at in parents and at not in passed:
        passed.add(at)
        at = parents[at]
    return at in passed


def weights_sum(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that below the total and each dimension with weight there is weight for every group.

    Weights in percent sum to 100; relative ones need not.
    """
    scoring = rules.scoring
    for group in scoring.groups or _ONE_GROUP:
        in_group = f"类别 {group} 的" if group else ""
        weighted = [d.code for d in scoring.dimensions if weight_in(d.weight, group) > 0]
        for parent in (_ROOT, *weighted):
            below = [weight_in(n.weight, group) for n in _children(scoring, parent) if _applies(n, group)]
            path = f"scoring.dimensions[{parent}]" if parent else "scoring.dimensions"
            if not any(below):
                yield Finding(path, f"{in_group}下级没有权重", "有权重的维度对该类别有下级指标")
            elif scoring.weights == "percent" and sum(below) != HUNDRED:
                expected = "100（只按比例的权重写 weights: relative）" if not group else "100"
                yield Finding(path, f"{in_group}下级权重之和为 {sum(below)}", expected)


def weights_used(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that weights are not negative and stand exactly where something is scored."""
    scoring = rules.scoring
    for path, node in _nodes(scoring):
        given = node.weight.values() if isinstance(node.weight, dict) else (node.weight,)
        if any(w < 0 for w in given):
            yield Finding(f"{path}.weight", "有负数", "不小于 0")
    for indicator in scoring.indicators:
        path = f"scoring.indicators[{indicator.code}].weight"
        if indicator.role != "score":
            if indicator.weight:
                yield Finding(path, "不在权重树内却有权重", "加分、扣分、否决指标不写 weight")
            continue
        for group in indicator.groups or scoring.groups or _ONE_GROUP:
            if weight_in(indicator.weight, group) == 0:
                yield Finding(path, f"对适用的类别 {group} 没有权重" if group else "为 0", "大于 0")
        if indicator.groups and isinstance(indicator.weight, dict):
            for group in indicator.weight.keys() - set(indicator.groups):
                yield Finding(path, f"类别 {group} 不在 groups 之列", "、".join(indicator.groups))


def outside_items(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that bonus and deduction items can have an effect."""
    scoring = rules.scoring
    roles = {i.role for i in scoring.indicators}
    if ("bonus" in roles) != (scoring.bonus_cap > 0):
        yield Finding("scoring.bonus_cap", f"为 {scoring.bonus_cap}", "有加分指标时大于 0，没有时为 0")
    if "deduction" in roles and scoring.deduction_cap == 0:
        yield Finding("scoring.deduction_cap", "为 0，扣分指标无效", "大于 0，或省略（不封顶）")
    if "deduction" not in roles and scoring.deduction_cap is not None:
        yield Finding("scoring.deduction_cap", "没有扣分指标", "省略")


def bounds(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that a total can lie between its bounds."""
    low, high = rules.scoring.lowest_total, rules.scoring.highest_total
    if low is not None and high is not None and low >= high:
        yield Finding("scoring.minimum", f"为 {low}，不小于 maximum {high}", f"小于 {high}；不设限写 none")


_GRADED = ("performance_evaluation", "comprehensive_evaluation")  # what these end in is a grade


def grades(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that every total has a grade: limits go one way, the last takes the rest, passing ones first."""
    found = rules.scoring.grades
    if not found and not (isinstance(rules, RuleVersion) and rules.procedure in _GRADED):
        return
    if found and isinstance(rules, RuleVersion) and rules.procedure == "self_evaluation":
        # 2024-1155#42: the three grades are those of the comprehensive evaluation alone
        yield Finding("scoring.grades", f"有 {len(found)} 个等级", "self_evaluation 不设等级")
        return
    if len(found) < 2:
        yield Finding("scoring.grades", f"只有 {len(found)} 个等级", "至少两个")
        return
    for name, count in Counter(g.name for g in found).items():
        if count > 1:
            yield Finding(f"scoring.grades[{name}]", f"出现 {count} 次", "等级名称唯一")
    yield from _limits(rules.scoring)
    yield from _shares(rules.scoring)
    last = found[-1]
    if (limit := _limit(last)) is not None:
        name, at = limit
        path = f"scoring.grades[{last.name}].{name}"
        yield Finding(path, f"为 {at}，其下无等级", f"末位等级不写 {name}")
    if last.quota is not None:
        yield Finding(f"scoring.grades[{last.name}].quota", "名额之外无处可归", "末位等级不设名额")
    passes = [g.passes for g in found]
    if passes != sorted(passes, reverse=True):
        yield Finding("scoring.grades", "通过的等级在未通过的等级之下", "通过的等级在前")
    if isinstance(rules, RuleVersion) and (all(passes) or not any(passes)):
        yield Finding("scoring.grades", "没有通过与未通过之分", "两者至少各一")


def _limit(grade: Grade) -> tuple[str, Decimal] | None:
    given = (("floor", grade.floor), ("ceiling", grade.ceiling), ("below", grade.below))
    return next(((name, at) for name, at in given if at is not None), None)


def _limits(scoring: Scoring) -> Iterator[Finding]:
    """Find floors that do not descend; where the lowest total is the first, ceilings that do not ascend."""
    lowest_first = scoring.rounding.first == "lowest"
    usable, word = (("ceiling", "below"), "ceiling 或 below") if lowest_first else (("floor",), "floor")
    low, high = scoring.lowest_total, scoring.highest_total
    above: tuple[Decimal, Grade] | None = None
    for grade in scoring.grades[:-1]:
        limit = _limit(grade)
        path = f"scoring.grades[{grade.name}]"
        if grade.ceiling is not None and grade.below is not None:
            yield Finding(f"{path}.below", "与 ceiling 并写", "ceiling（含）与 below（不含）只写一个")
            continue
        if limit is None:
            if grade.quota is None:
                nothing = "没有上限" if lowest_first else "没有下限"
                only = f"只有末位等级与有名额的等级不写 {word}"
                yield Finding(f"{path}.{usable[0]}", f"{nothing}却不是末位", only)
            continue
        name, at = limit
        if name not in usable:
            yield Finding(f"{path}.{name}", f"与 rounding.first: {scoring.rounding.first} 不合", f"写 {word}")
            continue
        if (low is not None and at < low) or (high is not None and at > high):
            yield Finding(f"{path}.{name}", f"为 {at}", _range(low, high))
            continue
        if above is not None:
            before, upper = above
            wrong = at < before if lowest_first else at > before
            # the same limit again is for those whom the quota above leaves
            if wrong or (at == before and upper.quota is None):
                order = ("不高于", "由低到高") if lowest_first else ("不低于", "由高到低")
                yield Finding(f"{path}.{name}", f"{at} {order[0]}上一等级的 {before}", order[1])
        above = at, grade


def _range(low: Decimal | None, high: Decimal | None) -> str:
    if high is None:
        return f"不小于 {low}"
    return f"不大于 {high}" if low is None else f"{low} 至满分 {high}"


def _shares(scoring: Scoring) -> Iterator[Finding]:
    """Find shares of a grade and all better ones that do not grow from grade to grade."""
    before: Decimal | None = None
    for grade in scoring.grades:
        if grade.quota and grade.quota.counted == "from_first":
            share = grade.quota.share
            if before is not None and share <= before:
                path = f"scoring.grades[{grade.name}].quota.share"
                yield Finding(
                    path, f"{share} 不大于上一等级的 {before}", "counted: from_first 的比例逐级增大"
                )
            before = share


def veto(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that a veto leads to a grade that exists, and that without a veto none is named."""
    scoring = rules.scoring
    names = [g.name for g in scoring.grades]
    vetoes = [i.code for i in scoring.indicators if i.role == "veto"]
    if vetoes and scoring.veto_grade not in names:
        given = (
            f"“{scoring.veto_grade}”不是等级"
            if scoring.veto_grade
            else f"未写，而有否决指标 {'、'.join(vetoes)}"
        )
        yield Finding("scoring.veto_grade", given, "、".join(names))
    if scoring.veto_grade and not vetoes:
        yield Finding("scoring.veto_grade", "没有否决指标", "不写 veto_grade")


def weight_in(weight: PerGroup, group: str) -> Decimal:
    """Return a node's weight for a group; a group that is not named has none."""
    return weight.get(group, Decimal(0)) if isinstance(weight, dict) else weight


def _applies(node: Dimension | Indicator, group: str) -> bool:
    return not isinstance(node, Indicator) or not node.groups or group in node.groups


def _nodes(scoring: Scoring) -> Iterator[tuple[str, Dimension | Indicator]]:
    for dimension in scoring.dimensions:
        yield f"scoring.dimensions[{dimension.code}]", dimension
    for indicator in scoring.indicators:
        yield f"scoring.indicators[{indicator.code}]", indicator


def _children(scoring: Scoring, parent: str) -> list[Dimension | Indicator]:
    dimensions = [d for d in scoring.dimensions if d.parent == parent]
    indicators = [i for i in scoring.indicators if i.role == "score" and i.dimension == parent]
    return [*dimensions, *(indicators if parent else [])]
