"""Rounds: what was put before the reviewers, and where it stands in the chain of approval.

A round is open until it is issued, until one return or rejection ends it, or until it is recalled: approved,
but refused at its issue, it would wait for ever. The next evaluation opens the next round.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import short_code
from ipgov.core.steps import Mode
from ipgov.policy.rules import Approval


@dataclass(frozen=True)
class Round:
    """A round; ``fingerprint`` is that of exactly what is to be approved.

    ``result_set_id`` None: the round is about something else than results (a case, see ``case_rounds``).
    """

    id: int
    programme: str
    period: str
    number: int
    result_set_id: int | None
    fingerprint: str
    rating_list_sha256: str
    rule_sha256: str

    @property
    def label(self) -> str:
        """Return how people call it: ``2024 年度第 1 轮``."""
        return f"{self.period} 年度第 {self.number} 轮"

    @property
    def results(self) -> int:
        """Return the result set that the round is about; RefusedError where it is about none."""
        if self.result_set_id is None:
            raise RefusedError(f"{self.label}送审的不是评价结果")
        return self.result_set_id


class RoundStatus(StrEnum):
    """Where a round stands; the last four end it."""

    OPEN = "open"
    APPROVED = "approved"
    RETURNED = "returned"
    REJECTED = "rejected"
    RECALLED = "recalled"
    ISSUED = "issued"

    @property
    def label(self) -> str:
        """Return the word that people read."""
        return {
            "open": "待审批",
            "approved": "已完成审批",
            "returned": "已退回修改",
            "rejected": "已否决",
            "recalled": "已撤回送审",
            "issued": "已签发",
        }[self.value]


_MODES = {Mode.LIVE: "正式评价结果", Mode.RECALCULATE: "重算或试算", Mode.WHAT_IF: "重算或试算"}
_ENDING = {"return": RoundStatus.RETURNED, "reject": RoundStatus.REJECTED}


@dataclass(frozen=True)
class StepState:
    """A step of the chain: who approved so far (logins in order), and whether the quorum is reached."""

    step: str
    name: str
    role: str
    quorum: int
    approvals: tuple[str, ...]
    complete: bool


@dataclass(frozen=True)
class RoundState:
    """Where a round stands: status, the step whose turn it is (None: none), every step."""

    status: RoundStatus
    next_step: str | None
    steps: tuple[StepState, ...]


_COLUMNS = tuple(Round.__dataclass_fields__)


def _rounds() -> Select[Any]:
    return select(*(tables.review_round.c[name] for name in _COLUMNS))


def _of_results(programme: str, period: str) -> Select[Any]:
    table = tables.review_round
    return _rounds().where(
        table.c.programme == programme, table.c.period == period, table.c.result_set_id.is_not(None)
    )


def _round(row: RowMapping) -> Round:
    return Round(**{name: row[name] for name in _COLUMNS})


def open_round(
    connection: Connection,
    programme: str,
    period: str,
    result_set_id: int,
    fingerprint: str,
    rating_list_sha256: str,
    rule_sha256: str,
    known_at: dt.datetime,
    mode: Mode = Mode.LIVE,
) -> Round:
    """Put a live result set before the reviewers; the same fingerprint again returns the round it has.

    Raises RefusedError while another round of the period is open, for a result set that is not live (a
    backfill never speaks; only a correction, which somebody asked for, puts up a recalculated one: ``mode``),
    and where the parts do not belong together; UnknownError for no such result set.
    """
    lock(connection, "rounds", programme, period)
    given = {
        "result_set_id": result_set_id,
        "fingerprint": fingerprint,
        "rating_list_sha256": rating_list_sha256,
        "rule_sha256": rule_sha256,
    }
    _check_result_set(connection, programme, period, result_set_id, rule_sha256, mode)
    every = list(
        map(
            _round,
            connection.execute(
                _of_results(programme, period).order_by(tables.review_round.c.number)
            ).mappings(),
        )
    )
    return enter(connection, programme, period, every, given, known_at)


def enter(
    connection: Connection,
    programme: str,
    period: str,
    earlier: Sequence[Round],
    given: Mapping[str, Any],
    known_at: dt.datetime,
) -> Round:
    """Open the next round of a matter of which these are the ``earlier`` rounds, in order.

    ``given``: result_set_id, fingerprint, rating_list_sha256, rule_sha256. The caller holds the lock
    ``rounds`` of the period, within which all rounds are numbered in one series. The same fingerprint again
    returns the round it has; RefusedError while the last of the ``earlier`` ones is open.
    """
    for there in earlier:
        if there.fingerprint == given["fingerprint"]:
            if any(getattr(there, name) != value for name, value in given.items()):
                raise RefusedError(f"{there.label}的指纹相同而内容不同：指纹须由送审的全部内容算出")
            return there
    if earlier and not ended(connection, earlier[-1].id):
        raise RefusedError(
            f"{programme} {earlier[-1].label}尚未结束（指纹 {short_code(earlier[-1].fingerprint)}），"
            "应先签发或退回该轮，再开新一轮"
        )
    table = tables.review_round
    last = connection.execute(
        select(func.max(table.c.number)).where(table.c.programme == programme, table.c.period == period)
    ).scalar()
    values = {"programme": programme, "period": period, "number": (last or 0) + 1, **given}
    row_id = connection.execute(
        table.insert().values(**values, known_at=known_at).returning(table.c.id)
    ).scalar_one()
    return Round(id=row_id, **values)


def _check_result_set(
    connection: Connection, programme: str, period: str, result_set_id: int, rule_sha256: str, mode: Mode
) -> None:
    table = tables.result_set
    row = connection.execute(select(table).where(table.c.id == result_set_id)).mappings().first()
    if row is None:
        raise UnknownError(f"没有编号为 {result_set_id} 的评价结果，不能送审")
    if (row["programme"], row["period"]) != (programme, period):
        raise RefusedError(
            f"评价结果 {result_set_id} 属于 {row['programme']} {row['period']} 年度，"
            f"不能作为 {programme} {period} 年度送审"
        )
    if row["mode"] != mode:
        only = "只有正式评价结果可以送审" if mode is Mode.LIVE else "更正只送审重算结果"
        raise RefusedError(f"评价结果 {result_set_id} 是{_MODES[row['mode']]}（{row['mode']}），{only}")
    if row["rule_sha256"] != rule_sha256:
        raise RefusedError(f"评价结果 {result_set_id} 所依规则与送审规则的指纹不同")


def get_round(connection: Connection, round_id: int) -> Round:
    """Return a round; UnknownError where there is none of that id."""
    row = connection.execute(_rounds().where(tables.review_round.c.id == round_id)).mappings().first()
    if row is None:
        raise UnknownError(f"没有编号为 {round_id} 的审批轮次")
    return _round(row)


def latest_round(connection: Connection, programme: str, period: str) -> Round | None:
    """Return the newest round of a period's results, whatever became of it."""
    row = connection.execute(
        _of_results(programme, period).order_by(tables.review_round.c.number.desc()).limit(1)
    )
    found = row.mappings().first()
    return None if found is None else _round(found)


def issued_round(connection: Connection, programme: str, period: str, known_at: dt.datetime) -> Round | None:
    """Return the round of a period's results that took effect last, as known at a moment."""
    table, issue = tables.review_round, tables.issue
    row = connection.execute(
        _of_results(programme, period)
        .join(issue, issue.c.round_id == table.c.id)
        .where(issue.c.known_at <= known_at)
        .order_by(table.c.number.desc())
        .limit(1)
    )
    found = row.mappings().first()
    return None if found is None else _round(found)


def ended(connection: Connection, round_id: int) -> RoundStatus | None:
    """Return how a round ended; None while it is open or approved and not yet issued."""
    decision, issue = tables.decision, tables.issue
    if connection.execute(select(issue.c.id).where(issue.c.round_id == round_id)).first():
        return RoundStatus.ISSUED
    recall = tables.round_recall
    if connection.execute(select(recall.c.id).where(recall.c.round_id == round_id)).first():
        return RoundStatus.RECALLED
    answer = connection.execute(
        select(decision.c.answer)
        .where(decision.c.round_id == round_id, decision.c.answer.in_(_ENDING))
        .order_by(decision.c.id)
        .limit(1)
    ).scalar()
    return None if answer is None else _ENDING[answer]


def recall(connection: Connection, round_id: int, by: str, reason: str, known_at: dt.datetime) -> bool:
    """Take a round back before its issue; return whether a row was written. The caller holds ``issue``.

    Raises RefusedError for a round that was issued, returned or rejected.
    """
    end = ended(connection, round_id)
    if end is RoundStatus.RECALLED:
        return False
    if end is not None:
        raise RefusedError(f"{get_round(connection, round_id).label}{end.label}，不能撤回送审")
    values = {"round_id": round_id, "recalled_by": by, "reason": reason, "known_at": known_at}
    connection.execute(tables.round_recall.insert().values(**values))
    return True


def unfinished(connection: Connection) -> list[int]:
    """Return the ids of all rounds that are not ended, the oldest first."""
    table, decision = tables.review_round, tables.decision
    query = (
        select(table.c.id)
        .where(
            *(
                ~select(end.c.id).where(end.c.round_id == table.c.id).exists()
                for end in (tables.issue, tables.round_recall)
            ),
            ~select(decision.c.id)
            .where(decision.c.round_id == table.c.id, decision.c.answer.in_(_ENDING))
            .exists(),
        )
        .order_by(table.c.id)
    )
    return list(connection.execute(query).scalars())


def state(connection: Connection, round_id: int, approval: Approval) -> RoundState:
    """Return where a round stands in its chain; what ended it voids the approvals given before."""
    round_ = get_round(connection, round_id)
    end = ended(connection, round_id)
    void = end is not None and end is not RoundStatus.ISSUED
    given = {} if void else _approvals(connection, round_)
    steps = tuple(
        StepState(
            step=s.step,
            name=s.name,
            role=s.role,
            quorum=s.quorum,
            approvals=given.get(s.step, ()),
            complete=len(given.get(s.step, ())) >= s.quorum,
        )
        for s in approval.steps
    )
    if end is not None:
        return RoundState(end, None, steps)
    waiting = next((s.step for s in steps if not s.complete), None)
    return RoundState(RoundStatus.OPEN if waiting else RoundStatus.APPROVED, waiting, steps)


def _approvals(connection: Connection, round_: Round) -> Mapping[str, tuple[str, ...]]:
    """Return the logins that approved exactly this round's fingerprint, by step, in order of answering."""
    table = tables.decision
    rows = connection.execute(
        select(table.c.step, table.c.actor)
        .where(
            table.c.round_id == round_.id,
            table.c.answer == "approve",
            table.c.fingerprint == round_.fingerprint,
        )
        .order_by(table.c.id)
    )
    given: dict[str, tuple[str, ...]] = {}
    for step, actor in rows:
        given[step] = (*given.get(step, ()), actor)
    return given
