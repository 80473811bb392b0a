"""What the office does on a day of a simulation beyond the follow-up: evaluate, ask provinces, publicise.

The procedures are those that the DAGs of recognition, evaluation and public notice call, in their order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any, Protocol

from sqlalchemy import text

from ipgov.core.database import reading
from ipgov.core.steps import Cycle, StepResult
from ipgov.policy import store
from ipgov.procedures import (
    applications,
    approval,
    evaluation_cycle,
    praise,
    province_audits,
    publicity,
    recognition,
)
from ipgov.procedures.publicity_effects import PUBLICISED
from ipgov.registry.titles import life, standings

_PAPERS = "SELECT round_id FROM paper_round ORDER BY round_id"


class People(Protocol):
    """Those who act outside the office's own procedures."""

    def acts_on(self, day: dt.date) -> bool:
        """Tell whether there is anything for them to do on a day."""

    def morning(self, day: dt.date, known_at: dt.datetime) -> list[str]:
        """Do what is done before the office's day: send files, report, grant; return what (Chinese)."""

    def answer(self, round_id: int, day: dt.date, known_at: dt.datetime) -> list[str]:
        """Answer the steps of a round; return what (Chinese)."""


def put_up(cycle: Cycle) -> int | None:
    """Evaluate a period as its DAG does; return the round that it opens, None where nobody applied."""
    recognises = store.recognises(cycle.programme)
    if recognises and not applications.catch_up(cycle).output["applicants"]:
        return None
    snapshot_id = evaluation_cycle.freeze(cycle).output["snapshot_id"]
    evaluation_cycle.check(cycle, snapshot_id)
    result_set_id = evaluation_cycle.evaluate(cycle, snapshot_id).output["result_set_id"]
    make = recognition.make_list if recognises else evaluation_cycle.make_rating_list
    listed = make(cycle, result_set_id).output["rating_list_sha256"]
    return int(evaluation_cycle.open_round(cycle, result_set_id, listed).output["round_id"])


def ask_provinces(programmes: Collection[str], day: dt.date, known_at: dt.datetime) -> list[str]:
    """Send the provinces the workbooks that are due on a day."""
    told = []
    for programme, period in province_audits.open_audits(day, known_at):
        if programme in programmes:
            sent = province_audits.send(Cycle(programme, period, day, known_at)).output["sent"]
            told += [f"向 {'、'.join(sorted(sent))} 发出 {programme} {period} 年度审核工作簿"] if sent else []
    return told


def publicising(programmes: Collection[str], day: dt.date, known_at: dt.datetime) -> bool:
    """Tell whether a body is on its way from the list to recognition."""
    with reading() as connection:
        for programme in publicity.programmes():
            if programme not in programmes:
                continue
            of = life(programme)
            waiting = {c for e in (PUBLICISED, publicity.EXPIRED, "recognised") for c in of.event(e).from_}
            states = standings(connection, programme, day, known_at)
            if any(state.code in waiting for state in states.values()):
                return True
    return False


def publicise(
    programmes: Collection[str], day: dt.date, known_at: dt.datetime, people: People | None
) -> list[str]:
    """Do the day's public notices, objections' answers and recognitions, as far as people answer them."""
    if not set(programmes) & set(publicity.programmes()):
        return []
    told = _answered(day, known_at, people)
    if not publicising(programmes, day, known_at):
        return told
    told += _proposed("提请公示", publicity.propose_notices(day, known_at))
    told += _answered(day, known_at, people)
    ended = publicity.advance(day, known_at).output["ended"]
    told += [f"公示期满 {len(ended)} 家"] if ended else []
    told += _proposed("提请认定", publicity.propose_recognitions(day, known_at))
    return told + _answered(day, known_at, people)


def propose_papers(programme: str, day: dt.date, known_at: dt.datetime, people: People) -> list[str]:
    """Propose what the issued grades call for, and let people answer it (2024-1155#43)."""
    done = praise.propose_due(day, known_at).output["proposed"]
    told = [f"拟办：{d['title']}" for d in done]
    return told + _answered(day, known_at, people)


def _proposed(what: str, result: StepResult) -> list[str]:
    done: list[dict[str, Any]] = result.output["proposed"]
    return [f"{what}：{'、'.join(d['units'])}" for d in done]


def _answered(day: dt.date, known_at: dt.datetime, people: People | None) -> list[str]:
    """Let people answer the documents that lie before them."""
    if people is None:
        return []
    with reading() as connection:
        papers = set(connection.execute(text(_PAPERS)).scalars())
    return [
        told for number in approval.unfinished() if number in papers
        for told in people.answer(number, day, known_at)
    ]  # fmt: skip
