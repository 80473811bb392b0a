"""How a value, after its transforms, becomes a score: one normalisation.

Names follow the OECD/JRC Handbook on Constructing Composite Indicators (2008) and Chinese practice. Where a
method looks at other units, ``within`` says at which: ``all``, or those of the unit's own ``group``. Units
count that have a value and to which the indicator applies, those excluded for another value among them; units
of ``unranked`` groups do not count among ``all``. With fewer of them than ``minimum_members`` a normalisation
gives the score ``otherwise``, and where that is not written, it is an error.

Every statistic of units (mean, deviation) has 12 decimals, rounded half-up.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block, Positive, Within

Direction = Literal["up", "down"]
Ties = Literal["min", "max", "dense", "average"]


class Goalposts(Block):
    """Min-max with fixed goalposts, from ``lowest`` to ``highest`` points (default: the full score).

    (value - minimum) / (maximum - minimum); ``direction: down`` turns it round (less is better). ``clamp``:
    at which ends a value beyond its goalpost counts as the goalpost. ``scale: log`` takes logarithms of value
    and goalposts; a value that no clamp brings above 0 is then an error.
    """

    method: Literal["goalposts"]
    minimum: Decimal
    maximum: Decimal
    direction: Direction = "up"
    clamp: Literal["both", "minimum", "maximum", "none"] = "both"
    scale: Literal["linear", "log"] = "linear"
    lowest: Decimal = Decimal(0)
    highest: Decimal | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Goalposts:
        if self.minimum >= self.maximum:
            raise ValueError("goalposts：minimum 须小于 maximum")
        if self.scale == "log" and self.minimum <= 0:
            raise ValueError("goalposts：scale 为 log 时 minimum 须大于 0")
        return self


class MinMax(Block):
    """Min-max over the values there are, from ``lowest`` to ``highest`` points (default: the full score).

    All values the same count as too few members.
    """

    method: Literal["min_max"]
    within: Within
    direction: Direction = "up"
    lowest: Decimal = Decimal(0)
    highest: Decimal | None = None
    minimum_members: Annotated[int, Field(ge=2)] = 2
    otherwise: Decimal | None = None


class ZScore(Block):
    """``mean`` + ``spread`` x (value - mean of the values) / their standard deviation.

    ``deviation``: over n (``population``) or n - 1 (``sample``). All values the same count as too
    few members.
    """

    method: Literal["z_score"]
    within: Within
    direction: Direction = "up"
    deviation: Literal["population", "sample"]
    mean: Decimal = Decimal(0)
    spread: Positive = Decimal(1)
    minimum_members: Annotated[int, Field(ge=2)] = 2
    otherwise: Decimal | None = None


class Rank(Block):
    """The place counted from the worst (1) to the best (number of values); ``points`` for each place."""

    method: Literal["rank"]
    within: Within
    direction: Direction = "up"
    ties: Ties = "average"
    points: Positive = Decimal(1)
    minimum_members: Annotated[int, Field(ge=1)] = 1
    otherwise: Decimal | None = None


class PercentileRank(Block):
    """The share of the values that this one surpasses, x full score.

    With n values, of which b lie below and t are the same (itself among them): ``inclusive`` b / (n - 1),
    ``exclusive`` (b + 1) / (n + 1) (both as spreadsheets have them), ``midpoint`` (b + t / 2) / n,
    ``at_or_below`` (b + t) / n.
    """

    method: Literal["percentile_rank"]
    within: Within
    direction: Direction = "up"
    definition: Literal["inclusive", "exclusive", "midpoint", "at_or_below"]
    minimum_members: Annotated[int, Field(ge=2)] = 2
    otherwise: Decimal | None = None


class ExponentialRank(Block):
    """Rank, then -``constant`` x ln(1 - R (1 - exp(-100 / ``constant``))), R = place from the worst / number.

    From 0 to 100 (x full score / 100), steep at the top: with 23 a tenth of the units takes half of the range
    (English Indices of Deprivation).
    """

    method: Literal["exponential_rank"]
    within: Within
    direction: Direction = "up"
    ties: Ties = "average"
    constant: Positive = Decimal(23)
    minimum_members: Annotated[int, Field(ge=1)] = 1
    otherwise: Decimal | None = None


class DistanceToTarget(Block):
    """(value - worst) / (target - worst) x full score, from 0 to ``cap`` (a score; default: full score).

    ``worst``: a number, or the worst value there is. A target that is not beyond the worst value there is
    counts as too few members.
    """

    method: Literal["distance_to_target"]
    target: Decimal
    worst: Decimal | Literal["observed"]
    direction: Direction = "up"  # whether the target lies above or below
    within: Within = "all"
    cap: Positive | None = None
    minimum_members: Annotated[int, Field(ge=1)] = 1
    otherwise: Decimal | None = None

    @model_validator(mode="after")
    def _target_beyond_worst(self) -> DistanceToTarget:
        if (
            isinstance(self.worst, Decimal)
            and (self.target - self.worst) * (1 if self.direction == "up" else -1) <= 0
        ):
            raise ValueError("distance_to_target：target 须在 worst 的 direction 一侧")
        return self


class Efficacy(Block):
    """功效系数法: ``base`` + ``span`` x (value - not allowed) / (satisfactory - not allowed).

    ``satisfactory`` 满意值, ``not_allowed`` 不允许值: numbers, or the best and worst value there is; which of
    the two is greater gives the direction; where one is observed, ``direction`` does, and a satisfactory
    value that is not better than the one not allowed counts as too few members. ``clamp``: between base and
    base + span.
    """

    method: Literal["efficacy"]
    satisfactory: Decimal | Literal["observed"]
    not_allowed: Decimal | Literal["observed"]
    base: Decimal = Decimal(60)
    span: Positive = Decimal(40)
    clamp: bool = True
    direction: Direction = "up"
    within: Within = "all"
    minimum_members: Annotated[int, Field(ge=2)] = 2
    otherwise: Decimal | None = None

    @model_validator(mode="after")
    def _apart(self) -> Efficacy:
        if isinstance(self.satisfactory, Decimal) and self.satisfactory == self.not_allowed:
            raise ValueError("efficacy：satisfactory 与 not_allowed 不能相同")
        return self


class Point(Block):
    """A corner of a polygon."""

    at: Decimal
    score: Decimal


class Piecewise(Block):
    """A score that runs straight between corners and stays level beyond the first and the last.

    A moderate indicator (适度指标) is one that rises, stays and falls.
    """

    method: Literal["piecewise"]
    points: tuple[Point, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _ascending(self) -> Piecewise:
        if any(b.at <= a.at for a, b in pairwise(self.points)):
            raise ValueError("piecewise：各点的 at 须由小到大")
        return self


class Step(Block):
    """From this value on (inclusive): ``score``, plus ``per_unit`` for each unit above, up to ``cap``.

    Parts of a unit count in proportion. The lowest step has no value to count from, so no ``per_unit``.
    """

    at_least: Decimal | None = None  # None: below every other step
    score: Decimal
    per_unit: Decimal = Decimal(0)
    cap: Decimal | None = None


class Steps(Block):
    """档次: the highest step reached counts; floor, step and cap formulas."""

    method: Literal["steps"]
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ascending(self) -> Steps:
        floors = [s.at_least for s in self.steps]
        if floors[0] is not None:
            raise ValueError("steps：第一档不写 at_least，表示其余各档以下")
        numbers = [f for f in floors[1:] if f is not None]
        if len(numbers) != len(floors) - 1 or any(b <= a for a, b in pairwise(numbers)):
            raise ValueError("steps：各档 at_least 须由低到高，逐档写明")
        return self


class GroupBenchmark(Block):
    """A benchmark taken from the group's own values (of units excluded for another value too).

    ``otherwise`` is used with fewer values than ``minimum_members``, and where the statistic is not positive.
    """

    statistic: Literal["mean", "median", "maximum"]
    within: Within = "group"
    minimum_members: Annotated[int, Field(ge=1)]
    otherwise: Positive


class RatioToBenchmark(Block):
    """Value / benchmark x full score, between 0 and ``cap`` (a score; default: the full score)."""

    method: Literal["ratio_to_benchmark"]
    benchmark: Positive | dict[str, Positive] | GroupBenchmark
    cap: Positive | None = None


class TrueFalse(Block):
    """A yes/no value (1/0): ``score`` (default: the full score) for yes, ``otherwise`` for no."""

    method: Literal["boolean"]
    score: Decimal | None = None
    otherwise: Decimal = Decimal(0)


class Scale(Block):
    """From which to which number raters score; the lowest is worth 0, the highest the full score."""

    minimum: Decimal = Decimal(0)
    maximum: Decimal = Decimal(100)

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        if self.minimum >= self.maximum:
            raise ValueError("scale：minimum 须小于 maximum")
        return self


class ExpertMean(Block):
    """Mean of the raters' scores without the highest and lowest, if there are enough of them.

    With fewer than ``minimum_raters`` nothing is dropped: the mean of all counts, or the value is missing.
    """

    method: Literal["expert_mean"]
    scale: Scale = Scale()
    drop_highest: Annotated[int, Field(ge=0)] = 1
    drop_lowest: Annotated[int, Field(ge=0)] = 1
    minimum_raters: Annotated[int, Field(ge=1)]
    below_minimum: Literal["mean_of_all", "missing"] = "missing"

    @model_validator(mode="after")
    def _something_left(self) -> ExpertMean:
        if self.minimum_raters <= self.drop_highest + self.drop_lowest:
            raise ValueError("expert_mean：minimum_raters 须大于去掉的最高分与最低分个数之和")
        return self


class PerUnit(Block):
    """Points outside the weighted tree: value x ``points``, from 0 to ``cap``. For bonus and deduction."""

    method: Literal["per_unit"]
    points: Positive
    cap: Positive


class Threshold(Block):
    """True from this value on (inclusive). For veto."""

    method: Literal["threshold"]
    at_least: Decimal


Normalisation = Annotated[
    Goalposts
    | MinMax
    | ZScore
    | Rank
    | PercentileRank
    | ExponentialRank
    | DistanceToTarget
    | Efficacy
    | Piecewise
    | Steps
    | RatioToBenchmark
    | TrueFalse
    | ExpertMean
    | PerUnit
    | Threshold,
    Field(discriminator="method"),
]
NodeNormalisation = Annotated[
    Goalposts | MinMax | ZScore | Rank | PercentileRank | ExponentialRank, Field(discriminator="method")
]
