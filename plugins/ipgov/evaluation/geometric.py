"""The weighted geometric mean, rounded half-up exactly.

SQL takes a candidate in floating point; where that lies so near to the edge between two results that its
error could matter, the edge itself is compared in integers here: no machine's ``exp`` decides.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

_CONTEXT = Context(prec=60)
_NEAR = Decimal("1e-30")


def exact_geometric_mean(terms: str, decimals: int) -> str:
    """Return (product of score ** weight) ** (1 / sum of weights), times 10 ** ``decimals``, as an integer.

    ``terms``: ``weight*score`` by spaces; weights are whole numbers, a weight of 0 does not count.
    """
    pairs = [(int(w), Decimal(s)) for w, s in (t.split("*") for t in terms.split(" "))]
    by_score: dict[Decimal, int] = {}
    for w, s in pairs:
        if w:
            by_score[s] = by_score.get(s, 0) + w
    if 0 in by_score:
        return "0"
    # the mean of one number is that number: on the edge, its power would be as long as its weight is great
    pairs = [(w if len(by_score) > 1 else 1, s) for s, w in by_score.items()]
    divisor = math.gcd(*(w for w, _ in pairs))
    pairs = [(w // divisor, s) for w, s in pairs]
    total = sum(w for w, _ in pairs)
    c = _CONTEXT
    log = Decimal(0)
    for w, s in pairs:
        log = c.add(log, c.multiply(Decimal(w), c.ln(s)))
    scaled = c.scaleb(c.exp(c.divide(log, Decimal(total))), decimals)
    below = int(scaled)
    edge = Decimal(below) + Decimal("0.5")
    if abs(c.subtract(scaled, edge)) > _NEAR:
        return str(int(scaled.quantize(Decimal(1), ROUND_HALF_UP, c)))
    product = math.prod(Fraction(s) ** w for w, s in pairs)
    return str(below + 1 if product >= (Fraction(edge) / 10**decimals) ** total else below)
