"""From the scores of indicators to the columns of the tree and the totals, typed by what the values are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ipgov.core.errors import GovernanceError
from ipgov.evaluation.aggregation import node_sql
from ipgov.evaluation.arithmetic import Whole, decimal, whole
from ipgov.evaluation.plan import Plan
from ipgov.evaluation.scales import CONTRIBUTION_DECIMALS
from ipgov.evaluation.standing import counted_of, look
from ipgov.evaluation.totals import Totals, totals_sql
from ipgov.evaluation.tree import Node

if TYPE_CHECKING:
    import duckdb

    from ipgov.evaluation.templates import Templates

_SHOWN = 20
_CURVED = {"weighted_geometric_mean": "几何平均", "weighted_harmonic_mean": "调和平均"}


def grow(connection: duckdb.DuckDBPyConnection, templates: Templates, plan: Plan) -> None:
    """Make the views of the tree above the table ``normalised``; give the templates what follows from it.

    Raises GovernanceError (Chinese) for a negative score below a geometric or harmonic mean, and where
    numbers could not be held.
    """
    bounds = _bounds(connection, plan)
    rounding = plan.scoring.rounding
    narrow = [name for name, x in bounds.items() if not x.huge]
    connection.execute(templates.render("leaves.sql", narrow=narrow))
    for number, level in enumerate(plan.levels, 1):
        compiled = []
        for node in level:
            decimals = rounding.total if node.root else rounding.dimension
            # what a missing node gets is given after its normalisation
            raw = replace(node, missing="drop_and_rescale") if node.judged else node
            sql, found = node_sql(raw, bounds, decimals, rounding.rank_on == "unrounded")
            bounds |= found
            compiled.append(sql)
        connection.execute(templates.render("tree.sql", level=compiled, number=number))
        if judged := [n for n in level if n.judged]:
            bounds |= _normalise(connection, templates, plan, judged, number)
    keys = {i.code: i.key for i in plan.indicators}
    totals = totals_sql(plan.scoring, keys, bounds)
    templates.add(totals=totals, **_shown(plan, totals))
    _refuse_negative(connection, plan, bounds)


def _normalise(
    connection: duckdb.DuckDBPyConnection, templates: Templates, plan: Plan, nodes: list[Node], number: int
) -> dict[str, Whole]:
    """Turn the scores of nodes over all units into new ones; return the least and greatest of each."""
    decimals = plan.scoring.rounding.dimension
    table = f"grown_{number}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM tree_{number}")
    judged = [n.judged for n in nodes if n.judged]
    tables = {"looked_at": f"looked_at_{number}", "places": f"places_{number}"}
    look(connection, templates, table, judged, counted_of(plan.scoring), **tables)
    context = tables | {
        "nodes": nodes,
        "number": number,
        "looking": any(j.statistics for j in judged),
        "placed": any(j.placed for j in judged),
        "decimals": decimals,
    }
    connection.execute(templates.render("normalised_nodes.sql", **context))
    return _extremes(connection, f"tree_{number}", [n.score for n in nodes])


def _bounds(connection: duckdb.DuckDBPyConnection, plan: Plan) -> dict[str, Whole]:
    """Return the least and greatest score of every indicator."""
    return _extremes(connection, "normalised", [f"s_{i.key}" for i in plan.indicators if i.role != "veto"])


def _extremes(connection: duckdb.DuckDBPyConnection, table: str, names: list[str]) -> dict[str, Whole]:
    listed = ", ".join(f"min({n}), max({n})" for n in names)
    found = connection.execute(f"SELECT {listed} FROM {table}").fetchall()[0]  # noqa: S608 - our names
    return {
        n: whole("", low or 0, high or 0).named(n)
        for n, low, high in zip(names, found[::2], found[1::2], strict=True)
    }


def _shown(plan: Plan, totals: Totals) -> dict[str, object]:
    """Return SQL of what the rows of the scores say of the total and of what was adjusted, as decimals."""
    rounding = plan.scoring.rounding
    shown = {
        "base": decimal("base", rounding.total),
        "bonus": decimal("bonus", totals.scale),
        "deduction": decimal("deduction", totals.scale),
        "total": decimal("total", rounding.total),
    }
    whole_points = {role: decimal(f"{role}_all", rounding.indicator) for role in ("bonus", "deduction")}
    points = max(CONTRIBUTION_DECIMALS, rounding.indicator, rounding.dimension, rounding.total)
    every = [n for level in plan.levels for n in level]
    told = {n.key: n.told_apart for n in every}
    frontier = [
        f"coalesce(c_{c.key}, 0)"
        for n in every
        if n.told_apart
        for c in n.children
        if c.leaf or not told[c.key]
    ]

    def at(sql: str) -> str:
        return f"CAST({sql} AS DECIMAL(38, {points}))"

    unbounded = f"({at(shown['base'])} + {at(shown['bonus'])} - {at(shown['deduction'])})"
    adjustments = [
        ("rounding", f"{at(shown['base'])} - ({' + '.join(frontier) or '0'})"),
        ("bonus_cap", f"{at(shown['bonus'])} - {at(whole_points['bonus'])}"),
        ("deduction_cap", f"{at(whole_points['deduction'])} - {at(shown['deduction'])}"),
        (
            "bounds",
            f"{at(shown['total'])} - {unbounded}",
        ),
    ]
    return {"shown": shown, "adjustments": adjustments}


def _refuse_negative(connection: duckdb.DuckDBPyConnection, plan: Plan, bounds: dict[str, Whole]) -> None:
    """Refuse scores below zero under a mean that is not defined for them, naming the units."""
    for number, level in enumerate(plan.levels, 1):
        for node in level:
            if node.aggregation in _CURVED and any(bounds[c.score].low < 0 for c in node.children):
                _refuse_below(connection, node, "leaves" if number == 1 else f"tree_{number - 1}")


def _refuse_below(connection: duckdb.DuckDBPyConnection, node: Node, below: str) -> None:
    for c in node.children:
        rows = connection.execute(
            f"SELECT unit, {decimal(c.score, c.decimals)}, count(*) OVER () FROM {below} "  # noqa: S608 - our names
            f"WHERE {c.score} < 0 AND {c.weight_sql} > 0 ORDER BY unit LIMIT {_SHOWN}"
        ).fetchall()
        if rows:
            name = "总分" if node.root else f"维度 {node.code}"
            listed = "；".join(f"对象“{unit}”{c.code} 得 {score} 分" for unit, score, _ in rows)
            raise GovernanceError(
                f"{name}用{_CURVED[node.aggregation]}汇总，不能有负分：{rows[0][2]} 个对象的 {c.code} 为负"
                f"（只列前 {_SHOWN} 个）：{listed}。应为：不小于 0 的分数，或改用其他汇总方法"
            )
