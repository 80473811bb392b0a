"""The part of a rule version that the evaluation engine compiles: indicators, tree, rounding, grades.

Scores run from 0 to the full score (100) unless a rule says otherwise. All numbers are decimals.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block, NotNegative, Positive
from ipgov.policy.methods import NodeNormalisation, Normalisation
from ipgov.policy.transforms import Transform

# One number for every group, or one per group (a group not named has weight 0: not applicable).
PerGroup = Decimal | dict[str, Decimal]


Role = Literal["score", "bonus", "deduction", "veto"]
_OUTSIDE: dict[str, tuple[str, ...]] = {
    "bonus": ("per_unit",),
    "deduction": ("per_unit",),
    "veto": ("threshold",),
}


class Indicator(Block):
    """One indicator: which field feeds it, what it is worth, and what happens where it is missing.

    ``input`` names a field of the form (default: the indicator's own code); ``denominator`` another one that
    divides it (value x ``per`` / denominator); then come the ``transforms`` in their order. ``weight`` is the
    share within its dimension.

    Missing is: no value, no or a zero denominator, too few raters, unless a transform imputes it. ``zero``
    gives the score 0 (not the value 0; no points, no veto outside the tree); ``drop_and_rescale`` shares the
    weight out among the other children of the dimension, and a dimension without any left is dropped in its
    turn (outside the tree as ``zero``); ``exclude_unit`` leaves the unit without total, rank and grade.
    """

    code: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    name: str
    unit: str = ""
    role: Role = "score"
    dimension: str = ""
    input: str = ""
    denominator: str = ""
    per: Positive = Decimal(1)
    groups: tuple[str, ...] = ()  # empty: every group
    weight: PerGroup = Decimal(0)
    transforms: tuple[Transform, ...] = ()
    normalisation: Normalisation
    missing: Literal["exclude_unit", "zero", "drop_and_rescale"] = "zero"
    evidence: str = ""

    @model_validator(mode="after")
    def _role_fits(self) -> Indicator:
        outside = self.normalisation.method in {m for methods in _OUTSIDE.values() for m in methods}
        if outside if self.role == "score" else self.normalisation.method not in _OUTSIDE[self.role]:
            raise ValueError(f"指标 {self.code}：{self.role} 不能用 {self.normalisation.method}")
        if (self.role == "score") != bool(self.dimension):
            raise ValueError(f"指标 {self.code}：计分指标须属于一个维度，加分、扣分、否决指标不属于任何维度")
        return self

    @property
    def source_field(self) -> str:
        """Return the field that feeds the indicator."""
        return self.input or self.code


Aggregation = Literal[
    "weighted_arithmetic_mean",
    "weighted_geometric_mean",
    "weighted_harmonic_mean",
    "weighted_sum",
    "minimum",
]


class Dimension(Block):
    """A node of the tree above the indicators; its weight is the share within its parent.

    ``aggregation``: ``weighted_sum`` adds weight / 100 x score (relative weights: weight x score) and shares
    nothing out; ``minimum`` is the lowest score below (短板). A mean with a score of 0 is 0 where it is
    geometric or harmonic; one with a negative score is an error there.

    ``minimum_coverage``: with a smaller share of the indicators that apply below it (at any depth) having a
    score of their own, the node has none and is ``missing``, as an indicator may be. ``normalisation`` turns
    the node's scores over all units into new ones.
    """

    code: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    name: str
    parent: str = ""  # empty: directly below the total
    weight: PerGroup
    aggregation: Aggregation = "weighted_arithmetic_mean"
    minimum_coverage: Annotated[Decimal, Field(ge=0, le=1)] = Decimal(0)
    missing: Literal["exclude_unit", "zero", "drop_and_rescale"] = "drop_and_rescale"
    normalisation: NodeNormalisation | None = None


class Rounding(Block):
    """Decimals kept at each stage, half-up (四舍五入, half away from zero); and how ranks are given.

    ``rank_on: unrounded`` ranks, and fills quotas, by the total before its rounding (at 12 decimals); the
    floors of grades always look at the rounded total.

    ``ties``: ``min`` 1,1,3 (competition), ``dense`` 1,1,2, ``max`` 2,2,3. ``first``: which total
    has the first rank; with ``lowest`` grades have ceilings instead of floors.
    """

    indicator: Annotated[int, Field(ge=0, le=12)]
    dimension: Annotated[int, Field(ge=0, le=12)]
    total: Annotated[int, Field(ge=0, le=12)]
    rank_on: Literal["rounded", "unrounded"] = "rounded"
    ties: Literal["min", "dense", "max"] = "min"
    first: Literal["highest", "lowest"] = "highest"


class Quota(Block):
    """At most this share of those ranked; how the number rounds, and what a tie at the edge gets.

    The candidates, those not graded better who reach the floor and are not vetoed, take the places by rank.
    ``counted: from_first``: the share is of this grade and all better ones together (deciles: 0.1, 0.2, ...).
    """

    share: Annotated[Decimal, Field(gt=0, le=1)]
    counted: Literal["alone", "from_first"] = "alone"
    within: Literal["all", "group"] = "all"
    rounding: Literal["down", "half_up", "up"]
    tie_at_edge: Literal["all_in", "all_out"]


class Grade(Block):
    """A grade: a score floor or ceiling (inclusive) and a quota; whether it passes. Best first.

    ``below`` is a ceiling that is not inclusive.
    """

    name: str
    floor: Decimal | None = None  # no limit and no quota: the rest
    ceiling: Decimal | None = None  # with ``rounding.first: lowest``
    below: Decimal | None = None
    quota: Quota | None = None
    passes: bool


class Scoring(Block):
    """Everything that turns values into totals, ranks and grades.

    The total is the weighted mean of the top dimensions, plus bonus, less deduction, between ``minimum`` and
    ``maximum`` (default: 0 and the full score; ``none``: not bounded). A veto lowers the grade to
    ``veto_grade`` (never raises it); total and rank stay, and the unit counts among those evaluated.

    ``weights``: ``percent`` sum to 100 below every node and for every group; ``relative`` are in proportion
    only (1, 1, 1 is a third each).

    ``groups``: the groups that weights, benchmarks and indicators may name. A whole rule version leaves it
    out and has its kinds' codes here, in their order; rules of scoring alone list them, or list none, and
    then nothing may be given per group. ``unranked`` groups have totals and grades by floor, but no rank, and
    count in no quota.

    ``grades`` may be left out in rules of scoring alone: then nobody has a grade.
    """

    indicators: tuple[Indicator, ...] = Field(min_length=1)
    dimensions: tuple[Dimension, ...] = Field(min_length=1)
    aggregation: Aggregation = "weighted_arithmetic_mean"
    minimum_coverage: Annotated[Decimal, Field(ge=0, le=1)] = Decimal(0)
    weights: Literal["percent", "relative"] = "percent"
    full_score: Positive = Decimal(100)
    bonus_cap: NotNegative = Decimal(0)  # all bonus items together
    deduction_cap: NotNegative | None = None
    minimum: Decimal | Literal["none"] = Decimal(0)
    maximum: Decimal | Literal["none"] | None = None  # None: the full score
    rounding: Rounding
    grades: tuple[Grade, ...] = ()
    veto_grade: str = ""
    groups: tuple[str, ...] = ()
    unranked: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _full_score_where_nothing_else_is_said(self) -> Scoring:
        """Fill in what methods give at best, so that nobody after this has to ask."""
        nodes: tuple[Indicator | Dimension, ...] = (*self.indicators, *self.dimensions)
        for node in nodes:
            method = node.normalisation
            best = next((f for f in ("highest", "cap", "score") if hasattr(method, f)), "")
            if method is not None and best and getattr(method, best) is None:
                # still being made; frozen once validated
                filled = method.model_copy(update={best: self.full_score})
                object.__setattr__(node, "normalisation", filled)
        return self

    @property
    def lowest_total(self) -> Decimal | None:
        """Return what no total goes below; None: not bounded."""
        return None if self.minimum == "none" else self.minimum

    @property
    def highest_total(self) -> Decimal | None:
        """Return what no total goes above; None: not bounded."""
        if self.maximum == "none":
            return None
        return self.full_score if self.maximum is None else self.maximum
