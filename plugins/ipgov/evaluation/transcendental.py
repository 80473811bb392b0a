"""Logarithms, powers, exponentials and square roots, rounded half-up exactly.

SQL takes a candidate in floating point; where that lies so near to the edge between two results that its
error could matter, the functions here decide: in decimals of 48 digits, of more where even those lie too
near, and in whole numbers where the result may be the edge itself. No machine's ``ln`` or ``exp`` decides.

Values are whole numbers at 12 decimals; results whole numbers at ``decimals``, as text for SQL.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from fractions import Fraction

from ipgov.evaluation.scales import VALUE_DECIMALS, VALUE_DIGITS

UNIT = 10**VALUE_DECIMALS
_TOO_LARGE = 10 ** (VALUE_DIGITS + VALUE_DECIMALS)  # refused by the check of the range
_PRECISIONS = (48, 96, 192, 384, 768)
_GUARD = 12  # digits that the few steps of a computation may lose
# a / b with fewer than 10 ** 40 in both is no q-th power of a fraction but 1 for a larger q
_LARGEST_ROOT = 140
_HALF = Fraction(1, 2)


def half_up(number: Fraction) -> int:
    """Return the nearest whole number, halves away from zero (四舍五入)."""
    size = math.floor(abs(number) + _HALF)
    return size if number >= 0 else -size


def square_root(number: Fraction) -> int:
    """Return the square root of a number that is not negative, as a whole number rounded half-up."""
    return (math.isqrt(math.floor(4 * number)) + 1) // 2


def exact_log(u: str, times: str, plus: str, over: str, base: str, decimals: int) -> str:
    """Return the logarithm of (u x times + plus) / over; nothing where that is not greater than zero.

    ``base``: e, 2 or 10. Irrational, or whole: never on an edge.
    """
    argument = Fraction(int(u) * int(times) + int(plus), int(over))
    if argument <= 0:
        return ""

    def compute(c: Context) -> Decimal:
        log = c.ln(_decimal(c, argument))
        return log if base == "e" else c.divide(log, c.ln(Decimal(base)))

    return str(_settled(compute, decimals, lambda edge: False))


def exact_exp(value: str, rate: str) -> str:
    """Return e to the power of value x rate at 12 decimals; irrational but for 0, where it is 1."""
    exponent = Fraction(int(value), UNIT) * Fraction(rate)
    if not exponent:
        return str(UNIT)
    if exponent > (VALUE_DIGITS + 1) * 3:  # ln 10 < 3
        return str(_TOO_LARGE)
    if exponent < -(VALUE_DECIMALS + 1) * 3:
        return "0"
    return str(_settled(lambda c: c.exp(_decimal(c, exponent)), VALUE_DECIMALS, lambda edge: False))


def exact_power(value: str, exponent: str) -> str:
    """Return value to the power of exponent at 12 decimals, where that is defined."""
    base, power = Fraction(int(value), UNIT), Fraction(exponent)
    p, q = power.numerator, power.denominator
    if not base:
        return "0"
    magnitude = float(power) * math.log10(abs(base))  # far from any limit that is decided by it
    if magnitude > VALUE_DIGITS + 1:
        return str(_TOO_LARGE)
    if magnitude < -VALUE_DECIMALS - 2:
        return "0"
    if q == 1:
        return str(half_up(base**p * UNIT))
    if power == _HALF:
        return str(square_root(base * UNIT**2))

    def exactly(edge: Fraction) -> bool:
        return base == edge == 1 or (q <= _LARGEST_ROOT and base**p == edge**q)

    def compute(c: Context) -> Decimal:
        return c.exp(c.multiply(_decimal(c, power), c.ln(_decimal(c, base))))

    return str(_settled(compute, VALUE_DECIMALS, exactly))


def exact_log_share(value: str, low: str, high: str, lowest: str, span: str, decimals: int) -> str:
    """Return lowest + span x ln(value / low) / ln(high / low), value greater than zero, 0 < low < high."""
    part, whole = Fraction(int(value), int(low)), Fraction(int(high), int(low))
    start, length = Fraction(lowest), Fraction(span)
    if part == 1:
        return str(half_up(start * 10**decimals))

    def exactly(edge: Fraction) -> bool:
        share = (edge - start) / length
        p, q = share.numerator, share.denominator
        # part ** q == whole ** p with q > 1 needs a whole that is a q-th power
        return q <= _LARGEST_ROOT and abs(p) <= 100 * q and part**q == whole**p

    def compute(c: Context) -> Decimal:
        c = Context(prec=c.prec + 40)  # of parts that differ by the least there is from 1
        share = c.divide(c.ln(_decimal(c, part)), c.ln(_decimal(c, whole)))
        return c.add(_decimal(c, start), c.multiply(_decimal(c, length), share))

    return str(_settled(compute, decimals, exactly))


def exact_exponential_rank(place: int, members: int, constant: str, full: str, decimals: int) -> str:
    """Return -constant x ln(1 - R (1 - exp(-100 / constant))) x full / 100, R = place / (2 x members)."""
    share, scale = Fraction(place, 2 * members), Fraction(full) / 100
    if share == 1:
        return str(half_up(Fraction(full) * 10**decimals))
    c_ = Fraction(constant)

    def compute(c: Context) -> Decimal:
        tail = c.exp(_decimal(c, -100 / c_))
        # 1 - R + R x tail: no digits cancel
        inner = c.add(_decimal(c, 1 - share), c.multiply(_decimal(c, share), tail))
        return c.multiply(_decimal(c, -c_ * scale), c.ln(inner))

    return str(_settled(compute, decimals, lambda edge: False))


FUNCTIONS: Mapping[Callable[..., str], tuple[str, ...]] = {
    exact_log: ("VARCHAR",) * 5 + ("INTEGER",),
    exact_exp: ("VARCHAR",) * 2,
    exact_power: ("VARCHAR",) * 2,
    exact_log_share: ("VARCHAR",) * 5 + ("INTEGER",),
    exact_exponential_rank: ("BIGINT", "BIGINT", "VARCHAR", "VARCHAR", "INTEGER"),
}  # with the SQL types of their parameters; each gives VARCHAR


def _decimal(c: Context, number: Fraction) -> Decimal:
    return c.divide(Decimal(number.numerator), Decimal(number.denominator))


def _settled(
    compute: Callable[[Context], Decimal], decimals: int, exactly: Callable[[Fraction], bool]
) -> int:
    """Return the result x 10 ** decimals, rounded half-up; ``exactly`` tells whether it is an edge itself."""
    below, sign = 0, 1
    for precision in _PRECISIONS:
        c = Context(prec=precision)
        scaled = c.scaleb(compute(c), decimals)
        sign, size = (-1 if scaled < 0 else 1), c.abs(scaled)
        below = int(size)
        beyond = c.subtract(c.subtract(size, Decimal(below)), Decimal("0.5"))
        error = c.scaleb(max(size, Decimal(1)), decimals + _GUARD - precision)
        if abs(beyond) > error:
            return sign * (below + (beyond > 0))
        if exactly(sign * (below + _HALF) / 10**decimals):
            break
    return sign * (below + 1)
