"""Rounds: when one may be opened, and where it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from ipgov.core import tables
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.decisions.approvals import approved
from ipgov.decisions.rounds import (
    Round,
    RoundStatus,
    get_round,
    issued_round,
    latest_round,
    open_round,
    state,
)
from ipgov.policy.rules import Approval
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

PROGRAMME, PERIOD = "functional_platform", "2024"
KNOWN_AT = dt.datetime(2025, 4, 20, 1, 0, tzinfo=dt.UTC)
RULE, LIST = "a" * 64, "b" * 64


@pytest.fixture
def open_(connection: Connection, evaluate: Callable[..., int]) -> Callable[..., Round]:
    """Open a round on the fingerprint, evaluated for it unless the test says otherwise."""

    def open_(fingerprint: str, **other: Any) -> Round:
        if "result_set_id" not in other:
            other["result_set_id"] = evaluate(connection, fingerprint)
        values = {"programme": PROGRAMME, "period": PERIOD, "rating_list_sha256": LIST, "rule_sha256": RULE}
        return open_round(connection, fingerprint=fingerprint, known_at=KNOWN_AT, **{**values, **other})

    return open_


def issue(connection: Connection, round_: Round, known_at: dt.datetime = KNOWN_AT) -> None:
    values = {"round_id": round_.id, "fingerprint": round_.fingerprint, "known_at": known_at}
    connection.execute(tables.issue.insert().values(**values))


def end(connection: Connection, round_: Round, answer: str) -> None:
    connection.execute(
        tables.decision.insert().values(
            round_id=round_.id, step="audit", answer=answer, actor="shen1", comment="退", entry="cli",
            fingerprint=round_.fingerprint, answered_at=KNOWN_AT, known_at=KNOWN_AT,
        )
    )  # fmt: skip


def test_a_round_is_opened_and_read_back(connection: Connection, open_: Callable[..., Round]) -> None:
    first = open_("1" * 64)
    assert (first.number, first.programme, first.period, first.label) == (
        1,
        PROGRAMME,
        PERIOD,
        "2024 年度第 1 轮",
    )
    assert get_round(connection, first.id) == first == latest_round(connection, PROGRAMME, PERIOD)


def test_the_same_fingerprint_is_the_same_round_also_after_its_end(
    connection: Connection, open_: Callable[..., Round]
) -> None:
    first = open_("1" * 64)
    again = {"result_set_id": first.result_set_id}
    assert open_("1" * 64, **again) == first
    end(connection, first, "return")
    assert open_("1" * 64, **again) == first


def test_the_same_fingerprint_of_other_content_is_refused(open_: Callable[..., Round]) -> None:
    first = open_("1" * 64)
    with pytest.raises(RefusedError, match="2024 年度第 1 轮的指纹相同而内容不同"):
        open_("1" * 64, result_set_id=first.result_set_id, rating_list_sha256="c" * 64)


def test_no_second_round_while_one_is_open(open_: Callable[..., Round]) -> None:
    open_("1" * 64)
    message = r"2024 年度第 1 轮尚未结束（指纹 1111-1111-1111），应先签发或退回该轮"
    with pytest.raises(RefusedError, match=message):
        open_("2" * 64)


@pytest.mark.parametrize("answer", ["return", "reject"])
def test_the_next_round_after_a_return_or_rejection(
    connection: Connection, open_: Callable[..., Round], answer: str
) -> None:
    end(connection, open_("1" * 64), answer)
    second = open_("2" * 64)
    assert second.number == 2
    assert latest_round(connection, PROGRAMME, PERIOD) == second


def test_the_next_round_after_an_issue(connection: Connection, open_: Callable[..., Round]) -> None:
    first = open_("1" * 64)
    issue(connection, first)
    assert open_("2" * 64).number == 2


def test_rounds_of_other_periods_do_not_stand_in_the_way(
    connection: Connection, open_: Callable[..., Round], evaluate: Callable[..., int]
) -> None:
    open_("1" * 64)
    other = open_("1" * 64, period="2023", result_set_id=evaluate(connection, "1" * 64, period="2023"))
    assert (other.period, other.number) == ("2023", 1)


@pytest.mark.parametrize("mode", ["recalculate", "what_if"])
def test_a_backfill_is_not_put_before_the_reviewers(
    connection: Connection, open_: Callable[..., Round], evaluate: Callable[..., int], mode: str
) -> None:
    with pytest.raises(RefusedError, match=rf"是重算或试算（{mode}），只有正式评价结果可以送审"):
        open_("1" * 64, result_set_id=evaluate(connection, "1" * 64, mode=mode))
    assert latest_round(connection, PROGRAMME, PERIOD) is None


def test_results_of_another_period_other_rules_or_none_at_all(
    connection: Connection, open_: Callable[..., Round], evaluate: Callable[..., int]
) -> None:
    results = evaluate(connection, "1" * 64)
    with pytest.raises(RefusedError, match="2024 年度，不能作为 functional_platform 2023"):
        open_("1" * 64, result_set_id=results, period="2023")
    with pytest.raises(RefusedError, match="所依规则与送审规则的指纹不同"):
        open_("1" * 64, result_set_id=results, rule_sha256="9" * 64)
    with pytest.raises(UnknownError, match="没有编号为 999 的评价结果"):
        open_("1" * 64, result_set_id=999)


def test_an_unknown_round(connection: Connection, chain: Approval) -> None:
    for ask in (lambda: get_round(connection, 7), lambda: state(connection, 7, chain)):
        with pytest.raises(UnknownError, match="没有编号为 7 的审批轮次"):
            ask()
    assert latest_round(connection, PROGRAMME, PERIOD) is None


def test_the_issued_round_as_known_at_a_moment(connection: Connection, open_: Callable[..., Round]) -> None:
    first = open_("1" * 64)
    assert issued_round(connection, PROGRAMME, PERIOD, KNOWN_AT) is None
    issue(connection, first)
    second = open_("2" * 64)
    later = KNOWN_AT + dt.timedelta(30)
    issue(connection, second, later)
    asked = [issued_round(connection, PROGRAMME, PERIOD, KNOWN_AT + dt.timedelta(n)) for n in (-1, 0, 30)]
    assert asked == [None, first, second]


def test_an_issue_without_the_answers_is_not_an_approval(
    connection: Connection, open_: Callable[..., Round], chain: Approval
) -> None:
    first = open_("1" * 64)
    issue(connection, first)
    assert state(connection, first.id, chain).status is RoundStatus.ISSUED
    assert approved(connection, first.id, chain) is False


@pytest.mark.parametrize("table", ["decision", "issue"])
def test_the_database_binds_decision_and_issue_to_the_fingerprint(
    connection: Connection, open_: Callable[..., Round], table: str
) -> None:
    round_ = open_("1" * 64)
    values: dict[str, Any] = {"round_id": round_.id, "fingerprint": "2" * 64, "known_at": KNOWN_AT}
    if table == "decision":
        values |= {"step": "audit", "answer": "approve", "actor": "shen1", "comment": "", "entry": "cli"}
        values["answered_at"] = KNOWN_AT
    with pytest.raises(IntegrityError, match=f"fk_{table}_round_id_fingerprint"), connection.begin_nested():
        connection.execute(tables.metadata.tables[table].insert().values(**values))
