"""Trees, totals, ranks and grades of every kind equal the slow reference to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.evaluation.engine import evaluate
from ipgov.policy.scoring import Scoring
from scoring_reference import Reference
from test_engine_exact import as_table, assert_equal, assert_it_sums

GROUPS = ("a", "b", "c")
SHARES = [Decimal(x) for x in ("0.1", "0.25", "0.333333333333", "0.5", "1")]
CURVED = ("weighted_geometric_mean", "weighted_harmonic_mean")
STRAIGHT = ("weighted_arithmetic_mean", "weighted_sum", "minimum")
WEIGHTS = st.integers(1, 60).map(Decimal) | st.sampled_from([Decimal(x) for x in ("9.3", "33.333", "0.125")])
SMALL = [Decimal(x) for x in ("1", "1", "2", "3", "0.5")]
FEW_WEIGHTS = st.sampled_from(SMALL)  # powers stay small, and sums of sums of sums
MISSING = st.sampled_from(["zero", "drop_and_rescale", "drop_and_rescale", "exclude_unit"])
COVERAGE = st.sampled_from([Decimal(x) for x in ("0", "0", "0", "0.5", "0.6", "1")])
DECIMALS = st.sampled_from([2, 2, 0, 1, 3, 5, 9, 12])
LIMITS = st.sets(st.sampled_from([Decimal(x) for x in ("-3", "0", "20", "35.5", "50.005", "80")]), max_size=2)


@st.composite
def trees(draw: st.DrawFn, aggregations: tuple[str, ...], groups: tuple[str, ...]) -> dict[str, Any]:
    """Dimensions up to six levels deep and the indicators below them."""
    shares = draw(st.sampled_from(["percent", "relative"]))
    weights = FEW_WEIGHTS if shares == "relative" or set(aggregations) & set(CURVED) else WEIGHTS

    def weight() -> Any:
        if not groups or draw(st.integers(0, 3)):
            return draw(weights)
        some = {g: draw(weights) for g in groups if draw(st.integers(0, 3))}
        return some or {g: Decimal(1) for g in groups}

    aggregation = st.sampled_from(aggregations)
    dimensions: list[dict[str, Any]] = []
    for n in range(draw(st.integers(1, 6))):
        above = draw(st.sampled_from(["", *(d["code"] for d in dimensions)]))
        own = {"aggregation": draw(aggregation), "minimum_coverage": draw(COVERAGE), "missing": draw(MISSING)}
        dimensions.append(
            {"code": f"D{n}", "name": f"维度{n}", "parent": above, "weight": draw(weights)} | own
        )
    # every node has an indicator that counts for everybody
    homes = [(d["code"], True) for d in dimensions]
    homes += [(draw(st.sampled_from(dimensions))["code"], False) for _ in range(draw(st.integers(0, 4)))]
    low = "-3" if not set(aggregations) & set(CURVED) else "0"
    steps = [{"score": Decimal(low)}, {"at_least": 1, "score": 0, "per_unit": Decimal("0.977"), "cap": 100}]
    methods = [
        {"method": "goalposts", "minimum": 0, "maximum": 100},
        {"method": "goalposts", "minimum": 3, "maximum": 10, "direction": "down"},
        {"method": "steps", "steps": steps},
    ]
    indicators = [
        {
            "code": f"I{n}",
            "name": f"指标{n}",
            "dimension": home,
            "weight": draw(weights) if everybody else weight(),
            "missing": draw(MISSING),
            "normalisation": draw(st.sampled_from(methods)),
        }
        for n, (home, everybody) in enumerate(homes)
    ]
    return {"dimensions": dimensions, "indicators": indicators, "weights": shares}


@st.composite
def grades(draw: st.DrawFn, first: str) -> list[dict[str, Any]]:
    """None, or some with limits, shares or both, best first; the last takes the rest."""
    if not draw(st.integers(0, 4)):
        return []
    quotas = st.fixed_dictionaries(
        {
            "share": st.sampled_from(SHARES),
            "counted": st.sampled_from(["alone", "from_first"]),
            "within": st.sampled_from(["all", "group"]),
            "rounding": st.sampled_from(["down", "half_up", "up"]),
            "tie_at_edge": st.sampled_from(["all_in", "all_out"]),
        }
    )
    limit = "floor" if first == "highest" else draw(st.sampled_from(["ceiling", "below"]))
    found: list[dict[str, Any]] = []
    for edge in sorted(draw(LIMITS), reverse=first == "highest"):
        found.append({limit: edge, "quota": draw(st.none() | quotas)})
    found += [{"quota": q} for q in draw(st.lists(quotas, max_size=3))]
    named = [g | {"name": f"等{n}", "passes": True} for n, g in enumerate(found)]
    return [*named, {"name": "其余", "passes": False}]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Scoring, list[dict[str, Any]]]:
    groups = draw(st.sampled_from([(), GROUPS]))
    aggregations = draw(st.sampled_from([STRAIGHT, STRAIGHT + CURVED]))
    tree = draw(trees(aggregations, groups))
    first = draw(st.sampled_from(["highest", "highest", "lowest"]))
    bound = st.sampled_from([None, "none", "none"])
    scoring = Scoring.model_validate(
        tree
        | {
            "operator": "测试",
            "groups": groups,
            "unranked": draw(st.sampled_from([(), ("b",)])) if groups else (),
            "aggregation": draw(st.sampled_from(aggregations)),
            "minimum_coverage": draw(COVERAGE),
            "minimum": draw(st.sampled_from([0, Decimal("-1.5"), "none"])),
            "maximum": draw(bound | st.just(Decimal("60.25"))),
            "grades": draw(grades(first)),
            "rounding": {
                "indicator": draw(DECIMALS),
                "dimension": draw(DECIMALS),
                "total": draw(DECIMALS),
                "rank_on": draw(st.sampled_from(["rounded", "unrounded"])),
                "ties": draw(st.sampled_from(["min", "dense", "max"])),
                "first": first,
            },
        }
    )
    values = st.sampled_from([Decimal(x) for x in ("0", "3", "50", "50.005", "7.77", "70", "99.99", "100")])
    rows = [
        {
            "unit": f"U{n}",
            "indicator": i.code,
            "value": str(draw(values)) if draw(st.integers(0, 4)) else None,
            "group": group,
        }
        for n in range(draw(st.integers(1, 9)))
        for group in [draw(st.sampled_from(groups)) if groups else None]
        for i in scoring.indicators
    ]
    return scoring, rows


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(case=cases(), random=st.randoms(use_true_random=False))
def test_any_tree_equals_the_reference(case: tuple[Scoring, list[dict[str, Any]]], random: Any):
    scoring, rows = case
    random.shuffle(rows)
    evaluation = evaluate(as_table(rows), scoring, threads=random.choice([1, 2]))
    assert_equal(evaluation, Reference(rows, scoring))
    assert_it_sums(evaluation, scoring)
