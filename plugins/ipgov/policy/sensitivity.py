"""What of a rule is varied to see how firm ranks and grades are, and thresholds for checks of a rule on data.

Uncertainty and sensitivity analysis is step 7 of the OECD/JRC Handbook on Constructing Composite Indicators
(2008); Saisana, Saltelli and Tarantola (2005), J. R. Statist. Soc. A 168. Nothing here changes a result.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block
from ipgov.policy.scoring import Aggregation, Normalisation

ROOT = "total"  # how the tree's root is named among nodes
Missing = Literal["exclude_unit", "zero", "drop_and_rescale"]
# at most four decimals: draws are reckoned in ten-thousandths
Share = Annotated[Decimal, Field(ge=0, lt=1, decimal_places=4)]
Percentile = Annotated[Decimal, Field(gt=0, lt=100, decimal_places=2)]


class WeightVariation(Block):
    """Every weight below ``nodes`` times 1 + u, then brought back to the node's sum.

    u lies between -``share`` and +``share``: ``uniform``, or ``triangular`` (0 is the likeliest). One u for a
    child, whatever the group. ``nodes``: codes of dimensions, ``total`` the root; empty: every node.
    """

    share: Annotated[Decimal, Field(gt=0, lt=1, decimal_places=4)]
    distribution: Literal["uniform", "triangular"]
    nodes: tuple[str, ...] = ()


class _MethodVariation(Block):
    """An alternative of method: ``kept`` is the share of the draws that keep the rule's own.

    The other draws go to the alternatives in equal parts.
    """

    name: str
    kept: Share


class AggregationVariation(_MethodVariation):
    """Other aggregations of ``nodes``, all together; ``total`` is the root; empty: every node."""

    vary: Literal["aggregation"]
    nodes: tuple[str, ...] = ()
    alternatives: tuple[Aggregation, ...] = Field(min_length=1)


class NormalisationVariation(_MethodVariation):
    """Other normalisations of ``indicators``, or of every indicator scored by one of ``methods``.

    An alternative that does not say its ``direction`` keeps that of the indicator's own method.
    """

    vary: Literal["normalisation"]
    indicators: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    alternatives: tuple[Normalisation, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _of_something(self) -> NormalisationVariation:
        if bool(self.indicators) == bool(self.methods):
            raise ValueError("normalisation：indicators 与 methods 须且只能写一个")
        return self


class MissingVariation(_MethodVariation):
    """Other rules for missing values of ``indicators``; empty: every indicator of the tree."""

    vary: Literal["missing"]
    indicators: tuple[str, ...] = ()
    alternatives: tuple[Missing, ...] = Field(min_length=1)


class LeaveOut(_MethodVariation):
    """One of ``indicators`` is left out, the others of its node share its weight; empty: any of the tree."""

    vary: Literal["leave_out"]
    indicators: tuple[str, ...] = ()


MethodVariation = Annotated[
    AggregationVariation | NormalisationVariation | MissingVariation | LeaveOut,
    Field(discriminator="vary"),
]


class Interval(Block):
    """The percentiles (nearest rank) between which an interval of ranks lies."""

    low: Percentile
    high: Percentile

    @model_validator(mode="after")
    def _ordered(self) -> Interval:
        if self.low >= self.high:
            raise ValueError("interval：low 须小于 high")
        return self


class SensitivityRules(Block):
    """How often and from which seed the rule is drawn anew, and what varies.

    ``bins``: into how many classes of equal size the draws fall by a weight, to see what share of the
    variation of ranks it explains.
    """

    seed: Annotated[int, Field(ge=0)]
    draws: Annotated[int, Field(ge=100, le=100_000)]
    interval: Interval
    bins: Annotated[int, Field(ge=2, le=50)]
    weights: WeightVariation | None = None
    methods: tuple[MethodVariation, ...] = ()

    @model_validator(mode="after")
    def _something_varies(self) -> SensitivityRules:
        if self.weights is None and not self.methods:
            raise ValueError("sensitivity：weights 与 methods 至少写一项")
        if self.draws < 5 * self.bins:
            raise ValueError("sensitivity：draws 至少为 bins 的五倍")
        return self


class Correlated(Block):
    """Two indicators say the same: |Pearson| or |Spearman| within groups is ``at_least`` this."""

    at_least: Annotated[Decimal, Field(gt=0, le=1)]
    minimum_units: Annotated[int, Field(ge=4)]


class Importance(Block):
    """An indicator counts ``factor`` times more, or less, than its weight says."""

    factor: Annotated[Decimal, Field(gt=1)]
    minimum_units: Annotated[int, Field(ge=4)]


class RuleChecks(Block):
    """Thresholds for the checks of a rule on real values: ``ipgov policy check --with-data``.

    ``clamped``, ``missing``: a larger share of the values than this is a finding.
    """

    correlated: Correlated
    importance: Importance
    clamped: Share
    missing: Share
