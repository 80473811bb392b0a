"""From the values as given to what scores are reckoned from: quotients, transforms, statistics, places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipgov.core.errors import GovernanceError, Problem
from ipgov.evaluation.plan import Plan
from ipgov.evaluation.scales import SHOWN
from ipgov.evaluation.standing import Judged, look
from ipgov.evaluation.templates import sql_text
from ipgov.evaluation.transforms import prepare
from ipgov.evaluation.values import check_quotients

if TYPE_CHECKING:
    import duckdb

    from ipgov.evaluation.templates import Templates


def counted_of(plan: Plan) -> str:
    """Return SQL for the units that count among all: those of groups that are ranked."""
    if not plan.scoring.unranked:
        return "TRUE"
    return f"grp NOT IN ({', '.join(map(sql_text, plan.scoring.unranked))})"


def measure(connection: duckdb.DuckDBPyConnection, templates: Templates, plan: Plan) -> None:
    """Make the view ``evidence``: values, transformed, with benchmarks, statistics and places beside them.

    Raises GovernanceError (Chinese) naming units or groups whose values cannot be computed with.
    """
    counted = counted_of(plan)
    judged = [
        Judged(i.key, f"指标 {i.code}", f"v_{i.key}", i.method, i.rule, i.applies, i.r)
        for i in plan.indicators
    ]
    templates.add(
        transformed=[i for i in plan.indicators if i.transforms],
        looking=any(j.statistics for j in judged),
        placed=any(j.placed for j in judged),
        counted=counted,
    )
    connection.execute(templates.render("quotients.sql"))
    check_quotients(connection, templates, plan)
    prepare(connection, templates, plan, counted)
    _check_logarithms(connection, plan)
    look(connection, templates, "quotients", judged, counted)
    connection.execute(templates.render("benchmarks.sql") + templates.render("evidence.sql"))


def _check_logarithms(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Refuse values that have no logarithm and are not clamped above zero."""
    for i in plan.indicators:
        if i.method != "goalposts" or not i.rule["log"] or i.rule["least"] is not None:
            continue
        rows = connection.execute(
            f"SELECT count(*) OVER (), unit, plain(v_{i.key}) FROM quotients "  # noqa: S608 - our names
            f"WHERE {i.applies} AND v_{i.key} <= 0 ORDER BY unit LIMIT {SHOWN}"
        ).fetchall()
        if rows:
            expected = "大于 0 的数值，或在规则中写 clamp: both 或 minimum"
            problems = tuple(
                Problem("logarithm", f"对象“{unit}”指标“{i.code}”的数值 {found} 不能取对数", expected)
                for _, unit, found in rows
            )
            more = f"（只列前 {SHOWN} 处）" if rows[0][0] > SHOWN else ""
            listed = "；".join(p.found for p in problems)
            raise GovernanceError(
                f"有 {rows[0][0]} 处数值不能取对数{more}：{listed}。应为：{expected}", problems
            )
