"""From a scoring rule to what the SQL templates need: the tree, integers at named scales, texts.

Everything that a rule leaves impossible to compute is refused here, before any value is read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.arithmetic import decimal
from ipgov.evaluation.basis import basis_of
from ipgov.evaluation.indicators import CAUSES, IndicatorPlan, indicator_plan, inputs_of, reason
from ipgov.evaluation.scales import CONTRIBUTION_DECIMALS, decimals_of, exact
from ipgov.evaluation.templates import open_json, sql_text
from ipgov.evaluation.tree import ROOT, Node, levels_of
from ipgov.policy.methods import RatioToBenchmark
from ipgov.policy.scoring import Grade, Scoring

ADJUSTMENTS = {
    "rounding": "四舍五入差",
    "bonus_cap": "超过加分上限的部分",
    "deduction_cap": "超过扣分上限的部分",
    "bounds": "总分上下限调整",
}
# of the results: a node's column stands beside them under its code
RESULT_COLUMNS = ("unit", "group", "total", "rank", "group_rank", "grade", "passed")


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
        """Return the variables of the templates that no value changes."""
        rounding = self.scoring.rounding
        every = [n for level in self.levels for n in level]
        widest = max(rounding.indicator, rounding.dimension, rounding.total)
        return {
            "inputs": [{"name": n, "column": c} for n, c in self.inputs.items() if c],
            "indicators": self.indicators,
            "experts": [i for i in self.indicators if i.method == "expert_mean"],
            "benchmarked": [i for i in self.indicators if "statistic" in i.rule],
            "levels": self.levels,
            "nodes": [c for level in reversed(self.levels) for n in level for c in n.children],
            "decimal": decimal,
            "r": rounding.indicator,
            "rounding": rounding,
            "widest": widest,
            "points": max(CONTRIBUTION_DECIMALS, widest),
            "unrounded": rounding.rank_on == "unrounded",
            "grades": self.grades,
            "veto_place": self._veto_place(),
            "vetoed": " OR ".join(f"x_{i.key}" for i in self.indicators if i.role == "veto") or "FALSE",
            "ranked": self._ranked(),
            "covered": sorted({k for n in every if n.coverage for k, _ in n.coverage.leaves}),
            "nodes_excluding": [n for n in every if n.missing == "exclude_unit"],
            "excluding": {n.code: self._excluding(n) for n in every if n.missing == "exclude_unit"},
            "causes": list(CAUSES),
            "nothing_left": self._nothing_left(every[-1]),
            "root_detail": open_json({"aggregation": self.scoring.aggregation}),
        }

    def _ranked(self) -> str:
        names = ", ".join(map(sql_text, self.scoring.unranked))
        return f"grp NOT IN ({names})" if names else "TRUE"

    def _excluding(self, node: Node) -> str:
        """Return SQL for why a node without a score leaves the unit without a result."""
        d = next(d for d in self.scoring.dimensions if d.code == node.code)
        handling, basis = "按规则本年度不予评价", basis_of(self.scoring, d)
        nothing = sql_text(reason(f"维度“{d.name}”没有一个可以计分的指标，{handling}", basis))
        if not node.coverage:
            return nothing
        few = f"维度“{d.name}”有数值的指标 \0 个，应有 \0 个，少于规定的比例 {d.minimum_coverage}，{handling}"
        return f"CASE WHEN w_{node.key} = 0 THEN {nothing} ELSE {_covered(node, _split(few, basis))} END"

    def _nothing_left(self, root: Node) -> str:
        """Return SQL for why a unit without any exclusion has no total."""
        basis = basis_of(self.scoring)
        nothing = sql_text(reason("没有一个可以计分的指标，不予评价", basis))
        if not root.coverage:
            return nothing
        share = self.scoring.minimum_coverage
        few = f"有数值的指标 \0 个，应有 \0 个，少于规定的比例 {share}，不予评价"
        return f"CASE WHEN w_{root.key} = 0 THEN {nothing} ELSE {_covered(root, _split(few, basis))} END"

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
    inputs = inputs_of(scoring)
    keys = {d.code: f"d{n}" for n, d in enumerate(scoring.dimensions)}
    indicators = tuple(
        indicator_plan(scoring, i, n, inputs, known, keys) for n, i in enumerate(scoring.indicators)
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
    if reserved := sorted({ROOT, *ADJUSTMENTS, *RESULT_COLUMNS} & set(codes)):
        raise GovernanceError(f"代码 {'、'.join(reserved)} 为系统保留，不能用于指标或维度")
    if strange := sorted({*_named_groups(scoring), *scoring.unranked} - set(known)):
        raise UnknownError(f"规则写到未知的组别：{'、'.join(strange)}；已知：{'、'.join(known)}")


def _check_grades(scoring: Scoring) -> None:
    names = [g.name for g in scoring.grades]
    if len(set(names)) != len(names):
        raise GovernanceError(f"等级名称重复：{'、'.join(names)}")
    lowest = scoring.rounding.first == "lowest"
    for g in scoring.grades:
        if g.floor is not None if lowest else (g.ceiling is not None or g.below is not None):
            right = "ceiling 或 below" if lowest else "floor"
            raise GovernanceError(
                f"等级“{g.name}”的界限应写 {right}（rounding.first 为 {scoring.rounding.first}）"
            )
        if g.ceiling is not None and g.below is not None:
            raise GovernanceError(f"等级“{g.name}”的 ceiling 与 below 只能写一个")
    if scoring.grades:
        last = scoring.grades[-1]
        if (last.floor, last.ceiling, last.below, last.quota) != (None,) * 4:
            raise GovernanceError(f"最后一个等级“{last.name}”须不设分数线与名额，以收纳其余全部对象")
    limits = [x for g in scoring.grades if (x := _limit(g)) is not None]
    if any((a > b) if lowest else (a < b) for a, b in pairwise(limits)):
        raise GovernanceError("各等级须由好到差排列，分数线不得倒置")
    if scoring.veto_grade and scoring.veto_grade not in names:
        raise GovernanceError(f"veto_grade“{scoring.veto_grade}”不是等级之一；等级：{'、'.join(names)}")
    if not scoring.veto_grade and any(i.role == "veto" for i in scoring.indicators):
        raise GovernanceError("有否决指标而没有 veto_grade：须写明被否决者的等级")


def _limit(g: Grade) -> Decimal | None:
    return next((x for x in (g.floor, g.ceiling, g.below) if x is not None), None)


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
            "from_first": g.quota.counted == "from_first",
        }
    basis = basis_of(scoring, g, g.quota) if g.quota else ""
    free = _limit(g) is None
    reached, among = (f"“{g.name}”", "候选者") if free else (f"达到“{g.name}”分数线，", "达线者")
    # totals are integers at the decimals of the total: limits are taken to the integer that parts the same
    unit = 10**scoring.rounding.total
    return {
        "name": g.name,
        "at_least": None if g.floor is None else math.ceil(g.floor * unit),
        "at_most": None if g.ceiling is None else math.floor(g.ceiling * unit),
        "below": None if g.below is None else math.ceil(g.below * unit),
        "passes": g.passes,
        "quota": quota,
        "place": place,
        "no_seat": _split(f"{reached}名额 \0 个，在{among}中列第 \0，未进入名额", basis),
        "tied_out": _split(f"{reached}名额 \0 个，在名额边缘同分，按规则同分者均不进入", basis),
        "tied_in": _split(f"“{g.name}”名额 \0 个，在名额边缘同分，按规则同分者均进入", basis),
    }


def _covered(node: Node, parts: list[str]) -> str:
    numbers = (f"covered_{node.key}", f"of_{node.key}")
    return " || ".join(
        [sql_text(parts[0]), *(f"{n} || {sql_text(p)}" for n, p in zip(numbers, parts[1:], strict=True))]
    )


def _split(text: str, basis: str) -> list[str]:
    return reason(text, basis).split("\0")
