"""From an indicator of the rule to what the SQL templates need of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.basis import basis_of, in_chinese
from ipgov.evaluation.normalisations import UNIT, parameters, rule_of
from ipgov.evaluation.templates import open_json, sql_text
from ipgov.evaluation.transforms import TransformPlan, transform_plans
from ipgov.evaluation.weights import weights_of
from ipgov.policy.scoring import Indicator, Scoring

CAUSES = {
    "no_value": "没有数值",
    "no_denominator": "分母没有数值",
    "zero_denominator": "分母为零",
    "too_few_raters": "评分人数不足",
    "not_defined": "数值不能按规则变换",
}
# answers and panels: their values are no quantities
_NOT_TRANSFORMED = ("expert_mean", "boolean")


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
    r: int  # decimals of the score
    per: tuple[int, int]  # what a numerator is multiplied with, as integers: times, over
    transforms: tuple[TransformPlan, ...] = ()
    benchmark: str = ""
    benchmark_shown: str = ""
    excluded: Mapping[str, str] = field(default_factory=dict)
    vetoed: tuple[str, ...] = ()

    @property
    def statistics(self) -> bool:
        """Tell whether the method looks at other units (but for a benchmark)."""
        return "within" in self.rule

    @property
    def placed(self) -> bool:
        """Tell whether the method looks at places."""
        return "placed" in self.rule


def inputs_of(scoring: Scoring) -> dict[str, str]:
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


def indicator_plan(
    scoring: Scoring,
    i: Indicator,
    number: int,
    inputs: Mapping[str, str],
    known: tuple[str, ...],
    keys: Mapping[str, str],
) -> IndicatorPlan:
    """Compile one indicator; raises UnknownError for a dimension that is not."""
    if i.dimension and i.dimension not in keys:
        raise UnknownError(f"指标 {i.code} 属于未知的维度“{i.dimension}”；已知：{'、'.join(keys)}")
    if i.transforms and i.normalisation.method in _NOT_TRANSFORMED:
        raise GovernanceError(f"指标 {i.code} 的方法 {i.normalisation.method} 不能与 transforms 同用")
    if i.per != 1 and not i.denominator:
        raise GovernanceError(f"指标 {i.code} 没有分母，不能写 per")
    rule = rule_of(i, scoring.rounding.indicator, known, f"i{number}", scoring.full_score)
    applies, per = _applies(i, known), Fraction(i.per) * UNIT
    head = {
        "method": i.normalisation.method,
        "parameters": parameters(i.normalisation.model_dump(mode="json")),
        "input": i.source_field,
    }
    basis = basis_of(scoring, i)
    missing = "按规则本年度不予评价" if i.missing == "exclude_unit" else ""
    vetoed = reason(f"指标“{i.name}”为 \0 {i.unit}，按规则否决，等级最高为“{scoring.veto_grade}”", basis)
    return IndicatorPlan(
        key=f"i{number}",
        code=i.code,
        role=i.role,
        method=i.normalisation.method,
        input=i.source_field,
        column=inputs[i.source_field],
        denominator=inputs[i.denominator] if i.denominator else "",
        applies=applies,
        missing=i.missing,
        rule=rule.numbers,
        parent=i.dimension,
        parent_key=keys.get(i.dimension, ""),
        detail=open_json(head | ({"denominator": i.denominator} if i.denominator else {})),
        r=scoring.rounding.indicator,
        per=(per.numerator, per.denominator),
        transforms=transform_plans(i.code, f"i{number}", i.transforms, applies),
        benchmark=rule.benchmark,
        benchmark_shown=rule.benchmark_shown,
        excluded={c: reason(f"指标“{i.name}”{t}，{missing}", basis) for c, t in CAUSES.items()},
        vetoed=tuple(vetoed.split("\0")),
    )


def reason(text: str, basis: str) -> str:
    """Return a reason as a JSON text; NUL marks where the SQL puts in a number."""
    return json.dumps(f"{text}（依据：{in_chinese(basis)}）", ensure_ascii=False).replace("\\u0000", "\0")
