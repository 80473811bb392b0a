"""Integers in SQL: exact within bounds, whatever type the bounds choose; refused beyond 38 digits."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ipgov.core.errors import GovernanceError
from ipgov.evaluation.arithmetic import Whole, bounded, divided, less, product, times, total, whole


def column(name: str, numbers: list[int]) -> Whole:
    return whole("", min(numbers), max(numbers)).named(name)


def run(x: Whole, **columns: list[int]) -> list[int | None]:
    """The numbers of an expression over columns; its bounds hold them."""
    connection = duckdb.connect()
    names = ", ".join(columns)
    kinds = ", ".join(
        f"CAST({n} AS {'HUGEINT' if column(n, v).huge else 'BIGINT'}) AS {n}" for n, v in columns.items()
    )
    rows = ", ".join(f"({', '.join(map(str, r))})" for r in zip(*columns.values(), strict=True))
    sql = f"SELECT {x.sql} FROM (SELECT {kinds} FROM (VALUES {rows}) AS t({names}))"  # noqa: S608
    found = connection.sql(sql)
    assert str(found.types[0]) == ("HUGEINT" if x.huge else "BIGINT")
    numbers = [r[0] for r in found.fetchall()]
    assert all(n is None or x.low <= n <= x.high for n in numbers)
    return numbers


def half_away(n: Fraction) -> int:
    size = floor(abs(n) + Fraction(1, 2))
    return size if n >= 0 else -size


near = st.integers(-(10**6), 10**6)
far = st.integers(-(10**24), 10**24)


@settings(max_examples=60, deadline=None)
@given(
    n=st.lists(near | far, min_size=3, max_size=3),
    d=st.lists(st.integers(1, 10**6) | st.integers(1, 10**11), min_size=3, max_size=3),
    shift=st.integers(-12, 12),
)
def test_a_division_is_rounded_half_away_from_zero(n: list[int], d: list[int], shift: int):
    found = run(divided(column("n", n), column("d", d), shift), n=n, d=d)
    assert found == [half_away(Fraction(a) * Fraction(10) ** shift / b) for a, b in zip(n, d, strict=True)]
    by_constant = run(divided(column("n", n), d[0], shift), n=n)
    assert by_constant == [half_away(Fraction(a) * Fraction(10) ** shift / d[0]) for a in n]


@pytest.mark.parametrize(("n", "d"), [(25, 10), (-25, 10), (24, 10), (-5, 2), (7, 14), (-7, 14), (2, 4)])
def test_halves_go_away_from_zero(n: int, d: int):
    assert run(divided(column("n", [n]), d), n=[n]) == [half_away(Fraction(n, d))]


def test_two_steps_are_taken_where_one_would_not_fit():
    # at once it would be 2 x 10^22, in two steps 64 bits hold it
    x = divided(Whole("n", -(10**10), 10**10), Whole("d", 1, 1000), 12 - 4)
    assert not x.huge
    assert run(x, n=[-(10**10), 9_999_999_999], d=[7, 1000]) == [
        half_away(Fraction(-(10**18), 7)),
        9_999_999_999 * 10**5,
    ]


@settings(max_examples=25, deadline=None)
@given(
    a=st.lists(near | far, min_size=2, max_size=2),
    b=st.lists(near, min_size=2, max_size=2),
    k=st.integers(-(10**6), 10**6),
)
def test_sums_products_and_bounds(a: list[int], b: list[int], k: int):
    x, y = column("a", a), column("b", b)
    pairs = list(zip(a, b, strict=True))
    assert run(total([x, times(y, k)]), a=a, b=b) == [p + q * k for p, q in pairs]
    assert run(less(x, y), a=a, b=b) == [p - q for p, q in pairs]
    assert run(product(y, y), b=b) == [q * q for q in b]
    low, high = sorted((k, b[0]))
    assert run(bounded(x, low, high), a=a) == [max(min(p, high), low) for p in a]


def test_what_38_digits_cannot_hold_is_refused_before_it_is_computed():
    with pytest.raises(GovernanceError, match="超出 38 位"):
        times(Whole("n", 0, 10**30, huge=True), 10**9)
    with pytest.raises(GovernanceError, match="超出 38 位"):
        divided(Whole("n", 0, 10**30, huge=True), 1, 9)
