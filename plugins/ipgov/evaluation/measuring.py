"""From the values as given to what scores are reckoned from: quotients, transforms, statistics, places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipgov.core.errors import GovernanceError
from ipgov.evaluation.plan import Plan
from ipgov.evaluation.scales import SHOWN
from ipgov.evaluation.standing import Judged, counted_of, look
from ipgov.evaluation.transforms import prepare
from ipgov.evaluation.values import check_quotients

if TYPE_CHECKING:
    import duckdb

    from ipgov.evaluation.templates import Templates


def measure(connection: duckdb.DuckDBPyConnection, templates: Templates, plan: Plan) -> None:
    """Make the view ``evidence``: values, transformed, with benchmarks, statistics and places beside them.

    Raises GovernanceError (Chinese) naming units or groups whose values cannot be computed with.
    """
    counted = counted_of(plan.scoring)
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
    _check_groups(connection, plan)
    connection.execute(templates.render("quotients.sql"))
    check_quotients(connection, templates, plan)
    prepare(connection, templates, plan, counted)
    look(connection, templates, "quotients", judged, counted)
    connection.execute(templates.render("benchmarks.sql") + templates.render("evidence.sql"))


def _check_groups(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Refuse units without a group where a rule looks at those of the same group."""
    scoring = plan.scoring
    rules: list[tuple[str, Any]] = [(f"指标 {i.code}", r) for i in scoring.indicators for r in i.transforms]
    rules += [(f"指标 {i.code}", i.normalisation) for i in scoring.indicators]
    rules += [(f"维度 {d.code}", d.normalisation) for d in scoring.dimensions]
    grouped = list(dict.fromkeys(n for n, r in rules if getattr(r, "within", "") == "group"))
    if not grouped:
        return
    rows = connection.execute(
        "SELECT unit, count(*) OVER () FROM wide WHERE grp = '' ORDER BY unit LIMIT ?", [SHOWN]
    ).fetchall()
    if rows:
        more = f"（只列前 {SHOWN} 个）" if rows[0][1] > SHOWN else ""
        raise GovernanceError(
            f"{'、'.join(grouped)} 按组别计算（within: group），而有 {rows[0][1]} 个对象没有组别{more}："
            f"{'、'.join(f'“{unit}”' for unit, _ in rows)}。应为：在 group 列写明组别，或改为 within: all"
        )
