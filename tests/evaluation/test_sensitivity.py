"""Draws that depend on nothing but the seed; what is told of ranks, grades and factors."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.sensitivity import analysis
from ipgov.evaluation.sensitivity.analysis import analyse
from ipgov.evaluation.sensitivity.variation import BASE, draw, factors, rule_of_draw, stream
from ipgov.policy.scoring import Scoring
from ipgov.policy.sensitivity import SensitivityRules
from small_rules import indicator, scoring, table

WEIGHTS = {"share": Decimal("0.25"), "distribution": "uniform"}
GEOMETRIC = {
    "vary": "aggregation",
    "name": "合成",
    "kept": Decimal("0.5"),
    "nodes": ["D"],
    "alternatives": ["weighted_geometric_mean"],
}
TWO = (indicator("I1", 60), indicator("I2", 40))
ROWS = (
    ("P1", "I1", "80"), ("P1", "I2", "10"), ("P2", "I1", "50"), ("P2", "I2", "55.5"),
    ("P3", "I1", "70"), ("P3", "I2", "69.99"), ("P4", "I1", "20"), ("P4", "I2", "30"),
)  # fmt: skip
VALUES = table(*ROWS)


def rules(**more: Any) -> SensitivityRules:
    plain = {"operator": "测试", "seed": 7, "draws": 200, "interval": {"low": 5, "high": 95}, "bins": 5}
    return SensitivityRules.model_validate(plain | more)


def test_a_random_number_is_where_the_documentation_says():
    """Bytes 8d to 8d+7 of SHAKE256 over version, seed and code: computed here without any library."""
    digest = hashlib.shake_256(b"ipgov/sensitivity/1\n7\nweight/I1\n").digest(24)
    expected = [int.from_bytes(digest[8 * d : 8 * d + 8], "big") for d in range(3)]
    assert stream(7, "weight/I1", 3).tolist() == expected
    assert stream(7, "weight/I1", 2).tolist() == expected[:2]
    assert stream(8, "weight/I1", 3).tolist() != expected
    every = factors(scoring(*TWO), rules(weights=WEIGHTS))
    assert draw(every, 7, 3).of["weight/I1"].tolist() == [BASE - 2500 + x % 5001 for x in expected]


def test_draws_of_a_factor_do_not_depend_on_other_factors():
    alone = draw(factors(scoring(*TWO), rules(weights=WEIGHTS)), 7, 50)
    among = draw(factors(scoring(*TWO), rules(weights=WEIGHTS, methods=[GEOMETRIC])), 7, 200)
    assert alone.of["weight/I2"].tolist() == among.of["weight/I2"].tolist()[:50]


@pytest.mark.parametrize("distribution", ["uniform", "triangular"])
def test_multipliers_stay_within_the_share_and_are_centred(distribution: str):
    every = factors(scoring(*TWO), rules(weights={**WEIGHTS, "distribution": distribution}))
    drawn = draw(every, 3, 20_000).of["weight/I1"]
    assert drawn.min() >= 7500
    assert drawn.max() <= 12500
    assert abs(drawn.mean() - BASE) < 40
    deviation = {"uniform": 2500 / 3**0.5, "triangular": 2500 / 6**0.5}[distribution]
    assert abs(drawn.std() - deviation) < 30


def test_kept_is_the_share_of_draws_with_the_rules_own_method():
    method = {**GEOMETRIC, "kept": Decimal("0.7"), "alternatives": ["weighted_geometric_mean", "minimum"]}
    drawn = draw(factors(scoring(*TWO), rules(methods=[method])), 1, 20_000).of["method/0"]
    shares = np.bincount(drawn) / 20_000
    assert np.abs(shares - [0.7, 0.15, 0.15]).max() < 0.01


def test_the_same_whatever_the_order_of_rows_and_the_threads(monkeypatch: pytest.MonkeyPatch):
    varied = rules(weights=WEIGHTS, methods=[GEOMETRIC])
    first = analyse(VALUES, scoring(*TWO), varied)
    mixed = pa.concat_tables([VALUES.slice(k, 1) for k in (5, 2, 7, 0, 1, 6, 3, 4)])
    monkeypatch.setattr(
        analysis, "evaluate", lambda values, rule, **more: evaluate(values, rule, threads=1, **more)
    )
    monkeypatch.setattr("ipgov.evaluation.sensitivity.recombination._CELLS", 13)  # three draws at once
    assert json.dumps(analyse(mixed, scoring(*TWO), varied).as_dict()) == json.dumps(first.as_dict())


def test_the_known_figures_of_one_seed():
    """A change of these is a change of what is shown to reviewers: it must be meant."""
    found = analyse(VALUES, scoring(*TWO), rules(weights=WEIGHTS, methods=[GEOMETRIC]))
    told = [(u.unit, u.rank, u.low, u.median, u.high, u.moved, u.grade, u.kept) for u in found.units]
    assert told[0] == ("P3", 1, 1, 1, 1, 0, "合格", Decimal(1))
    assert told[3] == ("P4", 4, 4, 4, 4, 0, "不合格", Decimal(1))
    middle = {unit: (rank, low, high) for unit, rank, low, _, high, *_ in told[1:3]}
    assert middle == {"P1": (3, 2, 3), "P2": (2, 2, 3)}


def test_one_method_that_decides_everything_explains_everything():
    """Only the aggregation varies: it explains all of the variance, and its shift is known by hand.

    Means 52 (P1), 52.2 (P2), 70.00 (P3), 24 (P4); with geometric means P1 falls behind P4: shifts 1, 0, 0, 1.
    """
    values = table(*ROWS[:1], ("P1", "I2", "1"), *ROWS[2:])
    found = analyse(values, scoring(*TWO), rules(methods=[{**GEOMETRIC, "kept": Decimal("0.5")}]))
    (only,) = found.factors
    assert only.first_order == 1
    own = {r["unit"]: r["rank"] for r in evaluate(values, scoring(*TWO)).results.to_pylist()}
    other = scoring(*TWO, dimensions=[
        {"code": "D", "name": "维度", "weight": 100, "aggregation": "weighted_geometric_mean"}
    ])  # fmt: skip
    changed = {r["unit"]: r["rank"] for r in evaluate(values, other).results.to_pylist()}
    shift = Decimal(sum(abs(own[u] - changed[u]) for u in own)) / 4
    assert shift > 0
    assert only.rank_shift == shift


def test_nothing_explains_ranks_that_never_change():
    found = analyse(table(("P1", "I1", "80"), ("P1", "I2", "5")), scoring(*TWO), rules(weights=WEIGHTS))
    assert {f.first_order for f in found.factors} == {None}
    assert found.rank_shift == 0


def test_first_order_shares_of_independent_weights_do_not_exceed_the_whole():
    found = analyse(VALUES, scoring(*TWO), rules(weights=WEIGHTS, draws=1000))
    assert 0 < sum(f.first_order or 0 for f in found.factors) <= Decimal("1.05")


QUARTER = {"share": Decimal("0.25"), "rounding": "down", "tie_at_edge": "all_out"}


def test_grades_follow_the_ranks_of_each_draw():
    """One place of excellence for four: whoever is first in a draw has it there."""
    grades = [
        {"name": "优秀", "floor": 0, "quota": QUARTER, "passes": True},
        {"name": "其余", "passes": False},
    ]  # fmt: skip
    values = table(
        ("P1", "I1", "80"), ("P1", "I2", "50"), ("P2", "I1", "60"), ("P2", "I2", "79"),
        ("P3", "I1", "0"), ("P3", "I2", "0"), ("P4", "I1", "1"), ("P4", "I2", "1"),
    )  # fmt: skip
    found = analyse(values, scoring(*TWO, grades=grades), rules(weights=WEIGHTS))
    firm = {u.unit: u for u in found.units}
    assert firm["P1"].grades["优秀"] + firm["P2"].grades.get("优秀", 0) <= 200
    assert 0 < firm["P2"].grades["优秀"] < 200
    assert firm["P1"].moved == firm["P1"].draws - firm["P1"].grades["优秀"]


def test_a_unit_that_some_draws_do_not_evaluate():
    values = table(*ROWS, ("P5", "I1", "90"))
    method = {"vary": "missing", "name": "缺数", "kept": Decimal("0.5"), "alternatives": ["exclude_unit"]}
    found = analyse(values, scoring(*TWO), rules(methods=[method]))
    (absent,) = [u for u in found.units if u.unit == "P5"]
    assert absent.grade == "不合格"
    assert absent.grades[""] + absent.grades["不合格"] == 200
    assert absent.high is not None
    assert Decimal("0.4") < absent.kept < Decimal("0.6")


def test_a_method_that_the_recombination_does_not_know_goes_through_the_engine():
    """A node with a coverage rule: each draw is a run of the engine, and it is said."""
    s = scoring(*TWO, dimensions=[
        {"code": "D", "name": "维度", "weight": 100, "minimum_coverage": Decimal("0.5")}
    ])  # fmt: skip
    few = rules(weights=WEIGHTS, bins=2).model_copy(update={"draws": 5})  # each is a run of the engine
    plain = analyse(VALUES, scoring(*TWO), few)
    found = analyse(VALUES, s, few)
    assert found.by_engine == ("dimensions[D].minimum_coverage",)
    assert found.units == plain.units
    assert found.factors == plain.factors


def test_a_difference_from_the_engine_is_an_error_not_a_figure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ipgov.evaluation.sensitivity.means.divided", lambda n, d, shift=0: n // d)
    with pytest.raises(GovernanceError, match="与评价引擎不一致"):
        analyse(VALUES, scoring(*TWO), rules(weights=WEIGHTS))


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        ({"weights": {**WEIGHTS, "nodes": ["X"]}}, "weights.nodes 写到未知的代码：X；可用：total、D"),
        (
            {"methods": [{"vary": "leave_out", "name": "剔除", "kept": 0, "indicators": ["I9"]}]},
            r"methods\[0\].indicators 写到未知的代码：I9",
        ),
    ],
)
def test_unknown_names_are_refused(varied: dict[str, Any], message: str):
    with pytest.raises(UnknownError, match=message):
        analyse(VALUES, scoring(*TWO), rules(**varied))


FEATURES: dict[str, dict[str, Any]] = {
    "lowest first": {"rounding": {"first": "lowest", "ties": "dense"}, "grades": [
        {"name": "好", "ceiling": 40, "passes": True}, {"name": "中", "below": 60, "passes": True},
        {"name": "差", "passes": False}]},
    "no bounds": {"minimum": "none", "maximum": "none"},
    "relative weights": {"weights": "relative"},
    "full score 10": {"full_score": 10, "grades": [{"name": "好", "floor": 6, "passes": True},
        {"name": "差", "passes": False}]},
    "shares counted from the first": {"grades": [
        {"name": "一", "quota": {"share": Decimal("0.25"), "rounding": "up", "tie_at_edge": "all_in",
         "counted": "from_first"}, "passes": True},
        {"name": "二", "quota": {"share": Decimal("0.5"), "rounding": "up", "tie_at_edge": "all_in",
         "counted": "from_first"}, "passes": True},
        {"name": "三", "passes": False}]},
    "no grades": {"grades": []},
    "minimum": {"aggregation": "minimum"},
}  # fmt: skip


@pytest.mark.parametrize("name", FEATURES)
def test_what_rules_may_say_is_reckoned_as_the_engine_does(name: str):
    """The proof within ``analyse`` compares the rule itself and a draw with the engine, figure by figure."""
    s = scoring(*TWO, **FEATURES[name])
    found = analyse(VALUES, s, rules(weights=WEIGHTS, methods=[GEOMETRIC]))
    assert found.by_engine == ()
    assert len(found.units) == 4


def test_unranked_groups_have_no_rank_in_any_draw():
    s = Scoring.model_validate(
        scoring(*TWO).model_dump() | {"groups": ("a", "b"), "unranked": ("b",), "operator": "测试"}
    )
    values = table(*((u, i, v, "b" if u == "P4" else "a") for u, i, v in ROWS))
    found = analyse(values, s, rules(weights=WEIGHTS))
    assert found.by_engine == ()
    assert found.units[-1].unit == "P4"
    assert found.units[-1].rank is None
    assert found.units[-1].low is None
    assert found.units[-1].grades == {"不合格": 200}


def test_weights_below_a_weighted_sum_keep_their_sum():
    """A sum is no mean: with the same score everywhere the total must not move with the weights."""
    values = table(*((u, i, v) for u, v in (("P1", "80"), ("P2", "40")) for i in ("I1", "I2")))
    s = scoring(*TWO, dimensions=[
        {"code": "D", "name": "维度", "weight": 100, "aggregation": "weighted_sum"}
    ])  # fmt: skip
    every = factors(s, rules(weights=WEIGHTS))
    drawn = draw(every, 7, 5)
    for at in range(5):
        rule = rule_of_draw(s, every, drawn, at, ())
        assert rule is not None
        assert sum(i.weight for i in rule.indicators) == 100
        assert rule.indicators[0].weight != 60
        totals = [r["total"] for r in evaluate(values, rule).results.to_pylist()]
        assert totals == [Decimal(80), Decimal(40)]


def test_an_alternative_keeps_the_direction_of_the_indicators_own_method():
    down = {"method": "goalposts", "minimum": 0, "maximum": 100, "direction": "down"}
    s = scoring(TWO[0], indicator("I2", 40, normalisation=down))
    method = {"vary": "normalisation", "name": "极差", "kept": 0, "methods": ["goalposts"]}
    varied = rules(methods=[{**method, "alternatives": [{"method": "min_max", "within": "all"}]}])
    every = factors(s, varied)
    rule = rule_of_draw(s, every, draw(every, 7, 1), 0, ())
    assert rule is not None
    assert [(i.normalisation.method, i.normalisation.direction) for i in rule.indicators] == [
        ("min_max", "up"),
        ("min_max", "down"),
    ]
    assert analyse(VALUES, s, varied).by_engine == ()
