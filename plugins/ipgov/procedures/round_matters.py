"""What a round can be about. One row a matter: how it is told, what is read, written and done for it.

The chain 审核 → 签发, the decision records, the fingerprint and the seals are the same for every matter; only
what stands in this table differs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.core.errors import UnknownError
from ipgov.core.steps import Cycle
from ipgov.decisions import case_rounds, paper_rounds
from ipgov.decisions.approvals import Answer
from ipgov.decisions.rounds import Round
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures import (
    case_round,
    correction_round,
    notices,
    paper_round,
    recognition_round,
    result_round,
)
from ipgov.procedures.notices import Filed, Planned


def _nothing(connection: Connection, round_: Round, answer: Answer, known_at: dt.datetime) -> None:
    """Do nothing: the next evaluation opens the next round."""


@dataclass(frozen=True)
class Matter:
    """One thing that a round can be about.

    ``of``: whether it is that; ``present``: subject and Markdown for those who decide; ``plan``: the
    documents of its issue; ``take_effect``: what its issue does beside (title events), as words;
    ``returned``: what a return or rejection does; ``rating_list``: whether a filled-in list may answer it.
    """

    name: str
    of: Callable[[Connection, Round], bool]
    present: Callable[[Connection, Round, RuleVersion], tuple[str, str]]
    plan: Callable[[Connection, Cycle, Loaded, Round, str], list[Planned]]
    take_effect: Callable[[Connection, Cycle, Loaded, Round, Sequence[Filed]], list[str]]
    returned: Callable[[Connection, Round, Answer, dt.datetime], None] = _nothing
    rating_list: bool = True


def _is_case(connection: Connection, round_: Round) -> bool:
    return case_rounds.of_round(connection, round_.id) is not None


def _is_paper(connection: Connection, round_: Round) -> bool:
    return paper_rounds.of_round(connection, round_.id) is not None


def _is_correction(connection: Connection, round_: Round) -> bool:
    table = tables.correction
    return connection.execute(select(table.c.id).where(table.c.round_id == round_.id)).first() is not None


def _is_result(connection: Connection, round_: Round) -> bool:
    return round_.result_set_id is not None


# the first that it is counts: a correction puts up a result, too
MATTERS = (
    Matter(
        "整改案件",
        _is_case,
        case_round.present,
        case_round.plan,
        case_round.take_effect,
        case_round.returned,
        rating_list=False,
    ),
    Matter(
        "另行拟稿的文书",
        _is_paper,
        paper_round.present,
        paper_round.plan,
        paper_round.take_effect,
        rating_list=False,
    ),
    Matter(
        "更正", _is_correction, correction_round.present, correction_round.plan, correction_round.take_effect
    ),
    Matter(
        "拟认定名单",
        recognition_round.is_recognition,
        recognition_round.present,
        recognition_round.plan,
        recognition_round.take_effect,
        rating_list=False,
    ),
    Matter("评价结果", _is_result, result_round.present, notices.plan, result_round.take_effect),
)


def matter(connection: Connection, round_: Round) -> Matter:
    """Return what a round is about; UnknownError where nothing of the table fits."""
    for found in MATTERS:
        if found.of(connection, round_):
            return found
    names = "、".join(m.name for m in MATTERS)
    raise UnknownError(f"{round_.label}（编号 {round_.id}）送审的事项不明；可以是：{names}")
