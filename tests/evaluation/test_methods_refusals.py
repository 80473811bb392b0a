"""What transforms and methods refuse, naming indicator, group and units; and what else they may be told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ipgov.core.errors import GovernanceError
from ipgov.evaluation.engine import evaluate
from pydantic import ValidationError
from small_rules import indicator, scoring, table

D = Decimal
AS_GIVEN = {"method": "goalposts", "minimum": 0, "maximum": 100, "clamp": "none"}
LOG_SHARE = {"method": "goalposts", "minimum": 1, "maximum": 100, "scale": "log", "clamp": "maximum"}
BY_GROUP = {"method": "min_max", "within": "group"}


def run(*values: str | None, groups: str = "", **rule: Any) -> list[D | None]:
    """The scores of one indicator for these values, each of a unit of its own."""
    rows = [(f"U{n:02}", "I1", v, groups[n] if groups else None) for n, v in enumerate(values)]
    rules = scoring(
        indicator(**({"normalisation": AS_GIVEN, "missing": "drop_and_rescale"} | rule)),
        minimum="none", maximum="none", grades=[],
    )  # fmt: skip
    scores = evaluate(table(*rows), rules).scores.to_pylist()
    return [r["normalised"] for r in scores if r["node"] == "I1"]


def log(**more: Any) -> list[dict[str, Any]]:
    return [{"transform": "log"} | more]


@pytest.mark.parametrize(
    ("values", "rule", "says"),
    [
        (("1", "0", "-2"), {"transforms": log()},
         "有 2 处数值不能变换：对象“U01”指标“I1”的数值 0：变换 log 对此数值没有定义；对象“U02”"),
        (("2", "0"), {"transforms": [{"transform": "power", "exponent": -1}]}, "对象“U01”.*变换 power"),
        (("-2",), {"transforms": [{"transform": "power", "exponent": D("0.5")}]}, "对象“U00”.*变换 power"),
        (("40",), {"transforms": [{"transform": "exp"}]}, "变换 exp 后数值过大.*10 的 13 次方"),
        (("99999999",), {"transforms": [{"transform": "multiply", "by": 1000000}]},
         "变换 multiply 后数值过大"),
        (("1", "0"), {"normalisation": LOG_SHARE},
         "对象“U01”指标 I1 的数值 0 不能取对数.*clamp: both 或 minimum"),
        (("5",), {"normalisation": {"method": "min_max", "within": "all"}},
         "指标 I1 在全体中只有 1 个数值，少于规定的 2 个。应为：.*otherwise"),
        (("5", "5"), {"normalisation": {"method": "z_score", "within": "all", "deviation": "sample"}},
         "指标 I1 在全体中数值全部相同"),
        (("5", "9"), {"normalisation": {"method": "distance_to_target", "target": 4, "worst": "observed"}},
         "指标 I1 在全体中最差值已达到目标值"),
        (("5", "9"), {"normalisation": {"method": "efficacy", "satisfactory": 4, "not_allowed": "observed"}},
         "满意值不优于不允许值"),
        (("5", "9"), {"normalisation": BY_GROUP}, "指标 I1 按组别计算.*2 个对象没有组别：“U00”、“U01”"),
        (("5",), {"normalisation": {"method": "boolean"}, "transforms": log()},
         "方法 boolean 不能与 transforms 同用"),
        (("5",), {"per": 1000}, "指标 I1 没有分母，不能写 per"),
    ],
)  # fmt: skip
def test_what_is_refused(values: tuple[str, ...], rule: dict[str, Any], says: str) -> None:
    with pytest.raises(GovernanceError, match=says):
        run(*values, **rule)


def test_every_group_that_has_too_few_is_named() -> None:
    with pytest.raises(
        GovernanceError, match=r"有 2 处数值不足.*组别“a”中数值全部相同；.*组别“c”中只有 1 个"
    ):
        run("1", "1", "2", "3", "4", groups="aabbc", normalisation=BY_GROUP)
    told = BY_GROUP | {"otherwise": D("12.345")}
    assert run("1", "1", "2", "3", "4", groups="aabbc", normalisation=told) == [
        D("12.35"), D("12.35"), D(0), D(100), D("12.35"),
    ]  # fmt: skip


def test_what_has_no_logarithm_may_be_missing_and_be_imputed() -> None:
    told = log(not_positive="missing")
    assert run("1", "0", transforms=told) == [D(0), None]
    imputed = [*told, {"transform": "impute", "by": "mean", "within": "all"}]
    assert run("1", "0", "100", transforms=imputed) == [D(0), D("2.30"), D("4.61")]


def test_nothing_to_impute_from_leaves_what_is_missing() -> None:
    impute = {"transform": "impute", "by": "median", "within": "all", "minimum_members": 2}
    assert run("5", None, transforms=[impute]) == [D(5), None]
    assert run(None, None, transforms=[impute]) == [None, None]


def test_the_first_twenty_are_named_and_all_are_counted() -> None:
    with pytest.raises(GovernanceError, match=r"有 25 处数值不能变换（只列前 20 处）.*U19") as caught:
        run(*["0"] * 25, transforms=log())
    assert len(caught.value.problems) == 20


def test_units_that_are_not_ranked_do_not_count_among_all() -> None:
    rules = scoring(
        indicator(normalisation={"method": "min_max", "within": "all"}),
        groups=["country", "region"], unranked=["region"], minimum="none", maximum="none", grades=[],
    )  # fmt: skip
    rows = [("A", "I1", "10", "country"), ("B", "I1", "20", "country"), ("R", "I1", "25", "region")]
    results = {r["unit"]: (r["total"], r["rank"]) for r in evaluate(table(*rows), rules).results.to_pylist()}
    assert results == {"A": (D(0), 2), "B": (D(100), 1), "R": (D(150), None)}


@pytest.mark.parametrize(
    "rule",
    [
        {"transforms": [{"transform": "power", "exponent": 0}]},
        {"transforms": [{"transform": "impute", "by": "mean", "within": "all", "otherwise": "all"}]},
        {"transforms": [{"transform": "winsorise_skew", "stretch": 2}]},
        {"transforms": [{"transform": "clip", "minimum": 2, "maximum": 1}]},
        {"normalisation": {"method": "distance_to_target", "target": 1, "worst": 2}},
    ],
)
def test_rules_that_cannot_be_meant(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        scoring(indicator(**rule))
