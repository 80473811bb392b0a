"""Transforms and normalisations: every one can be computed and stays within its range."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ipgov.policy.check.finding import Finding
from ipgov.policy.methods import Goalposts, MinMax, Normalisation, RatioToBenchmark, Steps
from ipgov.policy.rules import RuleVersion, ScoringRules
from ipgov.policy.scoring import Dimension, Indicator, Scoring

# answers and panels: their values are no quantities
_NO_QUANTITIES = ("boolean", "expert_mean")


def transforms(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that only quantities are divided and transformed."""
    for indicator in rules.scoring.indicators:
        path, method = f"scoring.indicators[{indicator.code}]", indicator.normalisation.method
        if indicator.transforms and method in _NO_QUANTITIES:
            yield Finding(f"{path}.transforms", f"不能与 {method} 同用", "不写 transforms，或改用其他方法")
        if indicator.denominator and method in _NO_QUANTITIES:
            yield Finding(f"{path}.denominator", f"不能与 {method} 同用", "不写 denominator，或改用其他方法")
        if indicator.per != 1 and not indicator.denominator:
            yield Finding(f"{path}.per", "没有分母", "写明 denominator，或不写 per")


def ranges(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that the best score of a method lies above its worst."""
    for path, _, method in _normalisations(rules.scoring):
        if not isinstance(method, Goalposts | MinMax) or method.highest is None:
            continue
        if method.highest <= method.lowest:
            found = f"{method.highest} 不大于 lowest {method.lowest}"
            yield Finding(f"{path}.highest", found, "大于 lowest（越少越好用 direction: down）")


def members(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that a method of a group says what becomes of a kind that can never have enough members."""
    if not isinstance(rules, RuleVersion):
        return
    counts = {k.code: k.count for k in rules.subject.kinds if k.count is not None}
    for path, groups, method in _normalisations(rules.scoring):
        if getattr(method, "within", "") != "group" or getattr(method, "otherwise", None) is not None:
            continue
        least = getattr(method, "minimum_members", 1)
        for group in groups or rules.scoring.groups:
            if counts.get(group, least) < least:
                found = f"类别 {group} 只有 {counts[group]} 个，少于 minimum_members {least}"
                yield Finding(path, found, "写明 otherwise")


def _normalisations(scoring: Scoring) -> Iterator[tuple[str, tuple[str, ...], Normalisation]]:
    """Yield every normalisation with its path and the groups that it is limited to."""
    nodes: tuple[Indicator | Dimension, ...] = (*scoring.indicators, *scoring.dimensions)
    for node in nodes:
        if node.normalisation is not None:
            kind = "indicators" if isinstance(node, Indicator) else "dimensions"
            groups = node.groups if isinstance(node, Indicator) else ()
            yield f"scoring.{kind}[{node.code}].normalisation", groups, node.normalisation


def steps(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that a step gives from 0 to the full score, and none has a cap that cannot hold."""
    full = rules.scoring.full_score
    for indicator in rules.scoring.indicators:
        if isinstance(indicator.normalisation, Steps):
            path = f"scoring.indicators[{indicator.code}].normalisation"
            yield from _step_table(indicator.normalisation, path, full)


def _step_table(table: Steps, path: str, full: Decimal) -> Iterator[Finding]:
    following = [*(s.at_least for s in table.steps[1:]), None]
    for index, (step, end) in enumerate(zip(table.steps, following, strict=True)):
        at = f"{path}.steps[{index}]"
        if not 0 <= step.score <= full:
            yield Finding(f"{at}.score", f"为 {step.score}", f"0 至 {full}")
        if step.per_unit < 0:
            yield Finding(f"{at}.per_unit", f"为 {step.per_unit}", "不小于 0（越少越好的指标逐档写明分值）")
        elif step.per_unit and step.at_least is None:
            yield Finding(f"{at}.per_unit", "没有起算点", "第一档不写 per_unit")
        elif step.per_unit:
            unbounded = step.cap is None and end is None
            reach = step.cap
            if reach is None and end is not None and step.at_least is not None:
                reach = step.score + step.per_unit * (end - step.at_least)
            if unbounded or (reach is not None and reach > full):
                yield Finding(f"{at}.cap", f"分值可超过 {full}", f"写明 cap，不大于 {full}")
        elif step.cap is not None:
            yield Finding(f"{at}.cap", "没有 per_unit，封顶无意义", "不写 cap")
        if step.cap is not None and step.cap < step.score:
            yield Finding(f"{at}.cap", f"{step.cap} 小于 score {step.score}", "不小于 score")


def benchmarks(rules: ScoringRules) -> Iterator[Finding]:
    """Prove that a benchmark per group names every group that the indicator applies to."""
    for indicator in rules.scoring.indicators:
        method = indicator.normalisation
        if isinstance(method, RatioToBenchmark) and isinstance(method.benchmark, dict):
            for group in indicator.groups or rules.scoring.groups:
                if group not in method.benchmark:
                    path = f"scoring.indicators[{indicator.code}].normalisation.benchmark"
                    yield Finding(path, f"缺少类别 {group}", "适用的类别都有基准值")
