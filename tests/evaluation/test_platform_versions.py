"""The two versions of the platform rules on a nation of twelve."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from ipgov.evaluation.engine import Evaluation, evaluate
from ipgov.policy import store
from platform_nation import rows_of, values_of
from scoring_reference import Reference
from test_engine_exact import assert_equal, assert_it_sums

D = Decimal


def nation(year: int) -> tuple[Evaluation, Reference]:
    rules = store.governing("functional_platform", year).rules
    evaluation = evaluate(values_of(rules), rules.scoring, allowed_unused=frozenset(rules.form.fields))
    return evaluation, Reference(rows_of(rules), rules.scoring)


@pytest.mark.parametrize("year", [2023, 2025])
def test_both_versions_equal_the_reference(year: int):
    evaluation, reference = nation(year)
    assert_equal(evaluation, reference)
    rules = store.governing("functional_platform", year).rules
    assert_it_sums(evaluation, rules.scoring)
    assert Counter(r["group"] for r in evaluation.results.to_pylist()) == {
        k: n.count for k, n in rules.kinds.items()
    }


def test_a_platform_by_hand():
    """P02 of the first version, worked out on paper."""
    evaluation, _ = nation(2023)
    found = {r["node"]: r["normalised"] for r in evaluation.scores.to_pylist() if r["unit"] == "P02"}
    by_hand = {
        "I01": "98.00",  # 48999.99 / 50000 = 97.99998 %
        "I02": "80.00",  # 50 + .5 x 79, at most 80
        "I08": "100.00",  # three traders, fewer than five: 300 / 300
        "I09": "100.00",  # 240 / 300 = .8
        "I10": "54.84",  # 17 / 31
        "I11": "70.00",
        "I12": "86.00",  # 60 + 2 x 13
        "I13": "89.18",  # (99.37 - 95) / 4.9
        "I14": "80.00",  # 40 + 10 x 4
        "I15": "86.11",  # 31 / 36
        "I16": "100.00",
        "I17": None,  # no major matter: dropped
        "I18": "70.00",  # (88 - 60) / 40
        "I19": "1.00",
        "D1": "93.00",  # .5 x 98 + .3 x 80 + .2 x 100
        "D2": "75.19",  # .35 x 100 + .35 x 54.84 + .3 x 70 = 75.194
        "D3": "85.15",  # .4 x 86 + .3 x 89.18 + .3 x 80 = 85.154
        "D4": "90.74",  # (40 x 86.11 + 20 x 100) / 60
        "D5": "70.00",
        "total": "86.15",  # .45 x 93 + .2 x 75.19 + .15 x 85.15 + .12 x 90.74 + .08 x 70 = 86.1493
    }
    assert {k: None if v is None else D(v) for k, v in by_hand.items()}.items() <= found.items()
    result = next(r for r in evaluation.results.to_pylist() if r["unit"] == "P02")
    assert result["total"] == D("87.15")  # with one commendation


@pytest.mark.clause("2023-156#26")
def test_a_seal_in_the_platforms_name_fails_it_whatever_its_score():
    evaluation, _ = nation(2023)
    grades = {r["unit"]: r for r in evaluation.results.to_pylist()}
    assert grades["P12"]["grade"] == "未通过"
    assert "以平台名称刻制公章" in grades["P12"]["reasons"]
    assert "2023-156#26" in grades["P12"]["reasons"]


@pytest.mark.clause("2023-156#27")
def test_a_branch_in_the_platforms_name_fails_it_whatever_its_score():
    evaluation, _ = nation(2025)
    grades = {r["unit"]: r for r in evaluation.results.to_pylist()}
    assert grades["P05"]["grade"] == "未通过"
    assert "2023-156#27" in grades["P05"]["reasons"]
