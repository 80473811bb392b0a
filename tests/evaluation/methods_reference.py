"""Transforms and normalisations, slowly and plainly, on whole columns: what the engine must equal.

Fractions; logarithms and powers in decimals of 80 digits, where what lies within 1e-40 of an edge is the
edge. Values are one per unit, None where missing; ``who`` says of each unit whether the rule is for it, in
which group it is, and whether it counts among all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Any

Value = Fraction | None
C = Context(prec=80)
NEAR = Fraction(1, 10**40)


class FewError(Exception):
    """Too few values, and nothing said for that."""


class TooLargeError(Exception):
    """No value of the engine."""


@dataclass(frozen=True)
class Who:
    group: str
    applies: bool
    counted: bool


def half_up(number: Fraction, decimals: int) -> Fraction:
    """Half away from zero; what only rounding in the 80th digit keeps from an edge is the edge."""
    scale = 10**decimals
    size = abs(number) * scale + Fraction(1, 2)
    whole = floor(size + NEAR)
    return Fraction(whole if number >= 0 else -whole, scale)


def dec(x: Fraction) -> Decimal:
    return C.divide(Decimal(x.numerator), Decimal(x.denominator))


def ln(x: Fraction) -> Fraction:
    return Fraction(C.ln(dec(x)))


def exp(x: Fraction) -> Fraction:
    if x > 40:
        raise TooLargeError
    return Fraction(C.exp(dec(x))) if x > -100 else Fraction(0)


def sqrt(x: Fraction) -> Fraction:
    return Fraction(C.sqrt(dec(x)))


def mean(xs: Sequence[Fraction]) -> Fraction:
    return half_up(sum(xs, Fraction(0)) / len(xs), 12)


def deviation(xs: Sequence[Fraction], less: int) -> Fraction:
    centre = sum(xs, Fraction(0)) / len(xs)
    return half_up(sqrt(sum(((x - centre) ** 2 for x in xs), Fraction(0)) / (len(xs) - less)), 12)


def median(xs: Sequence[Fraction]) -> Fraction:
    s = sorted(xs)
    return half_up((s[(len(s) - 1) // 2] + s[len(s) // 2]) / 2, 12)


def quantile(xs: Sequence[Fraction], p: Fraction, kind: str) -> Fraction:
    s = sorted(xs)
    if kind == "nearest":
        return s[max(1, ceil(len(s) * p)) - 1]
    h = (len(s) - 1) * p
    k = floor(h)
    return half_up(s[k] + (h - k) * (s[min(k + 1, len(s) - 1)] - s[k]), 12)


def shape(xs: Sequence[Fraction]) -> tuple[Fraction, Fraction] | None:
    """G1 and G2, straight from their definitions."""
    n = len(xs)
    centre = sum(xs, Fraction(0)) / n
    m2, m3, m4 = (sum(((x - centre) ** k for x in xs), Fraction(0)) / n for k in (2, 3, 4))
    if not m2:
        return None
    g1 = m3 / (m2 * sqrt(m2))
    g2 = m4 / m2**2 - 3
    return g1 * sqrt(Fraction(n * (n - 1))) / (n - 2), ((n + 1) * g2 + 6) * (n - 1) / ((n - 2) * (n - 3))


def others(values: Sequence[Value], who: Sequence[Who], within: str, group: str) -> list[Fraction]:
    return [
        v
        for v, w in zip(values, who, strict=True)
        if v is not None and w.applies and (w.counted if within == "all" else w.group == group)
    ]


def transform(values: Sequence[Value], who: Sequence[Who], t: Any) -> list[Value]:
    """One transform of a column. Raises ZeroDivisionError or ValueError for what is not defined."""
    if t.transform == "impute":
        return [_imputed(values, who, t, k) for k in range(len(values))]
    single: dict[str, Callable[[Fraction], Value]] = {
        "multiply": lambda v: v * Fraction(t.by),
        "log": lambda v: _log(v, t),
        "exp": lambda v: exp(v * Fraction(t.rate)),
        "power": lambda v: _power(v, Fraction(t.exponent)),
        "clip": lambda v: _clip(v, t),
    }
    new: list[Value] = []
    for v, w in zip(values, who, strict=True):
        x: Value = None
        if v is not None and w.applies:
            own = others(values, who, getattr(t, "within", "all"), w.group)
            x = single[t.transform](v) if t.transform in single else _winsorised(v, own, t)
        new.append(None if x is None else half_up(x, 12))
    if any(x is not None and abs(x) >= 10**13 for x in new):
        raise TooLargeError
    return new


def _log(v: Fraction, t: Any) -> Value:
    x = v + Fraction(t.plus)
    if x <= 0:
        if t.not_positive == "missing":
            return None
        raise ValueError("log")
    return ln(x) if t.base == "e" else ln(x) / ln(Fraction(t.base))


def _power(v: Fraction, e: Fraction) -> Fraction:
    if e.denominator == 1:
        return v ** int(e)
    if v < 0 or (v == 0 and e < 0):
        raise ValueError("power")
    return exp(e * ln(v)) if v else Fraction(0)


def _clip(v: Fraction, t: Any) -> Fraction:
    v = v if t.minimum is None else max(v, Fraction(t.minimum))
    return v if t.maximum is None else min(v, Fraction(t.maximum))


def _imputed(values: Sequence[Value], who: Sequence[Who], t: Any, k: int) -> Value:
    if values[k] is not None or not who[k].applies:
        return values[k] if who[k].applies else None
    statistic = mean if t.by == "mean" else median
    own = others(values, who, t.within, who[k].group)
    if len(own) >= t.minimum_members:
        return statistic(own)
    everybody = others(values, who, "all", "")
    return statistic(everybody) if t.otherwise == "all" and everybody else None


def _winsorised(v: Fraction, own: Sequence[Fraction], t: Any) -> Fraction:
    if len(own) < t.minimum_members:
        return v
    if t.transform == "winsorise_skew":
        return _skew(v, own, t)
    if t.transform == "winsorise_share":
        low, high = (quantile(own, Fraction(p), t.quantile) for p in (t.lower, t.upper))
    elif t.by == "iqr":
        q1, q3 = (quantile(own, Fraction(p, 4), "linear") for p in (1, 3))
        low, high = (half_up(x, 12) for x in (q1 - Fraction(t.k) * (q3 - q1), q3 + Fraction(t.k) * (q3 - q1)))
    else:
        reach = Fraction(t.k) * deviation(own, 1)
        low, high = half_up(mean(own) - reach, 12), half_up(mean(own) + reach, 12)
    return min(max(v, low), high)


def _skew(v: Fraction, own: Sequence[Fraction], t: Any) -> Fraction:
    def beyond(s: tuple[Fraction, Fraction] | None) -> bool:
        return s is not None and abs(s[0]) > Fraction(t.skewness) and s[1] > Fraction(t.kurtosis)

    first = shape(own)
    if not beyond(first):
        return v
    xs, s = list(own), first
    highest: set[int] = set()
    lowest: set[int] = set()
    while beyond(s) and len(highest) + len(lowest) < t.most:
        assert s is not None
        edge = max(xs) if s[0] >= 0 else min(xs)
        at = {k for k, x in enumerate(xs) if x == edge}
        inner = [x for x in xs if x != edge]
        for k in at:
            xs[k] = max(inner) if s[0] >= 0 else min(inner)
        highest, lowest = (at, lowest) if s[0] >= 0 else (highest, at)
        s = shape(xs)
    if not beyond(s) or t.then == "keep":
        return min(max(v, min(xs)), max(xs))
    if t.then == "restore":
        return v
    assert first is not None
    low, high = min(own), max(own)
    mirrored = first[0] < 0 and t.then != "log_from_minimum"
    distance = high - v if mirrored else v - low
    if t.then == "log_stretched" and high * Fraction(t.stretch) <= 0:
        raise ValueError("log")
    if t.then == "log_stretched":
        x = (high * Fraction(t.stretch) - 1) * distance / (high - low) + 1
    else:
        x = distance + (high - low) / 100
    if x <= 0:
        raise ValueError("log")  # of one that does not count among the others
    return -ln(x) if mirrored else ln(x)


def normalise(values: Sequence[Value], who: Sequence[Who], n: Any, full: Fraction, r: int) -> list[Value]:
    """The rounded scores of a column that has been transformed."""
    new: list[Value] = []
    for v, w in zip(values, who, strict=True):
        if v is None or not w.applies:
            new.append(None)
            continue
        own = others(values, who, getattr(n, "within", "all"), w.group)
        new.append(half_up(_score(v, w, own, n, full), r))
    return new


def _score(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Fraction:
    score = _METHODS[n.method](v, w, own, n, full)
    if score is not None:
        return score
    if n.otherwise is None:
        raise FewError
    return Fraction(n.otherwise)


def _goalposts(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    low, high = Fraction(n.minimum), Fraction(n.maximum)
    if n.clamp in ("both", "minimum"):
        v = max(v, low)
    if n.clamp in ("both", "maximum"):
        v = min(v, high)
    if n.scale == "log":
        if v <= 0:
            raise ValueError("log")
        share = ln(v / low) / ln(high / low)
    else:
        share = (v - low) / (high - low)
    share = 1 - share if n.direction == "down" else share
    return Fraction(n.lowest) + share * (Fraction(n.highest) - Fraction(n.lowest))


def _enough(own: list[Fraction], n: Any) -> bool:
    return len(own) >= max(1, n.minimum_members)


def _min_max(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    if not _enough(own, n) or min(own) == max(own):
        return None
    share = (v - min(own)) / (max(own) - min(own))
    share = 1 - share if n.direction == "down" else share
    return Fraction(n.lowest) + share * (Fraction(n.highest) - Fraction(n.lowest))


def _z_score(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    if not _enough(own, n):
        return None
    spread = deviation(own, 1 if n.deviation == "sample" else 0)
    z = (v - mean(own)) / spread if spread else None
    return None if z is None else Fraction(n.mean) + Fraction(n.spread) * (-z if n.direction == "down" else z)


def _standing(v: Fraction, w: Who, own: list[Fraction], n: Any) -> tuple[int, int, int, int]:
    """How many are worse, the same, different up to here, and there are; one that does not count is added."""
    if n.within == "all" and not w.counted:
        own = [*own, v]
    worse = [x for x in own if (x > v if n.direction == "down" else x < v)]
    return len(worse), sum(x == v for x in own), len(set(worse)) + 1, len(own)


def _place(v: Fraction, w: Who, own: list[Fraction], n: Any) -> Fraction:
    worse, same, different, _ = _standing(v, w, own, n)
    return {
        "min": Fraction(worse + 1),
        "max": Fraction(worse + same),
        "dense": Fraction(different),
        "average": worse + Fraction(same + 1, 2),
    }[n.ties]


def _rank(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    return _place(v, w, own, n) * Fraction(n.points) if _enough(own, n) else None


def _percentile(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    if not _enough(own, n):
        return None
    worse, same, _, members = _standing(v, w, own, n)
    return {
        "inclusive": lambda: Fraction(worse, members - 1),
        "exclusive": lambda: Fraction(worse + 1, members + 1),
        "midpoint": lambda: (worse + Fraction(same, 2)) / members,
        "at_or_below": lambda: Fraction(worse + same, members),
    }[n.definition]() * full


def _exponential(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    if not _enough(own, n):
        return None
    c, share = Fraction(n.constant), _place(v, w, own, n) / _standing(v, w, own, n)[3]
    if share == 1:
        return full
    return -c * ln((1 - share) + share * exp(-100 / c)) * full / 100


def _distance(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    sign = -1 if n.direction == "down" else 1
    if n.worst == "observed":
        if not _enough(own, n):
            return None
        worst = min(x * sign for x in own) * sign
    else:
        worst = Fraction(n.worst)
    if (Fraction(n.target) - worst) * sign <= 0:
        return None
    share = (v - worst) / (Fraction(n.target) - worst)
    return min(max(share * full, Fraction(0)), Fraction(n.cap))


def _efficacy(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    sign = -1 if n.direction == "down" else 1
    given = [x for x in (n.satisfactory, n.not_allowed) if x != "observed"]
    if len(given) < 2 and not _enough(own, n):
        return None
    best = max(x * sign for x in own) * sign if n.satisfactory == "observed" else Fraction(n.satisfactory)
    worst = min(x * sign for x in own) * sign if n.not_allowed == "observed" else Fraction(n.not_allowed)
    if len(given) < 2 and (best - worst) * sign <= 0:
        return None
    if n.clamp:
        v = min(max(v, min(best, worst)), max(best, worst))
    return Fraction(n.base) + Fraction(n.span) * (v - worst) / (best - worst)


def _piecewise(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    points = [(Fraction(p.at), Fraction(p.score)) for p in n.points]
    if v <= points[0][0]:
        return points[0][1]
    for (a, low), (b, high) in pairwise(points):
        if v <= b:
            return low + (high - low) * (v - a) / (b - a)
    return points[-1][1]


def _steps(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    reached = [s for s in n.steps if s.at_least is None or v >= Fraction(s.at_least)][-1]
    above = v - Fraction(reached.at_least) if reached.at_least is not None else Fraction(0)
    points = Fraction(reached.score) + Fraction(reached.per_unit) * above
    return points if reached.cap is None else min(points, Fraction(reached.cap))


def _ratio(v: Fraction, w: Who, own: list[Fraction], n: Any, full: Fraction) -> Value:
    b = n.benchmark
    if isinstance(b, dict):
        benchmark = Fraction(b[w.group])
    elif isinstance(b, Decimal):
        benchmark = Fraction(b)
    else:
        benchmark = Fraction(b.otherwise)
        statistics = {"mean": mean, "median": median, "maximum": max}
        if len(own) >= b.minimum_members and own:
            found = statistics[b.statistic](own)
            benchmark = found if found > 0 else benchmark
    return min(max(full * v / benchmark, Fraction(0)), Fraction(n.cap))


_METHODS: dict[str, Callable[..., Value]] = {
    "goalposts": _goalposts,
    "min_max": _min_max,
    "z_score": _z_score,
    "rank": _rank,
    "percentile_rank": _percentile,
    "exponential_rank": _exponential,
    "distance_to_target": _distance,
    "efficacy": _efficacy,
    "piecewise": _piecewise,
    "steps": _steps,
    "ratio_to_benchmark": _ratio,
    "boolean": lambda v, w, own, n, full: Fraction(n.score if v == 1 else n.otherwise),
    "expert_mean": lambda v, w, own, n, full: (
        full * (v - Fraction(n.scale.minimum)) / (Fraction(n.scale.maximum) - Fraction(n.scale.minimum))
    ),
    "per_unit": lambda v, w, own, n, full: min(max(v * Fraction(n.points), Fraction(0)), Fraction(n.cap)),
}
