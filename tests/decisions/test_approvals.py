"""Answers: which count, which are refused and with what words, and what two people at once come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ipgov.core import tables
from ipgov.core.errors import UnknownError
from ipgov.decisions.approvals import approved, decisions
from ipgov.decisions.officers import officer, register_officer
from ipgov.decisions.rounds import RoundStatus, open_round, state
from ipgov.policy.rules import Approval
from ipgov.registry.organisations import Organisation, add_organisation, record_succession
from ipgov.registry.platforms import add_titled_body
from sqlalchemy import Connection, func, select

KNOWN_AT = dt.datetime(2025, 4, 20, 1, 0, tzinfo=dt.UTC)
HOST, OPERATOR, ELSEWHERE = "91110000600037341L", "91110000101623741K", "91350211M0000XUF46"


def count(connection: Connection, table: Any) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[no-any-return]


def refused(desk: Any, step: str, actor: str, answer: str = "approve", **other: Any) -> str:
    """Give an answer that must not count, and return the reason; it must be on record, and nothing else."""
    before = count(desk.connection, tables.decision)
    standing = state(desk.connection, desk.round.id, desk.chain)
    recorded = desk.answer(step, actor, answer, **other)
    assert recorded.decision_id is None
    assert recorded.refused
    assert recorded.repeated is False
    assert count(desk.connection, tables.decision) == before
    assert state(desk.connection, desk.round.id, desk.chain) == standing
    table = tables.refused_decision
    row = desk.connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).mappings().one()
    assert (row["step"], row["actor"], row["answer"], row["reason"]) == (
        step,
        actor,
        answer,
        recorded.refused,
    )
    return recorded.refused  # type: ignore[no-any-return]


def test_audit_then_sign_approves(desk: Any) -> None:
    assert state(desk.connection, desk.round.id, desk.chain).next_step == "audit"
    first = desk.answer("audit", "shen1", comment="同意送签", entry="workbook", file_sha256="9" * 64)
    assert (first.refused, first.repeated) == (None, False)
    now = state(desk.connection, desk.round.id, desk.chain)
    assert (now.status, now.next_step) == (RoundStatus.OPEN, "sign")
    assert [(s.approvals, s.complete) for s in now.steps] == [(("shen1",), True), ((), False)]
    assert not approved(desk.connection, desk.round.id, desk.chain)
    assert desk.answer("sign", "qian1").decision_id is not None
    now = state(desk.connection, desk.round.id, desk.chain)
    assert (now.status, now.next_step) == (RoundStatus.APPROVED, None)
    assert approved(desk.connection, desk.round.id, desk.chain)
    given = decisions(desk.connection, desk.round.id)
    assert [(a.step, a.actor, a.comment, a.entry, a.file_sha256) for a in given] == [
        ("audit", "shen1", "同意送签", "workbook", "9" * 64),
        ("sign", "qian1", "", "console", None),
    ]
    assert count(desk.connection, tables.refused_decision) == 0


def test_an_issued_round_stays_approved(desk: Any) -> None:
    desk.answer("audit", "shen1")
    desk.answer("sign", "qian1")
    desk.connection.execute(
        tables.issue.insert().values(
            round_id=desk.round.id, fingerprint=desk.round.fingerprint, known_at=KNOWN_AT
        )
    )
    assert state(desk.connection, desk.round.id, desk.chain).status is RoundStatus.ISSUED
    assert approved(desk.connection, desk.round.id, desk.chain)
    assert refused(desk, "sign", "quan") == "2024 年度第 1 轮已签发，不再接受答复"


def test_a_quorum_of_two_needs_two_people(desk: Any, quorum_of_2: Approval) -> None:
    desk = desk.under(quorum_of_2)
    desk.answer("audit", "shen1")
    now = state(desk.connection, desk.round.id, desk.chain)
    assert (now.next_step, now.steps[0].approvals, now.steps[0].complete) == ("audit", ("shen1",), False)
    assert "现在应由“审核”答复，不是“签发”" in refused(desk, "sign", "qian1")
    desk.answer("audit", "shen2")
    now = state(desk.connection, desk.round.id, desk.chain)
    assert (now.next_step, now.steps[0].approvals, now.steps[0].complete) == (
        "sign",
        ("shen1", "shen2"),
        True,
    )
    assert "现在应由“签发”答复，不是“审核”" in refused(desk, "audit", "shen3")
    desk.answer("sign", "qian1")
    assert approved(desk.connection, desk.round.id, desk.chain)


def test_the_same_answer_again_changes_nothing(desk: Any) -> None:
    first = desk.answer("audit", "shen1")
    again = desk.answer("audit", "shen1", answered_at=KNOWN_AT + dt.timedelta(1), entry="airflow")
    assert (again.decision_id, again.refused, again.repeated) == (first.decision_id, None, True)
    assert count(desk.connection, tables.decision) == 1
    assert count(desk.connection, tables.refused_decision) == 0


@pytest.mark.parametrize(
    ("actor", "step", "answer", "status"),
    [
        ("shen2", "audit", "return", RoundStatus.RETURNED),
        ("qian1", "sign", "return", RoundStatus.RETURNED),
        ("qian1", "sign", "reject", RoundStatus.REJECTED),
    ],
)
def test_a_return_or_rejection_ends_the_round_and_voids_earlier_approvals(
    desk: Any, quorum_of_2: Approval, actor: str, step: str, answer: str, status: RoundStatus
) -> None:
    desk = desk.under(quorum_of_2 if step == "audit" else desk.chain)
    desk.answer("audit", "shen1")
    ending = desk.answer(step, actor, answer)
    now = state(desk.connection, desk.round.id, desk.chain)
    assert (now.status, now.next_step) == (status, None)
    assert [(s.approvals, s.complete) for s in now.steps] == [((), False), ((), False)]
    assert not approved(desk.connection, desk.round.id, desk.chain)
    assert refused(desk, "audit", "shen3") == f"2024 年度第 1 轮{status.label}，不再接受答复"
    assert desk.answer(step, actor, answer) == replace(ending, repeated=True)


def test_approvals_of_an_earlier_round_count_nothing_in_the_next(
    desk: Any, evaluate: Callable[..., int]
) -> None:
    desk.answer("audit", "shen1")
    desk.answer("sign", "qian1", "return")
    second = open_round(
        desk.connection, "functional_platform", "2024", evaluate(desk.connection, "2" * 64), "3" * 64,
        "b" * 64, "a" * 64, KNOWN_AT,
    )  # fmt: skip
    later = replace(desk, round=second)
    assert state(desk.connection, second.id, desk.chain).next_step == "audit"
    assert "指纹（FFFF-FFFF-FFFF）与本轮送审内容的指纹（3333-3333-3333）不同" in refused(
        later, "audit", "shen1", fingerprint=desk.round.fingerprint
    )
    later.answer("audit", "shen1")
    later.answer("sign", "qian1")
    assert approved(desk.connection, second.id, desk.chain)
    assert not approved(desk.connection, desk.round.id, desk.chain)


def test_an_unknown_person(desk: Any) -> None:
    reason = refused(desk, "audit", "nobody")
    assert reason == "没有账号为“nobody”的人员；现有：kan、qian1、quan、shen1、shen2、shen3"


def test_a_person_not_yet_known_then(desk: Any) -> None:
    assert "没有账号为“shen1”的人员" in refused(desk, "audit", "shen1", known_at=KNOWN_AT - dt.timedelta(1))


def test_an_inactive_person(desk: Any) -> None:
    gone = replace(officer(desk.connection, "shen1", KNOWN_AT), active=False)
    register_officer(desk.connection, gone, KNOWN_AT)
    assert refused(desk, "audit", "shen1") == "沈一的账号“shen1”已停用"


@pytest.mark.parametrize(
    ("actor", "reason"),
    [
        ("kan", "阚读的角色为查阅（viewer），“审核”须由审核（reviewer）答复"),
        ("qian1", "钱一的角色为签发（issuer），“审核”须由审核（reviewer）答复"),
    ],
)
def test_a_person_without_the_steps_role(desk: Any, actor: str, reason: str) -> None:
    assert refused(desk, "audit", actor) == reason


def test_a_step_before_its_turn(desk: Any) -> None:
    assert refused(desk, "sign", "qian1") == "现在应由“审核”答复，不是“签发”"


def test_a_step_that_is_complete(desk: Any) -> None:
    desk.answer("audit", "shen1")
    assert refused(desk, "audit", "shen2") == "现在应由“签发”答复，不是“审核”"


def test_an_unknown_step(desk: Any) -> None:
    assert refused(desk, "publish", "shen1") == "审批链没有“publish”这一步；现有：audit（审核）、sign（签发）"


@pytest.mark.parametrize("answer", ["reject", "maybe"])
def test_an_answer_that_the_step_does_not_allow(desk: Any, answer: str) -> None:
    reason = refused(desk, "audit", "shen1", answer)
    assert reason == f"“审核”不能答复“{answer}”；可答复：approve（同意）、return（退回修改）"


@pytest.mark.parametrize(("fingerprint", "shown"), [("0" * 64, "0000-0000-0000"), ("", "空")])
def test_an_answer_to_something_else(desk: Any, fingerprint: str, shown: str) -> None:
    reason = refused(desk, "audit", "shen1", fingerprint=fingerprint)
    assert reason == (
        f"答复所依的指纹（{shown}）与本轮送审内容的指纹（FFFF-FFFF-FFFF）不同，应按本轮评级表重新答复"
    )


def test_one_digit_of_the_fingerprint_is_enough(desk: Any) -> None:
    assert "不同，应按本轮评级表重新答复" in refused(desk, "audit", "shen1", fingerprint="f" * 63 + "e")


def test_one_person_does_not_fill_two_steps(desk: Any) -> None:
    desk.answer("audit", "quan")
    assert refused(desk, "sign", "quan") == "全能已在本轮“审核”中答复“同意”，一人在一轮中只能答复一次"


def test_nor_two_places_of_one_quorum(desk: Any, quorum_of_2: Approval) -> None:
    desk = desk.under(quorum_of_2)
    desk.answer("audit", "shen1")
    assert desk.answer("audit", "shen1").repeated is True
    assert state(desk.connection, desk.round.id, desk.chain).steps[0].complete is False
    assert (
        refused(desk, "audit", "shen1", "return")
        == "沈一已在本轮“审核”中答复“同意”，一人在一轮中只能答复一次"
    )


@pytest.mark.parametrize("comment", ["", "  \n"])
def test_a_return_needs_a_comment(desk: Any, comment: str) -> None:
    assert refused(desk, "audit", "shen1", "return", comment=comment) == "答复“退回修改”须写明意见"


def test_every_reason_is_told_at_once(desk: Any) -> None:
    reason = refused(desk, "sign", "kan", "return", comment="", fingerprint="0" * 64)
    assert [part[:8] for part in reason.split("；")] == [
        "阚读的角色为查阅",
        "现在应由“审核”",
        "答复所依的指纹（",
        "答复“退回修改”",
    ]


def test_a_refused_answer_delivered_twice_is_refused_on_record_once(desk: Any) -> None:
    for _ in range(2):
        refused(desk, "audit", "kan")
    assert count(desk.connection, tables.refused_decision) == 1
    refused(desk, "audit", "kan", answered_at=KNOWN_AT + dt.timedelta(seconds=1))
    assert count(desk.connection, tables.refused_decision) == 2


def test_after_a_refusal_the_right_answer_still_counts(desk: Any) -> None:
    refused(desk, "audit", "shen1", fingerprint="0" * 64)
    assert desk.answer("audit", "shen1").decision_id is not None


def test_an_unknown_round_or_entry(desk: Any) -> None:
    with pytest.raises(UnknownError, match="没有名为“fax”的审批入口；可用：airflow、workbook、console、cli"):
        desk.answer("audit", "shen1", entry="fax")
    with pytest.raises(UnknownError, match="没有编号为 99 的审批轮次"):
        replace(desk, round=replace(desk.round, id=99)).answer("audit", "shen1")
    with pytest.raises(ValueError, match="time zone"):
        desk.answer("audit", "shen1", answered_at=dt.datetime(2025, 4, 20))  # noqa: DTZ001


def belongs_to(desk: Any, login: str, code: str | None) -> None:
    person = officer(desk.connection, login, KNOWN_AT)
    register_officer(desk.connection, replace(person, organisation_code=code), KNOWN_AT)


@pytest.mark.parametrize(("code", "relation"), [(HOST, "依托单位"), (OPERATOR, "运营单位")])
def test_nobody_decides_on_a_body_of_their_own_organisation(desk: Any, code: str, relation: str) -> None:
    belongs_to(desk, "shen1", code)
    reason = refused(desk, "audit", "shen1")
    assert reason == f"沈一的所属单位（{code}）是FP01 示例平台FP01的{relation}，应当回避"
    assert desk.answer("audit", "shen2").decision_id is not None


def test_another_organisation_is_no_reason(desk: Any) -> None:
    belongs_to(desk, "shen1", ELSEWHERE)
    assert desk.answer("audit", "shen1").decision_id is not None


def test_an_organisation_and_the_one_that_carries_it_on_are_the_same(desk: Any) -> None:
    belongs_to(desk, "shen1", ELSEWHERE)
    day = dt.date(2024, 1, 1)
    for code, confirmed in ((OPERATOR, None), (ELSEWHERE, "张三")):
        organisation = Organisation(code, f"示例{code}", "11", False)
        add_organisation(desk.connection, organisation, day, "测试", KNOWN_AT, confirmed)
    record_succession(desk.connection, OPERATOR, ELSEWHERE, "merged", day, "测试", KNOWN_AT)
    assert "是FP01 示例平台FP01的运营单位，应当回避" in refused(desk, "audit", "shen1")


def test_an_operator_that_took_over_after_the_data_were_frozen_is_recused_too(desk: Any) -> None:
    belongs_to(desk, "shen1", ELSEWHERE)
    day = dt.date(2024, 1, 1)
    for code in (HOST, ELSEWHERE):
        organisation = Organisation(code, f"示例{code}", "11", False)
        add_organisation(desk.connection, organisation, day, "测试", KNOWN_AT, "张三")
    add_titled_body(
        desk.connection, "functional_platform", "FP02", "示例平台FP02", "trading", "11", "province", HOST,
        ELSEWHERE, day, "测试", KNOWN_AT,
    )  # fmt: skip
    assert "是FP02 示例平台FP02的运营单位，应当回避" in refused(desk, "audit", "shen1")
