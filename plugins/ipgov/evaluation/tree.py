"""The tree of dimensions, level by level, with weights as integers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.scales import decimals_of, exact
from ipgov.evaluation.templates import open_json
from ipgov.evaluation.weights import by_group, numbers_of, weights_of
from ipgov.policy.scoring import Dimension, Scoring

ROOT = "total"


@dataclass(frozen=True)
class Child:
    """A node as its parent sees it: where its score stands, its decimals and its integer weight."""

    key: str
    code: str
    score: str
    decimals: int
    weight: str
    leaf: bool
    parent: str
    parent_key: str
    detail: str = ""


@dataclass(frozen=True)
class Node:
    """A dimension, or the root: its children and how they are brought together."""

    key: str
    score: str
    geometric: bool
    opaque: bool  # below a geometric mean: contributions to the total cannot be told apart
    root: bool
    children: tuple[Child, ...]

    @property
    def scale(self) -> int:
        """Return the decimals at which the children are added up."""
        return max(c.decimals for c in self.children)


def levels_of(
    scoring: Scoring, known: tuple[str, ...], keys: Mapping[str, str]
) -> tuple[tuple[Node, ...], ...]:
    """Return the nodes level by level, the root last: each after everything below it.

    Raises UnknownError for an unknown parent, GovernanceError for a circle, a node without children, or
    without any weight for a group that counts.
    """
    by_code = {d.code: d for d in scoring.dimensions}
    for d in scoring.dimensions:
        if d.parent and d.parent not in by_code:
            raise UnknownError(f"维度 {d.code} 的上级“{d.parent}”不存在；已知：{'、'.join(by_code)}")
        _path(d, by_code)
    heights: dict[str, int] = {}

    def height(code: str) -> int:
        if code not in heights:
            below = [height(d.code) for d in scoring.dimensions if d.parent == code]
            heights[code] = 1 + max(below, default=0)
        return heights[code]

    levels: dict[int, list[Node]] = {}
    for d in scoring.dimensions:
        levels.setdefault(height(d.code), []).append(_node(scoring, d, by_code, known, keys))
    ordered = [tuple(levels[h]) for h in sorted(levels)]
    return (*ordered, (_node(scoring, None, by_code, known, keys),))


def _path(d: Dimension, by_code: Mapping[str, Dimension]) -> list[Dimension]:
    """Return the dimensions above ``d``, nearest first."""
    path: list[Dimension] = []
    while d.parent:
        d = by_code[d.parent]
        if d in path:
            raise GovernanceError(f"维度 {d.code} 是自己的上级；维度须成树")
        path.append(d)
    return path


def _node(
    scoring: Scoring,
    d: Dimension | None,
    by_code: Mapping[str, Dimension],
    known: tuple[str, ...],
    keys: Mapping[str, str],
) -> Node:
    code, key = (d.code, keys[d.code]) if d else ("", "root")
    leaves = [(i, f"i{n}") for n, i in enumerate(scoring.indicators) if code and i.dimension == code]
    below = [(c, keys[c.code]) for c in scoring.dimensions if c.parent == code]
    if not leaves and not below:
        raise GovernanceError(f"维度 {code} 没有下级维度或指标" if d else "没有一个顶层维度")
    weights = {k: weights_of(c, known) for c, k in leaves} | {k: weights_of(c, known) for c, k in below}
    _check_weights(code, d, weights, known)
    whole = _whole(weights)
    rounding = scoring.rounding
    children = (
        *(
            Child(k, i.code, f"s_{k}", rounding.indicator, by_group(whole[k]), True, code or ROOT, key)
            for i, k in leaves
        ),
        *(
            Child(
                k,
                c.code,
                f"s_{k}",
                rounding.dimension,
                by_group(whole[k]),
                False,
                code or ROOT,
                key,
                _told(c),
            )
            for c, k in below
        ),
    )
    above = _path(d, by_code) if d else []
    opaque = any(a.aggregation == "weighted_geometric_mean" for a in above)
    opaque = opaque or (d is not None and scoring.aggregation == "weighted_geometric_mean")
    aggregation = d.aggregation if d else scoring.aggregation
    return Node(key, f"s_{key}", aggregation == "weighted_geometric_mean", opaque, d is None, children)


def _told(d: Dimension) -> str:
    return open_json({"aggregation": d.aggregation}) + "}"


def _whole(weights: Mapping[str, Decimal | dict[str, Decimal]]) -> dict[str, int | dict[str, int]]:
    """Return the weights in proportion, as the smallest integers."""
    every = [w for v in weights.values() for w in numbers_of(v)]
    scale = decimals_of(every)
    divisor = math.gcd(*(exact(w, scale) for w in every)) or 1
    return {
        k: exact(v, scale) // divisor
        if isinstance(v, Decimal)
        else {g: exact(w, scale) // divisor for g, w in v.items()}
        for k, v in weights.items()
    }


def _check_weights(
    code: str,
    d: Dimension | None,
    weights: Mapping[str, Decimal | dict[str, Decimal]],
    known: tuple[str, ...],
) -> None:
    name = f"维度 {code}" if code else "总分"
    if any(w < 0 for v in weights.values() for w in numbers_of(v)):
        raise GovernanceError(f"{name}之下有负的权重")
    for g in known or ("",):
        own = weights_of(d, known) if d else Decimal(1)
        if (own if isinstance(own, Decimal) else own[g]) == 0:
            continue
        if sum(v if isinstance(v, Decimal) else v[g] for v in weights.values()) == 0:
            raise GovernanceError(
                f"{name}之下对组别“{g}”没有一个权重大于零的下级" if g else f"{name}之下权重全为零"
            )
