"""The explanation holds every step, sums at every level, and names cell and clause."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from ipgov.core.errors import UnknownError
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.explain import Explanation, Step, explain
from small_rules import indicator, scoring, table


def assert_sums(step: Step) -> None:
    known = [c.contribution for c in step.children if c.contribution is not None]
    if known and step.contribution is not None:
        assert step.contribution == sum(known) + (step.rounding or 0)
        assert abs(step.rounding or 0) <= Decimal("0.02")
    for child in step.children:
        assert_sums(child)


def walk(step: Step) -> list[Step]:
    return [step, *(s for c in step.children for s in walk(c))]


def test_every_platform_sums(functional_platform_case: Any):
    values, rules, unused = functional_platform_case
    evaluation = evaluate(values, rules, allowed_unused=unused)
    for row in evaluation.results.to_pylist():
        told = explain(evaluation.scores, evaluation.results, rules, row["unit"], {})
        assert told.root.contribution == told.total == row["total"]
        assert_sums(told.root)
        assert all(s.basis for s in walk(told.root))
        json.dumps(told.as_dict())


def test_a_platform_from_cell_to_grade(functional_platform_case: Any):
    values, rules, unused = functional_platform_case
    evaluation = evaluate(values, rules, allowed_unused=unused)
    sources = {"F09": "P02.xlsx“一、业务绩效”表 D9", "F08": "P02.xlsx“一、业务绩效”表 D8"}
    told = explain(evaluation.scores, evaluation.results, rules, "P02", sources)
    steps = {s.node: s for s in walk(told.root)}
    assert steps["I09"].sources == ("P02.xlsx“一、业务绩效”表 D9", "P02.xlsx“一、业务绩效”表 D8")
    assert "240 ÷ 300 = 0.8" in steps["I09"].how
    assert steps["I09"].how.endswith("100.00 分")
    assert "固定基准值 300（本组数值只有 3 个或统计值不为正）" in steps["I08"].how
    assert steps["I17"].how == "分母为零，按规则不计此项，权重按比例分给同级其余各项"
    assert (steps["I17"].weight, steps["I16"].weight) == (0, Decimal("33.333333"))
    assert steps["I17"].basis == "2023-156#15、operator"
    assert steps["I10"].basis == "2023-156#22、operator"
    text = told.text()
    assert "来源：P02.xlsx“一、业务绩效”表 D9" in text
    assert "（依据：2023-156#22、运行方自定）" in text
    assert f"总分 {told.total}，第 {told.rank} 名（组内第 {told.group_rank} 名），等级“{told.grade}”" in text
    plain = told.as_dict()
    assert plain["total"] == str(told.total)
    assert [c["node"] for c in plain["derivation"]["children"]][:5] == ["D1", "D2", "D3", "D4", "D5"]


def small(*rows: tuple[Any, ...], **more: Any) -> Explanation:
    rules = scoring(
        indicator(missing="exclude_unit"),
        indicator("B", role="bonus", unit="项", normalisation={"method": "per_unit", "points": 2, "cap": 9}),
        indicator("M", role="deduction", normalisation={"method": "per_unit", "points": 50, "cap": 100}),
        indicator("X", role="veto", unit="枚", normalisation={"method": "threshold", "at_least": 1}),
        bonus_cap=3,
        veto_grade="不合格",
        **more,
    )
    evaluation = evaluate(table(*rows), rules)
    return explain(evaluation.scores, evaluation.results, rules, "A", {})


def test_bonus_deduction_caps_bounds_and_veto_are_steps():
    told = small(("A", "I1", "40"), ("A", "B", "4"), ("A", "M", "1"), ("A", "X", "2"))
    contributions = {s.node: s.contribution for s in told.root.children}
    assert contributions == {
        "D": 40, "B": 8, "M": -50, "X": None, "bonus_cap": -5, "bounds": 7,
    }  # fmt: skip
    assert told.total == 0
    assert_sums(told.root)
    text = told.text()
    assert "总分：加权平均 40 + 加分 3 - 扣分 50" in text
    assert "调整 bonus_cap 超过加分上限的部分：计入总分 -5" in text
    assert "达到 1 即否决：已达到" in text
    assert "说明：指标“指标X”为 2 枚，按规则否决，等级最高为“不合格”（依据：运行方自定）" in text


def test_an_excluded_unit_is_explained_without_total():
    told = small(("A", "B", "1"))
    assert told.total is None
    assert told.text().startswith("A：没有总分，未评价\n  说明：指标“指标I1”没有数值，按规则本年度不予评价")
    assert "没有数值，按规则不予评价" in told.text()


def test_experts_are_named():
    rules = scoring(indicator(normalisation={"method": "expert_mean", "minimum_raters": 3}))
    rows = [("A", "I1", v, None, r) for r, v in {"甲": "70", "乙": "90", "丙": "80"}.items()]
    evaluation = evaluate(table(*rows), rules)
    text = explain(evaluation.scores, evaluation.results, rules, "A", {}).text()
    assert "评分 丙 80（去掉 甲 70、乙 90） → 1 个评分的平均 → 80.00 分" in text


def test_an_unknown_unit():
    evaluation = evaluate(table(("A", "I1", "1")), scoring())
    with pytest.raises(UnknownError, match="结果中没有单位“Z”"):
        explain(evaluation.scores, evaluation.results, scoring(), "Z", {})
