"""Answers to the steps of a round: the record on which alone anything takes effect.

Every entry (Airflow's human task, a returned rating list, console, CLI) leads here. An answer that does not
count is recorded with its reason, too.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import UnknownError
from ipgov.core.fingerprint import short_code
from ipgov.decisions.officers import Officer, officer, role_label
from ipgov.decisions.recusal import conflicts
from ipgov.decisions.rounds import Round, RoundState, RoundStatus, get_round, state
from ipgov.policy.rules import Approval, ApprovalStep

ENTRIES = ("airflow", "workbook", "console", "cli")
_ANSWERS = {"approve": "同意", "return": "退回修改", "reject": "否决"}
_NEEDS_COMMENT = ("return", "reject")


@dataclass(frozen=True)
class Answer:
    """What one person answered to one step, and how it reached us."""

    step: str
    answer: str
    actor: str
    comment: str
    fingerprint: str
    entry: str
    answered_at: dt.datetime
    file_sha256: str | None = None


@dataclass(frozen=True)
class Recorded:
    """What became of an answer: its row, or why it did not count; ``repeated``: it had been given before."""

    decision_id: int | None
    refused: str | None
    repeated: bool


def answer_label(answer: str) -> str:
    """Return an answer as people read it: ``同意``; the bare word where it is none of ours."""
    return _ANSWERS.get(answer, answer)


def record(
    connection: Connection,
    round_id: int,
    step: str,
    answer: str,
    actor: str,
    comment: str,
    fingerprint: str,
    entry: str,
    answered_at: dt.datetime,
    known_at: dt.datetime,
    approval: Approval,
    file_sha256: str | None = None,
) -> Recorded:
    """Record an answer if it counts; else record and return every reason (Chinese) why it does not.

    The caller commits either way. The same answer again (actor, step, answer, fingerprint) changes nothing.
    Raises UnknownError for no such round or entry, ValueError for a time without zone.
    """
    if entry not in ENTRIES:
        raise UnknownError(f"没有名为“{entry}”的审批入口；可用：{'、'.join(ENTRIES)}")
    if answered_at.tzinfo is None:
        raise ValueError("answered_at needs a time zone")
    # Two people answering at once are put in order: the second sees what the first did.
    lock(connection, "round", round_id)
    round_ = get_round(connection, round_id)
    given = Answer(step, answer, actor, comment, fingerprint, entry, answered_at, file_sha256)
    earlier = _earlier(connection, round_, given)
    if earlier is not None and _same(earlier[1], given):
        return Recorded(earlier[0], None, True)
    reasons = _reasons(connection, round_, given, earlier and earlier[1], known_at, approval)
    if reasons:
        return _refuse(connection, round_, given, "；".join(reasons), known_at)
    table = tables.decision
    row_id = connection.execute(
        table.insert().values(round_id=round_id, known_at=known_at, **vars(given)).returning(table.c.id)
    ).scalar_one()
    return Recorded(row_id, None, False)


def approved(connection: Connection, round_id: int, approval: Approval) -> bool:
    """Tell whether every step is complete on the round's own fingerprint (and nobody returned it)."""
    now = state(connection, round_id, approval)
    return now.status in (RoundStatus.APPROVED, RoundStatus.ISSUED) and all(s.complete for s in now.steps)


def decisions(connection: Connection, round_id: int) -> list[Answer]:
    """Return every answer of a round that counted, in order, also those that a return has voided."""
    table = tables.decision
    rows = connection.execute(
        select(*(table.c[name] for name in Answer.__dataclass_fields__))
        .where(table.c.round_id == round_id)
        .order_by(table.c.id)
    )
    return [Answer(**row) for row in rows.mappings()]


def _earlier(connection: Connection, round_: Round, given: Answer) -> tuple[int, Answer] | None:
    """Return what this person has answered in this round before: at most one answer counts."""
    table = tables.decision
    row = (
        connection.execute(select(table).where(table.c.round_id == round_.id, table.c.actor == given.actor))
        .mappings()
        .first()
    )
    if row is None:
        return None
    return row["id"], Answer(**{name: row[name] for name in Answer.__dataclass_fields__})


def _same(one: Answer, other: Answer) -> bool:
    return (one.step, one.answer, one.fingerprint) == (other.step, other.answer, other.fingerprint)


def _refuse(
    connection: Connection, round_: Round, given: Answer, reason: str, known_at: dt.datetime
) -> Recorded:
    # The same answer (of the same instant) delivered again, as by a retried task, is refused but once.
    connection.execute(
        insert(tables.refused_decision)
        .values(round_id=round_.id, reason=reason, known_at=known_at, **vars(given))
        .on_conflict_do_nothing()
    )
    return Recorded(None, reason, False)


def _reasons(
    connection: Connection,
    round_: Round,
    given: Answer,
    earlier: Answer | None,
    known_at: dt.datetime,
    approval: Approval,
) -> list[str]:
    """Return every reason why an answer does not count; none: it counts."""
    now = state(connection, round_.id, approval)
    if now.status is not RoundStatus.OPEN:
        return [f"{round_.label}{now.status.label}，不再接受答复"]
    step = next((s for s in approval.steps if s.step == given.step), None)
    if step is None:
        known = "、".join(f"{s.step}（{s.name}）" for s in approval.steps)
        return [f"审批链没有“{given.step}”这一步；现有：{known}"]
    try:
        person = officer(connection, given.actor, known_at)
    except UnknownError as error:
        return [error.message]
    return [
        *_wrong_person(connection, round_, step, person, known_at),
        *_twice(person, earlier, approval),
        *_wrong_turn(step, now, approval),
        *_wrong_answer(round_, step, given),
    ]


def _wrong_person(
    connection: Connection, round_: Round, step: ApprovalStep, person: Officer, known_at: dt.datetime
) -> list[str]:
    reasons = []
    if not person.active:
        reasons.append(f"{person.name}的账号“{person.login}”已停用")
    if step.role not in person.roles:
        roles = "、".join(map(role_label, person.roles)) or "无"
        reasons.append(f"{person.name}的角色为{roles}，“{step.name}”须由{role_label(step.role)}答复")
    if own := conflicts(connection, round_, person, known_at):
        bodies = "、".join(map(str, own))
        reasons.append(f"{person.name}的所属单位（{person.organisation_code}）是{bodies}，应当回避")
    return reasons


def _twice(person: Officer, earlier: Answer | None, approval: Approval) -> list[str]:
    if earlier is None:
        return []
    name = next((s.name for s in approval.steps if s.step == earlier.step), earlier.step)
    return [f"{person.name}已在本轮“{name}”中答复“{answer_label(earlier.answer)}”，一人在一轮中只能答复一次"]


def _wrong_turn(step: ApprovalStep, now: RoundState, approval: Approval) -> list[str]:
    if step.step == now.next_step:
        return []
    turn = next(s.name for s in approval.steps if s.step == now.next_step)
    return [f"现在应由“{turn}”答复，不是“{step.name}”"]


def _wrong_answer(round_: Round, step: ApprovalStep, given: Answer) -> list[str]:
    reasons = []
    if given.answer not in step.answers:
        allowed = "、".join(f"{a}（{answer_label(a)}）" for a in step.answers)
        reasons.append(f"“{step.name}”不能答复“{given.answer}”；可答复：{allowed}")
    if given.fingerprint != round_.fingerprint:
        reasons.append(
            f"答复所依的指纹（{short_code(given.fingerprint) if given.fingerprint else '空'}）"
            f"与本轮送审内容的指纹（{short_code(round_.fingerprint)}）不同，应按本轮评级表重新答复"
        )
    if given.answer in _NEEDS_COMMENT and not given.comment.strip():
        reasons.append(f"答复“{answer_label(given.answer)}”须写明意见")
    return reasons
