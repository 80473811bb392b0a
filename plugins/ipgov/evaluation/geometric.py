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
    pairs = [(w, s) for w, s in pairs if w]
    if any(s == 0 for _, s in pairs):
        return "0"
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
