"""Units of what is measured: shares, and money with how its units convert."""

from __future__ import annotations

RATIO = "比值"  # a share of 1: 0.1; people read it as 10%
# powers of ten of the units of money
MONEY = {
    "元": 0,
    "千元": 3,
    "万元": 4,
    "百万元": 6,
    "千万元": 7,
    "亿元": 8,
}


def power_between(unit: str, other: str) -> int | None:
    """Return the power of ten that turns an amount in ``unit`` into one in ``other``; None: there is none."""
    if unit == other:
        return 0
    return MONEY[unit] - MONEY[other] if unit in MONEY and other in MONEY else None
