"""The numbers of a normalisation as the integers that ``methods.sql`` computes with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from ipgov.core.errors import GovernanceError
from ipgov.evaluation.scales import VALUE_DECIMALS, decimals_of, exact, half_up
from ipgov.evaluation.templates import sql_text
from ipgov.evaluation.weights import by_group, weighs
from ipgov.policy.methods import (
    ExpertMean,
    Goalposts,
    GroupBenchmark,
    PerUnit,
    RatioToBenchmark,
    Step,
    Steps,
    Threshold,
    TrueFalse,
)
from ipgov.policy.scoring import Indicator


class Rule(NamedTuple):
    """A normalisation's integers, and SQL for its benchmark: as an integer, and as a reader sees it."""

    numbers: Mapping[str, Any]
    benchmark: str = ""
    benchmark_shown: str = ""


def rule_of(i: Indicator, r: int, known: tuple[str, ...], key: str, full: Decimal) -> Rule:
    """Compile the normalisation of the indicator of columns ``key`` for scores at ``r`` decimals."""
    n = i.normalisation
    match n:
        case Goalposts():
            low, high = exact(n.minimum), exact(n.maximum)
            return Rule({"minimum": low, "maximum": high, "down": n.direction == "down"})
        case Steps():
            if n.steps[0].per_unit:
                raise GovernanceError(f"指标 {i.code} 的第一档没有起算点，不能写 per_unit")
            return Rule({"steps": [_step(s, r) for s in n.steps]})
        case RatioToBenchmark():
            top = full if n.cap is None else n.cap
            cap: dict[str, Any] = {"cap": half_up(top, r), "clamp": math.ceil(top / full)}
            if isinstance(n.benchmark, GroupBenchmark):
                b = n.benchmark
                own = {
                    "statistic": b.statistic,
                    "minimum_members": b.minimum_members,
                    "otherwise": exact(b.otherwise),
                }
                return Rule(cap | own, f"scaled_12(b_{key})")
            if isinstance(n.benchmark, Decimal):
                return Rule(cap, str(exact(n.benchmark)), format(n.benchmark, "f"))
            wanted = i.groups or tuple(g for g in known if weighs(i, g, known))
            if lacking := [g for g in wanted if g not in n.benchmark]:
                raise GovernanceError(f"指标 {i.code} 没有组别 {'、'.join(lacking)} 的基准值")
            cases = " ".join(f"WHEN {sql_text(g)} THEN {b:f}" for g, b in n.benchmark.items())
            return Rule(cap, by_group({g: exact(b) for g, b in n.benchmark.items()}), f"CASE grp {cases} END")
        case TrueFalse():
            return Rule(
                {
                    "score": half_up(full if n.score is None else n.score, r),
                    "otherwise": half_up(n.otherwise, r),
                }
            )
        case ExpertMean():
            low, high = exact(n.scale.minimum), exact(n.scale.maximum)
            share = Fraction(exact(full) * 10**r, (high - low) * 10**VALUE_DECIMALS)
            return Rule(
                {
                    "least": format(n.scale.minimum, "f"),
                    "most": format(n.scale.maximum, "f"),
                    "lowest": low,
                    "times": share.numerator,
                    "over": share.denominator,
                    "drop_highest": n.drop_highest,
                    "drop_lowest": n.drop_lowest,
                    "minimum_raters": n.minimum_raters,
                    "mean_of_all": n.below_minimum == "mean_of_all",
                }
            )
        case PerUnit():
            d = decimals_of([n.points, n.cap])
            return Rule(
                {
                    "points": exact(n.points, d),
                    "cap": exact(n.cap, d) * 10**VALUE_DECIMALS,
                    "divisor": 10 ** (VALUE_DECIMALS + d - r),
                }
            )
        case Threshold():
            return Rule({"at_least": exact(n.at_least)})
    raise GovernanceError(f"指标 {i.code} 的方法 {n.method} 尚不能计算")


def _step(step: Step, r: int) -> dict[str, Any]:
    d = decimals_of([step.score, step.per_unit, *([] if step.cap is None else [step.cap])])
    scale = 10**VALUE_DECIMALS
    return {
        "at_least": None if step.at_least is None else exact(step.at_least),
        "score": exact(step.score, d) * scale,
        "per_unit": exact(step.per_unit, d),
        "cap": None if step.cap is None else exact(step.cap, d) * scale,
        "divisor": 10 ** (VALUE_DECIMALS + d - r),
    }
