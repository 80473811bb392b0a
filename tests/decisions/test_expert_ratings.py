"""How far scores lie apart, exactly; experts and their recusals as known at a moment."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.decisions.experts import Expert, declare_recusal, declared_recusals, experts, register_expert
from ipgov.decisions.ratings import exceeds, spread
from ipgov.policy.rules import Spread
from sqlalchemy import Connection

THEN = dt.datetime(2025, 4, 20, 1, 0, tzinfo=dt.UTC)
LATER = THEN + dt.timedelta(days=1)
ZHANG = Expert("E001", "张三", ("91350211M0000XUF46",), ("专利运营",), True)


def rule(measure: Any, limit: str) -> Spread:
    return Spread(operator="测试", measure=measure, limit=Decimal(limit), outcome="flag")


def test_a_spread_at_the_limit_is_not_beyond_it() -> None:
    points = [Fraction(60), Fraction(90)]
    assert not exceeds(points, rule("range", "30"))
    assert exceeds([*points, Fraction("90.0001")], rule("range", "30"))
    # 2, 4, 4, 4, 5, 5, 7, 9: sample variance 32/7
    eight = [Fraction(n) for n in (2, 4, 4, 4, 5, 5, 7, 9)]
    assert spread(eight, rule("standard_deviation", "1")) == Decimal("2.14")
    assert exceeds(eight, rule("standard_deviation", "2.13"))
    assert not exceeds(eight, rule("standard_deviation", "2.14"))
    # 0 and 10: the standard deviation is the square root of 50, never a number of finitely many digits
    assert not exceeds([Fraction(0), Fraction(10)], rule("standard_deviation", "7.0710678118654752440085"))
    assert exceeds([Fraction(0), Fraction(10)], rule("standard_deviation", "7.0710678118654752440084"))


def test_one_score_lies_apart_from_nothing() -> None:
    for measure in ("range", "standard_deviation"):
        assert not exceeds([Fraction(50)], rule(measure, "1"))
        assert spread([], rule(measure, "1")) is None


@given(st.lists(st.decimals(0, 100, places=2), min_size=2, max_size=9))
def test_the_shown_spread_is_the_exact_one_rounded(scores: list[Decimal]) -> None:
    points = [Fraction(s) for s in scores]
    half = Fraction(1, 200)
    for measure in ("range", "standard_deviation"):
        shown = spread(points, rule(measure, "1"))
        assert shown is not None
        mean = sum(points) / len(points)
        squares = sum((p - mean) ** 2 for p in points) / (len(points) - 1)
        exact = (max(points) - min(points)) ** 2 if measure == "range" else squares
        low, high = max(Fraction(shown) - half, Fraction(0)), Fraction(shown) + half
        assert low**2 <= exact < high**2


def test_a_change_of_an_expert_counts_once_known(connection: Connection) -> None:
    assert register_expert(connection, ZHANG, THEN)
    assert not register_expert(connection, ZHANG, LATER)
    moved = Expert("E001", "张三", (), ("专利运营",), False)
    assert register_expert(connection, moved, LATER)
    assert experts(connection, THEN) == {"E001": ZHANG}
    assert experts(connection, LATER, ["E001"]) == {"E001": moved}
    with pytest.raises(UnknownError, match="没有编号为“E002、E003”的专家；现有：E001"):
        experts(connection, LATER, ["E003", "E002", "E001"])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (Expert(" ", "张三", (), (), True), "编号与姓名均须填写"),
        (Expert("E001", "", (), (), True), "编号与姓名均须填写"),
        (Expert("E001", "张三", ("123",), (), True), "专家“E001”的所在单位代码有误"),
    ],
)
def test_an_expert_who_could_never_be_recused(connection: Connection, wrong: Expert, told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        register_expert(connection, wrong, THEN)


def test_a_declared_recusal_stands_until_it_is_taken_back(connection: Connection) -> None:
    register_expert(connection, ZHANG, THEN)
    about = (connection, "functional_platform", "E001", "FP01")
    with pytest.raises(RefusedError, match="没有登记的回避可以撤销"):
        declare_recusal(*about, "误", "经办", THEN, stands=False)
    with pytest.raises(RefusedError, match="须写明事由与登记人"):
        declare_recusal(*about, " ", "经办", THEN)
    assert declare_recusal(*about, "亲属任职", "经办", THEN)
    assert not declare_recusal(*about, "亲属任职", "经办", THEN)
    assert declare_recusal(*about, "已离职", "经办", LATER, stands=False)
    assert declared_recusals(connection, "functional_platform", THEN) == {("E001", "FP01"): "亲属任职"}
    assert declared_recusals(connection, "functional_platform", LATER) == {}
    assert declared_recusals(connection, "another", THEN) == {}
