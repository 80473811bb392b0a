"""The engine equals the slow reference to the last digit, whatever the rules, values and order of rows."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.evaluation.engine import Evaluation, evaluate
from ipgov.evaluation.geometric import exact_geometric_mean
from ipgov.evaluation.templates import Templates
from ipgov.policy.scoring import Scoring
from scoring_reference import Reference, root
from small_rules import table

NODES = ("score", "dimension", "bonus", "deduction")


def assert_equal(evaluation: Evaluation, reference: Reference) -> None:
    """Every figure of every unit and node is the reference's."""
    results = evaluation.results.to_pylist()
    assert {r["unit"] for r in results} == set(reference.units)
    for r in results:
        u = reference.units[r["unit"]]
        expected = (u.total, u.rank, u.group_rank, u.grade, u.passed)
        total = None if r["total"] is None else Fraction(r["total"])
        assert (total, r["rank"], r["group_rank"], r["grade"], r["passed"]) == expected, r["unit"]
    for r in evaluation.scores.to_pylist():
        if r["role"] in NODES:
            found = None if r["normalised"] is None else Fraction(r["normalised"])
            assert found == reference.units[r["unit"]].scores[r["node"]], (r["unit"], r["node"])


def assert_it_sums(evaluation: Evaluation, scoring: Scoring) -> None:
    """The leaves' contributions add up to each total, exactly."""
    told = ("weighted_arithmetic_mean", "weighted_sum")
    not_told = {d.code for d in scoring.dimensions if d.aggregation not in told or d.normalisation}
    sums: dict[str, Decimal] = {}
    for r in evaluation.scores.to_pylist():
        leaf = r["role"] in ("score", "bonus", "deduction", "adjustment") or r["node"] in not_told
        if leaf and r["contribution"] is not None:
            sums[r["unit"]] = sums.get(r["unit"], Decimal(0)) + r["contribution"]
    for r in evaluation.results.to_pylist():
        if r["total"] is not None:
            assert sums.get(r["unit"], Decimal(0)) == r["total"]


numbers = st.decimals(min_value=-5, max_value=130, places=2) | st.integers(0, 100).map(Decimal)
few = st.sampled_from([Decimal(x) for x in ("0", "50", "70", "70.005", "69.995", "80", "99.99", "100")])


@st.composite
def normalisations(draw: st.DrawFn) -> dict[str, Any]:
    method = draw(st.sampled_from(["goalposts", "steps", "ratio", "group", "boolean", "expert_mean"]))
    if method == "goalposts":
        low = draw(st.decimals(min_value=-10, max_value=40, places=1))
        return {
            "method": method,
            "minimum": low,
            "maximum": low + draw(st.sampled_from([1, 3, 7, 64, 100])),
            "direction": draw(st.sampled_from(["up", "down"])),
        }
    if method == "steps":
        floors = sorted(draw(st.sets(st.integers(0, 100), min_size=1, max_size=3)))
        steps: list[dict[str, Any]] = [{"score": draw(st.integers(0, 20))}]
        for f in floors:
            steps.append(
                {
                    "at_least": f,
                    "score": draw(st.integers(0, 80)),
                    "per_unit": draw(st.sampled_from([Decimal(x) for x in ("0", "0.5", "0.005", "0.333")])),
                    "cap": draw(st.none() | st.just(Decimal("99.5"))),
                }
            )
        return {"method": method, "steps": steps}
    if method == "ratio":
        return {
            "method": "ratio_to_benchmark",
            "benchmark": draw(st.sampled_from([3, 7, 64, Decimal("80.5")])),
            "cap": draw(st.sampled_from([100, 120])),
        }
    if method == "group":
        own = {
            "statistic": draw(st.sampled_from(["mean", "median", "maximum"])),
            "minimum_members": draw(st.integers(1, 4)),
            "otherwise": draw(st.sampled_from([9, 60])),
        }
        return {"method": "ratio_to_benchmark", "benchmark": own}
    if method == "boolean":
        return {"method": method, "score": draw(st.sampled_from([100, Decimal("66.665")]))}
    drop = draw(st.integers(0, 1))
    return {
        "method": method,
        "scale": draw(
            st.sampled_from(
                [{}, {"maximum": 120}, {"minimum": -3, "maximum": 100}, {"maximum": Decimal("100.5")}]
            )
        ),
        "drop_highest": drop,
        "drop_lowest": drop,
        "minimum_raters": draw(st.integers(2 * drop + 1, 4)),
        "below_minimum": draw(st.sampled_from(["mean_of_all", "missing"])),
    }


MISSING = st.sampled_from(["zero", "zero", "drop_and_rescale", "drop_and_rescale", "exclude_unit"])


@st.composite
def scorings(draw: st.DrawFn) -> Scoring:
    groups = draw(st.sampled_from([(), ("a", "b")]))

    curved = draw(st.integers(0, 2)) == 0
    # powers are as long as weights are great: small ones where the reference takes any
    small, usual = (
        st.integers(1, 9).map(Decimal),
        st.integers(1, 60).map(Decimal) | st.just(Decimal("33.333")),
    )

    def weight() -> Any:
        one = small if curved else usual
        if groups and draw(st.booleans()):
            return {"a": draw(one), "b": draw(one)}
        return draw(one)

    straight = ["weighted_arithmetic_mean"]
    aggregation = st.sampled_from([*straight, "weighted_geometric_mean"] if curved else straight)
    dimensions = [
        {"code": "X", "name": "一", "weight": weight(), "aggregation": draw(aggregation)},
        {"code": "Y", "name": "二", "weight": weight(), "aggregation": draw(aggregation)},
        {"code": "Z", "name": "三", "weight": weight(), "parent": "X", "aggregation": draw(aggregation)},
    ]
    homes = ["X", "Y", "Z", *draw(st.lists(st.sampled_from("XYZ"), max_size=3))]
    indicators: list[dict[str, Any]] = []
    for n, home in enumerate(homes):
        i = {
            "code": f"I{n}",
            "name": f"指标{n}",
            "dimension": home,
            "weight": weight(),
            "missing": draw(MISSING),
            "normalisation": draw(normalisations()),
        }
        if i["normalisation"]["method"] in ("goalposts", "ratio_to_benchmark") and draw(st.booleans()):
            i["denominator"] = "N"
        if groups and n > 2 and draw(st.booleans()):
            i["groups"] = ["a"]
        indicators.append(i)
    for role in ("bonus", "deduction"):
        indicators.append(
            {
                "code": role[0].upper(),
                "name": role,
                "role": role,
                "missing": draw(MISSING),
                "normalisation": {"method": "per_unit", "points": Decimal("0.25"), "cap": 4},
            }
        )
    indicators.append(
        {
            "code": "V",
            "name": "否决",
            "role": "veto",
            "normalisation": {"method": "threshold", "at_least": 90},
        }
    )
    quotas = st.none() | st.fixed_dictionaries(
        {
            "share": st.sampled_from([Decimal("0.25"), Decimal("0.3"), Decimal("0.5"), Decimal(1)]),
            "within": st.sampled_from(["all", "group"]),
            "rounding": st.sampled_from(["down", "half_up", "up"]),
            "tie_at_edge": st.sampled_from(["all_in", "all_out"]),
        }
    )
    grades = [
        {"name": "优", "floor": 60, "quota": draw(quotas), "passes": True},
        {"name": "良", "floor": draw(st.none() | st.just(40)), "quota": draw(quotas), "passes": True},
        {"name": "合格", "floor": 30, "passes": True},
        {"name": "不合格", "passes": False},
    ]
    scale = st.sampled_from([2, 2, 2, 0, 3])
    return Scoring.model_validate(
        {
            "groups": groups,
            "dimensions": dimensions,
            "indicators": indicators,
            "grades": grades,
            "aggregation": draw(aggregation),
            "bonus_cap": draw(st.sampled_from([0, 2, 5])),
            "deduction_cap": draw(st.none() | st.just(3)),
            "maximum": draw(st.sampled_from([100, 90])),
            "veto_grade": draw(st.sampled_from(["良", "不合格"])),
            "operator": "测试",
            "rounding": {
                "indicator": draw(scale),
                "dimension": draw(scale),
                "total": draw(scale),
                "rank_on": draw(st.sampled_from(["rounded", "unrounded"])),
                "ties": draw(st.sampled_from(["min", "dense", "max"])),
            },
        }
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Scoring, list[dict[str, Any]]]:
    scoring = draw(scorings())
    rows = []
    for n in range(draw(st.integers(1, 9))):
        group = draw(st.sampled_from(scoring.groups)) if scoring.groups else None
        unit = f"U{n}"
        rows.append(
            {
                "unit": unit,
                "indicator": "N",
                "value": draw(st.sampled_from([None, "0", "3", "7.5"])),
                "group": group,
            }
        )
        for i in scoring.indicators:
            if draw(st.integers(0, 6)) == 0:
                continue  # no row
            raters = [None]
            value: st.SearchStrategy[Any] = few | numbers
            if i.normalisation.method == "boolean":
                value = st.sampled_from([Decimal(0), Decimal(1)])
            elif i.normalisation.method == "expert_mean":
                raters = [f"r{k}" for k in range(draw(st.integers(1, 5)))]
                value = few
            for rater in raters:
                v = draw(st.none() | value if draw(st.integers(0, 4)) == 0 else value)
                rows.append(
                    {
                        "unit": unit,
                        "indicator": i.code,
                        "value": None if v is None else str(v),
                        "group": group,
                        "rater": rater,
                    }
                )
    return scoring, rows


def as_table(rows: list[dict[str, Any]]):
    return table(*((r["unit"], r["indicator"], r["value"], r["group"], r.get("rater")) for r in rows))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(case=cases(), random=st.randoms(use_true_random=False))
def test_equals_the_reference_in_any_order_of_rows(case: tuple[Scoring, list[dict[str, Any]]], random: Any):
    scoring, rows = case
    random.shuffle(rows)
    evaluation = evaluate(
        as_table(rows), scoring, allowed_unused=frozenset({"N"}), threads=random.choice([1, 2])
    )
    assert_equal(evaluation, Reference(rows, scoring))
    assert_it_sums(evaluation, scoring)


@settings(max_examples=150, deadline=None)
@given(
    terms=st.lists(
        st.tuples(st.integers(1, 60), st.decimals(min_value="0.01", max_value=100, places=2)),
        min_size=1,
        max_size=4,
    ),
    decimals=st.integers(0, 9),
)
def test_geometric_mean_is_exact(terms: list[tuple[int, Decimal]], decimals: int):
    product, degree = Fraction(1), sum(w for w, _ in terms)
    for w, s in terms:
        product *= Fraction(s) ** w
    text = " ".join(f"{w}*{s}" for w, s in terms)
    assert Fraction(int(exact_geometric_mean(text, decimals)), 10**decimals) == root(
        product, degree, decimals
    )


def test_geometric_mean_on_the_edge():
    assert exact_geometric_mean("9999999999*0.35 1*0.35", 1) == "4"  # no power is taken
    assert exact_geometric_mean("1*0.25 1*0.49", 1) == "4"  # 0.35 exactly
    assert exact_geometric_mean("1*0.25 1*0.4899999999", 1) == "3"
    assert exact_geometric_mean("3*8.5 0*7", 0) == "9"
    assert exact_geometric_mean("3*8.5 1*0", 0) == "0"


def test_no_column_of_any_stage_is_floating_point(
    monkeypatch: pytest.MonkeyPatch, functional_platform_case: Any
):
    """Also of the stages between; the tables that are dropped on the way are kept for once."""
    whole = Templates.render
    monkeypatch.setattr(
        Templates, "render", lambda self, n, **m: "" if n == "release.sql" else whole(self, n, **m)
    )
    rows, scoring, unused = functional_platform_case
    evaluation = evaluate(rows, scoring, allowed_unused=unused)
    evaluation.connection.execute(evaluation.templates.render("scores.sql"))
    columns = evaluation.connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
    ).fetchall()
    stages = {t for t, _, _ in columns}
    assert {
        "typed",
        "wide",
        "quotients",
        "benchmarks",
        "normalised",
        "tree_1",
        "scored",
        "results",
        "scores",
    } <= stages
    assert [c for c in columns if any(f in c[2] for f in ("DOUBLE", "FLOAT", "REAL"))] == []
