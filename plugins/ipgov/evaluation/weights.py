"""Weights, one for every group or one per group, and how SQL says that."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ipgov.evaluation.templates import sql_text
from ipgov.policy.scoring import Dimension, Indicator


def by_group(values: int | Mapping[str, int]) -> str:
    """Return SQL for an integer that is the same for every group, or differs by ``grp``."""
    if isinstance(values, int):
        return str(values)
    cases = " ".join(f"WHEN {sql_text(g)} THEN {v}" for g, v in values.items())
    return f"CASE grp {cases} ELSE 0 END"


def weights_of(item: Indicator | Dimension, known: tuple[str, ...]) -> Decimal | dict[str, Decimal]:
    """Return the weight for every group, or per known group; 0 is not applicable."""
    only = item.groups if isinstance(item, Indicator) else ()
    if isinstance(item.weight, Decimal) and not only:
        return item.weight
    given = item.weight if isinstance(item.weight, dict) else dict.fromkeys(known, item.weight)
    return {g: given.get(g, Decimal(0)) if not only or g in only else Decimal(0) for g in known}


def numbers_of(value: Decimal | Mapping[str, Decimal]) -> list[Decimal]:
    """Return every number that is given, whether one or one per group."""
    return [value] if isinstance(value, Decimal) else list(value.values())


def weighs(item: Indicator | Dimension, group: str, known: tuple[str, ...]) -> bool:
    """Tell whether the item counts in a group at all."""
    weight = weights_of(item, known)
    return (weight if isinstance(weight, Decimal) else weight[group]) > 0
