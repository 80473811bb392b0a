"""Reviewers' marks on single bodies of a rating list: agree, or a question. Alone they decide nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import Problem, RefusedError, UnknownError
from ipgov.decisions.approvals import ENTRIES
from ipgov.decisions.officers import Role, officer, role_label
from ipgov.decisions.recusal import conflicts
from ipgov.decisions.rounds import Round, ended, get_round
from ipgov.registry.asof import listed

_WORDS = {"agree": "同意", "question": "有疑问"}
_MAY_MARK = (Role.REVIEWER, Role.ISSUER)


@dataclass(frozen=True)
class Mark:
    """What one person marked at one body."""

    unit: str
    mark: str
    comment: str
    actor: str
    entry: str
    file_sha256: str | None
    known_at: dt.datetime


def record_marks(
    connection: Connection,
    round_id: int,
    actor: str,
    marks: Mapping[str, tuple[str, str]],
    entry: str,
    known_at: dt.datetime,
    file_sha256: str | None = None,
) -> int:
    """Record the marks (unit: mark, comment) of one person; return how many rows were new or changed.

    All or none. The same file, or the same marks, again write nothing; a later mark of the same person
    supersedes the earlier one. Raises UnknownError for the actor, round, entry, a unit that was not evaluated
    or an unknown mark; RefusedError where the actor may not mark or the round has ended.
    """
    if entry not in ENTRIES:
        raise UnknownError(f"没有名为“{entry}”的审批入口；可用：{'、'.join(ENTRIES)}")
    lock(connection, "round", round_id)
    round_ = get_round(connection, round_id)
    if end := ended(connection, round_id):
        raise RefusedError(f"{round_.label}{end.label}，不再接受审阅意见")
    _check_actor(connection, round_, actor, marks, known_at)
    _check_marks(connection, round_, marks)
    table = tables.review_mark
    mine = select(table).where(table.c.round_id == round_id, table.c.actor == actor)
    rows = connection.execute(mine.order_by(table.c.id)).mappings().all()
    newest = {row["unit"]: (row["mark"], row["comment"]) for row in rows}
    from_file = {row["unit"] for row in rows if file_sha256 and row["file_sha256"] == file_sha256}
    new = [
        {
            "round_id": round_id,
            "unit": unit,
            "mark": mark,
            "comment": comment,
            "actor": actor,
            "entry": entry,
            "file_sha256": file_sha256,
            "known_at": known_at,
        }
        for unit, (mark, comment) in sorted(marks.items())
        if unit not in from_file and newest.get(unit) != (mark, comment)
    ]
    if new:
        connection.execute(table.insert(), new)
    return len(new)


def _check_actor(
    connection: Connection,
    round_: Round,
    actor: str,
    marks: Mapping[str, tuple[str, str]],
    known_at: dt.datetime,
) -> None:
    person = officer(connection, actor, known_at)
    if not person.active:
        raise RefusedError(f"{person.name}的账号“{person.login}”已停用")
    if not set(_MAY_MARK) & set(person.roles):
        roles = "、".join(map(role_label, person.roles)) or "无"
        allowed = "或".join(map(role_label, _MAY_MARK))
        raise RefusedError(f"{person.name}的角色为{roles}，审阅意见须由{allowed}填写")
    own = [c for c in conflicts(connection, round_, person, known_at) if c.unit in marks]
    if own:
        bodies = "、".join(map(str, own))
        raise RefusedError(
            f"{person.name}的所属单位（{person.organisation_code}）是{bodies}，应当回避，不得填写其审阅意见"
        )


def _check_marks(connection: Connection, round_: Round, marks: Mapping[str, tuple[str, str]]) -> None:
    body, results = tables.snapshot_unit, tables.result_set
    units = connection.execute(
        select(body.c.unit)
        .join(results, results.c.snapshot_id == body.c.snapshot_id)
        .where(results.c.id == round_.result_set_id)
        .order_by(body.c.unit)
    )
    evaluated = list(units.scalars())
    words = "、".join(f"{mark}（{word}）" for mark, word in _WORDS.items())
    problems = [
        Problem("review_mark", f"没有代码为“{unit}”的被评价单位", f"本轮的单位：{listed(evaluated)}")
        for unit in sorted(marks.keys() - set(evaluated))
    ] + [
        Problem("review_mark", f"{unit} 的审阅意见为“{mark}”", words)
        for unit, (mark, _) in sorted(marks.items())
        if mark not in _WORDS
    ]
    if problems:
        raise UnknownError(
            f"{round_.label}的审阅意见有 {len(problems)} 处问题：" + "；".join(map(str, problems)),
            tuple(problems),
        )


def marks(connection: Connection, round_id: int) -> list[Mark]:
    """Return the newest mark of every person at every body, ordered by unit and person."""
    table = tables.review_mark
    rows = connection.execute(
        select(*(table.c[name] for name in Mark.__dataclass_fields__))
        .ext(distinct_on(table.c.unit, table.c.actor))
        .where(table.c.round_id == round_id)
        .order_by(table.c.unit, table.c.actor, table.c.id.desc())
    )
    return [Mark(**row) for row in rows.mappings()]
