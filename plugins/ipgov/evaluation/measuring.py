"""From the values as given to what scores are reckoned from: quotients, transforms, statistics, places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipgov.evaluation.plan import Plan
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
    connection.execute(templates.render("quotients.sql"))
    check_quotients(connection, templates, plan)
    prepare(connection, templates, plan, counted)
    look(connection, templates, "quotients", judged, counted)
    connection.execute(templates.render("benchmarks.sql") + templates.render("evidence.sql"))
