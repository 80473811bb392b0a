"""Expert scoring: whoever is to be scored by experts has a panel that can do it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from ipgov.policy.check.finding import Finding, VersionFile
from ipgov.policy.methods import ExpertMean
from ipgov.policy.rules import ExpertPanel
from ipgov.policy.scoring import Indicator


def panel(file: VersionFile) -> Iterator[Finding]:
    """Prove that experts' indicators and a panel come together, and that one recusal leaves enough raters."""
    rated = [(i, i.normalisation) for i in file.rules.scoring.indicators]
    experts = [(i, n) for i, n in rated if isinstance(n, ExpertMean)]
    rule = file.rules.panel
    if rule is None:
        if experts:
            codes = "、".join(i.code for i, _ in experts)
            yield Finding("panel", f"没有，而指标 {codes} 由专家评分", "写明专家人数、时限、回避等")
        return
    if not experts:
        yield Finding("panel", "没有由专家评分的指标", "有 expert_mean 指标，或不写 panel")
    if rule.size.minimum > rule.size.maximum:
        yield Finding("panel.size.minimum", f"大于 maximum {rule.size.maximum}", "不大于 maximum")
    for role, count in Counter(rule.recused_by).items():
        if count > 1:
            yield Finding("panel.recused_by", f"{role} 出现 {count} 次", "每种关系一次")
    for indicator, method in experts:
        yield from _indicator(file, rule, indicator, method)
    for name, count in Counter(i.source_field for i, _ in experts).items():
        if count > 1:
            found = f"输入 {name} 由 {count} 个专家指标共用"
            yield Finding("scoring.indicators", found, "每个专家指标用自己的评分")


def _indicator(
    file: VersionFile, rule: ExpertPanel, indicator: Indicator, method: ExpertMean
) -> Iterator[Finding]:
    path = f"scoring.indicators[{indicator.code}]"
    if rule.size.minimum <= method.minimum_raters:
        yield Finding(
            "panel.size.minimum",
            f"为 {rule.size.minimum}，一人回避即不足指标 {indicator.code} 的 {method.minimum_raters} 个评分",
            f"大于 minimum_raters（{method.minimum_raters}）",
        )
    if indicator.source_field in file.rules.form.fields:
        found = f"栏目 {indicator.source_field} 由单位填报，不能同时由专家评分"
        yield Finding(f"{path}.input", found, "不是报送表的栏目代码")
    for name, bound in (("minimum", method.scale.minimum), ("maximum", method.scale.maximum)):
        if bound != bound.quantize(Decimal(1).scaleb(-rule.decimals)):
            found = f"为 {bound}，小数多于 panel.decimals 的 {rule.decimals} 位"
            yield Finding(f"{path}.normalisation.scale.{name}", found, "可以打出的分数")
