"""What is put together from the engine's scores equals a run of the engine, draw by draw."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.sensitivity.analysis import analyse, build_model
from ipgov.evaluation.sensitivity.means import divided
from ipgov.evaluation.sensitivity.recombination import unsupported
from ipgov.evaluation.sensitivity.variation import (
    Draws,
    draw,
    factors,
    inputs_of,
    one_at_a_time,
    rule_of_draw,
)
from ipgov.policy.scoring import Scoring
from ipgov.policy.sensitivity import SensitivityRules
from small_rules import indicator, scoring, table
from test_engine_exact import as_table, cases

PLAIN = {"operator": "测试", "seed": 7, "draws": 100, "interval": {"low": 5, "high": 95}, "bins": 5}


def rules(**more: Any) -> SensitivityRules:
    return SensitivityRules.model_validate(PLAIN | more)


def everything(s: Scoring) -> SensitivityRules:
    """Vary all that can be varied of a rule."""
    counted = [i.code for i in s.indicators if i.role == "score" and i.normalisation.method != "expert_mean"]
    methods: list[dict[str, Any]] = [
        {"vary": "missing", "alternatives": ["zero", "exclude_unit", "drop_and_rescale"]},
        {"vary": "leave_out"},
    ]
    if all(n.normalisation.method != "steps" for n in s.indicators):
        methods.append({"vary": "aggregation", "alternatives": ["weighted_geometric_mean"], "nodes": ["X"]})
    methods.append({"vary": "aggregation", "alternatives": ["minimum"], "nodes": ["total", "Y"]})
    if counted:
        other = {"method": "goalposts", "minimum": 10, "maximum": 90}
        methods.append({"vary": "normalisation", "indicators": counted[:2], "alternatives": [other]})
    named = [{"name": f"办法{n}", "kept": Decimal("0.5"), **m} for n, m in enumerate(methods)]
    return rules(weights={"share": Decimal("0.35"), "distribution": "triangular"}, methods=named)


def as_the_engine(model: Any, placed: Any, at: int, evaluation: Any) -> None:
    names = [g.name for g in model.scoring.grades]
    for column, row in enumerate(evaluation.results.to_pylist()):
        total = Decimal(int(placed.total[at, column])).scaleb(-model.scoring.rounding.total)
        rank, grade = int(placed.rank[at, column]), int(placed.grade[at, column])
        found = (
            total if placed.evaluated[at, column] else None,
            rank if rank >= 0 else None,
            names[grade] if grade >= 0 else None,
        )
        assert found == (row["total"], row["rank"], row["grade"]), (at, row["unit"])


@settings(
    phases=(Phase.explicit, Phase.generate),  # no shrinking: each step is several runs of the engine
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=cases(), at=st.integers(1, 99))
def test_a_draw_equals_a_run_of_the_engine(case: tuple[Scoring, list[dict[str, Any]]], at: int):
    """Missing values, dropped weights, groups, bonus, deduction, veto, quotas: whatever the rule says."""
    s, rows = case
    values = as_table(rows)
    every = factors(s, everything(s))
    assert not unsupported(s, ())

    def run(rule: Scoring) -> Any:
        return evaluate(values, rule, allowed_unused=inputs_of(s) | {"N"})

    nominal = run(s)
    known = nominal.plan.groups
    model = build_model(run, s, every, known)
    single, _ = one_at_a_time(every)
    as_the_engine(model, model.place(single), 0, nominal)  # nothing varied
    if not unsupported(s, every):
        draws = draw(every, 7, 100)
        drawn = rule_of_draw(s, every, draws, at, known)
        placed = model.place(draws)
        if drawn is not None:
            as_the_engine(model, placed, at, run(drawn))


VALUES = table(
    ("P1", "I1", "80"), ("P1", "I2", "10"), ("P2", "I1", "60"), ("P2", "I2", "90"), ("P3", "I1", "70"),
    ("P3", "I2", "69.99"),
)  # fmt: skip
TWO = (indicator("I1", 60), indicator("I2", 40))


@pytest.mark.parametrize("rounding", [{}, {"rank_on": "unrounded"}, {"indicator": 9, "dimension": 9}])
def test_numbers_that_64_bits_cannot_hold_are_reckoned_all_the_same(rounding: dict[str, Any]):
    """Weights of many digits: Python's own integers take over."""
    weights = Decimal("33.333333333"), Decimal("66.666666667")
    s = scoring(*(indicator(f"I{n}", w) for n, w in enumerate(weights, 1)), rounding=rounding)
    every = factors(s, rules(weights={"share": Decimal("0.5"), "distribution": "uniform"}))

    def run(rule: Scoring) -> Any:
        return evaluate(VALUES, rule)

    model = build_model(run, s, every, ())
    assert model.dtype is object
    draws = draw(every, 1, 3)
    placed = model.place(draws)
    for at in range(3):
        drawn = rule_of_draw(s, every, draws, at, ())
        assert drawn is not None
        as_the_engine(model, placed, at, run(drawn))


def test_equal_scores_at_a_rounding_edge_need_no_astronomic_powers():
    """50.125 everywhere: the geometric mean is 50.125 whatever the weights, and rounds up."""
    values = table(*((u, i, "50.125") for u in ("P1", "P2") for i in ("I1", "I2")))
    s = scoring(*TWO, rounding={"indicator": 3}, dimensions=[
        {"code": "D", "name": "维度", "weight": 100, "aggregation": "weighted_geometric_mean"}
    ])  # fmt: skip
    found = analyse(values, s, rules(weights={"share": Decimal("0.2"), "distribution": "uniform"}))
    assert {u.total for u in found.units} == {Decimal("50.13")}
    assert {(u.low, u.high) for u in found.units} == {(1, 1)}


def test_what_cannot_be_recombined_is_run_through_the_engine():
    """A feature that recombination does not know is named, and every draw is the engine's own."""
    s = scoring(*TWO, dimensions=[
        {"code": "D", "name": "维度", "weight": 100, "minimum_coverage": Decimal("0.5")}
    ])  # fmt: skip
    assert unsupported(s, ()) == ["dimensions[D].minimum_coverage"]
    method = {"vary": "aggregation", "name": "合成", "kept": 0, "alternatives": ["weighted_harmonic_mean"]}
    every = factors(scoring(*TWO), rules(methods=[method]))
    assert unsupported(scoring(*TWO), every) == ["aggregation: weighted_harmonic_mean"]


def test_division_rounds_half_away_from_zero_in_64_bits_and_beyond():
    n, d = np.array([5, -5, 7, -7, 0]), np.array([2, 2, 4, 4, 3])
    assert divided(n, d).tolist() == [3, -3, 2, -2, 0]
    assert divided(n, d, 1).tolist() == [25, -25, 18, -18, 0]
    assert divided(n, d, -1).tolist() == [0, 0, 0, 0, 0]
    large = np.array([10**30 + 5], object)
    assert divided(large, np.array([10], object)).tolist() == [10**29 + 1]


def test_draws_of_nothing_give_the_rule_itself():
    s = scoring(*TWO)
    model = build_model(lambda rule: evaluate(VALUES, rule), s, (), ())
    as_the_engine(model, model.place(Draws(1, {})), 0, evaluate(VALUES, s))
