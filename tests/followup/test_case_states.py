"""The states of a case: whatever is tried in whatever order, the promises hold."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.followup import case_diagram, case_states
from ipgov.followup.case_states import EVENTS, TRANSITIONS, CaseEvent, Standing, State
from ipgov.policy import cases as policy
from ipgov.policy.cases import CaseRules

DUE = dt.date(2024, 9, 5)
BEGIN = dt.date(2024, 3, 5)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "rectification.md"
RULES = {c.code: c for c in policy.every() if c.inquiry is None}
INQUIRIES = {c.code: c for c in policy.every() if c.inquiry is not None}
ENDING = "centre_rectification"  # the only kind whose failure ends a title


def event(name: str, day: dt.date = DUE, **detail: object) -> CaseEvent:
    told = {"due_on": DUE.isoformat(), "kept": 1, "unsolved": [], **detail}
    return CaseEvent(name, day, "某人", "", told)


def walk(rules: CaseRules, *names: str, day: dt.date = DUE) -> Standing:
    return case_states.replay(rules, [event(n, day) for n in names])


@st.composite
def attempts(draw: st.DrawFn) -> tuple[CaseRules, list[CaseEvent]]:
    """Return rules, loosened or tightened at will, and events that somebody tries, on days in any order."""
    rules = RULES[draw(st.sampled_from(sorted(RULES)))]
    rules = rules.model_copy(
        update={
            "plan": rules.plan.model_copy(update={"required": draw(st.booleans())}),
            "evidence": rules.evidence.model_copy(update={"required": draw(st.booleans())}),
            "progress": rules.progress.model_copy(update={"minimum": draw(st.integers(0, 2))}),
            "early_acceptance": draw(st.booleans()),
            "reevaluation": draw(st.sampled_from([rules.reevaluation, None])),
        }
    )
    outcomes = st.sampled_from([rules.passed.outcome, rules.failed.outcome, "elsewhere"])
    tried = st.builds(
        lambda name, at, outcome, kept: event(
            name, BEGIN + dt.timedelta(days=at), outcome=outcome, kept=kept, until="2024-10-08"
        ),
        st.sampled_from([*EVENTS, "notify", "plan", "evidence", "accept", "reject", "propose", "close"]),
        st.integers(0, 400),
        outcomes,
        st.integers(0, 2),
    )
    events = draw(st.lists(tried, min_size=5, max_size=40))
    if draw(st.booleans()):
        events = sorted(events, key=lambda e: e.day)
    return rules, events


@settings(max_examples=400, deadline=None)
@given(attempts())
def test_no_path_breaks_a_promise(attempt: tuple[CaseRules, list[CaseEvent]]) -> None:
    rules, events = attempt
    now, done = Standing(), list[CaseEvent]()
    for e in events:
        before = now
        try:
            now = case_states.apply(rules, now, e)
        except GovernanceError:
            assert now == before  # what is refused leaves nothing
            continue
        done.append(e)
        names = [d.event for d in done]
        if e.event == "accept":
            assert not rules.plan.required or "plan" in names
            assert not rules.evidence.required or any(
                d.event == "evidence" and d.detail["kept"] for d in done
            )
            assert names.count("progress") >= rules.progress.minimum
            assert rules.early_acceptance or e.day > DUE
        if e.event in ("reject", "fail_again"):
            assert e.day > DUE  # the period of rectification is never cut short
        if e.event == "close":
            assert before.state is State.PROPOSED
            judged = [n for n in names[:-1] if n not in ("withdraw",)]
            assert judged[-1] == "propose"
            assert names[0] == "notify"
        if now.state is State.CLOSED and now.outcome == rules.failed.outcome:
            last = [d for d in done if d.event in ("accept", "reject", "pass_again", "fail_again")][-1]
            assert last.event in ("reject", "fail_again")
            assert last.day > DUE
        if before.ended:
            raise AssertionError("nothing happens after the end")
    assert case_states.replay(rules, done) == now
    for on in {e.day for e in done}:  # on every day the rows tell the same, however often they are asked
        until = [e for e in done if e.day <= on]
        assert case_states.replay(rules, until) == case_states.replay(rules, list(until))


def test_a_judgement_comes_before_an_approval_and_a_return_makes_it_void() -> None:
    rules = RULES["platform_warning"]
    judged = ("notify", "plan", "progress", "evidence", "accept")
    assert walk(rules, *judged).state is State.ACCEPTED
    now = case_states.apply(rules, walk(rules, *judged), event("propose", outcome="rectified"))
    assert now.state is State.PROPOSED
    back = case_states.apply(rules, now, event("return"))
    assert (back.state, back.outcome, back.unsolved) == (State.RECTIFYING, None, None)
    with pytest.raises(RefusedError, match="尚无结论"):
        case_states.ending(rules, back)


@pytest.mark.clause("2023-156#21")
def test_no_rectification_of_a_platform_ends_its_title() -> None:
    ours = [c for c in policy.every() if c.programme == "functional_platform"]
    assert ours
    assert [e.event for c in ours for e in c.endings.values()] == [None] * (2 * len(ours))


@pytest.mark.clause("2024-1155#45")
def test_a_centre_that_still_fails_loses_its_qualification_in_the_words_of_its_document() -> None:
    from ipgov.policy.store import clauses
    from ipgov.policy.title_words import title_words

    rules = RULES[ENDING]
    assert rules.failed.event == "cancelled"
    assert rules.failed.clause == ("2024-1155#45",)
    assert title_words("industry_centre").cancelled == "取消资格"
    assert "资格" in clauses()["2024-1155#45"]["key_zh"]
    assert title_words("functional_platform").cancelled == "取消称号"
    assert "取消称号" in clauses()["2023-156#21"]["key_zh"]
    over = DUE + dt.timedelta(days=1)
    now = case_states.replay(
        rules, [event("notify"), event("reject", over, unsolved=[1]), event("fail_again", over)]
    )
    assert case_states.ending(rules, now) is rules.failed
    with pytest.raises(RefusedError, match="整改期限 2024-09-05 未满"):
        case_states.replay(rules, [event("notify"), event("reject")])


def test_a_title_cannot_be_ended_on_the_operators_word() -> None:
    rules = RULES[ENDING].model_dump(mode="json")
    rules["failed"] |= {"clause": [], "operator": "自定"}
    with pytest.raises(ValueError, match="称号只能依文件的规定取消"):
        CaseRules.model_validate(rules)


@pytest.mark.parametrize("on", [DUE, DUE + dt.timedelta(days=1)])
def test_more_time_only_within_the_period_and_the_operators_maximum(on: dt.date) -> None:
    rules = RULES["platform_warning"]
    now = walk(rules, "notify", day=BEGIN)
    if on > DUE:
        with pytest.raises(RefusedError, match="整改期限 2024-09-05 已满"):
            case_states.apply(rules, now, event("extend", on, until="2024-10-08"))
        return
    more = case_states.apply(rules, now, event("extend", on, until="2024-10-08"))
    assert more.extensions == 1
    for until, told in (("2025-01-02", "最晚日期 2024-12-05"), ("2024-09-05", "不晚于现期限")):
        with pytest.raises(RefusedError, match=told):
            case_states.apply(rules, now, event("extend", on, until=until))
    with pytest.raises(RefusedError, match="不超过 1 次"):
        case_states.apply(rules, more, event("extend", on, until="2024-11-08"))


def test_days_do_not_run_backwards_and_unknown_events_are_errors() -> None:
    rules = RULES["platform_warning"]
    with pytest.raises(RefusedError, match="早于案件已有的事项"):
        case_states.apply(rules, walk(rules, "notify"), event("plan", BEGIN))
    with pytest.raises(UnknownError, match="没有名为“forget”的案件事项"):
        case_states.apply(rules, Standing(), event("forget"))


def test_every_state_can_be_reached_and_left() -> None:
    reached = {State.OPENED} | {t.target for t in TRANSITIONS if t.target}
    assert reached == set(State)
    left = {s for t in TRANSITIONS for s in t.sources if t.target and t.target is not s}
    assert left == set(State) - {State.CLOSED, State.WITHDRAWN}
    assert {g for t in TRANSITIONS for g in t.guards} == set(case_states.GUARDS)


def test_every_clause_of_the_table_is_a_clause() -> None:
    from ipgov.policy.store import clauses

    cited = {b for t in TRANSITIONS for b in t.basis} - {"operator"}
    assert cited <= set(clauses())


@pytest.mark.parametrize("inquiry", [False, True])
def test_the_document_shows_the_table(inquiry: bool) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"```mermaid\n{case_diagram.mermaid(inquiry)}\n```" in text
    assert case_diagram.table(inquiry) in text


MET = ("judged", "result_obtained")


@st.composite
def inquiries(draw: st.DrawFn) -> tuple[CaseRules, list[CaseEvent]]:
    """Return rules of a case without rectification, and events that somebody tries in any order."""
    rules = INQUIRIES[draw(st.sampled_from(sorted(INQUIRIES)))]
    ours = ("find", "inform", "statement", "establish", "dismiss", "propose", "return", "close")
    tried = st.builds(
        lambda name, at, outcome, criteria: event(
            name, BEGIN + dt.timedelta(days=at), outcome=outcome, criteria=criteria, reply_until="2024-03-29"
        ),
        st.sampled_from([*EVENTS, *ours, *ours]),
        st.integers(0, 40),
        st.sampled_from([rules.passed.outcome, rules.failed.outcome]),
        st.sampled_from([(), MET[:1], MET[1:], MET]),
    )
    return rules, sorted(draw(st.lists(tried, min_size=5, max_size=40)), key=lambda e: e.day)


@settings(max_examples=400, deadline=None)
@given(inquiries())
@pytest.mark.clause("2024-1155#46", "2024-1155#47")
def test_no_path_of_an_inquiry_breaks_a_promise(attempt: tuple[CaseRules, list[CaseEvent]]) -> None:
    rules, events = attempt
    now, done = Standing(), list[CaseEvent]()
    for e in events:
        try:
            now = case_states.apply(rules, now, e)
        except GovernanceError:
            continue
        done.append(e)
        names = [d.event for d in done]
        assert not {"notify", "plan", "accept", "reject", "pass_again", "fail_again", "extend"} & set(names)
        if e.event == "inform":
            assert "find" in names  # nobody is told of what nothing proves
        if e.event == "establish":
            assert "statement" in names or e.day > dt.date(2024, 3, 29)
            assert rules.inquiry is not None
            assert set(e.detail["criteria"]) >= (set(MET) if rules.inquiry.tests else set())
        if e.event == "close" and now.outcome == rules.failed.outcome:
            judged = [n for n in names if n in ("establish", "dismiss", "return")]
            assert judged[-1] == "establish"
            assert names[-2] == "propose"
    assert case_states.replay(rules, done) == now


def test_a_case_is_a_rectification_or_an_inquiry_and_not_half_of_each() -> None:
    rules = INQUIRIES["centre_misconduct"].model_dump(mode="json")
    assert CaseRules.model_validate_json(INQUIRIES["centre_misconduct"].frozen()).inquiry is not None
    for change, told in (
        ({"plan": {"required": True}}, "没有方案"),
        ({"evidence": {**rules["evidence"], "required": False}}, "evidence"),
        ({"inquiry": None}, "整改案件须写明 extension"),
        ({"failed": {**rules["failed"], "clause": []}}, "只能依文件的规定取消"),
        ({"passed": {**rules["passed"], "event": "revoked", "clause": ["2024-1155#46"]}}, "不得取消"),
    ):
        with pytest.raises(ValueError, match=told):
            CaseRules.model_validate({**rules, **change})
