"""What the three years came to, told in Chinese."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping, func, select, text

from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI
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
from ipgov.followup.obligations import Owed, owed
from ipgov.policy.duty_store import frozen_duty
from ipgov.simulation import centres


def summarise(programme: str, periods: Iterable[int], last: dt.date) -> str:
    """Return who was returned and why, each year's ranking, who failed two running, the files made.

    ``last``: the day up to which the files count.
    """
    lines: list[str] = []
    for period in periods:
        lines += [f"── {period} 年度 ──", *_returned(programme, period), *_ranking(programme, period)]
    return "\n".join([*lines, *_files(programme, last)])


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


def _files(programme: str, last: dt.date) -> list[str]:
    """Return what was written, a line for each kind: a title, how many papers, in which forms, and where."""
    with reading() as connection:
        kinds = connection.execute(
            select(
                func.min(document.c.title).label("title"),
                func.count(func.distinct(document.c.id)).label("papers"),
                func.string_agg(func.distinct(document_file.c.format), "、").label("formats"),
            )
            .join(document_file, document_file.c.document_id == document.c.id)
            .where(document.c.programme == programme, document.c.issued_on <= last)
            .group_by(document.c.kind)
            .order_by(document.c.kind)
        ).all()
    lists, sent = (f"{settings().objects_location}/{part}/{programme}" for part in ("reports", "outbox"))
    return [
        "── 生成的文件 ──",
        *(f"  《{k.title}》等 {k.papers} 件（{k.formats}）" for k in kinds),
        f"  评级表在 {lists}，文书在 {sent}，各按年度",
    ]


def follow_up_summary(last: dt.date) -> list[str]:
    """Return what became of each kind of duty by a day: in time, late, escalated, accepted, failed, open.

    The centres' are told with their fates.
    """
    known_at = dt.datetime.combine(last, dt.time(23, 59, 59), tzinfo=SHANGHAI)
    with reading() as connection:
        found = [o for o in owed(connection, last, known_at) if o.programme != centres.TITLE]
        place = {"known_at": known_at, "centres": centres.TITLE}
        events = connection.execute(text(_CASES), place).mappings().all()
        unsent = connection.execute(text(_UNSENT), place).scalar_one()
    lines = [f"── 后续事项（至 {last}）──"]
    one_by_one = ("major_matter", "finding_rectification")
    lines += [f"  {_ending(o)}" for o in found if o.duty in one_by_one]
    duties = dict.fromkeys(o.duty for o in found if o.duty not in one_by_one)
    for duty in duties:
        own = [o for o in found if o.duty == duty]
        counts = Counter(_state(o) for o in own)
        told = "、".join(f"{name} {n}" for name, n in counts.items())
        lines.append(f"  {own[0].duty_name}：{told}")
    lines += [
        f"  案件 {e['unit']} {e['duty_name']}（{e['day']}）：{e['outcome_name']}"
        + (f"，曾延期 {e['extensions']} 次" if e["extensions"] else "")
        for e in map(_case, events)
    ]
    return [*lines, f"  未发的文书 {unsent} 件，原因在案"]


_UNSENT = """
SELECT count(*) FROM obligation_paper p
JOIN obligation_event e ON e.id = p.event_id JOIN obligation o ON o.id = e.obligation_id
WHERE p.reason IS NOT NULL AND p.known_at <= :known_at AND o.programme <> :centres
"""
_CASES = """
SELECT o.unit, o.rule_sha256, r.outcome, max(e.day) AS day,
       (SELECT count(*) FROM obligation_extension x WHERE x.obligation_id = o.id) AS extensions,
       c.case_rules_sha256
FROM case_round r
JOIN obligation o ON o.id = r.obligation_id
JOIN rectification_case c ON c.obligation_id = o.id
JOIN issue i ON i.round_id = r.round_id
JOIN case_event e ON e.obligation_id = o.id
WHERE i.known_at <= :known_at AND o.programme <> :centres
GROUP BY o.id, o.unit, o.rule_sha256, r.outcome, c.case_rules_sha256 ORDER BY max(e.day), o.unit
"""


def _case(row: RowMapping) -> dict[str, Any]:
    rules = json.loads(objects.get_content(row["case_rules_sha256"]))
    names = {
        e["outcome"]: e["name"]
        for key in ("passed", "failed")
        if (e := rules.get("rules", rules).get(key)) is not None
    }
    duty = frozen_duty(row["rule_sha256"]).duty.name
    return {**row, "duty_name": duty, "outcome_name": names.get(row["outcome"], row["outcome"])}


def _state(o: Owed) -> str:
    """Return how it ended; an overdue one with how far it was escalated."""
    if o.state == "met":
        return "逾期办结" if o.late else "按期办结"
    return o.state_name


def _ending(o: Owed) -> str:
    told = [e for e in o.events if e.event == "escalated"]
    highest = "、".join(t["name"] for t in told[-1].detail["to"]) if told else ""
    escalated = f"；已通报至{highest}" if highest else ""
    return f"{o.unit} {o.duty_name}（{o.key.rpartition(':')[2]}）：期限 {o.due_on}，{_state(o)}{escalated}"
