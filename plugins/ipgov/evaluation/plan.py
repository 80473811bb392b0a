"""From a scoring rule to what the SQL templates need: the tree, integers at named scales, texts.

Everything that a rule leaves impossible to compute is refused here, before any value is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.basis import basis_of
from ipgov.evaluation.indicators import CAUSES, IndicatorPlan, indicator_plan, inputs_of, reason
from ipgov.evaluation.scales import CONTRIBUTION_DECIMALS, decimals_of, exact
from ipgov.evaluation.templates import open_json
from ipgov.evaluation.tree import ROOT, Node, levels_of
from ipgov.policy.methods import Goalposts, GroupBenchmark, RatioToBenchmark, Steps, TrueFalse
from ipgov.policy.scoring import Grade, Scoring

ADJUSTMENTS = {
    "rounding": "四舍五入差",
    "bonus_cap": "超过加分上限的部分",
    "deduction_cap": "超过扣分上限的部分",
    "bounds": "总分上下限调整",
}


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
            "maximum": self.scoring.highest_total,
            "grades": self.grades,
            "veto_place": self._veto_place(),
            "causes": list(CAUSES),
            "nothing_left": reason("没有一个可以计分的指标，不予评价", basis_of(self.scoring)),
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
    _refuse_what_cannot_be_computed(scoring)
    _check_codes(scoring, known)
    _check_grades(scoring)
    _check_geometric(scoring)
    inputs = inputs_of(scoring)
    keys = {d.code: f"d{n}" for n, d in enumerate(scoring.dimensions)}
    indicators = tuple(
        indicator_plan(scoring, i, n, inputs, known, keys) for n, i in enumerate(scoring.indicators)
    )
    levels = levels_of(scoring, known, keys)
    return Plan(scoring, known, inputs, indicators, levels, _grades(scoring))


def _refuse_what_cannot_be_computed(scoring: Scoring) -> None:
    """Refuse what the rule language has and the SQL does not yet compute; nothing is ignored in silence."""
    unlike = [f"指标 {i.code} 的 transforms" for i in scoring.indicators if i.transforms]
    for d in (*scoring.dimensions, scoring):
        name = getattr(d, "code", "总分")
        if d.aggregation not in ("weighted_arithmetic_mean", "weighted_geometric_mean"):
            unlike.append(f"{name} 的 aggregation {d.aggregation}")
        if d.minimum_coverage:
            unlike.append(f"{name} 的 minimum_coverage")
    unlike += [f"{d.code} 的 normalisation" for d in scoring.dimensions if d.normalisation]
    unlike += [f"{d.code} 的 missing" for d in scoring.dimensions if d.missing != "drop_and_rescale"]
    if scoring.full_score != 100 or scoring.minimum != 0 or scoring.highest_total is None or scoring.unranked:
        unlike.append("full_score、minimum、maximum、unranked")
    if scoring.rounding.first != "highest" or not scoring.grades:
        unlike.append("rounding.first、空的 grades")
    for i in scoring.indicators:
        n = i.normalisation
        if isinstance(n, Goalposts) and (n.clamp, n.scale, n.lowest, n.highest) != (
            "both",
            "linear",
            0,
            scoring.full_score,
        ):
            unlike.append(f"指标 {i.code} 的 clamp、scale、lowest、highest")
        if isinstance(n, RatioToBenchmark) and isinstance(n.benchmark, GroupBenchmark):
            if n.benchmark.within != "group":
                unlike.append(f"指标 {i.code} 的 within")
    unlike += [f"等级 {g.name} 的 ceiling、below" for g in scoring.grades if g.ceiling or g.below]
    unlike += [f"等级 {g.name} 的 counted" for g in scoring.grades if g.quota and g.quota.counted != "alone"]
    if unlike:
        raise GovernanceError(f"尚不能计算：{'；'.join(unlike)}")


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
        if any(p is not None and p < 0 for p in points):
            raise GovernanceError(f"指标 {i.code} 可能得负分，不能用于几何平均")


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


def _split(text: str, basis: str) -> list[str]:
    return reason(text, basis).split("\0")
