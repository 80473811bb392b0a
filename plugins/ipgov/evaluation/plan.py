"""From a scoring rule to what the SQL templates need: the tree, integers at named scales, texts.

Everything that a rule leaves impossible to compute is refused here, before any value is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.basis import basis_of, in_chinese
from ipgov.evaluation.normalisations import rule_of
from ipgov.evaluation.scales import CONTRIBUTION_DECIMALS, decimals_of, exact
from ipgov.evaluation.templates import open_json, sql_text
from ipgov.evaluation.tree import ROOT, Node, levels_of
from ipgov.evaluation.weights import weights_of
from ipgov.policy.scoring import (
    Grade,
    Indicator,
    RatioToBenchmark,
    Scoring,
    Steps,
    TrueFalse,
)

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
            "nothing_left": _reason("没有一个可以计分的指标，不予评价", basis_of(self.scoring)),
            "root_detail": open_json({"aggregation": self.scoring.aggregation}),
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
    _check_geometric(scoring)
    inputs = _inputs(scoring)
    keys = {d.code: f"d{n}" for n, d in enumerate(scoring.dimensions)}
    indicators = tuple(
        _indicator(scoring, i, n, inputs, known, keys) for n, i in enumerate(scoring.indicators)
    )
    levels = levels_of(scoring, known, keys)
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
        raise GovernanceError(f"指标与维度的代码重复：{'、'.join(doubled)}；每个代码只能用一次")
    if reserved := sorted({ROOT, *ADJUSTMENTS} & set(codes)):
        raise GovernanceError(f"代码 {'、'.join(reserved)} 为系统保留，不能用于指标或维度")
    if strange := sorted(set(_named_groups(scoring)) - set(known)):
        raise UnknownError(f"规则写到未知的组别：{'、'.join(strange)}；已知：{'、'.join(known)}")


def _check_grades(scoring: Scoring) -> None:
    names = [g.name for g in scoring.grades]
    if len(set(names)) != len(names):
        raise GovernanceError(f"等级名称重复：{'、'.join(names)}")
    last = scoring.grades[-1]
    if last.floor is not None or last.quota is not None:
        raise GovernanceError(f"最后一个等级“{last.name}”须不设分数线与名额，以收纳其余全部对象")
    floors = [g.floor for g in scoring.grades if g.floor is not None]
    if any(a < b for a, b in pairwise(floors)):
        raise GovernanceError("各等级须由高到低排列，分数线不得倒置")
    if scoring.veto_grade and scoring.veto_grade not in names:
        raise GovernanceError(f"veto_grade“{scoring.veto_grade}”不是等级之一；等级：{'、'.join(names)}")
    if not scoring.veto_grade and any(i.role == "veto" for i in scoring.indicators):
        raise GovernanceError("有否决指标而没有 veto_grade：须写明被否决者的等级")


def _check_geometric(scoring: Scoring) -> None:
    if "weighted_geometric_mean" not in (scoring.aggregation, *(d.aggregation for d in scoring.dimensions)):
        return
    for i in scoring.indicators:
        n = i.normalisation
        points = [n.score, n.otherwise] if isinstance(n, TrueFalse) else []
        if isinstance(n, Steps):
            points = [x for s in n.steps for x in (s.score, s.per_unit, s.cap) if x is not None]
        if any(p < 0 for p in points):
            raise GovernanceError(f"指标 {i.code} 可能得负分，不能用于几何平均")


def _inputs(scoring: Scoring) -> dict[str, str]:
    """Return each input's column in the wide table; none ("") for inputs that experts score."""
    rated = {i.source_field for i in scoring.indicators if i.normalisation.method == "expert_mean"}
    counted: dict[str, None] = {}
    for i in scoring.indicators:
        if i.normalisation.method == "expert_mean":
            if i.denominator:
                raise GovernanceError(f"指标 {i.code}：专家评分不能再除以分母 {i.denominator}")
        else:
            counted |= {n: None for n in (i.source_field, i.denominator) if n}
    if both := sorted(rated & set(counted)):
        raise GovernanceError(f"输入 {'、'.join(both)} 既由专家评分又作数值使用；须分开")
    return {n: f"in_{k}" for k, n in enumerate(counted)} | dict.fromkeys(sorted(rated), "")


def _applies(item: Indicator, known: tuple[str, ...]) -> str:
    if item.role == "score":
        weight = weights_of(item, known)
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
        raise UnknownError(f"指标 {i.code} 属于未知的维度“{i.dimension}”；已知：{'、'.join(keys)}")
    rule = rule_of(i, scoring.rounding.indicator, known, f"i{number}")
    head = {
        "method": i.normalisation.method,
        "parameters": _parameters(i.normalisation.model_dump(mode="json")),
        "input": i.source_field,
    }
    basis = basis_of(scoring, i)
    missing = "按规则本年度不予评价" if i.missing == "exclude_unit" else ""
    vetoed = _reason(f"指标“{i.name}”为 \0 {i.unit}，按规则否决，等级最高为“{scoring.veto_grade}”", basis)
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
        rule=rule.numbers,
        parent=i.dimension,
        parent_key=keys.get(i.dimension, ""),
        detail=open_json(head | ({"denominator": i.denominator} if i.denominator else {})),
        benchmark=rule.benchmark,
        benchmark_shown=rule.benchmark_shown,
        excluded={c: _reason(f"指标“{i.name}”{t}，{missing}", basis) for c, t in CAUSES.items()},
        vetoed=tuple(vetoed.split("\0")),
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
        "no_seat": _split(f"达到“{g.name}”分数线，名额 \0 个，在达线者中列第 \0，未进入名额", basis),
        "tied_out": _split(f"达到“{g.name}”分数线，名额 \0 个，在名额边缘同分，按规则同分者均不进入", basis),
        "tied_in": _split(f"“{g.name}”名额 \0 个，在名额边缘同分，按规则同分者均进入", basis),
    }


def _reason(text: str, basis: str) -> str:
    """Return a reason as a JSON text; NUL marks where the SQL puts in a number."""
    return json.dumps(f"{text}（依据：{in_chinese(basis)}）", ensure_ascii=False).replace("\\u0000", "\0")


def _split(text: str, basis: str) -> list[str]:
    return _reason(text, basis).split("\0")


def _parameters(value: Any) -> Any:
    """Return a normalisation's own numbers: no basis, no method, nothing left empty."""
    if isinstance(value, dict):
        inner = {k: _parameters(v) for k, v in value.items() if k not in ("clause", "operator", "method")}
        return {k: v for k, v in inner.items() if v is not None}
    return [_parameters(v) for v in value] if isinstance(value, list) else value
