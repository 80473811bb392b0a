"""Why a figure is what it is: from the list back to the cell and the clause."""

from __future__ import annotations

from sqlalchemy import select

from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.errors import UnknownError
from ipgov.core.tables import result, result_set, snapshot_value, submission, submitted_value
from ipgov.evaluation import explain as explaining
from ipgov.evaluation import store as results
from ipgov.policy import store


def explain(programme: str, period: str, unit: str) -> explaining.Explanation:
    """Return the derivation of a body's newest live result of a period.

    Raises UnknownError where the period has no result or the body none in it, naming those there are.
    """
    with reading() as connection:
        head = (
            connection.execute(
                select(result_set)
                .where(
                    result_set.c.programme == programme,
                    result_set.c.period == period,
                    result_set.c.mode == "live",
                )
                .order_by(result_set.c.id.desc())
                .limit(1)
            )
            .mappings()
            .first()
        )
        if head is None:
            raise UnknownError(f"“{programme}”{period} 年度尚无评价结果")
        known = (
            connection.execute(
                select(result.c.unit).where(result.c.result_set_id == head["id"]).order_by(result.c.unit)
            )
            .scalars()
            .all()
        )
        if unit not in known:
            raise UnknownError(f"{period} 年度结果中没有单位“{unit}”；有：{'、'.join(known)}")
        rules = store.parse(objects.get_content(head["rule_sha256"]), f"{programme}/{period}（已冻结）").rules
        sources = {
            row.field: f"{row.filename}（指纹 {row.sha256[:12]}）“{row.sheet}”表 {row.cell}，原文“{row.raw}”"
            for row in connection.execute(
                select(
                    snapshot_value.c.field,
                    submission.c.object_key.label("filename"),
                    submission.c.sha256,
                    submitted_value.c.sheet,
                    submitted_value.c.cell,
                    submitted_value.c.raw,
                )
                .join(submitted_value, submitted_value.c.id == snapshot_value.c.submitted_value_id)
                .join(submission, submission.c.id == submitted_value.c.submission_id)
                .where(snapshot_value.c.snapshot_id == head["snapshot_id"], snapshot_value.c.unit == unit)
            )
        }
        return explaining.explain(
            results.scores(connection, head["id"], unit),
            results.results(connection, head["id"], unit),
            rules.scoring,
            unit,
            sources,
        )
