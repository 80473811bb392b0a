"""From a scoring rule to what the SQL templates need: the tree, integers at named scales, texts.

Everything that a rule leaves impossible to compute is refused here, before any value is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.basis import basis_of, in_chinese
from ipgov.evaluation.templates import sql_text
from ipgov.policy.scoring import (
    Dimension,
    ExpertMean,
    Goalposts,
    Grade,
    GroupBenchmark,
    Indicator,
    PerUnit,
    RatioToBenchmark,
    Scoring,
    Steps,
    Threshold,
    TrueFalse,
)

VALUE_DECIMALS = 12  # of values, quotients, benchmarks and unrounded totals
VALUE_DIGITS = 13  # before the point
CONTRIBUTION_DECIMALS = 6  # at least
CAUSES = {
    "no_value": "没有数值",
    "no_denominator": "分母没有数值",
    "zero_denominator": "分母为零",
    "too_few_raters": "评分人数不足",
}
ADJUSTMENTS = {
    "rounding": "四舍五入差",
    "bonus_cap": "超过加分上限的部分",
    "deduction_cap": "超过扣分上限的部分",
    "bounds": "总分上下限调整",
}
ROOT = "total"


def half_up(number: Decimal, decimals: int) -> int:
    """Return the number times ten to the ``decimals``, rounded half away from zero (四舍五入)."""
    return int(number.scaleb(decimals).quantize(Decimal(1), ROUND_HALF_UP))


def decimals_of(numbers: Iterable[Decimal]) -> int:
    """Return how many decimals the numbers need."""
    return max((max(0, -int(n.normalize().as_tuple().exponent)) for n in numbers), default=0)


def exact(number: Decimal, decimals: int = VALUE_DECIMALS) -> int:
    """Return the number as an integer at ``decimals``; GovernanceError where digits would be lost."""
    if decimals_of([number]) > decimals or abs(number) >= 10**VALUE_DIGITS:
        raise GovernanceError(
            f"规则中的数 {number} 位数过多:整数部分不超过 {VALUE_DIGITS} 位,小数不超过 {decimals} 位"
        )
    return int(number.scaleb(decimals))


@dataclass(frozen=True)
class Child:
    """A node as its parent sees it: where its score stands, with how many decimals, and its integer weight."""

    key: str
    code: str
    score: str
    decimals: int
    weight: str
    leaf: bool
    parent: str
    parent_key: str
    detail: str = ""


@dataclass(frozen=True)
class Node:
    """A dimension, or the root: its children and how they are brought together."""

    key: str
    score: str
    geometric: bool
    opaque: bool  # below a geometric mean: contributions to the total cannot be told apart
    root: bool
    children: tuple[Child, ...]

    @property
    def scale(self) -> int:
        """Return the decimals at which the children are added up."""
        return max(c.decimals for c in self.children)


@dataclass(frozen=True)
class IndicatorPlan:
    """What the templates need of an indicator."""

    key: str
    code: str
    role: str
    method: str
    input: str
    column: str
    denominator: str
    applies: str
    missing: str
    rule: Mapping[str, Any]
    parent: str
    parent_key: str
    detail: str
    benchmark: str = ""
    benchmark_shown: str = ""
    excluded: Mapping[str, str] = field(default_factory=dict)
    vetoed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A compiled scoring rule: the context of the templates in ``sql/evaluation``."""

    scoring: Scoring
    groups: tuple[str, ...]
    inputs: Mapping[str, str]  # input name -> column
    indicators: tuple[IndicatorPlan, ...]
    levels: tuple[tuple[Node, ...], ...]  # leaves' parents first, the root last
    grades: tuple[Mapping[str, Any], ...]

    def context(self) -> dict[str, Any]:
        """Return the variables of the templates."""
        rounding = self.scoring.rounding
        nodes = [c for level in reversed(self.levels) for n in level for c in n.children]
        frontier = [
            f"coalesce(c_{c.key}, 0)"
            for level in self.levels
            for n in level
            if not (n.geometric or n.opaque)
            for c in n.children
            if c.leaf or self._node(c.key).geometric
        ]
        widest = max(rounding.indicator, rounding.dimension, rounding.total)
        return {
            "inputs": [{"name": n, "column": c} for n, c in self.inputs.items() if c],
            "indicators": self.indicators,
            "experts": [i for i in self.indicators if i.method == "expert_mean"],
            "benchmarked": [i for i in self.indicators if "statistic" in i.rule],
            "levels": self.levels,
            "nodes": nodes,
            "r": rounding.indicator,
            "rounding": rounding,
            "widest": widest,
            "points": max(CONTRIBUTION_DECIMALS, widest),
            "ties": rounding.ties,
            "unrounded": rounding.rank_on == "unrounded",
            "bonus_cap": self.scoring.bonus_cap,
            "deduction_cap": self.scoring.deduction_cap,
            "maximum": self.scoring.maximum,
            "grades": self.grades,
            "veto_place": self._veto_place(),
            "causes": list(CAUSES),
            "nothing_left": _reason("没有一个可以计分的指标,不予评价", basis_of(self.scoring)),
            "root_detail": _open_json({"aggregation": self.scoring.aggregation}),
            "adjustments": [
                ("rounding", f"base - ({' + '.join(frontier) or '0'})"),
                ("bonus_cap", "bonus - bonus_all"),
                ("deduction_cap", "deduction_all - deduction"),
                ("bounds", "total - (base + bonus - deduction)"),
            ],
        }

    def _node(self, key: str) -> Node:
        return next(n for level in self.levels for n in level if n.key == key)

    def _veto_place(self) -> int:
        names = [g.name for g in self.scoring.grades]
        return names.index(self.scoring.veto_grade) if self.scoring.veto_grade else 0


def compile_plan(scoring: Scoring, groups: tuple[str, ...] = ()) -> Plan:
    """Compile a scoring rule for units of these groups (default: those that the rule itself names).

    Raises GovernanceError (Chinese) where the rule cannot be computed: unknown or circular parents, nodes
    without children or weight, double codes, numbers with too many digits, a last grade that does not take
    everybody, a veto without a grade.
    """
    known = tuple(groups) or scoring.groups or _named_groups(scoring)
    _check_codes(scoring, known)
    _check_grades(scoring)
    inputs = _inputs(scoring)
    keys = {d.code: f"d{n}" for n, d in enumerate(scoring.dimensions)}
    indicators = tuple(
        _indicator(scoring, i, n, inputs, known, keys) for n, i in enumerate(scoring.indicators)
    )
    levels = _levels(scoring, known, keys)
    return Plan(scoring, known, inputs, indicators, levels, _grades(scoring))


def _named_groups(scoring: Scoring) -> tuple[str, ...]:
    names: set[str] = set()
    for i in scoring.indicators:
        names |= set(i.groups)
        names |= set(i.weight) if isinstance(i.weight, dict) else set()
        if isinstance(i.normalisation, RatioToBenchmark) and isinstance(i.normalisation.benchmark, dict):
            names |= set(i.normalisation.benchmark)
    for d in scoring.dimensions:
        names |= set(d.weight) if isinstance(d.weight, dict) else set()
    return tuple(sorted(names))


def _check_codes(scoring: Scoring, known: tuple[str, ...]) -> None:
    codes = [i.code for i in scoring.indicators] + [d.code for d in scoring.dimensions]
    if doubled := sorted({c for c in codes if codes.count(c) > 1}):
        raise GovernanceError(f"指标与维度的代码重复:{'、'.join(doubled)};每个代码只能用一次")
    if reserved := sorted({ROOT, *ADJUSTMENTS} & set(codes)):
        raise GovernanceError(f"代码 {'、'.join(reserved)} 为系统保留,不能用于指标或维度")
    if strange := sorted(set(_named_groups(scoring)) - set(known)):
        raise UnknownError(f"规则写到未知的组别:{'、'.join(strange)};已知:{'、'.join(known)}")


def _check_grades(scoring: Scoring) -> None:
    names = [g.name for g in scoring.grades]
    if len(set(names)) != len(names):
        raise GovernanceError(f"等级名称重复:{'、'.join(names)}")
    last = scoring.grades[-1]
    if last.floor is not None or last.quota is not None:
        raise GovernanceError(f"最后一个等级“{last.name}”须不设分数线与名额,以收纳其余全部对象")
    floors = [g.floor for g in scoring.grades if g.floor is not None]
    if any(a < b for a, b in zip(floors, floors[1:], strict=False)):
        raise GovernanceError("各等级须由高到低排列,分数线不得倒置")
    if scoring.veto_grade and scoring.veto_grade not in names:
        raise GovernanceError(f"veto_grade“{scoring.veto_grade}”不是等级之一;等级:{'、'.join(names)}")
    if not scoring.veto_grade and any(i.role == "veto" for i in scoring.indicators):
        raise GovernanceError("有否决指标而没有 veto_grade:须写明被否决者的等级")


def _inputs(scoring: Scoring) -> dict[str, str]:
    """Return each input's column in the wide table; none ("") for inputs that experts score."""
    rated = {i.source_field for i in scoring.indicators if i.normalisation.method == "expert_mean"}
    counted: dict[str, None] = {}
    for i in scoring.indicators:
        if i.normalisation.method == "expert_mean":
            if i.denominator:
                raise GovernanceError(f"指标 {i.code}:专家评分不能再除以分母 {i.denominator}")
        else:
            counted |= {n: None for n in (i.source_field, i.denominator) if n}
    if both := sorted(rated & set(counted)):
        raise GovernanceError(f"输入 {'、'.join(both)} 既由专家评分又作数值使用;须分开")
    return {n: f"in_{k}" for k, n in enumerate(counted)} | dict.fromkeys(sorted(rated), "")


def by_group(values: int | Mapping[str, int]) -> str:
    """Return SQL for an integer that is the same for every group, or differs by ``grp``."""
    if isinstance(values, int):
        return str(values)
    cases = " ".join(f"WHEN {sql_text(g)} THEN {v}" for g, v in values.items())
    return f"CASE grp {cases} ELSE 0 END"


def _weights(item: Indicator | Dimension, known: tuple[str, ...]) -> Decimal | dict[str, Decimal]:
    """Return the weight for every group, or per known group; 0 is not applicable."""
    only = item.groups if isinstance(item, Indicator) else ()
    if isinstance(item.weight, Decimal) and not only:
        return item.weight
    given = item.weight if isinstance(item.weight, dict) else dict.fromkeys(known, item.weight)
    return {g: given.get(g, Decimal(0)) if not only or g in only else Decimal(0) for g in known}


def _numbers(value: Decimal | Mapping[str, Decimal]) -> list[Decimal]:
    return [value] if isinstance(value, Decimal) else list(value.values())


def _applies(item: Indicator, known: tuple[str, ...]) -> str:
    if item.role == "score":
        weight = _weights(item, known)
        if isinstance(weight, Decimal):
            return "TRUE" if weight > 0 else "FALSE"
        names = [g for g, w in weight.items() if w > 0]
    else:
        if not item.groups:
            return "TRUE"
        names = list(item.groups)
    return f"grp IN ({', '.join(map(sql_text, names))})" if names else "FALSE"


def _indicator(
    scoring: Scoring,
    i: Indicator,
    number: int,
    inputs: Mapping[str, str],
    known: tuple[str, ...],
    keys: Mapping[str, str],
) -> IndicatorPlan:
    if i.dimension and i.dimension not in keys:
        raise UnknownError(f"指标 {i.code} 属于未知的维度“{i.dimension}”;已知:{'、'.join(keys)}")
    rule, benchmark, shown = _rule(i, scoring.rounding.indicator, known, f"i{number}")
    head = {
        "method": i.normalisation.method,
        "parameters": _parameters(i.normalisation.model_dump(mode="json")),
        "input": i.source_field,
    }
    basis = basis_of(scoring, i)
    missing = "按规则本年度不予评价" if i.missing == "exclude_unit" else ""
    vetoed = _reason(f"否决:指标“{i.name}”为 \0{i.unit},等级最高为“{scoring.veto_grade}”", basis)
    return IndicatorPlan(
        key=f"i{number}",
        code=i.code,
        role=i.role,
        method=i.normalisation.method,
        input=i.source_field,
        column=inputs[i.source_field],
        denominator=inputs[i.denominator] if i.denominator else "",
        applies=_applies(i, known),
        missing=i.missing,
        rule=rule,
        parent=i.dimension,
        parent_key=keys.get(i.dimension, ""),
        detail=_open_json(head | ({"denominator": i.denominator} if i.denominator else {})),
        benchmark=benchmark,
        benchmark_shown=shown,
        excluded={c: _reason(f"指标“{i.name}”{t},{missing}", basis) for c, t in CAUSES.items()},
        vetoed=tuple(vetoed.split("\0")),
    )


def _rule(i: Indicator, r: int, known: tuple[str, ...], key: str) -> tuple[dict[str, Any], str, str]:
    """Return the numbers of a normalisation as integers, and SQL for the benchmark (integer, and as shown)."""
    n = i.normalisation
    match n:
        case Goalposts():
            low, high = exact(n.minimum), exact(n.maximum)
            return {"minimum": low, "maximum": high, "down": n.direction == "down"}, "", ""
        case Steps():
            return {"steps": [_step(s.at_least, s.score, s.per_unit, s.cap, r) for s in n.steps]}, "", ""
        case RatioToBenchmark():
            rule: dict[str, Any] = {"cap": half_up(n.cap, r), "clamp": math.ceil(n.cap / 100)}
            if isinstance(n.benchmark, GroupBenchmark):
                b = n.benchmark
                own = {
                    "statistic": b.statistic,
                    "minimum_members": b.minimum_members,
                    "otherwise": exact(b.otherwise),
                }
                return rule | own, f"scaled_12(b_{key})", ""
            if isinstance(n.benchmark, Decimal):
                return rule, str(exact(n.benchmark)), format(n.benchmark, "f")
            wanted = i.groups or tuple(g for g in known if _positive(i, g, known))
            if lacking := [g for g in wanted if g not in n.benchmark]:
                raise GovernanceError(f"指标 {i.code} 没有组别 {'、'.join(lacking)} 的基准值")
            cases = " ".join(f"WHEN {sql_text(g)} THEN {b:f}" for g, b in n.benchmark.items())
            return rule, by_group({g: exact(b) for g, b in n.benchmark.items()}), f"CASE grp {cases} END"
        case TrueFalse():
            return {"score": half_up(n.score, r), "otherwise": half_up(n.otherwise, r)}, "", ""
        case ExpertMean():
            return (
                {
                    "drop_highest": n.drop_highest,
                    "drop_lowest": n.drop_lowest,
                    "minimum_raters": n.minimum_raters,
                    "mean_of_all": n.below_minimum == "mean_of_all",
                },
                "",
                "",
            )
        case PerUnit():
            d = decimals_of([n.points, n.cap])
            return (
                {
                    "points": exact(n.points, d),
                    "cap": exact(n.cap, d) * 10**VALUE_DECIMALS,
                    "divisor": 10 ** (VALUE_DECIMALS + d - r),
                },
                "",
                "",
            )
        case Threshold():
            return {"at_least": exact(n.at_least)}, "", ""


def _positive(i: Indicator, group: str, known: tuple[str, ...]) -> bool:
    weight = _weights(i, known)
    return (weight if isinstance(weight, Decimal) else weight[group]) > 0


def _step(
    at_least: Decimal | None, score: Decimal, per_unit: Decimal, cap: Decimal | None, r: int
) -> dict[str, Any]:
    d = decimals_of([score, per_unit, *([] if cap is None else [cap])])
    scale = 10**VALUE_DECIMALS
    return {
        "at_least": None if at_least is None else exact(at_least),
        "score": exact(score, d) * scale,
        "per_unit": exact(per_unit, d),
        "cap": None if cap is None else exact(cap, d) * scale,
        "divisor": 10 ** (VALUE_DECIMALS + d - r),
    }


def _levels(
    scoring: Scoring, known: tuple[str, ...], keys: Mapping[str, str]
) -> tuple[tuple[Node, ...], ...]:
    by_code = {d.code: d for d in scoring.dimensions}
    for d in scoring.dimensions:
        if d.parent and d.parent not in by_code:
            raise UnknownError(f"维度 {d.code} 的上级“{d.parent}”不存在;已知:{'、'.join(by_code)}")
        _path(d, by_code)
    heights: dict[str, int] = {}

    def height(code: str) -> int:
        if code not in heights:
            below = [height(d.code) for d in scoring.dimensions if d.parent == code]
            heights[code] = 1 + max(below, default=0)
        return heights[code]

    levels: dict[int, list[Node]] = {}
    for d in scoring.dimensions:
        levels.setdefault(height(d.code), []).append(_node(scoring, d, by_code, known, keys))
    ordered = [tuple(levels[h]) for h in sorted(levels)]
    return (*ordered, (_node(scoring, None, by_code, known, keys),))


def _path(d: Dimension, by_code: Mapping[str, Dimension]) -> list[Dimension]:
    """Return the dimensions above ``d``, nearest first."""
    path: list[Dimension] = []
    while d.parent:
        d = by_code[d.parent]
        if d in path:
            raise GovernanceError(f"维度 {d.code} 是自己的上级;维度须成树")
        path.append(d)
    return path


def _node(
    scoring: Scoring,
    d: Dimension | None,
    by_code: Mapping[str, Dimension],
    known: tuple[str, ...],
    keys: Mapping[str, str],
) -> Node:
    code, key = (d.code, keys[d.code]) if d else ("", "root")
    leaves = [(i, f"i{n}") for n, i in enumerate(scoring.indicators) if code and i.dimension == code]
    below = [(c, keys[c.code]) for c in scoring.dimensions if c.parent == code]
    if not leaves and not below:
        raise GovernanceError(f"维度 {code} 没有下级维度或指标" if d else "没有一个顶层维度")
    weights = {k: _weights(c, known) for c, k in (*leaves, *below)}
    _check_weights(code, d, weights, known)
    every = [w for v in weights.values() for w in _numbers(v)]
    scale = decimals_of(every)
    divisor = math.gcd(*(exact(w, scale) for w in every))
    children = tuple(
        Child(
            key=k,
            code=c.code,
            score=f"s_{k}",
            decimals=scoring.rounding.indicator if isinstance(c, Indicator) else scoring.rounding.dimension,
            weight=by_group(_integers(weights[k], scale, divisor)),
            leaf=isinstance(c, Indicator),
            parent=code or ROOT,
            parent_key=key,
            detail="" if isinstance(c, Indicator) else _open_json({"aggregation": c.aggregation}) + "}",
        )
        for c, k in (*leaves, *below)
    )
    above = _path(d, by_code) if d else []
    opaque = any(a.aggregation == "weighted_geometric_mean" for a in above)
    opaque = opaque or (d is not None and scoring.aggregation == "weighted_geometric_mean")
    aggregation = d.aggregation if d else scoring.aggregation
    return Node(key, f"s_{key}", aggregation == "weighted_geometric_mean", opaque, d is None, children)


def _integers(weight: Decimal | Mapping[str, Decimal], scale: int, divisor: int) -> int | dict[str, int]:
    if isinstance(weight, Decimal):
        return exact(weight, scale) // divisor
    return {g: exact(w, scale) // divisor for g, w in weight.items()}


def _check_weights(
    code: str,
    d: Dimension | None,
    weights: Mapping[str, Decimal | dict[str, Decimal]],
    known: tuple[str, ...],
) -> None:
    name = f"维度 {code}" if code else "总分"
    if any(w < 0 for v in weights.values() for w in _numbers(v)):
        raise GovernanceError(f"{name}之下有负的权重")
    for g in known or ("",):
        own = _weights(d, known) if d else Decimal(1)
        if (own if isinstance(own, Decimal) else own[g]) == 0:
            continue
        if sum(v if isinstance(v, Decimal) else v[g] for v in weights.values()) == 0:
            raise GovernanceError(
                f"{name}之下对组别“{g}”没有一个权重大于零的下级" if g else f"{name}之下权重全为零"
            )


def _grades(scoring: Scoring) -> tuple[Mapping[str, Any], ...]:
    return tuple(_grade(scoring, g, n) for n, g in enumerate(scoring.grades, 1))


def _grade(scoring: Scoring, g: Grade, place: int) -> dict[str, Any]:
    quota = None
    if g.quota:
        d = decimals_of([g.quota.share])
        quota = {
            "within": g.quota.within,
            "rounding": g.quota.rounding,
            "tie_at_edge": g.quota.tie_at_edge,
            "share": exact(g.quota.share, d),
            "unit": 10**d,
        }
    basis = basis_of(scoring, g, g.quota) if g.quota else ""
    return {
        "name": g.name,
        "floor": None if g.floor is None else format(g.floor, "f"),
        "passes": g.passes,
        "quota": quota,
        "place": place,
        "no_seat": _split(f"达到“{g.name}”分数线,名额 \0 个,在达线者中列第 \0,未进入名额", basis),
        "tied_out": _split(f"达到“{g.name}”分数线,名额 \0 个,在名额边缘同分,按规则同分者均不进入", basis),
        "tied_in": _split(f"“{g.name}”名额 \0 个,在名额边缘同分,按规则同分者均进入", basis),
    }


def _reason(text: str, basis: str) -> str:
    """Return a reason as a JSON text; NUL marks where the SQL puts in a number."""
    return json.dumps(f"{text}(依据:{in_chinese(basis)})", ensure_ascii=False).replace("\\u0000", "\0")


def _split(text: str, basis: str) -> list[str]:
    return _reason(text, basis).split("\0")


def _parameters(value: Any) -> Any:
    """Return a normalisation's own numbers: no basis, no method, nothing left empty."""
    if isinstance(value, dict):
        inner = {k: _parameters(v) for k, v in value.items() if k not in ("clause", "operator", "method")}
        return {k: v for k, v in inner.items() if v is not None}
    return [_parameters(v) for v in value] if isinstance(value, list) else value


def _open_json(value: Mapping[str, Any]) -> str:
    """Return a JSON object without its closing brace: the SQL adds what differs from unit to unit."""
    return json.dumps(value, ensure_ascii=False).removesuffix("}")
