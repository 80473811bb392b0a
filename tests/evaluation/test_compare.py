"""Parts of every change sum to it exactly; a factor alone is given everything."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.comparison.changes import ORDER, Basis, Comparison, Standing, said
from ipgov.evaluation.comparison.compare import compare
from ipgov.policy.rules import ScoringRules
from small_rules import indicator, scoring, table

FIELDS = ("I1", "I2", "B")
NAMES = {"programme": "p", "version": "1", "effective": dt.date(2024, 1, 1), "status": "draft", "title": "t"}


def rules(weight: int = 60, low: int = 0, floor: int = 60, **more: Any) -> ScoringRules:
    whole = scoring(
        indicator("I1", weight, normalisation={"method": "goalposts", "minimum": low, "maximum": 100}),
        indicator("I2", 100 - weight, missing="drop_and_rescale"),
        indicator("B", role="bonus", normalisation={"method": "per_unit", "points": 2, "cap": 9}),
        bonus_cap=3,
        grades=[
            {"name": "优", "floor": 80, "quota": QUOTA, "passes": True},
            {"name": "合格", "floor": floor, "passes": True},
            {"name": "不合格", "passes": False},
        ],
        **more,
    )
    return ScoringRules.model_validate(NAMES | {"scoring": whole})


QUOTA = {"share": "0.4", "rounding": "down", "tie_at_edge": "all_out"}


def basis(
    values: dict[str, dict[str, str | None]], states: dict[str, str] | None = None, **more: Any
) -> Basis:
    """Bodies with their values; ``states``: those that do not count."""
    standings = {u: Standing("", submission=repr(v)) for u, v in values.items()}
    standings |= {u: Standing("", s) for u, s in (states or {}).items()}
    rows = [
        (u, f, v, None, None, f"{u}!{f}")
        for u, own in values.items()
        if standings[u].counts
        for f, v in own.items()
    ]
    columns = "unit indicator value group rater source"
    return Basis("甲", standings, table(*rows, columns=columns), more.pop("rules", None) or rules(**more))


def assert_sums(found: Comparison) -> None:
    for change in found.units:
        parts = [change.total_part(k) for k in range(3)]
        if None not in parts:
            assert change.before.total + sum(parts) == change.after.total
            assert change.before.rank + sum(change.rank_part(k) for k in range(3)) == change.after.rank
            assert sum(n.change for n in change.nodes) == change.after.total - change.before.total
            for k in range(3):
                assert sum(n.part(k) for n in change.nodes) == parts[k]


number = st.one_of(st.none(), st.integers(0, 100).map(str), st.decimals(0, 100, places=2).map(str))
body = st.fixed_dictionaries(dict.fromkeys(FIELDS, number))
bodies = st.dictionaries(st.sampled_from([f"U{n}" for n in range(6)]), body, min_size=1)
states = st.dictionaries(
    st.sampled_from(["U0", "U1", "U7"]), st.sampled_from(["missing", "late"]), max_size=2
)
rule = st.builds(rules, st.integers(1, 99), st.integers(0, 50), st.integers(10, 79))
quick = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(bodies, bodies, states, states, rule, rule, st.sampled_from(list(permutations(ORDER))))
def test_parts_sum_to_the_whole(
    one: Any, other: Any, not_counting: Any, now_not: Any, first: Any, second: Any, order: Any
):
    a, b = basis(one, not_counting, rules=first), basis(other, now_not, rules=second)
    found = compare(a, b, order)
    assert_sums(found)
    ends = compare(a, a).outcomes[0], compare(b, b).outcomes[0]
    assert (found.outcomes[0], found.outcomes[-1]) == ends
    changed = {u for u in {*ends[0], *ends[1]} if u not in ends[0] or u not in ends[1]} | {
        u for u in ends[0] if u in ends[1] and ends[0][u].result != ends[1][u].result
    }
    assert changed <= {c.unit for c in found.units}


@quick
@given(bodies, states, rule)
def test_a_result_and_itself_differ_in_nothing(one: Any, not_counting: Any, first: Any):
    assert compare(basis(one, not_counting, rules=first), basis(one, not_counting, rules=first)).same


@quick
@given(bodies, bodies, rule, rule, st.sampled_from(ORDER))
def test_a_factor_alone_is_given_everything(one: Any, other: Any, first: Any, second: Any, factor: str):
    a = basis(one, rules=first)
    match factor:
        case "values":
            b = basis({u: other.get(u, v) for u, v in one.items()}, rules=first)
        case "rules":
            b = basis(one, rules=second)
        case _:
            b = basis(one | {u: v for u, v in other.items() if u not in one}, rules=first)
    found = compare(a, b)
    for change in found.units:
        for place, other_factor in enumerate(found.order):
            assert change.moved(place) <= (other_factor == factor)
    assert not found.values or factor == "values"
    assert not found.rules or factor == "rules"


def test_a_body_whose_own_values_stay_is_moved_by_others():
    a = basis({"U1": {"I1": "70", "I2": "70"}, "U2": {"I1": "60", "I2": "60"}})
    b = basis({"U1": {"I1": "70", "I2": "70"}, "U2": {"I1": "80", "I2": "60"}})
    found = compare(a, b)
    first, second = found.units
    assert (first.unit, first.rank_part(1), first.total_part(1), first.own) == ("U1", 1, 0, frozenset())
    assert (second.unit, second.rank_part(1), second.total_part(1)) == ("U2", -1, 12)
    assert {"values"} <= second.own
    assert [(n.node, n.change) for n in second.nodes] == [("I1", 12)]
    (value,) = found.values
    assert (value.unit, value.field, value.old, value.new) == ("U2", "I1", 60, 80)
    assert value.old_source == "U2!I1"


def test_who_comes_and_goes_is_told():
    a = basis({"U1": {"I1": "70", "I2": "70"}}, {"U2": "missing"})
    b = basis({"U2": {"I1": "90", "I2": "90"}, "U1": {"I1": "70", "I2": "70"}})
    found = compare(a, b)
    changes = {s.unit: s for s in found.standings}
    assert (changes["U2"].old.state, changes["U2"].new.state) == ("missing", "accepted")
    units = {c.unit: c for c in found.units}
    assert said(units["U2"].before) == "未评价"
    assert said(units["U2"].after) == "90.00 分、第 1 名、“合格”"
    assert units["U1"].rank_part(0) == 1
    assert compare(b, basis({"U2": {"I1": "90", "I2": "90"}})).units[0].after.listed is False


def test_rules_are_compared_place_by_place():
    found = compare(
        basis({"U1": {"I1": "70", "I2": "70"}}), basis({"U1": {"I1": "70", "I2": "70"}}, weight=50, floor=75)
    )
    assert [(d.path, d.old, d.new) for d in found.rules] == [
        ("scoring.indicators[I1].weight", "60", "50"),
        ("scoring.indicators[I2].weight", "40", "50"),
        ("scoring.grades[合格].floor", "60", "75"),
    ]
    assert found.rules[0].label == "评分 › 指标 › I1“指标I1” › 权重"
    assert found.rules[0].old_basis == "operator"
    (change,) = found.units
    assert (change.before.grade, change.after.grade) == ("合格", "不合格")
    assert (change.moved(0), change.moved(1), change.moved(2)) == (False, False, True)


def test_an_order_that_is_none_and_a_stage_that_cannot_be():
    a = basis({"U1": {"I1": "70"}})
    with pytest.raises(UnknownError, match="knowledge"):
        compare(a, a, ("rules", "values", "values"))
    grouped = rules(groups=["east"])
    newer = rules(groups=["east", "west"])
    old = Basis("旧", {"U1": Standing("east")}, table(("U1", "I1", "70")), grouped)
    new = Basis(
        "新",
        {"U1": Standing("east"), "U2": Standing("west")},
        table(("U1", "I1", "70"), ("U2", "I1", "80")),
        newer,
    )
    with pytest.raises(GovernanceError, match=r"换用“新”的名单与报送后不能评价.*其他次序"):
        compare(old, new)
    assert_sums(compare(old, new, ("rules", "knowledge", "values")))


def test_decimals_and_texts_are_the_same_values():
    import pyarrow as pa

    a = basis({"U1": {"I1": "70.10", "I2": "0"}})
    amounts = pa.array([Decimal("70.1"), Decimal(0)], pa.decimal128(38, 9))
    b = Basis("乙", a.standings, a.values.set_column(2, "value", amounts), a.rules)
    assert compare(a, b).same
