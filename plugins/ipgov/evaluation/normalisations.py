"""A normalisation of the rules as the integers that ``methods.sql`` computes with.

A score times 10 ** decimals is, for most methods, (distance x ``times`` + length x ``plus``) / (length x
``over``), all of them integers in lowest terms, divided once and so rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from ipgov.core.errors import GovernanceError
from ipgov.evaluation.scales import VALUE_DECIMALS, decimals_of, exact, half_up
from ipgov.evaluation.templates import sql_text
from ipgov.evaluation.weights import by_group, weighs
from ipgov.policy.methods import (
    DistanceToTarget,
    Efficacy,
    ExpertMean,
    ExponentialRank,
    Goalposts,
    GroupBenchmark,
    MinMax,
    NodeNormalisation,
    PercentileRank,
    PerUnit,
    Piecewise,
    Rank,
    RatioToBenchmark,
    Step,
    Steps,
    Threshold,
    TrueFalse,
    ZScore,
)
from ipgov.policy.scoring import Indicator

UNIT = 10**VALUE_DECIMALS


class Rule(NamedTuple):
    """A normalisation's integers, and SQL for its benchmark: as an integer, and as a reader sees it."""

    numbers: Mapping[str, Any]
    benchmark: str = ""
    benchmark_shown: str = ""


def rule_of(i: Indicator, r: int, known: tuple[str, ...], key: str, full: Decimal) -> Rule:
    """Compile the normalisation of the indicator of columns ``key`` for scores at ``r`` decimals."""
    n = i.normalisation
    match n:
        case RatioToBenchmark():
            return _ratio(i, n, r, known, key, full)
        case ExpertMean():
            low, high = exact(n.scale.minimum), exact(n.scale.maximum)
            share = Fraction(exact(full) * 10**r, (high - low) * UNIT)
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
                    "cap": exact(n.cap, d) * UNIT,
                    "divisor": 10 ** (VALUE_DECIMALS + d - r),
                }
            )
        case Threshold():
            return Rule({"at_least": exact(n.at_least)})
        case TrueFalse():
            best = half_up(full if n.score is None else n.score, r)
            return Rule({"score": best, "otherwise": half_up(n.otherwise, r)})
        case Steps():
            if n.steps[0].per_unit:
                raise GovernanceError(f"指标 {i.code} 的第一档没有起算点，不能写 per_unit")
            return Rule({"steps": [_step(s, r) for s in n.steps]})
        case Piecewise():
            return Rule(_piecewise(n, r))
        case DistanceToTarget():
            return Rule(_distance(n, r, full))
        case Efficacy():
            return Rule(_efficacy(n, r))
    return Rule(integers_of(n, r, full))


def integers_of(n: NodeNormalisation, r: int, full: Decimal) -> Mapping[str, Any]:
    """Compile a normalisation that indicators and dimensions may have, for scores at ``r`` decimals."""
    match n:
        case Goalposts():
            return _goalposts(n, r, full)
        case MinMax():
            high = full if n.highest is None else n.highest
            return _line(high - n.lowest, n.lowest, r) | _group(n, r) | {"down": n.direction == "down"}
        case ZScore():
            own = {"down": n.direction == "down", "sample": n.deviation == "sample"}
            return _line(n.spread, n.mean, r) | _group(n, r) | own
        case Rank():
            return _line(n.points, Decimal(0), r) | _places(n, r) | {"ties": n.ties}
        case PercentileRank():
            return _line(full, Decimal(0), r) | _places(n, r) | {"definition": n.definition}
        case ExponentialRank():
            named: dict[str, Any] = {
                "ties": n.ties,
                "constant": format(n.constant, "f"),
                "full": format(full, "f"),
            }
            return _places(n, r) | named
    raise GovernanceError(f"方法 {n.method} 不能计算")


def _line(span: Decimal | Fraction, start: Decimal, r: int) -> dict[str, Any]:
    """Return what makes start + span x share, for a share of integers, an integer at ``r`` decimals."""
    slope, base = Fraction(span) * 10**r, Fraction(start) * 10**r
    over = math.lcm(slope.denominator, base.denominator)
    return {"times": int(slope * over), "plus": int(base * over), "over": over}


def _group(n: Any, r: int) -> dict[str, Any]:
    """Return what a method that looks at other units does with few of them."""
    otherwise = None if n.otherwise is None else half_up(n.otherwise, r)
    return {"within": n.within, "minimum_members": n.minimum_members, "otherwise": otherwise}


def _places(n: Rank | PercentileRank | ExponentialRank, r: int) -> dict[str, Any]:
    return _group(n, r) | {"down": n.direction == "down", "placed": True}


def _goalposts(n: Goalposts, r: int, full: Decimal) -> dict[str, Any]:
    low, high = exact(n.minimum), exact(n.maximum)
    best = full if n.highest is None else n.highest
    first, last = (best, n.lowest) if n.direction == "down" else (n.lowest, best)
    ends = {
        "minimum": low,
        "maximum": high,
        "least": low if n.clamp in ("both", "minimum") else None,
        "most": high if n.clamp in ("both", "maximum") else None,
    }
    if n.scale == "log":
        return ends | {"log": True, "lowest": format(first, "f"), "span": format(last - first, "f")}
    return ends | {"log": False} | _line(Fraction(last - first) / (high - low), first, r)


def _piecewise(n: Piecewise, r: int) -> dict[str, Any]:
    first, last = n.points[0], n.points[-1]
    pieces = []
    for a, b in pairwise(n.points):
        start, end = exact(a.at), exact(b.at)
        line = _line(Fraction(b.score - a.score) / (end - start), a.score, r)
        pieces.append({"from": start, "to": end} | line)
    ends = {"below": half_up(first.score, r), "above": half_up(last.score, r)}
    return ends | {"first": exact(first.at), "last": exact(last.at), "pieces": pieces}


def _distance(n: DistanceToTarget, r: int, full: Decimal) -> dict[str, Any]:
    numbers = _line(full, Decimal(0), r) | {"target": exact(n.target), "down": n.direction == "down"}
    numbers |= {"cap": half_up(full if n.cap is None else n.cap, r)}
    if isinstance(n.worst, Decimal):
        return numbers | {"worst": exact(n.worst)}
    return numbers | _group(n, r) | {"worst": None}


def _efficacy(n: Efficacy, r: int) -> dict[str, Any]:
    numbers = _line(n.span, n.base, r) | {"clamp": n.clamp, "down": n.direction == "down"}
    best = exact(n.satisfactory) if isinstance(n.satisfactory, Decimal) else None
    worst = exact(n.not_allowed) if isinstance(n.not_allowed, Decimal) else None
    numbers |= {"satisfactory": best, "not_allowed": worst}
    return numbers if best is not None and worst is not None else numbers | _group(n, r)


def _ratio(
    i: Indicator, n: RatioToBenchmark, r: int, known: tuple[str, ...], key: str, full: Decimal
) -> Rule:
    top = full if n.cap is None else n.cap
    share = Fraction(full) * 10**r
    numbers: dict[str, Any] = {
        "cap": half_up(top, r),
        "clamp": math.ceil(top / full),
        "times": share.numerator,
        "over": share.denominator,
    }
    if isinstance(n.benchmark, GroupBenchmark):
        b = n.benchmark
        own = {
            "statistic": b.statistic,
            "benchmark_within": b.within,
            "minimum_members": b.minimum_members,
            "otherwise": exact(b.otherwise),
        }
        return Rule(numbers | own, f"whole_b_{key}")
    if isinstance(n.benchmark, Decimal):
        return Rule(numbers, str(exact(n.benchmark)), format(n.benchmark, "f"))
    wanted = i.groups or tuple(g for g in known if weighs(i, g, known))
    if lacking := [g for g in wanted if g not in n.benchmark]:
        raise GovernanceError(f"指标 {i.code} 没有组别 {'、'.join(lacking)} 的基准值")
    cases = " ".join(f"WHEN {sql_text(g)} THEN {b:f}" for g, b in n.benchmark.items())
    return Rule(numbers, by_group({g: exact(b) for g, b in n.benchmark.items()}), f"CASE grp {cases} END")


def _step(step: Step, r: int) -> dict[str, Any]:
    d = decimals_of([step.score, step.per_unit, *([] if step.cap is None else [step.cap])])
    return {
        "at_least": None if step.at_least is None else exact(step.at_least),
        "score": exact(step.score, d) * UNIT,
        "per_unit": exact(step.per_unit, d),
        "cap": None if step.cap is None else exact(step.cap, d) * UNIT,
        "divisor": 10 ** (VALUE_DECIMALS + d - r),
    }


def parameters(value: Any) -> Any:
    """Return a normalisation's own numbers: no basis, no method, nothing left empty."""
    if isinstance(value, dict):
        inner = {k: parameters(v) for k, v in value.items() if k not in ("clause", "operator", "method")}
        return {k: v for k, v in inner.items() if v is not None}
    return [parameters(v) for v in value] if isinstance(value, list) else value
