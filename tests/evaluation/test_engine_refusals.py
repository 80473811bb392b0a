"""What the engine refuses, with a sentence that names the place and what is expected."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.engine import evaluate
from small_rules import GRADES, indicator, scoring, table

EXPERTS = {"method": "expert_mean", "drop_highest": 0, "drop_lowest": 0, "minimum_raters": 1}


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        (
            [("A", "I1", "1"), ("A", "I9", "2")],
            UnknownError,
            "1 处indicator 列有未知的指标：对象“A”指标“I9”.*已知的：I1",
        ),
        (
            [("A", "I1", "十")],
            GovernanceError,
            "对象“A”指标“I1”value 列的数值无法识别（“十”）.*应为：十进制数",
        ),
        ([("A", "I1", "NaN")], GovernanceError, "“NaN”"),
        ([("A", "I1", "inf")], GovernanceError, "“inf”"),
        ([("A", "I1", "1e14")], GovernanceError, "“1e14”.*整数部分不超过 13 位"),
        ([("A", "I1", "1,000")], GovernanceError, "“1,000”.*千分位"),
        ([("A", "I1", " 1")], GovernanceError, "“ 1”.*空格"),
        ([("A", "I1", "")], GovernanceError, "value 列的数值无法识别"),
        ([("A", "I1", "1_0")], GovernanceError, "“1_0”"),
        ([("A", "I1", "9999999999999.9999999999996")], GovernanceError, "整数部分不超过 13 位"),
        ([("A", "I1", "12345678901234")], GovernanceError, "整数部分不超过 13 位"),
        (
            [("A", "I1", "1", "a"), ("A", "I2", "1", "b")],
            GovernanceError,
            "对象“A”group 列对同一对象写了不同的组别（“a、b”）",
        ),
        ([("A", "I1", "1", "a"), ("A", "I2", "1")], GovernanceError, "不同的组别（“a、（空）”）"),
        ([("A", "I1", "1"), ("A", "I1", "1")], GovernanceError, "对象“A”指标“I1”.*重复（“2”）.*只有一行"),
        ([("A", "I1", "1", None, "r1")], GovernanceError, "评分人“r1”.*应为：评分人（rater）留空"),
        ([(None, "I1", "1")], GovernanceError, "对象“（空）”指标“I1”unit 或 indicator 列为空"),
        ([("A", " ", "1")], GovernanceError, "unit 或 indicator 列为空"),
    ],
)
def test_values_that_are_refused(rows: list[tuple[Any, ...]], error: type[Exception], says: str):
    rules = (
        scoring(indicator("I1"), indicator("I2", weight=0)) if any(r[1] == "I2" for r in rows) else scoring()
    )
    with pytest.raises(error, match=says.replace("(", "\\(").replace(")", "\\)")):
        evaluate(table(*rows), rules)


def test_a_group_that_the_rules_do_not_know():
    rules = scoring(groups=["a", "b"])
    with pytest.raises(
        UnknownError, match=r"2 处group 列有未知的组别：对象“A”.*“c”.*对象“B”.*空.*已知的：a、b"
    ):
        evaluate(table(("A", "I1", "1", "c"), ("B", "I1", "1"), ("C", "I1", "1", "a")), rules)
    with pytest.raises(UnknownError, match=r"规则写到未知的组别：b；已知：a"):
        evaluate(table(("A", "I1", "1", "a")), scoring(indicator(weight={"b": 100})), groups=("a",))


def test_ratings_need_a_rater_and_lie_between_0_and_100():
    rules = scoring(indicator(normalisation=EXPERTS))
    with pytest.raises(GovernanceError, match=r"rater 列为空的专家评分.*逐行写明评分人"):
        evaluate(table(("A", "I1", "1")), rules)
    with pytest.raises(GovernanceError, match=r"评分人“r”value 列的专家评分超出范围.*“101”.*应为：0 至 100"):
        evaluate(table(("A", "I1", "101", None, "r")), rules)


def test_yes_and_no_are_1_and_0():
    rules = scoring(indicator(normalisation={"method": "boolean"}))
    with pytest.raises(GovernanceError, match=r"value 列不是“是否”值.*“2”.*1.是.或 0.否."):
        evaluate(table(("A", "I1", "2")), rules)


def test_the_first_twenty_are_named_and_all_are_counted():
    rows = [(f"U{n:03}", "I1", "x") for n in range(137)]
    with pytest.raises(GovernanceError, match=r"137 处.*只列前 20 处.*U000.*U019") as caught:
        evaluate(table(*reversed(rows)), scoring())
    assert len(caught.value.problems) == 20
    assert "U020" not in caught.value.message


def test_inputs_that_no_indicator_uses_need_leave():
    rows = table(("A", "I1", "1"), ("A", "F16", "text is never read"))
    with pytest.raises(UnknownError, match=r"F16"):
        evaluate(rows, scoring())
    assert evaluate(rows, scoring(), allowed_unused=frozenset({"F16"})).results.num_rows == 1


def test_columns_and_types():
    whole = table(("A", "I1", "1"))
    with pytest.raises(UnknownError, match=r"缺少列：value"):
        evaluate(whole.drop_columns(["value"]), scoring())
    with pytest.raises(UnknownError, match=r"未知的列：score"):
        evaluate(whole.append_column("score", whole["value"]), scoring())
    with pytest.raises(GovernanceError, match=r"value 列类型为 DOUBLE，不精确"):
        evaluate(whole.set_column(2, "value", pa.array([1.5])), scoring())
    large = pa.array([Decimal("12345678901234.1")], pa.decimal128(20, 1))
    with pytest.raises(GovernanceError, match=r"“12345678901234.1”"):
        evaluate(whole.set_column(2, "value", large), scoring())
    with pytest.raises(UnknownError, match=r"没有数值文件"):
        evaluate(Path("/nowhere.parquet"), scoring())


def test_a_quotient_too_large_to_compute_with():
    rules = scoring(indicator(denominator="N"))
    with pytest.raises(GovernanceError, match=r"对象“A”指标“I1”与分母相除后数值过大"):
        evaluate(table(("A", "I1", "5000000"), ("A", "N", "0.0000001")), rules)


def test_values_from_parquet_are_those_of_the_table(tmp_path: Path):
    rows = table(("A", "I1", "71.5"), ("B", "I1", None))
    pq.write_table(rows, tmp_path / "values.parquet")
    assert evaluate(tmp_path / "values.parquet", scoring()).results == evaluate(rows, scoring()).results


def test_nobody_gives_an_empty_result():
    evaluation = evaluate(table(), scoring())
    assert (evaluation.results.num_rows, evaluation.scores.num_rows) == (0, 0)


STEPS = {"method": "steps", "steps": [{"score": 0, "per_unit": 1}, {"at_least": 1, "score": 5}]}
LOSS = {"method": "steps", "steps": [{"score": -3}, {"at_least": 1, "score": 5}]}
VETO = {"method": "threshold", "at_least": 1}
QUOTA = {"share": Decimal("0.5"), "rounding": "down", "tie_at_edge": "all_in"}


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (lambda: scoring(indicator(dimension="Q")), "指标 I1 属于未知的维度“Q”；已知：D"),
        (lambda: scoring(dimensions=[{"code": "D", "name": "甲", "weight": 1, "parent": "Q"}]), "“Q”不存在"),
        (
            lambda: scoring(dimensions=[{"code": "D", "name": "甲", "weight": 1, "parent": "E"},
                                        {"code": "E", "name": "乙", "weight": 1, "parent": "D"}]),
            "是自己的上级",
        ),
        (lambda: scoring(dimensions=[{"code": c, "name": c, "weight": 50} for c in "DE"]), "维度 E 没有下级"),
        (lambda: scoring(indicator(), indicator()), "代码重复：I1"),
        (lambda: scoring(indicator("total")), "代码 total 为系统保留"),
        (lambda: scoring(indicator(weight=0)), "维度 D之下权重全为零"),
        (lambda: scoring(indicator(weight=-1), indicator("I2", weight=3)), "有负的权重"),
        (lambda: scoring(indicator(weight={"a": 100}), groups=["a", "b"]), "维度 D之下对组别“b”没有"),
        (lambda: scoring(grades=GRADES[:1] * 2), "等级名称重复"),
        (lambda: scoring(grades=list(reversed(GRADES))), "最后一个等级“合格”须不设分数线"),
        (lambda: scoring(grades=[*GRADES[:1], {"name": "差", "quota": QUOTA, "passes": False}]), "与名额"),
        (
            lambda: scoring(grades=[GRADES[0], {"name": "优", "floor": 80, "passes": True}, GRADES[1]]),
            "分数线不得倒置",
        ),
        (lambda: scoring(veto_grade="差"), "veto_grade“差”不是等级之一"),
        (
            lambda: scoring(indicator(), indicator("V", role="veto", normalisation=VETO)),
            "没有 veto_grade",
        ),
        (lambda: scoring(indicator(normalisation=STEPS)), "指标 I1 的第一档没有起算点"),
        (
            lambda: scoring(grades=[{"name": "优", "ceiling": 3, "passes": True}, GRADES[1]]),
            "等级“优”的界限应写 floor",
        ),
        (lambda: scoring(rounding={"first": "lowest"}), "等级“合格”的界限应写 ceiling 或 below"),
        (lambda: scoring(unranked=["c"], groups=["a"]), "规则写到未知的组别：c"),
        (lambda: scoring(indicator(denominator="N", normalisation=EXPERTS)), "专家评分不能再除以分母 N"),
        (
            lambda: scoring(indicator(), indicator("I2", input="I1", normalisation=EXPERTS)),
            "输入 I1 既由专家评分又作数值使用",
        ),
        (
            lambda: scoring(indicator(normalisation={"method": "ratio_to_benchmark", "benchmark": {"a": 5}}),
                            groups=["a", "b"]),
            "指标 I1 没有组别 b 的基准值",
        ),
        (
            lambda: scoring(indicator(normalisation={"method": "goalposts", "minimum": 0,
                                                     "maximum": Decimal("1.0000000000001")})),
            "规则中的数 1.0000000000001 位数过多",
        ),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_computed(rules: Any, says: str):
    with pytest.raises(GovernanceError, match=says):
        evaluate(table(("A", "I1", "1", "a")), rules())


@pytest.mark.parametrize(
    ("aggregation", "word"),
    [("weighted_geometric_mean", "几何平均"), ("weighted_harmonic_mean", "调和平均")],
)
def test_a_negative_score_under_a_mean_without_them(aggregation: str, word: str):
    loss = indicator(normalisation=LOSS)
    rows = table(("A", "I1", "0"), ("B", "I1", "1"))
    where = [{"code": "D", "name": "维度", "weight": 100, "aggregation": aggregation}]
    with pytest.raises(GovernanceError, match=f"维度 D用{word}汇总，不能有负分：1 个对象.*“A”I1 得 -3.00 分"):
        evaluate(rows, scoring(loss, dimensions=where))
    with pytest.raises(GovernanceError, match=f"总分用{word}汇总，不能有负分：1 个对象.*“A”D 得 -3.00 分"):
        evaluate(rows, scoring(loss, aggregation=aggregation))
    # who has none is no obstacle
    evaluate(table(("B", "I1", "1")), scoring(loss, aggregation=aggregation))


def test_what_stands_twice_is_found_among_any_number_of_inputs():
    many = frozenset(f"F{n:03}" for n in range(200))
    rows = [("A", "I1", "1"), *(("A", n, "x") for n in sorted(many))]
    assert evaluate(table(*rows), scoring(), allowed_unused=many).results.num_rows == 1
    for twice in ("F199", "I1"):
        with pytest.raises(GovernanceError, match=f"指标“{twice}”.*重复"):
            evaluate(table(*rows, ("A", twice, "1")), scoring(), allowed_unused=many)


def test_a_rating_given_twice():
    rules = scoring(indicator(normalisation=EXPERTS))
    rows = [("A", "I1", "1", None, "r"), ("A", "I1", "2", None, "s")]
    assert evaluate(table(*rows), rules).results.num_rows == 1
    with pytest.raises(GovernanceError, match=r"评分人“r”.*重复"):
        evaluate(table(*rows, rows[0]), rules)
