"""Every rule of the scoring, on cases worked out by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ipgov.core.errors import GovernanceError
from ipgov.evaluation import engine
from ipgov.evaluation.engine import Evaluation, evaluate
from small_rules import indicator, scoring, table

D = Decimal

GROUPED = {"groups": ["a", "b"]}


def scores_of(evaluation: Evaluation, node: str) -> dict[str, D | None]:
    return {r["unit"]: r["normalised"] for r in evaluation.scores.to_pylist() if r["node"] == node}


def results_of(evaluation: Evaluation, column: str) -> dict[str, object]:
    return {r["unit"]: r[column] for r in evaluation.results.to_pylist()}


def one(normalisation: dict, *values: str | None, **more: object) -> list[D | None]:
    """The scores that one indicator gives to these values, each of a unit of its own."""
    evaluation = evaluate(
        table(*((f"U{n:02}", "I1", v) for n, v in enumerate(values))),
        scoring(indicator(normalisation=normalisation, **more)),
    )
    return list(scores_of(evaluation, "I1").values())


def test_goalposts_clamp_and_round_half_up():
    posts = {"method": "goalposts", "minimum": 20, "maximum": 85}
    # (53.14325 - 20) / 65 = 50.989615...; 52.50325 is exactly 50.005 -> 50.01
    assert one(posts, "19", "20", "53.14325", "52.50325", "85", "99") == [
        D("0.00"), D("0.00"), D("50.99"), D("50.01"), D("100.00"), D("100.00"),
    ]  # fmt: skip


def test_goalposts_down_turn_round():
    assert one({"method": "goalposts", "minimum": 0, "maximum": 8, "direction": "down"}, "0", "2", "9") == [
        D("100.00"), D("75.00"), D("0.00"),
    ]  # fmt: skip


def test_steps_count_from_their_floor_up_to_their_cap():
    steps = {
        "method": "steps",
        "steps": [
            {"score": 0},
            {"at_least": 20, "score": 50, "per_unit": D("0.5"), "cap": 80},
            {"at_least": 100, "score": 80, "per_unit": D("0.1"), "cap": 100},
        ],
    }
    assert one(steps, "19.999", "20", "21", "80", "99", "100", "101", "500") == [
        D("0.00"), D("50.00"), D("50.50"), D("80.00"), D("80.00"), D("80.00"), D("80.10"), D("100.00"),
    ]  # fmt: skip


def test_ratio_to_a_fixed_benchmark_is_capped_and_never_negative():
    ratio = {"method": "ratio_to_benchmark", "benchmark": 300, "cap": 120}
    assert one(ratio, "-5", "1", "300", "359.97", "1000") == [
        D("0.00"), D("0.33"), D("100.00"), D("119.99"), D("120.00"),
    ]  # fmt: skip


def test_ratio_to_a_benchmark_per_group():
    rule = indicator(normalisation={"method": "ratio_to_benchmark", "benchmark": {"a": 50, "b": 80}})
    evaluation = evaluate(table(("A", "I1", "40", "a"), ("B", "I1", "40", "b")), scoring(rule, **GROUPED))
    assert scores_of(evaluation, "I1") == {"A": D("80.00"), "B": D("50.00")}


@pytest.mark.parametrize(
    ("statistic", "a", "b"),
    [("mean", "28.00", "20.00"), ("median", "56.00", "20.00"), ("maximum", "10.00", "20.00")],
)
def test_ratio_to_the_groups_own_benchmark(statistic: str, a: str, b: str):
    # A0 has 10; the mean of the five is 35.714285714286, the median 17.857142857143, the largest 100
    values = {
        "mean": ("10", "20", "30", "50", "68.571428571429"),
        "median": ("10", "5", "30", "17.857142857143", "60"),
        "maximum": ("10", "5", "30", "17", "100"),
    }[statistic]
    rule = indicator(
        normalisation={
            "method": "ratio_to_benchmark",
            "benchmark": {"statistic": statistic, "minimum_members": 5, "otherwise": 50},
        }
    )
    rows = [(f"A{n}", "I1", v, "a") for n, v in enumerate(values)]
    rows += [(f"B{n}", "I1", "10", "b") for n in range(4)]  # too few: the fixed 50
    evaluation = evaluate(table(*rows), scoring(rule, **GROUPED))
    found = scores_of(evaluation, "I1")
    assert (found["A0"], found["B0"]) == (D(a), D(b))
    details = {r["unit"]: json.loads(r["detail"]) for r in evaluation.scores.to_pylist() if r["node"] == "I1"}
    assert details["A0"]["benchmark_from"] == statistic
    assert details["B0"] | {"benchmark": "50", "members": 4, "benchmark_from": "otherwise"} == details["B0"]


def test_the_median_of_an_even_number_is_the_middle_of_the_two():
    rule = {
        "method": "ratio_to_benchmark",
        "benchmark": {"statistic": "median", "minimum_members": 1, "otherwise": 1},
    }
    assert one(rule, "10", "20", "30", "1000") == [D("40.00"), D("80.00"), D("100.00"), D("100.00")]


def test_a_groups_benchmark_that_is_not_positive_gives_way_to_the_fixed_one():
    rule = {
        "method": "ratio_to_benchmark",
        "benchmark": {"statistic": "median", "minimum_members": 1, "otherwise": 8},
    }
    assert one(rule, "0", "0", "2") == [D("0.00"), D("0.00"), D("25.00")]


def test_yes_and_no():
    assert one({"method": "boolean", "score": 90, "otherwise": 5}, "1", "0", "1.00") == [
        D("90.00"), D("5.00"), D("90.00"),
    ]  # fmt: skip


def panel(minimum: int, below: str, *ratings: str) -> tuple[D | None, dict]:
    rule = {"method": "expert_mean", "minimum_raters": minimum, "below_minimum": below}
    rows = [("U", "I1", v, None, f"r{n}") for n, v in enumerate(ratings)]
    evaluation = evaluate(
        table(*rows),
        scoring(indicator(normalisation=rule, missing="drop_and_rescale"), indicator("I2", weight=0)),
    )
    row = next(r for r in evaluation.scores.to_pylist() if r["node"] == "I1")
    return row["normalised"], json.loads(row["detail"])


def test_the_experts_highest_and_lowest_are_dropped():
    score, detail = panel(5, "missing", "90", "60", "80", "70.5", "100")
    assert score == D("80.17")  # (90 + 80 + 70.5) / 3
    assert [r["value"] for r in detail["dropped"]] == ["60", "100"]
    assert [r["rater"] for r in detail["counted"]] == ["r3", "r2", "r0"]
    assert detail["raters"] == 5


def test_experts_may_score_on_another_scale():
    rule = {"method": "expert_mean", "minimum_raters": 3, "scale": {"minimum": 1, "maximum": 10}}
    rows = [("U", "I1", v, None, f"r{n}") for n, v in enumerate(("7", "9", "10", "8.5", "1"))]
    evaluation = evaluate(table(*rows), scoring(indicator(normalisation=rule)))
    row = next(r for r in evaluation.scores.to_pylist() if r["node"] == "I1")
    assert (row["value"], row["normalised"]) == (D("8.166666666667"), D("79.63"))  # (24.5 / 3 - 1) / 9
    with pytest.raises(GovernanceError, match=r"超出范围.*“0.5”.*应为：1 至 10"):
        evaluate(table(("U", "I1", "0.5", None, "r")), scoring(indicator(normalisation=rule)))


def test_too_few_experts():
    assert panel(4, "mean_of_all", "90", "60", "61")[0] == D("70.33")
    score, detail = panel(4, "missing", "90", "60", "61")
    assert score is None
    assert (detail["missing"], detail["handling"]) == ("too_few_raters", "drop_and_rescale")


def test_bonus_and_deduction_are_capped_each_and_together():
    rules = scoring(
        indicator(),
        indicator("B1", role="bonus", normalisation={"method": "per_unit", "points": 1, "cap": 3}),
        indicator("B2", role="bonus", normalisation={"method": "per_unit", "points": D("0.5"), "cap": 4}),
        indicator("M1", role="deduction", normalisation={"method": "per_unit", "points": 5, "cap": 10}),
        indicator("M2", role="deduction", normalisation={"method": "per_unit", "points": 4, "cap": 8}),
        bonus_cap=5,
        deduction_cap=12,
    )

    def total(**values: str) -> object:
        rows = [("U", k, v) for k, v in ({"I1": "50"} | values).items()]
        return results_of(evaluate(table(*rows), rules), "total")["U"]

    assert total() == D("50.00")
    assert total(B1="2", B2="1") == D("52.50")
    assert total(B1="9", B2="1") == D("53.50")  # 3 + 0.5
    assert total(B1="9", B2="9") == D("55.00")  # 3 + 4, together at most 5
    assert total(M1="1", M2="1") == D("41.00")
    assert total(M1="9", M2="9") == D("38.00")  # 10 + 8, together at most 12
    assert total(I1="99", B1="3") == D("100.00")
    assert total(I1="3", M1="2") == D("0.00")
    assert total(B1="-4") == D("50.00")


def test_a_veto_lowers_the_grade_and_nothing_else():
    rules = scoring(
        indicator(),
        indicator(
            "X",
            unit="枚",
            role="veto",
            clause="2023-156#26",
            normalisation={"method": "threshold", "at_least": 1},
        ),
        veto_grade="合格",
        grades=[
            {"name": "优秀", "floor": 90, "passes": True},
            {"name": "合格", "floor": 60, "passes": True},
            {"name": "不合格", "passes": False},
        ],
    )
    rows = [
        ("A", "I1", "95"),
        ("A", "X", "1"),
        ("B", "I1", "92"),
        ("B", "X", "0.99"),
        ("C", "I1", "30"),
        ("C", "X", "2"),
    ]
    evaluation = evaluate(table(*rows), rules)
    assert results_of(evaluation, "grade") == {"A": "合格", "B": "优秀", "C": "不合格"}
    assert results_of(evaluation, "rank") == {"A": 1, "B": 2, "C": 3}
    reasons = {u: json.loads(str(r)) for u, r in results_of(evaluation, "reasons").items()}
    assert reasons["A"] == ["指标“指标X”为 1 枚，按规则否决，等级最高为“合格”（依据：2023-156#26）"]
    assert reasons["B"] == []


def test_a_zero_denominator_is_missing():
    rule = indicator(denominator="N", normalisation={"method": "goalposts", "minimum": 0, "maximum": 1})
    rows = [
        ("A", "I1", "1"),
        ("A", "N", "3"),
        ("B", "I1", "1"),
        ("B", "N", "0"),
        ("C", "I1", "1"),
        ("E", "N", "2"),
    ]
    evaluation = evaluate(table(*rows), scoring(rule))
    rows_ = {r["unit"]: r for r in evaluation.scores.to_pylist() if r["node"] == "I1"}
    assert [rows_[u]["value"] for u in "ABCE"] == [D("0.333333333333"), None, None, None]
    assert [json.loads(rows_[u]["detail"]).get("missing") for u in "ABCE"] == [
        None, "zero_denominator", "no_denominator", "no_value",
    ]  # fmt: skip


def test_missing_as_zero_is_the_score_not_the_value():
    down = {"method": "goalposts", "minimum": 0, "maximum": 10, "direction": "down"}
    assert one(down, None, "0") == [D("0.00"), D("100.00")]


def test_missing_and_rescaled_shares_the_weight_within_the_dimension():
    rules = scoring(
        indicator("I1", weight=50, missing="drop_and_rescale"),
        indicator("I2", weight=30),
        indicator("I3", weight=20),
    )
    rows = [("A", "I2", "60"), ("A", "I3", "90"), ("B", "I1", "10"), ("B", "I2", "60"), ("B", "I3", "90")]
    evaluation = evaluate(table(*rows), rules)
    assert results_of(evaluation, "total") == {"A": D("72.00"), "B": D("41.00")}  # (30*60 + 20*90) / 50
    weights = {
        r["node"]: r["weight"]
        for r in evaluation.scores.to_pylist()
        if r["unit"] == "A" and r["role"] == "score"
    }
    assert weights == {"I1": D(0), "I2": D(60), "I3": D(40)}


def two_dimensions(**more: object):
    return scoring(
        indicator("I1", missing="drop_and_rescale"),
        indicator("I2", dimension="E", missing="drop_and_rescale", **more),
        dimensions=[{"code": "D", "name": "甲", "weight": 60}, {"code": "E", "name": "乙", "weight": 40}],
    )


def test_a_dimension_without_any_value_is_dropped_in_its_turn():
    rows = [("A", "I1", "70"), ("A", "I2", "20"), ("B", "I1", "70"), ("C", "I2", None)]
    evaluation = evaluate(table(*rows), two_dimensions())
    assert results_of(evaluation, "total") == {"A": D("50.00"), "B": D("70.00"), "C": None}
    assert results_of(evaluation, "rank") == {"A": 2, "B": 1, "C": None}
    assert results_of(evaluation, "passed") == {"A": False, "B": True, "C": None}
    assert "没有一个可以计分的指标" in str(results_of(evaluation, "reasons")["C"])


def test_an_excluded_unit_has_no_result_and_counts_among_nobody():
    rules = scoring(
        indicator(missing="exclude_unit"),
        grades=[
            {"name": "优", "floor": 0, "passes": True,
             "quota": {"share": D("0.5"), "rounding": "down", "tie_at_edge": "all_out"}},
            {"name": "其余", "passes": True},
        ],
    )  # fmt: skip
    rows = [("A", "I1", "70"), ("B", "I1", "60"), ("C", "I1", "50"), ("E", "I1", None)]
    evaluation = evaluate(table(*rows), rules)
    assert results_of(evaluation, "grade") == {
        "A": "优",
        "B": "其余",
        "C": "其余",
        "E": None,
    }  # 1.5 places of three
    assert results_of(evaluation, "total")["E"] is None
    assert "指标“指标I1”没有数值，按规则本年度不予评价" in str(results_of(evaluation, "reasons")["E"])


def test_an_indicator_of_another_group_does_not_count():
    rules = scoring(
        indicator("I1", weight={"a": 100}, groups=["a"]),
        indicator("I2", weight={"b": 100}, groups=["b"]),
        **GROUPED,
    )
    evaluation = evaluate(
        table(("A", "I1", "70", "a"), ("A", "I2", "10", "a"), ("B", "I2", "20", "b")), rules
    )
    assert results_of(evaluation, "total") == {"A": D("70.00"), "B": D("20.00")}
    nodes = {(r["unit"], r["node"]) for r in evaluation.scores.to_pylist()}
    assert ("A", "I2") not in nodes
    assert ("B", "I2") in nodes


def test_half_cents_of_the_weighted_mean_go_up():
    # .5 x 70.01 + .5 x 70.00 = 70.005, and 69.985 just so
    rules = scoring(indicator("I1", weight=50), indicator("I2", weight=50))
    rows = [("A", "I1", "70.01"), ("A", "I2", "70"), ("B", "I1", "69.98"), ("B", "I2", "69.99")]
    assert results_of(evaluate(table(*rows), rules), "total") == {"A": D("70.01"), "B": D("69.99")}


def test_each_stage_rounds_at_its_own_scale():
    rules = scoring(
        indicator("I1", weight=50),
        indicator("I2", weight=50),
        rounding={"indicator": 1, "dimension": 3, "total": 0},
    )
    evaluation = evaluate(table(("A", "I1", "70.15"), ("A", "I2", "70.25")), rules)
    assert scores_of(evaluation, "I1")["A"] == D("70.2")
    assert scores_of(evaluation, "D")["A"] == D("70.250")
    assert results_of(evaluation, "total")["A"] == D("70")


@pytest.mark.parametrize(
    ("ties", "ranks"), [("min", [1, 2, 2, 4]), ("dense", [1, 2, 2, 3]), ("max", [1, 3, 3, 4])]
)
def test_ties_share_a_rank(ties: str, ranks: list[int]):
    rows = [("A", "I1", "90"), ("B", "I1", "80.004"), ("C", "I1", "79.996"), ("E", "I1", "10")]
    evaluation = evaluate(table(*rows), scoring(rounding={"ties": ties}))
    assert list(results_of(evaluation, "rank").values()) == ranks


def test_ranks_on_unrounded_totals_part_what_rounding_joins():
    # the totals 80.0025 and 79.9975 both round to 80.00
    rules = [indicator("I1", weight=75), indicator("I2", weight=25)]
    rows = [("A", "I1", "80"), ("A", "I2", "79.99"), ("B", "I1", "80"), ("B", "I2", "80.01")]
    for rank_on, ranks in (("rounded", [1, 1]), ("unrounded", [2, 1])):
        whole = scoring(*rules, rounding={"rank_on": rank_on, "dimension": 9})
        evaluation = evaluate(table(*rows), whole)
        assert list(results_of(evaluation, "total").values()) == [D("80.00")] * 2
        assert list(results_of(evaluation, "rank").values()) == ranks


def quota(units: dict[str, str], share: str, rounding: str, tie: str, within: str = "all") -> str:
    rules = scoring(
        grades=[
            {"name": "优", "floor": 80, "passes": True,
             "quota": {"share": D(share), "rounding": rounding, "tie_at_edge": tie, "within": within}},
            {"name": "其余", "passes": True},
        ],
        **(GROUPED if within == "group" else {}),
    )  # fmt: skip
    rows = [(u, "I1", v, u[0] if within == "group" else None) for u, v in units.items()]
    grades = results_of(evaluate(table(*rows), rules), "grade")
    return "".join(u for u, g in grades.items() if g == "优")


FIVE = {"A": "95", "B": "90", "C": "90", "E": "85", "F": "79"}


@pytest.mark.parametrize(
    ("share", "rounding", "tie", "chosen"),
    [
        ("0.5", "down", "all_out", "A"),  # 2.5 -> 2: B and C tie at the edge
        ("0.5", "down", "all_in", "ABC"),
        ("0.5", "half_up", "all_out", "ABC"),  # 3
        ("0.5", "up", "all_out", "ABC"),
        ("0.3", "down", "all_out", "A"),  # 1.5
        ("0.3", "half_up", "all_in", "ABC"),
        ("0.1", "down", "all_in", ""),  # 0.5 -> 0
        ("0.1", "half_up", "all_in", "A"),
        ("1", "down", "all_in", "ABCE"),  # the floor still counts
    ],
)
def test_a_quota_rounds_and_treats_ties_as_it_says(share: str, rounding: str, tie: str, chosen: str):
    assert quota(FIVE, share, rounding, tie) == chosen


def test_a_quota_within_each_group():
    units = {"a1": "95", "a2": "94", "a3": "93", "b1": "82", "b2": "81"}
    assert quota(units, "0.4", "down", "all_out", "group") == "a1"  # 1.2 and 0.8
    assert quota(units, "0.4", "half_up", "all_out", "group") == "a1b1"


def test_quota_reasons_tell_the_places():
    rules = scoring(
        grades=[
            {"name": "优", "floor": 80, "passes": True, "clause": "2024-1155#42",
             "quota": {"share": D("0.5"), "rounding": "down", "tie_at_edge": "all_out"}},
            {"name": "其余", "passes": True},
        ],
    )  # fmt: skip
    evaluation = evaluate(table(*((u, "I1", v) for u, v in FIVE.items())), rules)
    reasons = {u: json.loads(str(r)) for u, r in results_of(evaluation, "reasons").items()}
    assert reasons["A"] == reasons["F"] == []
    assert reasons["B"] == [
        "达到“优”分数线，名额 2 个，在名额边缘同分，按规则同分者均不进入（依据：2024-1155#42）"
    ]
    assert reasons["E"] == ["达到“优”分数线，名额 2 个，在达线者中列第 4，未进入名额（依据：2024-1155#42）"]


def test_geometric_mean():
    rules = scoring(
        indicator("I1", weight=25),
        indicator("I2", weight=75),
        dimensions=[{"code": "D", "name": "几何", "weight": 100, "aggregation": "weighted_geometric_mean"}],
    )
    rows = [("A", "I1", "16"), ("A", "I2", "81"), ("B", "I1", "0"), ("B", "I2", "81")]
    # 16^(1/4) x 81^(3/4) = 2 x 27
    assert results_of(evaluate(table(*rows), rules), "total") == {"A": D("54.00"), "B": D("0.00")}


def test_a_geometric_mean_exactly_on_the_edge_goes_up():
    # the square root of 0.25 x 0.49 is 0.35, which is 0.4 at one decimal
    rules = scoring(
        indicator("I1", weight=50),
        indicator("I2", weight=50),
        aggregation="weighted_arithmetic_mean",
        rounding={"indicator": 2, "dimension": 1, "total": 1},
        dimensions=[{"code": "D", "name": "几何", "weight": 100, "aggregation": "weighted_geometric_mean"}],
    )
    rows = [("A", "I1", "0.25"), ("A", "I2", "0.49"), ("B", "I1", "0.25"), ("B", "I2", "0.48")]
    assert results_of(evaluate(table(*rows), rules), "total") == {"A": D("0.4"), "B": D("0.3")}


def test_a_tree_of_four_levels():
    rules = scoring(
        indicator("I1", weight=40, dimension="Z"),
        indicator("I2", weight=60, dimension="Z"),
        indicator("I3", dimension="Y2"),
        dimensions=[
            {"code": "X", "name": "一", "weight": 100},
            {"code": "Y", "name": "二", "parent": "X", "weight": 70},
            {"code": "Y2", "name": "二", "parent": "X", "weight": 30},
            {"code": "Z", "name": "三", "parent": "Y", "weight": 100},
        ],
    )
    evaluation = evaluate(table(("A", "I1", "50"), ("A", "I2", "100"), ("A", "I3", "10")), rules)
    assert results_of(evaluation, "total") == {"A": D("59.00")}  # .7 x 80 + .3 x 10
    parents = {r["node"]: r["parent"] for r in evaluation.scores.to_pylist()}
    assert parents == {
        "I1": "Z",
        "I2": "Z",
        "I3": "Y2",
        "X": "total",
        "Y": "X",
        "Y2": "X",
        "Z": "Y",
        "total": None,
    }
    contributions = {r["node"]: r["contribution"] for r in evaluation.scores.to_pylist()}
    assert (contributions["I1"], contributions["I2"], contributions["I3"]) == (D(14), D(42), D(3))


def test_decimals_and_integers_come_in_as_they_are():
    whole = table(("A", "I1", None)).set_column(2, "value", pa.array([D("70.005")], pa.decimal128(10, 3)))
    assert results_of(evaluate(whole, scoring()), "total") == {"A": D("70.01")}
    whole = table(("A", "I1", None)).set_column(2, "value", pa.array([7], pa.int64()))
    assert results_of(evaluate(whole, scoring()), "total") == {"A": D("7.00")}


def test_scores_in_parts_are_the_scores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    rules = scoring(indicator("I1", weight=60), indicator("I2", weight=40, missing="drop_and_rescale"))
    rows = table(*((f"U{n}", "I1", str(n * 7 % 90)) for n in (3, 1, 4, 5, 9, 2, 6)))
    whole = evaluate(rows, rules).scores
    monkeypatch.setattr(engine, "_UNITS_AT_ONCE", 2)
    evaluation = evaluate(rows, rules)
    assert [p["unit"].unique().to_pylist() for p in evaluation.score_parts()] == [
        ["U1", "U2"], ["U3", "U4"], ["U5", "U6"], ["U9"]
    ]  # fmt: skip
    assert evaluation.scores.equals(whole)
    evaluation.write_scores(tmp_path / "scores.parquet")
    assert pq.read_table(tmp_path / "scores.parquet").equals(whole)
