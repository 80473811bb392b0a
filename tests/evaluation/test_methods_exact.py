"""Every transform and normalisation, alone and together, equals the slow reference to the last digit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.core.errors import GovernanceError
from ipgov.evaluation import transcendental as exact
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.explain import explain
from ipgov.evaluation.templates import Templates
from ipgov.policy.scoring import Scoring
from methods_reference import FewError, TooLargeError, exp, half_up, ln
from scoring_reference import Reference
from small_rules import table
from test_engine_exact import assert_equal, assert_it_sums

D = Decimal
WITHIN = st.sampled_from(["all", "group"])
DIRECTION = st.sampled_from(["up", "down"])
OTHERWISE = st.sampled_from([None, D(0), D("50"), D("-1.005"), D("33.3335")])
TIES = st.sampled_from(["min", "max", "dense", "average"])


def rule(name: str, value: str, **parts: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A rule with the parts drawn; None is left out."""
    return st.fixed_dictionaries({name: st.just(value), **parts}).map(
        lambda r: {k: v for k, v in r.items() if v is not None}
    )


def numbers(*given: str | None) -> st.SearchStrategy[Any]:
    return st.sampled_from([None if x is None else D(x) for x in given])


TRANSFORMS = st.one_of(
    rule("transform", "multiply", by=numbers("0.001", "-1", "3.5", "1000", "0.333333333333")),
    rule(
        "transform",
        "log",
        base=st.sampled_from(["e", "2", "10"]),
        plus=numbers("0", "1", "20", "0.5"),
        not_positive=st.sampled_from(["missing", "missing", "error"]),
    ),
    rule("transform", "exp", rate=numbers("1", "-0.1", "0.05", "0.001")),
    rule("transform", "power", exponent=numbers("0.5", "2", "3", "-1", "0.333", "-0.5")),
    rule("transform", "clip", minimum=numbers(None, "0", "-3.5"), maximum=numbers("1", "50", "99.5")),
    rule(
        "transform",
        "impute",
        by=st.sampled_from(["mean", "median"]),
        within=WITHIN,
        minimum_members=st.integers(1, 4),
        otherwise=st.sampled_from(["missing", "all"]),
    ).filter(lambda t: t["within"] == "group" or t["otherwise"] == "missing"),
    rule(
        "transform",
        "winsorise_share",
        lower=numbers("0", "0.05", "0.25"),
        upper=numbers("0.95", "0.75", "0.9"),
        quantile=st.sampled_from(["linear", "nearest"]),
        within=WITHIN,
        minimum_members=st.integers(1, 4),
    ),
    rule(
        "transform",
        "winsorise_skew",
        skewness=numbers("0.5", "1", "2"),
        kurtosis=numbers("0.1", "1", "3.5"),
        most=st.integers(1, 4),
        then=st.sampled_from(["keep", "restore", "log", "log_from_minimum"]),
        within=WITHIN,
    ),
    rule(
        "transform",
        "winsorise_skew",
        skewness=st.just(D("0.5")),
        kurtosis=st.just(D("0.1")),
        most=st.just(1),
        then=st.just("log_stretched"),
        stretch=numbers("1", "10", "0.01"),
    ),
    rule(
        "transform",
        "winsorise_fences",
        by=st.sampled_from(["iqr", "deviations"]),
        k=numbers("1", "1.5", "2.2"),
        within=WITHIN,
        minimum_members=st.integers(2, 5),
    ),
)

LOOKING = {"within": WITHIN, "direction": DIRECTION, "otherwise": OTHERWISE}
# those that dimensions may have too
NORMALISATIONS = st.one_of(
    rule(
        "method",
        "goalposts",
        minimum=numbers("0", "-5", "2.5"),
        maximum=numbers("7", "64", "100"),
        direction=DIRECTION,
        clamp=st.sampled_from(["both", "minimum", "maximum", "none"]),
        lowest=numbers("0", "1", "0.005"),
        highest=numbers(None, "7", "-3"),
    ),
    rule(
        "method",
        "goalposts",
        minimum=numbers("1", "0.01", "2"),
        maximum=numbers("10000", "64", "100"),
        direction=DIRECTION,
        clamp=st.sampled_from(["both", "minimum"]),
        scale=st.just("log"),
        lowest=numbers("0", "1"),
        highest=numbers(None, "10"),
    ),
    rule(
        "method", "min_max", lowest=numbers("0", "1"), highest=numbers(None, "7", "0.995"),
        minimum_members=st.integers(2, 3), **LOOKING,
    ),
    rule(
        "method",
        "z_score",
        deviation=st.sampled_from(["population", "sample"]),
        mean=numbers("0", "50", "100.005"),
        spread=numbers("1", "10", "0.3"),
        minimum_members=st.integers(2, 3),
        **LOOKING,
    ),
    rule(
        "method", "rank", ties=TIES, points=numbers("1", "0.25", "3"),
        minimum_members=st.integers(1, 3), **LOOKING,
    ),
    rule(
        "method",
        "percentile_rank",
        definition=st.sampled_from(["inclusive", "exclusive", "midpoint", "at_or_below"]),
        minimum_members=st.integers(2, 3),
        **LOOKING,
    ),
    rule(
        "method", "exponential_rank", ties=TIES, constant=numbers("23", "5", "100.5"),
        minimum_members=st.integers(1, 3), **LOOKING,
    ),
)  # fmt: skip
OF_INDICATORS = st.one_of(
    NORMALISATIONS,
    rule(
        "method",
        "distance_to_target",
        target=st.just(D(60)),
        worst=st.sampled_from(["observed", D(0), D("-2.5")]),
        within=WITHIN,
        cap=numbers(None, "120"),
        otherwise=OTHERWISE,
    ),
    rule(
        "method", "distance_to_target", target=st.just(D("-1")), worst=st.just("observed"),
        direction=st.just("down"), within=WITHIN, otherwise=OTHERWISE,
    ),
    rule(
        "method",
        "efficacy",
        satisfactory=st.sampled_from(["observed", D(80), D("1.5")]),
        not_allowed=st.sampled_from(["observed", D(10)]),
        clamp=st.booleans(),
        base=numbers("60", "0"),
        span=numbers("40", "33.335"),
        **LOOKING,
    ),
    st.just({"method": "piecewise", "points": [
        {"at": D(0), "score": D(10)}, {"at": D("33.3"), "score": D(100)}, {"at": D(70), "score": D("-7")}]}),
    st.just({"method": "ratio_to_benchmark", "cap": D(150), "benchmark": {
        "statistic": "mean", "within": "all", "minimum_members": 2, "otherwise": D(40)}}),
    st.just({"method": "ratio_to_benchmark", "benchmark": {
        "statistic": "median", "within": "group", "minimum_members": 3, "otherwise": D("0.7")}}),
)  # fmt: skip
VALUES = st.one_of(
    st.decimals(min_value=-50, max_value=150, places=2),
    st.sampled_from([D(x) for x in ("0", "1", "10", "50", "64", "100", "10000", "0.000000000001")]),
    st.decimals(min_value=-1, max_value=1, places=12),
    st.integers(-3, 12).map(D),
)
MISSING = st.sampled_from(["zero", "drop_and_rescale", "drop_and_rescale", "exclude_unit"])


@st.composite
def scorings(draw: st.DrawFn) -> Scoring:
    groups = draw(st.sampled_from([(), ("a", "b", "z")]))
    node = st.none() | NORMALISATIONS
    dimensions = [
        {"code": code, "name": code, "parent": parent, "weight": draw(st.sampled_from([10, 33, 57])),
         "normalisation": draw(node), "missing": draw(MISSING)}
        for code, parent in (("X", ""), ("Y", ""), ("Z", "X"))
    ]  # fmt: skip
    indicators = []
    for n, home in enumerate(("X", "Y", "Y", "Z")):
        i = {
            "code": f"I{n}", "name": f"指标{n}", "dimension": home, "weight": draw(st.sampled_from([20, 45])),
            "transforms": draw(st.lists(TRANSFORMS, max_size=3)), "normalisation": draw(OF_INDICATORS),
            "missing": draw(MISSING),
        }  # fmt: skip
        if draw(st.integers(0, 3)) == 0:
            i |= {"denominator": "N", "per": draw(st.sampled_from([1, 1000, D("0.3")]))}
        if groups and n == 1 and draw(st.booleans()):
            i["groups"] = ["a", "z"]
        indicators.append(i)
    return Scoring.model_validate({
        "groups": groups,
        "unranked": ("z",) if groups and draw(st.booleans()) else (),
        "dimensions": dimensions,
        "indicators": indicators,
        "full_score": draw(st.sampled_from([1, 10, 100])),
        "minimum": "none",
        "maximum": "none",
        "weights": "relative",
        "operator": "测试",
        "rounding": {
            "indicator": draw(st.sampled_from([0, 2, 2, 3, 6, 12])),
            "dimension": draw(st.sampled_from([0, 2, 3, 6])),
            "total": draw(st.sampled_from([1, 3])),
        },
    })  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> tuple[Scoring, list[dict[str, Any]]]:
    scoring = draw(scorings())
    rows = []
    for n in range(draw(st.integers(1, 14))):
        group = draw(st.sampled_from(scoring.groups or ("a", "b")))
        for code in ("N", "I0", "I1", "I2", "I3"):
            value = draw(st.none() if draw(st.integers(0, 7)) == 0 else VALUES)
            given = None if value is None else format(value, "f")
            rows.append({"unit": f"U{n}", "indicator": code, "value": given, "group": group})
    return scoring, rows


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(case=cases(), random=st.randoms(use_true_random=False))
def test_equals_the_reference_in_any_order_of_rows(case: tuple[Scoring, list[dict[str, Any]]], random: Any):
    scoring, rows = case
    random.shuffle(rows)
    try:
        reference = Reference(rows, scoring)
    except (FewError, TooLargeError, ValueError, ZeroDivisionError):
        # not defined, too few, too large: the engine must say so too
        with pytest.raises(GovernanceError, match=r"不能变换|不足以按规则计分|不能取对数|数值过大"):
            evaluated(scoring, rows, random)
        return
    evaluation = evaluated(scoring, rows, random)
    assert_equal(evaluation, reference)
    assert_it_sums(evaluation, scoring)
    for r in evaluation.scores.to_pylist():
        if r["role"] == "score":
            assert as_fraction(r["value"]) == reference.units[r["unit"]].measured[r["node"]]
    # whatever the methods and their statistics, there are words for it
    explained = explain(evaluation.scores, evaluation.results, scoring, rows[0]["unit"], {})
    assert explained.text()


def evaluated(scoring: Scoring, rows: list[dict[str, Any]], random: Any) -> Any:
    listed = table(*((r["unit"], r["indicator"], r["value"], r["group"]) for r in rows))
    return evaluate(listed, scoring, allowed_unused=frozenset({"N"}), threads=random.choice([1, 2]))


def as_fraction(x: Decimal | None) -> Fraction | None:
    return None if x is None else Fraction(x)


U = 10**12
POSITIVE = st.decimals(min_value="0.000000000001", max_value=10**6, places=12, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(x=POSITIVE, base=st.sampled_from(["e", "2", "10"]), decimals=st.sampled_from([0, 2, 12]))
def test_logarithms_are_exact(x: Decimal, base: str, decimals: int):
    argument = Fraction(x)
    expected = ln(argument) if base == "e" else ln(argument) / ln(Fraction(base))
    found = Fraction(int(exact.exact_log(str(int(x * U)), "1", "0", str(U), base, decimals)), 10**decimals)
    assert found == half_up(expected, decimals)


@settings(max_examples=100, deadline=None)
@given(x=st.decimals(min_value=-30, max_value=25, places=12), rate=st.sampled_from(["1", "-0.5", "0.001"]))
def test_exponentials_are_exact(x: Decimal, rate: str):
    expected = half_up(exp(Fraction(x) * Fraction(rate)), 12)
    assert Fraction(int(exact.exact_exp(str(int(x * U)), rate)), U) == expected


@settings(max_examples=200, deadline=None)
@given(x=POSITIVE, e=st.sampled_from(["0.5", "2", "-1", "0.25", "0.333", "-0.7", "1.5"]))
def test_powers_are_exact(x: Decimal, e: str):
    expected = half_up(exp(Fraction(e) * ln(Fraction(x))), 12)
    found = Fraction(int(exact.exact_power(str(int(x * U)), e)), U)
    assert found == expected or expected >= 10**13


def test_edges_are_decided_exactly():
    # 0.25 ** 2 and 0.0625 ** 0.5 end within 12 decimals; 0.0000005 ** 2 is 0.00000000000025: half-up at 12
    assert exact.exact_power(str(U // 16), "0.5") == str(U // 4)
    assert exact.exact_power("500000", "2") == "0"  # 2.5e-13
    assert exact.exact_power("707107", "2") == "1"  # 5.00000309e-13
    # ln 10 / ln 10000 is 0.25 exactly, and 10 x 0.25 is 2.5
    assert exact.exact_log_share(str(10 * U), str(U), str(10**4 * U), "0", "10", 0) == "3"
    assert exact.exact_log_share(str(10 * U), str(U), str(10**4 * U), "10", "-10", 0) == "8"  # 7.5
    assert exact.exact_log_share(str(10 * U - 1), str(U), str(10**4 * U), "0", "10", 0) == "2"
    assert exact.exact_log_share(str(U), str(U), str(2 * U), "0.5", "1", 0) == "1"  # the lowest itself
    assert exact.exact_exponential_rank(10, 5, "23", "0.5", 0) == "1"  # the best has the full score
    assert exact.square_root(Fraction(9, 4)) == 2
    assert exact.square_root(Fraction(9, 4) - Fraction(1, 10**40)) == 1
    assert exact.exact_exp("0", "5") == str(U)
    assert exact.exact_log(str(8 * U), "1", "0", str(U), "2", 12) == str(3 * U)


EVERY_TRANSFORM: list[list[dict[str, Any]]] = [
    [{"transform": "multiply", "by": D("0.1")}, {"transform": "exp"}, {"transform": "log", "plus": 1}],
    [{"transform": "power", "exponent": D("0.5")}, {"transform": "clip", "maximum": 9}],
    [
        {"transform": "impute", "by": "median", "within": "all"},
        {"transform": "winsorise_skew", "most": 1, "skewness": 1, "kurtosis": 1},
    ],
    [
        {"transform": "winsorise_share", "upper": D("0.9")},
        {"transform": "winsorise_fences", "by": "deviations", "k": 2},
    ],
]


def test_no_column_of_any_stage_is_floating_point(monkeypatch: pytest.MonkeyPatch):
    """Candidates of logarithms are, and none is kept; also of the tables that are dropped on the way."""
    whole = Templates.render
    monkeypatch.setattr(
        Templates,
        "render",
        lambda self, name, **more: (
            "" if name == "release.sql" else whole(self, name, **more).replace("DROP TABLE", "-- ")
        ),
    )
    node = {"method": "exponential_rank", "within": "all"}
    rules = Scoring.model_validate({
        "dimensions": [{"code": "D", "name": "维度", "weight": 1, "normalisation": node}],
        "indicators": [
            {"code": f"I{n}", "name": "指标", "dimension": "D", "weight": 1, "transforms": transforms,
             "normalisation": {"method": "z_score", "within": "all", "deviation": "sample"}}
            for n, transforms in enumerate(EVERY_TRANSFORM)
        ],
        "weights": "relative", "minimum": "none", "maximum": "none", "operator": "测试",
        "rounding": {"indicator": 4, "dimension": 4, "total": 4},
    })  # fmt: skip
    rows = [(f"U{n}", f"I{k}", str((n * 7 + k) % 11)) for n in range(9) for k in range(4)]
    evaluation = evaluate(table(*rows), rules)
    assert evaluation.scores.num_rows > 0
    columns = evaluation.connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
    ).fetchall()
    stages = {"prepared_0", "prepared_3", "statistics_1", "looked_at", "evidence", "grown_1", "places_1"}
    assert stages <= {t for t, _, _ in columns}
    assert [c for c in columns if any(f in c[2] for f in ("DOUBLE", "FLOAT", "REAL"))] == []
