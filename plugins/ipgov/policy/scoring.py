"""The part of a rule version that the evaluation engine compiles: indicators, tree, rounding, grades.

Names follow the OECD/JRC Handbook on Constructing Composite Indicators (2008) and Chinese practice.
Scores run from 0 to 100 unless a rule says otherwise. All numbers are decimals.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block

Positive = Annotated[Decimal, Field(gt=0)]
NotNegative = Annotated[Decimal, Field(ge=0)]
# One number for every group, or one per group (a group not named has weight 0: not applicable).
PerGroup = Decimal | dict[str, Decimal]


class Goalposts(Block):
    """Min-max with fixed goalposts: (value - minimum) / (maximum - minimum), clamped, times 100.

    ``direction: down`` turns it round (less is better).
    """

    method: Literal["goalposts"]
    minimum: Decimal
    maximum: Decimal
    direction: Literal["up", "down"] = "up"

    @model_validator(mode="after")
    def _ordered(self) -> Goalposts:
        if self.minimum >= self.maximum:
            raise ValueError("goalposts：minimum 须小于 maximum")
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
    minimum_members: Annotated[int, Field(ge=1)]
    otherwise: Positive


class RatioToBenchmark(Block):
    """Value / benchmark x 100, between 0 and ``cap`` (a score)."""

    method: Literal["ratio_to_benchmark"]
    benchmark: Positive | dict[str, Positive] | GroupBenchmark
    cap: Positive = Decimal(100)


class TrueFalse(Block):
    """A yes/no value (1/0): ``score`` for yes, ``otherwise`` for no."""

    method: Literal["boolean"]
    score: Decimal = Decimal(100)
    otherwise: Decimal = Decimal(0)


class ExpertMean(Block):
    """Mean of the raters' scores (0 to 100) without the highest and lowest, if there are enough of them.

    With fewer than ``minimum_raters`` nothing is dropped: the mean of all counts, or the value is missing.
    """

    method: Literal["expert_mean"]
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
    Goalposts | Steps | RatioToBenchmark | TrueFalse | ExpertMean | PerUnit | Threshold,
    Field(discriminator="method"),
]
Role = Literal["score", "bonus", "deduction", "veto"]
_OUTSIDE: dict[Role, tuple[str, ...]] = {
    "bonus": ("per_unit",),
    "deduction": ("per_unit",),
    "veto": ("threshold",),
    "score": ("goalposts", "steps", "ratio_to_benchmark", "boolean", "expert_mean"),
}


class Indicator(Block):
    """One indicator: which field feeds it, what it is worth, and what happens where it is missing.

    ``input`` names a field of the form (default: the indicator's own code); ``denominator`` another one that
    divides it. ``weight`` is the share within its dimension, 100 in all for every group.

    Missing is: no value, no or a zero denominator, too few raters. ``zero`` gives the score 0 (not the value
    0; no points, no veto outside the tree); ``drop_and_rescale`` shares the weight out among the other
    children of the dimension, and a dimension without any left is dropped in its turn (outside the tree as
    ``zero``); ``exclude_unit`` leaves the unit without total, rank and grade.
    """

    code: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    name: str
    unit: str = ""
    role: Role = "score"
    dimension: str = ""
    input: str = ""
    denominator: str = ""
    groups: tuple[str, ...] = ()  # empty: every group
    weight: PerGroup = Decimal(0)
    normalisation: Normalisation
    missing: Literal["exclude_unit", "zero", "drop_and_rescale"] = "zero"
    evidence: str = ""

    @model_validator(mode="after")
    def _role_fits(self) -> Indicator:
        if self.normalisation.method not in _OUTSIDE[self.role]:
            raise ValueError(f"指标 {self.code}：{self.role} 不能用 {self.normalisation.method}")
        if (self.role == "score") != bool(self.dimension):
            raise ValueError(f"指标 {self.code}：计分指标须属于一个维度，加分、扣分、否决指标不属于任何维度")
        return self

    @property
    def source_field(self) -> str:
        """Return the field that feeds the indicator."""
        return self.input or self.code


class Dimension(Block):
    """A node of the tree above the indicators; its weight is the share within its parent, 100 in all."""

    code: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    name: str
    parent: str = ""  # empty: directly below the total
    weight: PerGroup
    aggregation: Literal["weighted_arithmetic_mean", "weighted_geometric_mean"] = "weighted_arithmetic_mean"


class Rounding(Block):
    """Decimals kept at each stage, half-up (四舍五入, half away from zero); and how ranks are given.

    ``rank_on: unrounded`` ranks, and fills quotas, by the total before its rounding (at 12 decimals); the
    floors of grades always look at the rounded total.

    ``ties``: ``min`` 1,1,3 (competition), ``dense`` 1,1,2, ``max`` 2,2,3.
    """

    indicator: Annotated[int, Field(ge=0, le=9)]
    dimension: Annotated[int, Field(ge=0, le=9)]
    total: Annotated[int, Field(ge=0, le=9)]
    rank_on: Literal["rounded", "unrounded"] = "rounded"
    ties: Literal["min", "dense", "max"] = "min"


class Quota(Block):
    """At most this share of those evaluated; how the number rounds, and what a tie at the edge gets.

    The candidates, those not graded higher who reach the floor and are not vetoed, take the places by rank.
    """

    share: Annotated[Decimal, Field(gt=0, le=1)]
    within: Literal["all", "group"] = "all"
    rounding: Literal["down", "half_up", "up"]
    tie_at_edge: Literal["all_in", "all_out"]


class Grade(Block):
    """A grade: a score floor (inclusive) and a quota; whether it passes. Highest first."""

    name: str
    floor: Decimal | None = None  # None: the rest
    quota: Quota | None = None
    passes: bool


class Scoring(Block):
    """Everything that turns values into totals, ranks and grades.

    The total is the weighted mean of the top dimensions, plus bonus, less deduction, between 0 and
    ``maximum``. A veto lowers the grade to ``veto_grade`` (never raises it); total and rank stay, and the
    unit counts among those evaluated.

    ``groups``: the groups that weights, benchmarks and indicators may name. A whole rule version leaves it
    out and has its kinds' codes here, in their order; rules of scoring alone list them, or list none, and
    then every unit is of one group and nothing may be given per group.
    """

    indicators: tuple[Indicator, ...] = Field(min_length=1)
    dimensions: tuple[Dimension, ...] = Field(min_length=1)
    aggregation: Literal["weighted_arithmetic_mean", "weighted_geometric_mean"] = "weighted_arithmetic_mean"
    bonus_cap: NotNegative = Decimal(0)  # all bonus items together
    deduction_cap: NotNegative | None = None
    maximum: Decimal = Decimal(100)
    rounding: Rounding
    grades: tuple[Grade, ...] = Field(min_length=2)
    veto_grade: str = ""
    groups: tuple[str, ...] = ()
