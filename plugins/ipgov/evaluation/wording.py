"""How a rule reads in Chinese, with the numbers of one unit put in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ipgov.evaluation.plan import CAUSES
from ipgov.policy.methods import (
    ExpertMean,
    Goalposts,
    PerUnit,
    RatioToBenchmark,
    Step,
    Steps,
    Threshold,
    TrueFalse,
)
from ipgov.policy.scoring import Indicator

_HANDLING = {
    "exclude_unit": "按规则不予评价",
    "zero": "按规则计 0 分",
    "drop_and_rescale": "按规则不计此项，权重按比例分给同级其余各项",
}
_STATISTIC = {"mean": "本组平均值", "median": "本组中位数", "maximum": "本组最大值"}
_WEIGHING = {"weighted_arithmetic_mean": "加权平均", "weighted_geometric_mean": "加权几何平均"}


def plain(number: Decimal) -> str:
    """Return a decimal without zeros at its end and without exponent."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def weighing(aggregation: str) -> str:
    """Return the name of an aggregation."""
    return _WEIGHING[aggregation]


def absence(i: Indicator, detail: Mapping[str, Any]) -> str:
    """Say why there is no value and what the rule makes of it."""
    if i.role == "score" or i.missing == "exclude_unit":
        return f"{CAUSES[detail['missing']]}，{_HANDLING[i.missing]}"
    return f"{CAUSES[detail['missing']]}，不计"


def raw_value(i: Indicator, value: Decimal, detail: Mapping[str, Any]) -> str:
    """Say what was measured: the value, or the division that gave it, or the experts' scores."""
    if isinstance(i.normalisation, ExpertMean):
        counted = "、".join(f"{r['rater']} {r['value']}" for r in detail.get("counted", ()))
        dropped = "、".join(f"{r['rater']} {r['value']}" for r in detail.get("dropped", ()))
        return f"评分 {counted}" + (f"（去掉 {dropped}）" if dropped else "")
    if i.denominator:
        return f"{detail['numerator']} ÷ {detail['divisor']} = {plain(value)}"
    return f"{plain(value)}{i.unit}"


def method(i: Indicator, value: Decimal, detail: Mapping[str, Any]) -> str:
    """Say how the score comes from the value."""
    match i.normalisation:
        case Goalposts(minimum=low, maximum=high, direction=direction):
            top = f"{plain(high)} - 数值" if direction == "down" else f"数值 - {plain(low)}"
            return f"({top})÷({plain(high)} - {plain(low)})× 100，限于 0 至 100"
        case Steps(steps=steps):
            return _step(
                max((s for s in steps if s.at_least is None or value >= s.at_least), key=_floor), value
            )
        case RatioToBenchmark(cap=cap):
            return f"数值 ÷ {_benchmark(detail)} × 100，限于 0 至 {plain(cap or Decimal(0))}"
        case TrueFalse(score=score, otherwise=otherwise):
            return f"是计 {plain(score or Decimal(0))} 分，否计 {plain(otherwise)} 分"
        case ExpertMean():
            return f"{len(detail.get('counted', ()))} 个评分的平均"
        case PerUnit(points=points, cap=cap):
            return f"每{i.unit or '单位'} {plain(points)} 分，不超过 {plain(cap)} 分"
        case Threshold(at_least=floor):
            return f"达到 {plain(floor)} 即否决：{'已达到' if value >= floor else '未达到'}"
    raise AssertionError(i.normalisation.method)


def _floor(step: Step) -> Decimal:
    return Decimal("-Infinity") if step.at_least is None else step.at_least


def _step(step: Step, value: Decimal) -> str:
    if step.at_least is None:
        return f"未达到最低一档：{plain(step.score)} 分"
    text = f"达到 {plain(step.at_least)} 的档次：{plain(step.score)} 分"
    if step.per_unit:
        text += f" + {plain(step.per_unit)} ×({plain(value)} - {plain(step.at_least)})"
    return text + (f"，不超过 {plain(step.cap)} 分" if step.cap is not None else "")


def _benchmark(detail: Mapping[str, Any]) -> str:
    source = detail["benchmark_from"]
    if source in _STATISTIC:
        return f"{_STATISTIC[source]} {detail['benchmark']}（本组 {detail['members']} 个数值）"
    if source == "otherwise":
        return f"固定基准值 {detail['benchmark']}（本组数值只有 {detail['members']} 个或统计值不为正）"
    return f"基准值 {detail['benchmark']}"
