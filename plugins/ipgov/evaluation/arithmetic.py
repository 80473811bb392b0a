"""SQL for whole numbers whose bounds are proved: each is computed in the narrowest integer that holds it.

DuckDB divides 64-bit integers thirty times as fast as 128-bit ones (HUGEINT). Bounds come from the values
themselves (minimum and maximum of a column) and are carried through every operation, what lies between
included: where 63 bits suffice the SQL says BIGINT, else HUGEINT, and what 38 digits cannot hold is refused
before it is computed. No result depends on which it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ipgov.core.errors import GovernanceError

NARROW = 2**63 - 1
_WIDE = 10**38 - 1  # what DECIMAL(38, s) can show


@dataclass(frozen=True)
class Whole:
    """SQL of a whole number (or NULL) from ``low`` to ``high``; ``huge``: a HUGEINT, not a BIGINT."""

    sql: str
    low: int
    high: int
    huge: bool = False

    @property
    def size(self) -> int:
        """Return the largest absolute value."""
        return max(abs(self.low), abs(self.high))

    def named(self, name: str) -> Whole:
        """Return the same number where it stands in a column."""
        return replace(self, sql=name)


def whole(sql: str, low: int, high: int) -> Whole:
    """Return an integer expression of any SQL type, cast to the narrowest that holds its bounds."""
    huge = _wide(max(abs(low), abs(high)))
    return Whole(f"CAST({sql} AS {'HUGEINT' if huge else 'BIGINT'})", low, high, huge)


def times(x: Whole, factor: int) -> Whole:
    """Return x times a number."""
    if factor == 1:
        return x
    low, high = sorted((x.low * factor, x.high * factor))
    x = _fitting(x, max(x.size, 1) * abs(factor))
    return Whole(f"{x.sql} * {_literal(factor)}", low, high, x.huge)


def product(x: Whole, y: Whole) -> Whole:
    """Return x times y."""
    corners = [a * b for a in (x.low, x.high) for b in (y.low, y.high)]
    size = max(x.size, y.size, *map(abs, corners))
    x, y = _fitting(x, size), _fitting(y, size)
    return Whole(f"({x.sql}) * ({y.sql})", min(corners), max(corners), x.huge)


def total(terms: Sequence[Whole]) -> Whole:
    """Return the sum; 0 of nothing."""
    size = sum(t.size for t in terms)
    fitting = [_fitting(t, size) for t in terms]
    sql = " + ".join(t.sql for t in fitting) or "CAST(0 AS BIGINT)"
    low, high = sum(t.low for t in terms), sum(t.high for t in terms)
    return Whole(f"({sql})", low, high, any(t.huge for t in fitting))


def less(x: Whole, y: Whole) -> Whole:
    """Return x - y."""
    size = x.size + y.size
    x, y = _fitting(x, size), _fitting(y, size)
    return Whole(f"({x.sql} - ({y.sql}))", x.low - y.high, x.high - y.low, x.huge or y.huge)


def bounded(x: Whole, low: int | None, high: int | None) -> Whole:
    """Return x, but no less than ``low`` and no more than ``high``; NULL stays NULL."""
    sql, a, b = x.sql, x.low, x.high
    if high is not None and b > high:  # what the bounds prove already need not be computed
        sql, b, a = f"least({sql}, {_literal(high)})", high, min(a, high)
    if low is not None and a < low:
        sql, a, b = f"greatest({sql}, {_literal(low)})", low, max(b, low)
    if sql == x.sql:
        return x
    # least and greatest pass over NULL, so NULL must be kept away from them
    huge = x.huge or _wide(max(abs(n) for n in (low, high) if n is not None))
    return Whole(f"CASE WHEN {x.sql} IS NOT NULL THEN {sql} END", a, b, huge)


def divided(n: Whole, d: Whole | int, shift: int = 0) -> Whole:
    """Return n x 10 ** shift / d rounded half away from zero (四舍五入), for d > 0; NULL where d is 0.

    ``n.sql`` and ``d.sql`` should be columns or constants: they are repeated.
    """
    if isinstance(d, int):
        d = Whole(_literal(d), d, d, _wide(d))
    if shift < 0:
        d, shift = times(d, 10**-shift), 0
        d = replace(d, sql=_literal(d.low)) if d.low == d.high else d
    if d.low == d.high == 1 and not shift:
        return n
    unit = 10**shift
    largest = -(-n.size * unit // max(1, d.low)) + 1
    low, high = (-largest if n.low < 0 else 0), (largest if n.high > 0 else 0)
    once = 2 * max(n.size * unit, d.high) + d.high
    twice = max(2 * n.size, 2 * d.high * unit + d.high, largest)
    if shift and _wide(once) and (once > _WIDE or not _wide(twice)):
        n, d = _fitting(n, twice), _fitting(d, twice)
        rest = f"(({n.sql}) % ({d.sql}) * {unit})"
        sql = f"(({n.sql}) // ({d.sql}) * {unit} + {_nearest(rest, n, d)})"
        return Whole(sql, low, high, n.huge)
    n, d = _fitting(n, once), _fitting(d, once)
    scaled = f"({n.sql})" if unit == 1 else f"({n.sql}) * {unit}"
    return Whole(_nearest(scaled, n, d), low, high, n.huge)


def _nearest(scaled: str, n: Whole, d: Whole) -> str:
    """Return the division, once, for a dividend of the sign of n."""
    if d.low == d.high and d.low % 2 == 0:
        half, two, by = str(d.low // 2), "", d.sql
    else:
        half, two, by = f"({d.sql})", "2 * ", f"(2 * ({d.sql}))"
    if n.low < 0:
        half = f"sign({n.sql}) * CAST({half} AS {'HUGEINT' if n.huge else 'BIGINT'})"
    return f"(({two}{scaled} + {half}) // {by})"


def _fitting(x: Whole, size: int) -> Whole:
    """Return x as HUGEINT where numbers of this size come of it."""
    if size > _WIDE:
        raise GovernanceError(
            "计算中的数超出 38 位：请减少 rounding 的小数位数，或检查规则中的数与数值的大小"
        )
    return replace(x, sql=f"CAST({x.sql} AS HUGEINT)", huge=True) if _wide(size) and not x.huge else x


def _wide(size: int) -> bool:
    return size > NARROW


def _literal(number: int) -> str:
    """Return a number that is at least a BIGINT: DuckDB computes with the type of what stands beside it."""
    return f"CAST({number} AS {'HUGEINT' if _wide(abs(number)) else 'BIGINT'})"


def decimal(x: Whole | str, decimals: int) -> str:
    """Return a whole number as the DECIMAL(38, ``decimals``) that it stands for."""
    sql = x if isinstance(x, str) else x.sql
    smallest = f"0.{'0' * (decimals - 1)}1" if decimals else "1"
    return (
        f"CAST(CAST({sql} AS DECIMAL(38, 0)) * CAST({smallest} AS DECIMAL({decimals + 1}, {decimals})) "
        f"AS DECIMAL(38, {decimals}))"
    )
