"""What the three years came to, told in Chinese."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from ipgov.core.database import reading
from ipgov.core.tables import (
    document,
    document_file,
    issue,
    proposed_outcome,
    result,
    result_set,
    review_round,
    snapshot_unit,
    submission,
)


def summarise(programme: str, periods: Iterable[int]) -> str:
    """Return who was returned and why, each year's ranking, who failed two running, the files made."""
    lines: list[str] = []
    for period in periods:
        lines += [f"── {period} 年度 ──", *_returned(programme, period), *_ranking(programme, period)]
    return "\n".join([*lines, *_files(programme)])


def _returned(programme: str, period: int) -> list[str]:
    with reading() as connection:
        rows = connection.execute(
            select(submission.c.unit, submission.c.received_at, submission.c.outcome, submission.c.problems)
            .where(
                submission.c.programme == programme,
                submission.c.period == str(period),
                submission.c.outcome != "accepted",
            )
            .order_by(submission.c.received_at, submission.c.unit)
        ).all()
    lines = []
    for row in rows:
        first = row.problems[0]
        place = "".join(x for x in (f"“{first['sheet']}”表" if first["sheet"] else "", first["cell"]) if x)
        more = f"（共 {len(row.problems)} 处）" if len(row.problems) > 1 else ""
        lines.append(f"  退回 {row.unit} {row.received_at:%m-%d}：{place} {first['found']}{more}")
    return lines


def _ranking(programme: str, period: int) -> list[str]:
    with reading() as connection:
        head = connection.execute(
            select(result_set.c.id, result_set.c.snapshot_id)
            .join(review_round, review_round.c.result_set_id == result_set.c.id)
            .join(issue, issue.c.round_id == review_round.c.id)
            .where(review_round.c.programme == programme, review_round.c.period == str(period))
        ).one()
        rows = (
            connection.execute(
                select(result, snapshot_unit.c.name, snapshot_unit.c.state)
                .join(snapshot_unit, snapshot_unit.c.unit == result.c.unit)
                .where(result.c.result_set_id == head.id, snapshot_unit.c.snapshot_id == head.snapshot_id)
                .order_by(result.c.rank.nulls_last(), result.c.unit)
            )
            .mappings()
            .all()
        )
        proposed = (
            connection.execute(
                select(proposed_outcome)
                .where(proposed_outcome.c.result_set_id == head.id)
                .order_by(proposed_outcome.c.unit)
            )
            .mappings()
            .all()
        )
    lines = [
        f"  {r['rank']:>2}  {r['unit']} {r['name']}  {r['total']:f}  {r['grade']}"
        if r["rank"] is not None
        else f"   —  {r['unit']} {r['name']}  未评价"
        for r in rows
    ]
    return [*lines, *(f"  {p['unit']}：{p['explanation']}" for p in proposed)]


def _files(programme: str) -> list[str]:
    with reading() as connection:
        counts = connection.execute(
            select(document.c.kind, document_file.c.format, func.count())
            .join(document_file, document_file.c.document_id == document.c.id)
            .where(document.c.programme == programme)
            .group_by(document.c.kind, document_file.c.format)
            .order_by(document.c.kind, document_file.c.format)
        ).all()
    return ["── 生成的文件 ──", *(f"  {kind} .{format_}：{n} 份" for kind, format_, n in counts)]
