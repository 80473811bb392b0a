"""From the root's score to the total: bonus, deduction, bounds; and what ranks are given on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ipgov.evaluation.arithmetic import Whole, bounded, divided, less, times, total, whole
from ipgov.evaluation.scales import VALUE_DECIMALS, decimals_of, exact
from ipgov.policy.scoring import Scoring


@dataclass(frozen=True)
class Totals:
    """Columns of integers, layer by layer, each of those before; the last holds ``total`` and ``ranked_on``.

    ``bonus_all``, ``deduction_all``: points at the decimals of indicators; ``bonus``, ``deduction``: capped,
    at ``scale``; ``total`` at the decimals of the total, ``ranked_on`` there or at 12. NULL without a score
    of the root.
    """

    layers: tuple[Mapping[str, str], ...]
    scale: int
    total: Whole


def totals_sql(scoring: Scoring, keys: Mapping[str, str], bounds: Mapping[str, Whole]) -> Totals:
    """Compile the total; ``keys``: each indicator's key; ``bounds``: of scores and of the root's columns."""
    rounding, low, high = scoring.rounding, scoring.lowest_total, scoring.highest_total
    caps = {"bonus": scoring.bonus_cap, "deduction": scoring.deduction_cap}
    limits = [x for x in (low, high, *caps.values()) if x is not None]
    scale = max(rounding.total, rounding.indicator, decimals_of(limits))
    layers: list[dict[str, str]] = [{} for _ in range(5)]

    def column(layer: int, name: str, x: Whole) -> Whole:
        layers[layer][name] = x.sql
        return x.named(name)

    capped = {}
    for role, cap in caps.items():
        every = column(0, f"{role}_all", _points(scoring, role, keys, bounds))
        raised = times(every, 10 ** (scale - rounding.indicator))
        capped[role] = column(1, role, bounded(raised, None, _at(cap, scale)))
    added = less(capped["bonus"], capped["deduction"])
    summed = column(2, "summed", total([times(bounds["base"], 10 ** (scale - rounding.total)), added]))
    between = column(3, "between", bounded(summed, _at(low, scale), _at(high, scale)))
    found = column(4, "total", divided(between, 10 ** (scale - rounding.total)))
    if rounding.rank_on == "unrounded":
        finer = times(added, 10 ** (VALUE_DECIMALS - scale))
        exactly = column(2, "exactly", total([bounds["unrounded"], finer]))
        limits12 = (_at(low, VALUE_DECIMALS), _at(high, VALUE_DECIMALS))
        column(4, "ranked_on", bounded(exactly, *limits12))
    return Totals(tuple(layers), scale, found)


def _at(number: Decimal | None, scale: int) -> int | None:
    return None if number is None else exact(number, scale)


def _points(scoring: Scoring, role: str, keys: Mapping[str, str], bounds: Mapping[str, Whole]) -> Whole:
    own = [bounds[f"s_{keys[i.code]}"] for i in scoring.indicators if i.role == role]
    return total([whole(f"coalesce({x.sql}, 0)", min(0, x.low), max(0, x.high)) for x in own])
