"""Weighted means of whole-number scores, for many draws at once, rounded half-up as the engine rounds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from ipgov.core.errors import GovernanceError
from ipgov.evaluation.geometric import exact_geometric_mean

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ARITHMETIC, GEOMETRIC, MINIMUM = "weighted_arithmetic_mean", "weighted_geometric_mean", "minimum"
MEANS = (ARITHMETIC, GEOMETRIC, MINIMUM)


class Score(NamedTuple):
    """The scores of a node or indicator, and who has one."""

    score: Array  # (draws or 1, units)
    present: Array


class Weighted(NamedTuple):
    """A child of a node: its whole-number weight, its scores and their decimals."""

    weight: Array  # (draws or 1, 1)
    inner: Score
    decimals: int


def divided(n: Array, d: Array, shift: int = 0) -> Array:
    """Return n x 10 ** shift / d rounded half away from zero, for d > 0; exact whatever the shift."""
    import numpy as np

    if shift < 0:
        d, shift = d * 10**-shift, 0
    size = np.abs(n)
    if not shift:
        got = (2 * size + d) // (2 * d)
    else:
        # in two steps, so that 64 bits hold what lies between
        whole = size // d
        got = whole * 10**shift + (2 * (size - whole * d) * 10**shift + d) // (2 * d)
    return np.where(n < 0, -got, got)


def _arithmetic(below: list[Weighted], decimals: int) -> Score:
    import numpy as np

    scale = max(d for _, _, d in below)
    n: Array | int = 0
    whole: Array | int = 0
    for weight, s, d in below:
        w = np.where(s.present, weight, 0)
        n = n + w * (s.score * 10 ** (scale - d))
        whole = whole + w
    present = np.asarray(whole) > 0
    score = divided(np.asarray(n), np.where(present, whole, 1), decimals - scale)
    return Score(score, present)


def _geometric(below: list[Weighted], decimals: int) -> Score:
    """Take a candidate in floating point, and integers where it is too near to an edge (as the engine)."""
    import numpy as np

    logs: Array | float = 0.0
    whole: Array | int = 0
    zero: Array | bool = False
    for weight, s, d in below:
        w = np.where(s.present, weight, 0)
        if bool(((s.score < 0) & s.present).any()):
            raise GovernanceError(
                "变动的方法中有得负分的指标用于几何平均，无法计算：请改动 sensitivity 的设定"
            )
        zero = zero | ((w > 0) & (s.score == 0))
        safe = np.where(s.present & (s.score > 0), s.score, 1).astype(float)
        logs = logs + w.astype(float) * np.where(s.present, np.log(safe / 10.0**d), 0.0)
        whole = whole + w
    weights = np.asarray(whole)
    present = weights > 0
    candidate = np.exp(logs / np.where(present, weights, 1).astype(float)) * 10.0**decimals
    floor = np.floor(candidate)
    near = np.abs(candidate - floor - 0.5) <= candidate * 1e-11 + 1e-9
    score = np.floor(candidate + 0.5).astype(np.int64).astype(weights.dtype)
    score = np.where(zero | ~present, 0, score)
    for row, column in zip(*np.nonzero(near & present & ~np.asarray(zero)), strict=True):
        score[row, column] = _exact_at(below, row, column, decimals)
    return Score(score, present)


def _exact_at(below: list[Weighted], row: int, column: int, decimals: int) -> int:
    by_score: dict[Decimal, int] = {}
    for weight, s, d in below:
        if _at(s.present, row, column):
            score = Decimal(int(_at(s.score, row, column))).scaleb(-d)
            by_score[score] = by_score.get(score, 0) + int(_at(weight, row, column))
    if len(by_score) == 1:  # the mean of one number is that number, whatever its weight
        by_score = dict.fromkeys(by_score, 1)
    return int(exact_geometric_mean(" ".join(f"{w}*{s:f}" for s, w in by_score.items()), decimals))


def _at(array: Array, row: int, column: int) -> Any:
    return array[row if len(array) > 1 else 0, column if array.shape[1] > 1 else 0]


def _minimum(below: list[Weighted], decimals: int) -> Score:
    import numpy as np

    scale = max(d for _, _, d in below)
    score: Array | None = None
    present: Array | bool = False
    for weight, s, d in below:
        own = s.score * 10 ** (scale - d)
        here = s.present & (weight > 0)
        if score is None:
            score, present = np.where(here, own, 0), here
        else:
            lower = here & (~np.asarray(present) | (own < score))
            score, present = np.where(lower, own, score), present | here
    assert score is not None  # noqa: S101
    return Score(divided(score, np.ones(1, score.dtype), decimals - scale), np.asarray(present))


TOGETHER: dict[str, Callable[[list[Weighted], int], Score]] = {
    ARITHMETIC: _arithmetic,
    GEOMETRIC: _geometric,
    MINIMUM: _minimum,
}
