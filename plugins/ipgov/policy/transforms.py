"""What is done to values before they become scores: transforms, in the order in which a rule lists them.

Every transform gives 12 decimals, rounded half-up. Those that look at other units say ``within`` which (who
counts: methods.py); of fewer than ``minimum_members`` values each says itself what it does. What is missing
passes through, but for ``Impute``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block, Positive, Within


class Multiply(Block):
    """Value x ``by``: a change of unit, or of sign."""

    transform: Literal["multiply"]
    by: Decimal


class Log(Block):
    """Logarithm of value + ``plus``; not defined at or below zero: an error, or (``missing``) no value."""

    transform: Literal["log"]
    base: Literal["e", "2", "10"] = "e"
    plus: Decimal = Decimal(0)
    not_positive: Literal["error", "missing"] = "error"


class Exp(Block):
    """e to the power of value x ``rate``."""

    transform: Literal["exp"]
    rate: Decimal = Decimal(1)


class Power(Block):
    """Value to a power: 0.5 is the square root, -1 the reciprocal.

    Not defined for a value (a part of a power of a negative one, a negative power of 0): an error.
    """

    transform: Literal["power"]
    exponent: Decimal

    @model_validator(mode="after")
    def _not_zero(self) -> Power:
        if not self.exponent:
            raise ValueError("power：exponent 不能为 0")
        return self


class Clip(Block):
    """No value below ``minimum`` or above ``maximum``: what lies beyond is set to it."""

    transform: Literal["clip"]
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Clip:
        low, high = self.minimum, self.maximum
        if (low is None and high is None) or (low is not None and high is not None and low >= high):
            raise ValueError("clip：minimum 与 maximum 至少写一个，且 minimum 须小于 maximum")
        return self


class Impute(Block):
    """A missing value becomes the mean or median of the values there are within the group, or of all.

    ``otherwise``, with fewer values than ``minimum_members``: ``missing`` leaves it missing, ``all`` takes
    the statistic of all units.
    """

    transform: Literal["impute"]
    by: Literal["mean", "median"]
    within: Within
    minimum_members: Annotated[int, Field(ge=1)] = 1
    otherwise: Literal["missing", "all"] = "missing"

    @model_validator(mode="after")
    def _wider(self) -> Impute:
        if self.within == "all" and self.otherwise == "all":
            raise ValueError("impute：within 已是 all，otherwise 只能为 missing")
        return self


class WinsoriseShare(Block):
    """Values beyond two quantiles are set to them.

    ``quantile``: ``linear`` (h = (n - 1) p + 1, interpolated: type 7 of Hyndman and Fan 1996, PERCENTILE.INC)
    or ``nearest`` (the value at rank ceil(n p), at least 1). Fewer values than ``minimum_members`` stay.
    """

    transform: Literal["winsorise_share"]
    lower: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal(0)
    upper: Annotated[Decimal, Field(gt=0, le=1)] = Decimal(1)
    quantile: Literal["linear", "nearest"] = "linear"
    within: Within = "all"
    minimum_members: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _ordered(self) -> WinsoriseShare:
        if self.lower >= self.upper or (self.lower == 0 and self.upper == 1):
            raise ValueError("winsorise_share：lower 须小于 upper，且两者不能为 0 与 1")
        return self


class WinsoriseSkew(Block):
    """Outliers are drawn in, turn by turn, while skewness and kurtosis both exceed their limits.

    Sample skewness G1 and excess kurtosis G2 (those of spreadsheets). While abs(G1) > ``skewness`` and
    G2 > ``kurtosis`` and fewer than ``most`` values have been drawn in, all values that share the outermost
    place on the side of the skew (upper where G1 >= 0) are set to the next value inwards, so that each turn
    draws in at least one more (JRC practice; COINr ``winsorise``; ties may carry the last turn beyond
    ``most``). If both limits are still exceeded, ``then``:

    - ``keep`` the winsorised values, or ``restore`` those given;
    - ``log`` of those given, by the side of their skew: ln(x - min + a), or -ln(max - x + a) where it is
      negative, with a = 0.01 x (max - min) (COINr ``log_CT_plus``);
    - ``log_from_minimum``: ln(x - min + a) on whichever side (COINr ``log_CT``, its default);
    - ``log_stretched``: ln((max x ``stretch`` - 1) (x - min) / (max - min) + 1), turned round where the skew
      is negative: -ln((max x ``stretch`` - 1) (max - x) / (max - min) + 1) (Global Innovation Index;
      ``stretch`` is its f). Not defined where max x ``stretch`` is not positive: an error.

    Fewer values than ``minimum_members``, and values all the same, stay.
    """

    transform: Literal["winsorise_skew"]
    skewness: Positive = Decimal(2)
    kurtosis: Positive = Decimal("3.5")
    most: Annotated[int, Field(ge=1)] = 5
    then: Literal["keep", "restore", "log", "log_from_minimum", "log_stretched"] = "log"
    stretch: Positive = Decimal(1)
    within: Within = "all"
    minimum_members: Annotated[int, Field(ge=4)] = 4

    @model_validator(mode="after")
    def _stretch_used(self) -> WinsoriseSkew:
        if self.stretch != 1 and self.then != "log_stretched":
            raise ValueError("winsorise_skew：stretch 只用于 then: log_stretched")
        return self


class WinsoriseFences(Block):
    """Values beyond fences are set to them.

    ``iqr``: quartiles (type 7) less and plus ``k`` interquartile ranges (Tukey); ``deviations``: mean
    less and plus ``k`` sample standard deviations. Fewer values than ``minimum_members`` stay.
    """

    transform: Literal["winsorise_fences"]
    by: Literal["iqr", "deviations"]
    k: Positive
    within: Within = "all"
    minimum_members: Annotated[int, Field(ge=2)] = 4


Transform = Annotated[
    Multiply | Log | Exp | Power | Clip | Impute | WinsoriseShare | WinsoriseSkew | WinsoriseFences,
    Field(discriminator="transform"),
]
