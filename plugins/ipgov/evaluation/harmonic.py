"""The weighted harmonic mean, rounded half-up exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction


def exact_harmonic_mean(terms: str, decimals: int) -> str:
    """Return (sum of weights) / (sum of weight / score), times 10 ** ``decimals``, as an integer.

    ``terms``: ``weight*score`` by spaces; weights are whole numbers, a weight of 0 does not count; no score
    is negative, and with a score of 0 the mean is 0.
    """
    pairs = [(int(w), Fraction(Decimal(s))) for w, s in (t.split("*") for t in terms.split(" "))]
    pairs = [(w, s) for w, s in pairs if w]
    if any(s == 0 for _, s in pairs):
        return "0"
    mean = Fraction(sum(w for w, _ in pairs)) / sum(w / s for w, s in pairs)
    return str((2 * mean.numerator * 10**decimals + mean.denominator) // (2 * mean.denominator))
