"""Each check of a rule on values finds what it is for, with its numbers, and nothing else."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from ipgov.core.errors import UnknownError
from ipgov.evaluation.rule_checks.check import CHECKS, check
from ipgov.policy.rules import ScoringRules
from ipgov.policy.scoring import Scoring
from small_rules import indicator, scoring, table

LIMITS = {
    "operator": "测试",
    "correlated": {"at_least": Decimal("0.95"), "minimum_units": 6},
    "importance": {"factor": 3, "minimum_units": 6},
    "clamped": Decimal("0.5"),
    "missing": Decimal("0.3"),
}
# six units, two indicators that cross, no tie
FIRST = ("91", "70", "62", "50", "34", "11")
SECOND = ("40", "95", "20", "77", "61", "5")
UNITS = tuple(f"P{n}" for n in range(1, 7))
TWO = (indicator("I1", 60), indicator("I2", 40))


def values(**columns: Any) -> Any:
    """A table of one column of values per indicator; None is missing."""
    every = {"I1": FIRST, "I2": SECOND} | columns
    return table(*((u, i, v[n]) for i, v in every.items() for n, u in enumerate(UNITS)))


def in_groups(first: tuple[str, ...], second: tuple[str, ...], size: int) -> Any:
    """The same with a group: so many units of the first, the others of the second."""
    columns = (("I1", first), ("I2", second))
    groups = ["a" if n < size else "b" for n in range(len(UNITS))]
    return table(*((u, i, v[n], groups[n]) for i, v in columns for n, u in enumerate(UNITS)))


def found(s: Scoring, data: Any, **more: Any) -> dict[str, list[str]]:
    """What each check says."""
    rules = ScoringRules(
        programme="trial", version="1", effective=dt.date(2026, 1, 1), status="draft", title="试",
        scoring=s, rule_checks=LIMITS | more,
    )  # fmt: skip
    told: dict[str, list[str]] = {}
    for p in check(data, rules, "试.yaml"):
        assert p.file == "试.yaml"
        assert p.expected
        told.setdefault(p.check.removeprefix("rule_"), []).append(str(p))
    return told


def only(s: Scoring, data: Any, name: str, **more: Any) -> str:
    told = found(s, data, **more)
    assert list(told) == [name], told
    return "\n".join(told[name])


def test_a_rule_that_is_right_is_not_blamed():
    assert found(scoring(*TWO), values()) == {}


def test_no_limits_no_check():
    rules = ScoringRules(
        programme="trial", version="1", effective=dt.date(2026, 1, 1), status="draft", title="试",
        scoring=scoring(),
    )  # fmt: skip
    with pytest.raises(UnknownError, match="没有 rule_checks 一节"):
        check(values(), rules, "试.yaml")


def test_an_indicator_that_is_the_same_for_all():
    three = (indicator("I1", 50), indicator("I2", 30), indicator("I3", 20))
    told = only(scoring(*three), values(I3=("100",) * 6), "moves_nothing")
    assert "scoring.indicators[I3] “指标I3”：6 家得分全部为 100.00，没有区分" in told


def test_an_indicator_that_changes_no_rank_and_no_grade():
    three = (indicator("I1", 59), indicator("I2", 40), indicator("I3", 1))
    told = only(scoring(*three), values(I3=("1", "2", "1", "2", "1", "2")), "moves_nothing")
    assert "scoring.indicators[I3] “指标I3”：剔除，或各家都取平均分，名次与等级均无一变化" in told
    assert "I1" not in told


def test_a_dimension_that_moves_nothing():
    dimensions = [{"code": "D", "name": "甲", "weight": 199}, {"code": "E", "name": "乙", "weight": 1}]
    small = [indicator(f"I{n}", 50, dimension="E") for n in (3, 4)]
    data = values(I3=("1", "2", "1", "2", "1", "2"), I4=("3", "1", "3", "2", "1", "1"))
    told = "\n".join(found(scoring(*TWO, *small, dimensions=dimensions), data)["moves_nothing"])
    assert "scoring.dimensions[E] “乙”：剔除其下全部指标" in told
    assert "scoring.dimensions[D]" not in told


@pytest.mark.parametrize(
    ("second", "name", "figure"),
    [
        (("182", "140", "124", "100", "68", "22"), "Pearson", "1.000"),
        (("9", "36", "38", "50", "66", "89"), "Pearson", "-0.9"),
        (("9999", "999", "99", "9", "0.9", "0.09"), "Spearman", "1.000"),
    ],
)
def test_two_indicators_that_say_the_same(second: tuple[str, ...], name: str, figure: str):
    wide = {"method": "goalposts", "minimum": 0, "maximum": 10000}
    told = found(scoring(TWO[0], indicator("I2", 40, normalisation=wide)), values(I2=second))["says_the_same"]
    assert len(told) == 1
    assert f"I1] “指标I1”与 I2“指标I2”：6 家的数值高度相关（{name} 相关系数 {figure}" in told[0]


def test_groups_that_differ_as_a_whole_are_no_correlation():
    """Over all units the two go together; within each of two groups they do not."""
    first = ("10", "20", "30", "80", "90", "99")
    second = ("15", "9", "14", "88", "83", "87")
    together = values(I1=first, I2=second)
    apart = Scoring.model_validate(scoring(*TWO).model_dump() | {"groups": ("a", "b")})
    assert "says_the_same" in found(scoring(*TWO), together)
    assert "says_the_same" not in found(apart, in_groups(first, second, 3))


def test_too_few_units_say_nothing_of_correlation():
    data = table(*((u, i, v) for u, v in zip(UNITS[:5], FIRST, strict=False) for i in ("I1", "I2")))
    assert "says_the_same" not in found(scoring(*TWO), data)


def test_an_indicator_that_counts_for_less_than_its_weight():
    """Half of the weight for an indicator that hardly varies and goes against the other."""
    halves = (indicator("I1", 50), indicator("I2", 50))
    told = found(scoring(*halves), values(I2=("50", "51", "50", "51", "50", "51")))["importance"]
    assert len(told) == 1
    assert "scoring.indicators[I2].weight “指标I2”：6 家中，对上级“维度”的实际影响占" in told[0]
    assert "10.7%，权重占 50%" in told[0]


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ({"method": "goalposts", "minimum": 0, "maximum": 30}, "maximum", "6 家中 4 家的数值越过 30"),
        ({"method": "goalposts", "minimum": 70, "maximum": 100}, "minimum", "6 家中 4 家的数值越过 70"),
        ({"method": "ratio_to_benchmark", "benchmark": 30}, "benchmark", "6 家中 4 家达到封顶分 100"),
    ],
)
def test_goalposts_and_caps_beyond_which_most_values_lie(method: dict[str, Any], path: str, message: str):
    told = found(scoring(TWO[0], indicator("I2", 40, normalisation=method)), values())["clamped"]
    assert len(told) == 1
    assert f"scoring.indicators[I2].normalisation.{path} “指标I2”：{message}" in told[0]


def test_a_value_at_its_goalpost_is_not_beyond_it():
    exact = {"method": "goalposts", "minimum": 0, "maximum": 95}
    data = values(I2=("95", "95", "95", "95", "20", "5"))
    assert "clamped" not in found(scoring(TWO[0], indicator("I2", 40, normalisation=exact)), data)


def test_many_missing_values():
    told = only(scoring(*TWO), values(I2=("40", None, None, "77", "61", "5")), "missing")
    assert "scoring.indicators[I2] “指标I2”：6 家中 2 家没有数值；应为：缺数不超过 30%" in told


def test_a_benchmark_from_too_few_members():
    own = {"statistic": "median", "minimum_members": 7, "otherwise": 100}
    method = {"method": "ratio_to_benchmark", "benchmark": own}
    told = only(scoring(TWO[0], indicator("I2", 40, normalisation=method)), values(), "benchmarks")
    assert "I2].normalisation.benchmark “指标I2”：有数值的只有 全部 6 家，不足 7 家，改用 100" in told


def test_a_benchmark_that_is_not_positive():
    own = {"statistic": "median", "minimum_members": 2, "otherwise": 100}
    method = {"method": "ratio_to_benchmark", "benchmark": own}
    data = values(I2=("0", "0", "0", "0", "61", "5"))
    told = found(scoring(TWO[0], indicator("I2", 40, normalisation=method)), data)["benchmarks"]
    assert "全部 的统计值不为正，改用 100" in told[0]


def grades(**best: Any) -> list[dict[str, Any]]:
    return [{"name": "优秀", "floor": 50, "passes": True, **best}, {"name": "其余", "passes": False}]


def test_a_grade_that_nobody_could_reach():
    told = only(scoring(*TWO, grades=grades(floor=93)), values(), "grades")
    assert "scoring.grades[优秀].floor “优秀”：各项都取现有最高分，总分也只有 92.60，达不到 93" in told
    assert found(scoring(*TWO, grades=grades(floor=92)), values()) == {}


def quota(share: str, tie: str = "all_out", **more: Any) -> dict[str, Any]:
    return {"share": Decimal(share), "rounding": "down", "tie_at_edge": tie, **more}


def test_a_quota_that_gives_no_place():
    told = only(scoring(*TWO, grades=grades(quota=quota("0.1"))), values(), "quotas")
    assert "scoring.grades[优秀].quota “优秀”：参加排名 6 家，份额 0.1（down）得 0 个名额" in told
    assert found(scoring(*TWO, grades=grades(quota=quota("0.2"))), values()) == {}


def test_a_quota_of_a_group_that_gives_no_place():
    s = Scoring.model_validate(
        scoring(*TWO, grades=grades(quota=quota("0.25", within="group"))).model_dump()
        | {"groups": ("a", "b")}
    )
    rows = [
        (u, i, v[n], "a" if n < 4 else "b")
        for i, v in (("I1", FIRST), ("I2", SECOND))
        for n, u in enumerate(UNITS)
    ]
    told = found(s, table(*rows))["quotas"]
    assert len(told) == 1
    assert "类别 b 参加排名 2 家，份额 0.25（down）得 0 个名额" in told[0]


@pytest.mark.parametrize(
    ("tie", "got"), [("all_out", "均不进入，实得 0 家"), ("all_in", "均进入，实得 3 家")]
)
def test_more_ties_at_the_edge_than_places(tie: str, got: str):
    data = values(I1=("90", "90", "90", "20", "10", "5"), I2=("80", "80", "80", "77", "61", "5"))
    told = found(scoring(*TWO, grades=grades(quota=quota("0.34", tie))), data)["quotas"]
    assert f"名额 2 个，余 2 个时有 3 家同分（名次 1），按规则{got}" in told[0]


def test_every_check_is_proved_here():
    source = open(__file__, encoding="utf-8").read()  # noqa: SIM115
    assert [c.__name__ for c in CHECKS if f'"{c.__name__}"' not in source] == []
