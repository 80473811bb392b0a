"""The scales of the engine that no rule names, and decimals as integers at a scale."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from ipgov.core.errors import GovernanceError

VALUE_DECIMALS = 12  # of values, quotients, benchmarks and unrounded totals
VALUE_DIGITS = 13  # before the point
CONTRIBUTION_DECIMALS = 6  # at least
SHOWN = 20  # of what is wrong, and its whole number


def half_up(number: Decimal, decimals: int) -> int:
    """Return the number times ten to the ``decimals``, rounded half away from zero (四舍五入)."""
    return int(number.scaleb(decimals).quantize(Decimal(1), ROUND_HALF_UP))


def decimals_of(numbers: Iterable[Decimal]) -> int:
    """Return how many decimals the numbers need."""
    return max((max(0, -int(n.normalize().as_tuple().exponent)) for n in numbers), default=0)


def exact(number: Decimal, decimals: int = VALUE_DECIMALS) -> int:
    """Return the number as an integer at ``decimals``; GovernanceError where digits would be lost."""
    if decimals_of([number]) > decimals or abs(number) >= 10**VALUE_DIGITS:
        raise GovernanceError(
            f"规则中的数 {number} 位数过多：整数部分不超过 {VALUE_DIGITS} 位，小数不超过 {decimals} 位"
        )
    return int(number.scaleb(decimals))
