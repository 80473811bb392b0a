"""Winsorising by skewness and kurtosis, exactly: every comparison is made between fractions.

Sample skewness G1 and excess kurtosis G2 as in spreadsheets (and R's e1071, type 2):

    G1 = sqrt(n (n - 1)) / (n - 2) x g1            g1 = m3 / m2 ** (3/2)
    G2 = ((n + 1) g2 + 6) (n - 1) / ((n - 2) (n - 3))   g2 = m4 / m2 ** 2 - 3
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, islice
from operator import mul

from ipgov.evaluation.scales import VALUE_DECIMALS
from ipgov.evaluation.transcendental import UNIT, half_up, square_root
from ipgov.policy.transforms import WinsoriseSkew

LEAST = 4  # kurtosis of fewer values is not defined


@dataclass(frozen=True)
class Shape:
    """Skewness as its sign and its square, and kurtosis, of values that are not all the same."""

    sign: int
    skewness_squared: Fraction
    kurtosis: Fraction

    def beyond(self, rule: WinsoriseSkew) -> bool:
        """Tell whether both limits are exceeded."""
        limit = Fraction(rule.skewness)
        return self.skewness_squared > limit * limit and self.kurtosis > Fraction(rule.kurtosis)

    @property
    def skewness(self) -> int:
        """Return the skewness at 12 decimals."""
        return self.sign * square_root(self.skewness_squared * UNIT**2)


@dataclass(frozen=True)
class Treatment:
    """What becomes of the values: ``mode`` is clamp (to low and high), log, mirrored_log, undefined or "".

    A logarithm is of (distance x multiplier + addend) / divisor, the distance of a value from ``low``
    (mirrored: from ``high``) being a whole number at 12 decimals. ``drawn``: how many values were drawn in.
    """

    mode: str
    low: int
    high: int
    before: Shape | None = None
    after: Shape | None = None
    drawn: int = 0
    multiplier: int = 1
    addend: int = 0
    divisor: int = UNIT


class _Moments:
    """Power sums of whole numbers, of which some are replaced."""

    def __init__(self, values: Sequence[int]):
        self.n = len(values)
        self.origin = values[0]
        # smaller numbers, faster sums; neither changes skewness or kurtosis
        self.unit = math.gcd(*[v - self.origin for v in values]) or 1
        numbers = [(v - self.origin) // self.unit for v in values]
        squares = list(map(mul, numbers, numbers))
        self.sums = [
            sum(numbers),
            sum(squares),
            sum(map(mul, numbers, squares)),
            sum(map(mul, squares, squares)),
        ]

    def replace(self, old: int, new: int, count: int) -> None:
        a, b = (old - self.origin) // self.unit, (new - self.origin) // self.unit
        self.sums = [s + count * (b**k - a**k) for k, s in enumerate(self.sums, 1)]

    def shape(self) -> Shape | None:
        n, (s1, s2, s3, s4) = self.n, self.sums
        # n**2, n**3 and n**4 times the central moments
        m2 = n * s2 - s1**2
        if not m2:
            return None
        m3 = n**2 * s3 - 3 * n * s1 * s2 + 2 * s1**3
        m4 = n**3 * s4 - 4 * n**2 * s1 * s3 + 6 * n * s1**2 * s2 - 3 * s1**4
        kurtosis = ((n + 1) * (Fraction(m4, m2**2) - 3) + 6) * Fraction(n - 1, (n - 2) * (n - 3))
        squared = Fraction(n * (n - 1) * m3**2, (n - 2) ** 2 * m2**3)
        return Shape((m3 > 0) - (m3 < 0), squared, kurtosis)


def treat(values: Sequence[int], rule: WinsoriseSkew) -> Treatment:
    """Return what becomes of values (ascending, at 12 decimals)."""
    low, high = (values[0], values[-1]) if values else (0, 0)
    untouched = Treatment("", low, high)
    if len(values) < max(LEAST, rule.minimum_members):
        return untouched
    moments = _Moments(values)
    before = moments.shape()
    if before is None or not before.beyond(rule):
        return replace(untouched, before=before)
    after, low, high, drawn = _drawn_in(values, moments, before, rule)
    kept = Treatment("clamp", low, high, before, after, drawn)
    if after is None or not after.beyond(rule) or rule.then == "keep":
        return kept
    if rule.then == "restore":
        return replace(untouched, before=before, after=after, drawn=drawn)
    return _logarithm(kept, values[0], values[-1], rule)


def _drawn_in(
    values: Sequence[int], moments: _Moments, shape: Shape | None, rule: WinsoriseSkew
) -> tuple[Shape | None, int, int, int]:
    # no turn draws in less than one value: further inwards than this no turn reaches
    lower, upper = _outermost(values, rule.most + 1), _outermost(values[::-1], rule.most + 1)
    below = above = 0
    while shape is not None and shape.beyond(rule) and below + above < rule.most:
        side = upper if shape.sign >= 0 else lower
        old, count = side.pop(0)
        moments.replace(old, side[0][0], count)
        side[0][1] += count
        below, above = (below, count) if shape.sign >= 0 else (count, above)
        shape = moments.shape()
    return shape, lower[0][0], upper[0][0], below + above


def _outermost(values: Sequence[int], number: int) -> list[list[int]]:
    """Return the first different values, each with how often it stands there."""
    return [[v, sum(1 for _ in same)] for v, same in islice(groupby(values), number)]


def _logarithm(kept: Treatment, low: int, high: int, rule: WinsoriseSkew) -> Treatment:
    mirrored = kept.before is not None and kept.before.sign < 0 and rule.then != "log_from_minimum"
    log = replace(kept, mode="mirrored_log" if mirrored else "log", low=low, high=high)
    if rule.then != "log_stretched":
        # (100 x distance + range) / 100
        return replace(log, multiplier=100, addend=high - low, divisor=100 * UNIT)
    top = Fraction(high) * Fraction(rule.stretch)
    if top <= 0:
        return replace(log, mode="undefined")
    # (top - 1) x distance / range + 1, over the range
    slope = (top - UNIT) / UNIT
    scale = slope.denominator
    return replace(log, multiplier=slope.numerator, addend=(high - low) * scale, divisor=(high - low) * scale)


def kurtosis_shown(shape: Shape) -> int:
    """Return the kurtosis at 12 decimals."""
    return half_up(shape.kurtosis * 10**VALUE_DECIMALS)
