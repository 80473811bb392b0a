"""How the scores below a node become its own: SQL in whole numbers, each in the narrowest type that holds it.

Means share the weight of a child without a score out among the others; a weighted sum adds what there is; the
minimum is the lowest. A geometric or harmonic mean takes a candidate in floating point; where that lies so
near to the edge between two results that its error could matter, an exact function decides
(``geometric.py``, ``harmonic.py``): no machine's ``exp`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ipgov.evaluation.arithmetic import Whole, divided, times, total, whole
from ipgov.evaluation.scales import VALUE_DECIMALS
from ipgov.evaluation.tree import Child, Node

# by far more than the error of a mean of a thousand scores in floating point
_ERROR = "1e-12"


@dataclass
class NodeSql:
    """The columns of a node: those that are computed first, and those that follow from them."""

    key: str
    first: dict[str, str] = field(default_factory=dict)
    then: dict[str, str] = field(default_factory=dict)  # scores

    @property
    def hidden(self) -> list[str]:
        """Return the columns that nothing after this looks at."""
        kept = (f"w_{self.key}", f"covered_{self.key}", f"of_{self.key}")
        return [name for name in self.first if name not in kept]


def node_sql(
    node: Node, scores: Mapping[str, Whole], decimals: int, unrounded: bool
) -> tuple[NodeSql, dict[str, Whole]]:
    """Return the columns of a node's score at ``decimals``, and the bounds of those that are scores.

    ``scores``: the columns below with their bounds. The root's column is ``base``, and with ``unrounded`` it
    has another one at 12 decimals.
    """
    sql = NodeSql(node.key)
    wanted = {"base": decimals} if node.root else {node.score: decimals}
    if node.root and unrounded:
        wanted["unrounded"] = VALUE_DECIMALS
    present = {
        c.key: f"CASE WHEN {c.score} IS NOT NULL THEN {c.weight_sql} ELSE 0 END" for c in node.children
    }
    weight = total([Whole(present[c.key], 0, c.heaviest) for c in node.children])
    sql.first[f"w_{node.key}"] = weight.sql
    weight = weight.named(f"w_{node.key}")
    there = _enough(node, sql)
    bounds = {}
    for name, scale in wanted.items():
        score = _score(node, scores, weight, scale, sql)
        missing = "0" if node.missing == "zero" else "NULL"
        if node.missing == "zero" and node.applies != "TRUE":
            missing = f"CASE WHEN {node.applies} THEN 0 END"
        sql.then[name] = f"CASE WHEN {there} THEN {score.sql} ELSE {missing} END"
        bounds[name] = Whole(name, min(0, score.low), max(0, score.high), score.huge)
    return sql, bounds


def _enough(node: Node, sql: NodeSql) -> str:
    """Return SQL for whether the node has a score: something below it, and enough of it."""
    there = f"w_{node.key} > 0"
    if not node.coverage:
        return there
    covered = (
        f"CASE WHEN {applies} AND given_{key} THEN 1 ELSE 0 END" for key, applies in node.coverage.leaves
    )
    of = (f"CASE WHEN {applies} THEN 1 ELSE 0 END" for _, applies in node.coverage.leaves)
    sql.first[f"covered_{node.key}"] = f"CAST({' + '.join(covered)} AS INTEGER)"
    sql.first[f"of_{node.key}"] = f"CAST({' + '.join(of)} AS INTEGER)"
    share, unit = node.coverage.share, node.coverage.unit
    counted, every = f"covered_{node.key}", f"of_{node.key}"
    return f"{there} AND CAST({counted} AS BIGINT) * {unit} >= CAST({every} AS BIGINT) * {share}"


def _score(node: Node, scores: Mapping[str, Whole], weight: Whole, decimals: int, sql: NodeSql) -> Whole:
    match node.aggregation:
        case "weighted_arithmetic_mean":
            return _between(
                node, scores, decimals, divided(_sum(node, scores, sql), weight, decimals - node.scale)
            )
        case "weighted_sum":
            return divided(_sum(node, scores, sql), node.whole, decimals - node.scale)
        case "minimum":
            return divided(_lowest(node, scores, sql), 1, decimals - node.scale)
        case "weighted_geometric_mean" | "weighted_harmonic_mean":
            return _curved(node, scores, decimals, sql)


def _between(node: Node, scores: Mapping[str, Whole], decimals: int, mean: Whole) -> Whole:
    """Return a mean with its bounds: those of the scores that it lies between, rounded."""
    low = min(scores[c.score].low * 10**decimals // 10**c.decimals for c in node.children)
    high = max(-(-scores[c.score].high * 10**decimals // 10**c.decimals) for c in node.children)
    return replace(mean, low=max(mean.low, low), high=min(mean.high, high))


def _sum(node: Node, scores: Mapping[str, Whole], sql: NodeSql) -> Whole:
    """Return the column with the sum of weight x score, at the scale of the node."""
    terms = []
    for c in node.children:
        own = scores[c.score]
        low, high = min(0, own.low) * c.heaviest, max(0, own.high) * c.heaviest
        given = whole(f"coalesce({c.score}, 0)", *_of(own))
        heavy = f"{given.sql} * {c.weight_sql}"
        narrow = whole("0", low, high)
        if narrow.huge and not given.huge:
            heavy = f"CAST({given.sql} AS HUGEINT) * {c.weight_sql}"
        terms.append(
            times(Whole(heavy, low, high, narrow.huge or given.huge), 10 ** (node.scale - c.decimals))
        )
    n = total(terms)
    name = f"n_{node.key}"
    sql.first[name] = n.sql
    return n.named(name)


def _of(x: Whole) -> tuple[int, int]:
    return min(0, x.low), max(0, x.high)


def _lowest(node: Node, scores: Mapping[str, Whole], sql: NodeSql) -> Whole:
    below = [(c, times(scores[c.score], 10 ** (node.scale - c.decimals))) for c in node.children]
    lowest = ", ".join(f"CASE WHEN {c.weight_sql} > 0 THEN {x.sql} END" for c, x in below)
    name = f"n_{node.key}"
    sql.first[name] = f"least({lowest})" if len(below) > 1 else lowest
    low, high = min(x.low for _, x in below), max(x.high for _, x in below)
    return Whole(name, low, high, any(x.huge for _, x in below))


def _curved(node: Node, scores: Mapping[str, Whole], decimals: int, sql: NodeSql) -> Whole:
    """Return a geometric or harmonic mean: 0 where one below is 0; nothing below is negative."""
    geometric = node.aggregation == "weighted_geometric_mean"
    counts = {c.key: f"{c.score} IS NOT NULL AND {c.weight_sql} > 0" for c in node.children}
    zero, candidate, terms = f"zero_{node.key}", f"f_{node.key}", f"terms_{node.key}"
    sql.first[zero] = " OR ".join(
        f"coalesce({counts[c.key]} AND {c.score} <= 0, FALSE)" for c in node.children
    )
    parts = []
    for c in node.children:
        number = f"CAST(nullif({c.score}, 0) AS DOUBLE) / {10**c.decimals}"
        part = f"ln(abs({number}))" if geometric else f"1 / ({number})"
        parts.append(f"CASE WHEN {counts[c.key]} THEN {c.weight_sql} * ({part}) ELSE 0 END")
    added = " + ".join(parts)
    sql.first[candidate] = (
        f"exp(({added}) / nullif(w_{node.key}, 0))" if geometric else f"w_{node.key} / nullif({added}, 0)"
    )
    sql.first[terms] = " || ' ' || ".join(_term(c, counts[c.key]) for c in node.children)
    scaled = f"{candidate} * 1e{decimals}"
    exact = "exact_geometric_mean" if geometric else "exact_harmonic_mean"
    sure = f"abs({scaled} - floor({scaled}) - 0.5) > {scaled} * {_ERROR} + 1e-9"
    highest = max(max(0, scores[c.score].high) * 10**decimals // 10**c.decimals for c in node.children) + 1
    huge = whole("0", 0, highest).huge
    kind = "HUGEINT" if huge else "BIGINT"
    text = (
        f"CASE WHEN {zero} THEN CAST(0 AS {kind}) WHEN {sure} THEN CAST(floor({scaled} + 0.5) AS {kind}) "
        f"ELSE CAST({exact}({terms}, {decimals}) AS {kind}) END"
    )
    return Whole(text, 0, highest, huge)


def _term(c: Child, counts: str) -> str:
    return f"CASE WHEN {counts} THEN {c.weight_sql} || '*' || {c.score} || 'e-{c.decimals}' ELSE '0*1' END"
