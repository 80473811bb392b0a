"""The tree of dimensions, level by level, with weights as whole numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.evaluation.arithmetic import decimal
from ipgov.evaluation.normalisations import integers_of, parameters
from ipgov.evaluation.scales import decimals_of, exact
from ipgov.evaluation.standing import Judged
from ipgov.evaluation.templates import open_json, sql_text
from ipgov.evaluation.weights import numbers_of, weights_of
from ipgov.policy.scoring import Aggregation, Dimension, Indicator, Scoring

ROOT = "total"
# their children's contributions to the total can be told apart
TOLD_APART = ("weighted_arithmetic_mean", "weighted_sum")

WholeWeight = int | Mapping[str, int]


@dataclass(frozen=True)
class Child:
    """A node as its parent sees it: its score is an integer at ``decimals`` in the column ``score``."""

    key: str
    code: str
    score: str
    decimals: int
    weight: WholeWeight
    leaf: bool
    parent: str
    parent_key: str
    detail: str = ""
    judged: Judged | None = None

    @property
    def weight_sql(self) -> str:
        """Return SQL for the weight, which may differ by group."""
        if isinstance(self.weight, int):
            return f"CAST({self.weight} AS BIGINT)"
        given = {g: w for g, w in self.weight.items() if w}
        if len(given) == len(self.weight) and len(set(given.values())) == 1:
            return f"CAST({next(iter(given.values()))} AS BIGINT)"
        cases = " ".join(f"WHEN {sql_text(g)} THEN {w}" for g, w in given.items())
        return f"CAST(CASE grp {cases} ELSE 0 END AS BIGINT)" if given else "CAST(0 AS BIGINT)"

    @property
    def heaviest(self) -> int:
        """Return the greatest weight of any group."""
        return self.weight if isinstance(self.weight, int) else max(self.weight.values(), default=0)


@dataclass(frozen=True)
class Coverage:
    """How many indicators below a node need a value: at least ``share`` / ``unit`` of those that apply."""

    share: int
    unit: int
    leaves: tuple[tuple[str, str], ...]  # of each its key, and SQL for whether it applies


@dataclass(frozen=True)
class Node:
    """A dimension, or the root: its children and how they are brought together."""

    key: str
    code: str
    score: str
    aggregation: Aggregation
    opaque: bool  # what lies below cannot be told apart in the total, because of a node above
    root: bool
    children: tuple[Child, ...]
    whole: int  # of a weighted sum: what its weights are parts of
    applies: str  # SQL: whether the node counts for the unit's group
    missing: str
    coverage: Coverage | None = None
    judged: Judged | None = None  # its own normalisation, over the scores of all units

    @property
    def scale(self) -> int:
        """Return the decimals at which the children are brought together."""
        return max(c.decimals for c in self.children)

    @property
    def told_apart(self) -> bool:
        """Tell whether the children's contributions to the total are known."""
        return not self.opaque and not self.judged and self.aggregation in TOLD_APART


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

    tree = _Tree(scoring, by_code, known, keys)
    levels: dict[int, list[Node]] = {}
    for d in scoring.dimensions:
        levels.setdefault(height(d.code), []).append(tree.node(d))
    ordered = [tuple(levels[h]) for h in sorted(levels)]
    return (*ordered, (tree.node(None),))


def _told(d: Dimension) -> str:
    """Return what is told of a node beside its numbers, as JSON without its closing brace."""
    told: dict[str, Any] = {"aggregation": d.aggregation}
    if d.normalisation is not None:
        told |= {"method": d.normalisation.method}
        told |= {"parameters": parameters(d.normalisation.model_dump(mode="json"))}
    return open_json(told)


def _path(d: Dimension, by_code: Mapping[str, Dimension]) -> list[Dimension]:
    """Return the dimensions above ``d``, nearest first."""
    path: list[Dimension] = []
    while d.parent:
        d = by_code[d.parent]
        if d in path:
            raise GovernanceError(f"维度 {d.code} 是自己的上级；维度须成树")
        path.append(d)
    return path


@dataclass(frozen=True)
class _Tree:
    """What a node is compiled from."""

    scoring: Scoring
    by_code: Mapping[str, Dimension]
    known: tuple[str, ...]
    keys: Mapping[str, str]

    def node(self, d: Dimension | None) -> Node:
        code, key = (d.code, self.keys[d.code]) if d else ("", "root")
        owner: Dimension | Scoring = d or self.scoring
        below = list(self._below(code))
        if not below:
            raise GovernanceError(f"维度 {code} 没有下级维度或指标" if d else "没有一个顶层维度")
        weights = {k: weights_of(c, self.known) for c, k in below}
        self._check_weights(code, d, weights)
        proportion, whole = self._whole(weights, owner.aggregation)
        rounding = self.scoring.rounding
        children = tuple(
            Child(
                k,
                c.code,
                f"s_{k}",
                rounding.indicator if isinstance(c, Indicator) else rounding.dimension,
                proportion[k],
                isinstance(c, Indicator),
                code or ROOT,
                key,
                "" if isinstance(c, Indicator) else _told(c),
                None if isinstance(c, Indicator) else self._judged(c, k),
            )
            for c, k in below
        )
        above: list[Dimension | Scoring] = [*_path(d, self.by_code), self.scoring] if d else []
        return Node(
            key,
            code or ROOT,
            f"s_{key}",
            owner.aggregation,
            any(a.aggregation not in TOLD_APART or getattr(a, "normalisation", None) for a in above),
            d is None,
            children,
            whole,
            self._applies([d, *_path(d, self.by_code)] if d else []),
            d.missing if d else "",
            self._coverage(owner, code),
            self._judged(d, key) if d else None,
        )

    def _judged(self, d: Dimension, key: str) -> Judged | None:
        n, r = d.normalisation, self.scoring.rounding.dimension
        if n is None:
            return None
        rule = integers_of(n, r, self.scoring.full_score)
        applies = self._applies([d, *_path(d, self.by_code)])
        column = f"({decimal(f's_{key}', r)})"
        return Judged(key, f"维度 {d.code}", column, n.method, rule, applies, r)

    def _below(self, code: str) -> Iterator[tuple[Indicator | Dimension, str]]:
        if code:
            for n, i in enumerate(self.scoring.indicators):
                if i.dimension == code:
                    yield i, f"i{n}"
        for c in self.scoring.dimensions:
            if c.parent == code:
                yield c, self.keys[c.code]

    def _whole(
        self, weights: Mapping[str, Decimal | dict[str, Decimal]], aggregation: str
    ) -> tuple[dict[str, WholeWeight], int]:
        """Return the weights as the smallest integers in proportion, and what a sum of them is parts of."""
        every = [w for v in weights.values() for w in numbers_of(v)]
        scale = decimals_of(every)
        whole = (100 if self.scoring.weights == "percent" else 1) * 10**scale
        divisor = math.gcd(*(exact(w, scale) for w in every)) or 1
        if aggregation == "weighted_sum":
            divisor = math.gcd(divisor, whole)
        return {
            k: exact(v, scale) // divisor
            if isinstance(v, Decimal)
            else {g: exact(w, scale) // divisor for g, w in v.items()}
            for k, v in weights.items()
        }, whole // divisor if aggregation == "weighted_sum" else 0

    def _applies(self, path: list[Dimension | Indicator]) -> str:
        """Return SQL for whether all of these have weight for the unit's group."""
        given = [weights_of(n, self.known) for n in path]
        if all(isinstance(w, Decimal) for w in given):
            return "TRUE" if all(given) else "FALSE"
        groups = [g for g in self.known if all(w if isinstance(w, Decimal) else w[g] for w in given)]
        if len(groups) == len(self.known):
            return "TRUE"
        return f"grp IN ({', '.join(map(sql_text, groups))})" if groups else "FALSE"

    def _coverage(self, owner: Dimension | Scoring, code: str) -> Coverage | None:
        share = owner.minimum_coverage
        if not share:
            return None
        leaves = []
        for n, i in enumerate(self.scoring.indicators):
            if i.role != "score":
                continue
            home = self.by_code[i.dimension]
            path = [home, *_path(home, self.by_code)]
            if not code or code in [d.code for d in path]:
                leaves.append((f"i{n}", self._applies([i, *path])))
        decimals = decimals_of([share])
        return Coverage(exact(share, decimals), 10**decimals, tuple(leaves))

    def _check_weights(
        self, code: str, d: Dimension | None, weights: Mapping[str, Decimal | dict[str, Decimal]]
    ) -> None:
        name = f"维度 {code}" if code else "总分"
        if any(w < 0 for v in weights.values() for w in numbers_of(v)):
            raise GovernanceError(f"{name}之下有负的权重")
        for g in self.known or ("",):
            own = weights_of(d, self.known) if d else Decimal(1)
            if (own if isinstance(own, Decimal) else own[g]) == 0:
                continue
            if sum(v if isinstance(v, Decimal) else v[g] for v in weights.values()) == 0:
                raise GovernanceError(
                    f"{name}之下对组别“{g}”没有一个权重大于零的下级" if g else f"{name}之下权重全为零"
                )
