"""From totals to ranks and grades, for many draws at once: ties, quotas, vetoes as in ``sql/evaluation``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from ipgov.evaluation.scales import VALUE_DECIMALS, decimals_of, exact
from ipgov.policy.scoring import Grade, Quota, Scoring

if TYPE_CHECKING:
    import numpy as np

    from ipgov.evaluation.sensitivity.recombination import Model, Placed

    Array = np.ndarray[Any, Any]


class _Order(NamedTuple):
    """Units sorted best first, draw by draw; those without a place last.

    ``by``: column at each place; ``first``, ``last``: first and last place of those that tie with it.
    """

    by: Array
    first: Array
    last: Array


def placed(
    model: Model, base: Array, unrounded: Array, evaluated: Array, bonus: Array, deduction: Array
) -> Placed:
    """Return totals, ranks and grades of draws from their bases (at the decimals of the total, and at 12)."""
    import numpy as np

    from ipgov.evaluation.sensitivity.recombination import Placed

    scoring = model.scoring
    r = scoring.rounding
    up = 10 ** (VALUE_DECIMALS - r.indicator)
    added = np.minimum(bonus * up, exact(scoring.bonus_cap)) if "bonus" in _roles(scoring) else bonus * 0
    taken = deduction * up
    if scoring.deduction_cap is not None:
        taken = np.minimum(taken, exact(scoring.deduction_cap))
    points = (added - taken)[None, :]
    total12 = _bounded(scoring, base * 10 ** (VALUE_DECIMALS - r.total) + points)
    total = _shortened(total12, VALUE_DECIMALS - r.total)
    key = total
    if r.rank_on == "unrounded":
        key = _bounded(scoring, unrounded + points)
    if r.first == "lowest":
        key = -key
    groups = np.array(model.units.groups, dtype=object)
    ranked = evaluated & ~np.isin(groups.astype(str), scoring.unranked)[None, :]
    order = _ordered(key, ranked)
    rank = _ranks(order, ranked, r.ties)
    grade = _grades(model, total, key, evaluated, ranked)
    return Placed(total, evaluated, rank, grade)


def _roles(scoring: Scoring) -> set[str]:
    return {i.role for i in scoring.indicators}


def _bounded(scoring: Scoring, total: Array) -> Array:
    import numpy as np

    low, high = scoring.lowest_total, scoring.highest_total
    if high is not None:
        total = np.minimum(total, exact(high))
    return np.maximum(total, exact(low)) if low is not None else total


def _shortened(number: Array, places: int) -> Array:
    """Drop decimals, half away from zero."""
    import numpy as np

    unit = 10**places
    size = (2 * np.abs(number) + unit) // (2 * unit)
    return np.where(number < 0, -size, size)


def _ordered(key: Array, among: Array) -> _Order:
    import numpy as np

    # who is not among them goes last, in whatever order: nothing of theirs is looked at
    by = np.argsort(-key, axis=1, kind="stable")
    outside = np.take_along_axis(~among, by, axis=1)
    by = np.take_along_axis(by, np.argsort(outside, axis=1, kind="stable"), axis=1)
    there = np.take_along_axis(among, by, axis=1)
    ordered = np.take_along_axis(key, by, axis=1)
    place = np.arange(key.shape[1])[None, :]
    new = np.ones(key.shape, bool)
    new[:, 1:] = (ordered[:, 1:] != ordered[:, :-1]) | (there[:, 1:] != there[:, :-1])
    first = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    ends = np.ones(key.shape, bool)
    ends[:, :-1] = new[:, 1:]
    last = np.where(ends, place, key.shape[1])[:, ::-1]
    last = np.minimum.accumulate(last, axis=1)[:, ::-1]
    return _Order(by, first, last)


def _ranks(order: _Order, ranked: Array, ties: str) -> Array:
    """Return ranks from 1; -1: none."""
    import numpy as np

    if ties == "max":
        places = order.last + 1
    elif ties == "dense":
        starts = order.first == np.arange(order.first.shape[1])[None, :]
        places = np.cumsum(starts, axis=1)
    else:
        places = order.first + 1
    rank = np.empty(places.shape, np.int32)
    np.put_along_axis(rank, order.by, places.astype(np.int32), axis=1)
    return np.where(ranked, rank, np.int32(-1))


def _grades(model: Model, total: Array, key: Array, evaluated: Array, ranked: Array) -> Array:
    """Return the number of each unit's grade, best 0; -1: none. Grades fill up from the best."""
    import numpy as np

    scoring = model.scoring
    names = [g.name for g in scoring.grades]
    lowest = names.index(scoring.veto_grade) if scoring.veto_grade else 0
    grade = np.full(total.shape, -1, np.int8)
    for number, g in enumerate(scoring.grades):
        candidate = evaluated & (grade < 0) & _within(g, total, scoring.rounding.total)
        if number < lowest:
            candidate = candidate & ~model.vetoed[None, :]
        if g.quota:
            better = (grade >= 0) if g.quota.counted == "from_first" else None
            candidate = _seated(model, g.quota, candidate, better, key, ranked)
        grade = np.where(candidate, np.int8(number), grade)
    return grade


def _within(g: Grade, total: Array, decimals: int) -> Array:
    import numpy as np

    fits = np.ones(total.shape, bool)
    for limit, compare in ((g.floor, np.greater_equal), (g.ceiling, np.less_equal), (g.below, np.less)):
        if limit is not None:
            d = max(decimals, decimals_of([limit]))
            fits &= compare(total * 10 ** (d - decimals), int(limit.scaleb(d))).astype(bool)
    return fits


def _seated(
    model: Model, quota: Quota, candidate: Array, better: Array | None, key: Array, ranked: Array
) -> Array:
    """Return which candidates get a place: by rank, within their group or among all."""
    import numpy as np

    if quota.within == "all":
        return _take(quota, candidate, better, key, ranked)
    seated = np.zeros(candidate.shape, bool)
    for columns in model.units.columns().values():
        taken = None if better is None else better[:, columns]
        got = _take(quota, candidate[:, columns], taken, key[:, columns], ranked[:, columns])
        seated[:, columns] = got
    return seated


def _take(quota: Quota, candidate: Array, better: Array | None, key: Array, ranked: Array) -> Array:
    import numpy as np

    seats = places(quota, ranked.sum(axis=1).astype(np.int64))
    if better is not None:
        seats = seats - (better & ranked).sum(axis=1)
    rival = candidate & ranked
    order = _ordered(key, rival)
    count = order.first + 1 if quota.tie_at_edge == "all_in" else order.last + 1
    takes = count <= seats[:, None]
    seated = np.empty(candidate.shape, bool)
    np.put_along_axis(seated, order.by, takes, axis=1)
    return seated & rival


def places(quota: Quota, counted: Array) -> Array:
    """Return how many places the quota gives among so many."""
    d = decimals_of([quota.share])
    share, unit = exact(quota.share, d), 10**d
    if quota.rounding == "down":
        return counted * share // unit
    if quota.rounding == "up":
        return -(-counted * share // unit)
    return (2 * counted * share + unit) // (2 * unit)


def decimal_of(number: int, decimals: int) -> Decimal:
    """Return a whole number as the decimal it stands for."""
    return Decimal(int(number)).scaleb(-decimals)
