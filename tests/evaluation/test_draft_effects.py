"""The pure part of a trial of a draft: shares of the differences are exact and sum to the whole."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ipgov.evaluation.comparison.what_if import shares

D = Decimal
points = st.decimals(-50, 50, places=4)
unit = st.fixed_dictionaries(dict.fromkeys(("I1", "I2", "I3"), points))


def test_an_item_that_is_the_same_everywhere_makes_no_difference():
    parts = {"A": {"I1": D(10), "I2": D(5)}, "B": {"I1": D(30), "I2": D(5)}}
    assert shares(parts, {"A": "g", "B": "g"}) == {"I1": D("100.00"), "I2": D("0.00")}


def test_differences_between_groups_do_not_count():
    parts = {"A": {"I1": D(10)}, "B": {"I1": D(30)}, "C": {"I2": D(1)}, "E": {"I2": D(2)}}
    groups = {"A": "g", "B": "h", "C": "k", "E": "k"}
    assert shares(parts, groups) == {"I1": D("0.00"), "I2": D("100.00")}
    assert shares({"A": {"I1": D(1)}}, {"A": "g"}) == {}


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from("ABCDEF"), unit, min_size=1))
def test_shares_sum_to_the_whole(parts: Any):
    found = shares(parts, {u: "gh"[ord(u) % 2] for u in parts})
    assert not found or abs(sum(found.values()) - 100) <= D("0.02")
