"""Rectifications played to the end: accepted, rejected, a pilot platform, more time, refusals."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from ipgov.calendars import deadlines
from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.tables import (
    case_event,
    case_evidence,
    case_problem,
    dispatch,
    document,
    obligation,
    obligation_event,
    review_round,
    title_event,
)
from ipgov.followup import cases
from ipgov.followup.case_states import State
from ipgov.procedures import approval, case_opening, follow_up, rectification
from ipgov.procedures.case_evidence import Sent
from played_cases import PDF, add_pilot, follow, pdf, rows
from played_nation import PROGRAMME, Nation, at
from sqlalchemy import func, select


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def count(table: Any) -> int:
    return int(rows(select(func.count().label("n")).select_from(table))[0]["n"])


def a_sunday(after: dt.date) -> dt.date:
    from ipgov.calendars.working_days import day as calendar_day

    days = (after + dt.timedelta(days=n) for n in range(60))
    return next(d for d in days if d.weekday() == 6 and not calendar_day(d).working)


def state(case_id: int, on: dt.date | None = None) -> str:
    with reading() as connection:
        case = cases.get(connection, case_id, dt.datetime.max.replace(tzinfo=dt.UTC))
        return cases.standing(connection, case, through=on).state


def decide(round_: dict[str, Any], on: dt.date, chosen: str = "approve") -> Any:
    approval.answer(
        round_["round_id"],
        "audit",
        "approve",
        "reviewer2",
        "同意",
        round_["fingerprint"],
        "console",
        at(on),
        at(on),
    )
    return approval.answer(
        round_["round_id"],
        "sign",
        chosen,
        "issuer1",
        "（试）",
        round_["fingerprint"],
        "console",
        at(on),
        at(on),
    )


@pytest.fixture
def pilot(nation: Nation) -> tuple[Nation, int]:
    return nation, add_pilot(nation)


def test_the_period_and_the_separate_evaluation_of_a_pilot_platform(pilot):
    nation, case_id = pilot
    on = day("2023-09-08")
    with pytest.raises(RefusedError, match="没有问题清单"):
        case_opening.notify(case_id, on, at(on))
    for name in ("交易额", "互联互通", "=1+1"):
        case_opening.add_problem(case_id, name, "不足<b>", "reviewer1", on, at(on), "2023-156#23")
    sent = case_opening.notify(case_id, on, at(on))
    assert case_opening.notify(case_id, on, at(on)).repeated
    assert sent.output["document_number"] == "国知平改函〔2023〕1号"
    paper = rows(select(document).where(document.c.unit == "PP01"))
    assert [p["title"] for p in paper] == ["关于=虚构<试点>../平台试点平台整改的通知"]
    assert {r["recipient"] for r in rows(select(dispatch))} == {"PP01", "44"}  # the province gets a copy

    # one year, counted from the day after the document (2023-156#23)
    with reading() as connection:
        assert cases.due_on(connection, case_id, at(on)) == day("2024-09-05")
    plan = rectification.plan(
        case_id, "虚构试点", "方案", [pdf("方案.pdf")], day("2023-10-08"), at(day("2023-10-08"))
    )
    assert plan.output["state"] == State.RECTIFYING
    rectification.evidence(
        case_id, "虚构试点", "材料", [pdf("合同.pdf")], [1, 2], day("2024-05-06"), at(day("2024-05-06"))
    )
    follow(nation, day("2024-05-07"))
    done = rows(
        select(obligation.c.duty, obligation_event.c.event)
        .join(obligation, obligation.c.id == obligation_event.c.obligation_id)
        .where(obligation.c.unit == "PP01", obligation_event.c.event == "met")
    )
    assert {r["duty"] for r in done} == {"pilot_rectification_plan"}

    early, late = day("2024-06-03"), day("2024-09-09")
    rectification.judge(case_id, "accept", "reviewer1", [3], "基本完成", early, at(early))
    with pytest.raises(RefusedError, match="整改期限 2024-09-05 未满"):
        rectification.reevaluate(case_id, "reviewer1", [3], "核查", early, at(early))
    with pytest.raises(RefusedError, match="须先再评价"):
        rectification.propose(case_id, "reviewer1", "请批", early, at(early))
    follow(nation, late)
    # two of three is less than the operator's share
    again = rectification.reevaluate(case_id, "reviewer1", [3], "核查", late, at(late))
    assert again.output["state"] == State.FAILED
    assert again.output["reckoned"] == "共 3 项，已解决 2 项；须解决 80% 以上"
    round_ = rectification.propose(case_id, "reviewer1", "未达到条件", late, at(late)).output
    presented = approval.present(round_["round_id"])
    assert "拟办：**整改后评价未通过**" in presented.body
    assert "\\<试点\\>" in presented.body  # a name is text, no markup
    assert decide(round_, late).status == "approved"
    issued = approval.issue(round_["round_id"], late, at(late))
    assert issued.output["title_events"] == []  # a pilot holds no title, and no clause ends anything
    assert state(case_id) == State.CLOSED
    assert approval.issue(round_["round_id"], late, at(late)).repeated
    assert [
        d["kind"] for d in rows(select(document).where(document.c.unit == "PP01").order_by(document.c.id))
    ] == [
        "pilot_rectification_notice",
        "reevaluation_failed",
    ]
    # on every day the rows tell the same as they did then
    assert [state(case_id, d) for d in (on, day("2023-10-08"), early, late)] == [
        State.NOTIFIED,
        State.RECTIFYING,
        State.ACCEPTED,
        State.CLOSED,
    ]
    assert state(case_id, day("2023-09-07")) == State.OPENED


def told(duty: str) -> list[str]:
    happened = rows(
        select(obligation_event.c.day, obligation_event.c.event)
        .join(obligation, obligation.c.id == obligation_event.c.obligation_id)
        .where(obligation.c.unit == "PP01", obligation.c.duty == duty)
        .order_by(obligation_event.c.id)
    )
    return [f"{r['day']} {r['event']}" for r in happened]


def test_progress_is_owed_and_after_a_returned_round_the_duties_go_on_until_the_new_judgement(pilot):
    nation, case_id = pilot
    on, sent = day("2023-09-08"), day("2024-03-21")
    case_opening.add_problem(case_id, "交易额", "不足", "reviewer1", on, at(on))
    case_opening.notify(case_id, on, at(on))
    rectification.plan(case_id, "虚构试点", "方案", [pdf("方案.pdf")], on, at(on))
    follow(nation, day("2024-03-20"))
    # half a year after the opening (operator): reminded of, found overdue, escalated like all the others
    assert told("pilot_rectification_progress")[-3:] == [
        "2024-03-06 overdue",
        "2024-03-06 escalated",
        "2024-03-12 escalated",
    ]
    rectification.progress(case_id, "虚构试点", "进展", [], sent, at(sent))
    rectification.evidence(case_id, "虚构试点", "材料", [pdf("合同.pdf")], [1], sent, at(sent))
    follow(nation, day("2024-03-22"))
    assert told("pilot_rectification_progress")[-1] == "2024-03-22 met"

    early, late, end = day("2024-06-03"), day("2024-09-09"), day("2024-09-12")
    rectification.judge(case_id, "accept", "reviewer1", [], "基本完成", early, at(early))
    follow(nation, late)
    assert told("pilot_rectification")[-1] == "2024-06-04 met"
    assert told("pilot_evaluation")[0] == "2024-06-04 opened"
    rectification.reevaluate(case_id, "reviewer1", [1], "核查", late, at(late))
    round_ = rectification.propose(case_id, "reviewer1", "请批", late, at(late)).output
    assert decide(round_, late, "return").status == "returned"
    follow(nation, day("2024-09-11"))
    assert told("pilot_rectification")[-3:] == [
        "2024-09-10 resumed",
        "2024-09-10 overdue",
        "2024-09-10 escalated",
    ]
    from ipgov.procedures import follow_up_papers

    follow_up_papers.write(day("2024-09-11"), nation.at(day("2024-09-11")))
    (letter,) = rows(select(document).where(document.c.kind == "resumed"))
    said = str(json.loads(objects.get_content(letter["data_sha256"])))
    assert letter["recipient"] == "PP01"
    assert "该事项曾按2024年6月3日的结论停止提醒。因该结论已撤销，该事项自2024年9月10日起恢复办理" in said
    with reading() as connection:
        from ipgov.followup.obligations import owed

        (one,) = owed(connection, day("2024-09-11"), nation.at(day("2024-09-11")), id=case_id)
        (listed,) = owed(
            connection, day("2024-09-11"), nation.at(day("2024-09-11")), id=case_id, states=["overdue"]
        )
        assert (one.state, listed.id) == ("overdue", case_id)
    rectification.judge(case_id, "reject", "reviewer1", [1], "未完成", end, at(end))
    rectification.reevaluate(case_id, "reviewer1", [1], "核查", end, at(end))
    second = rectification.propose(case_id, "reviewer1", "请批", end, at(end)).output
    assert decide(second, end).status == "approved"
    approval.issue(second["round_id"], end, at(end))
    follow(nation, day("2024-12-20"))
    assert told("pilot_rectification")[-1] == "2024-09-13 lapsed"
    assert told("pilot_evaluation")[-1] == "2024-09-13 met"
    with reading() as connection:
        (one,) = owed(connection, end + dt.timedelta(1), nation.at(day("2024-12-20")), id=case_id)
    assert one.state_name == "未通过"


def test_what_may_not_be_is_refused_and_leaves_nothing(pilot):
    _, case_id = pilot
    on = day("2023-09-08")
    for login, told in (("insider", "应当回避"), ("gone", "不能办理"), ("issuer1", "不能办理")):
        with pytest.raises(RefusedError, match=told):
            case_opening.add_problem(case_id, "交易额", "不足", login, on, at(on))
    with pytest.raises(UnknownError, match="没有账号"):
        case_opening.add_problem(case_id, "交易额", "不足", "PP01", on, at(on))
    case_opening.add_problem(case_id, "交易额", "不足", "reviewer1", on, at(on))
    with pytest.raises(RefusedError, match="已立案，待通知"):
        rectification.plan(case_id, "虚构试点", "方案", [], on, at(on))
    case_opening.notify(case_id, on, at(on))
    with pytest.raises(RefusedError, match="尚未收到整改方案；尚未收到整改佐证材料"):
        rectification.judge(case_id, "accept", "reviewer1", [], "好", on, at(on))
    with pytest.raises(RefusedError, match="整改期限 2024-09-05 未满"):
        rectification.judge(case_id, "reject", "reviewer1", [1], "不好", on, at(on))
    with pytest.raises(RefusedError, match="尚无结论"):
        rectification.propose(case_id, "reviewer1", "请批", on, at(on))
    with pytest.raises(RefusedError, match="没有第 7 项；现有：1 至 1"):
        rectification.judge(case_id, "send_back", "reviewer1", [7], "再改", on, at(on))
    with pytest.raises(RefusedError, match="延期不超过 0 次"):
        rectification.extend(case_id, day("2024-12-05"), "issuer1", "请延", on, at(on))
    with pytest.raises(UnknownError, match="没有编号为 999 的整改案件"):
        rectification.plan(999, "虚构试点", "方案", [], on, at(on))
    assert state(case_id) == State.NOTIFIED
    assert [r["event"] for r in rows(select(case_event.c.event))] == ["notify"]
    assert count(review_round) == 0


def test_files_are_examined_by_content_and_a_refused_one_proves_nothing(pilot, monkeypatch, tmp_path):
    _, case_id = pilot
    on = day("2023-09-08")
    case_opening.add_problem(case_id, "交易额", "不足", "reviewer1", on, at(on))
    case_opening.notify(case_id, on, at(on))
    sent = [
        Sent("脚本.pdf", PDF.replace(b"/Catalog", b"/Catalog /OpenAction << /S /JavaScript >>")),
        Sent("程序.pdf", b"MZ\x90"),
        pdf("图.png"),
        pdf("../../好.pdf"),
    ]
    taken = rectification.evidence(case_id, "虚构试点", "材料", sent, [], on, at(on))
    assert taken.output["kept"] == ["../../好.pdf"]
    assert {name: why.partition("；")[0] for name, why in taken.output["refused"].items()} == {
        "脚本.pdf": "PDF 含有脚本",
        "程序.pdf": "文件内容为空或不是可接收的类型",
        "图.png": "文件内容是PDF 文件，与文件名后缀不符",
    }
    kept = [r for r in rows(select(case_evidence)) if r["outcome"] == "kept"]
    from ipgov.core import objects

    assert objects.get_content(kept[0]["sha256"]) == sent[3].data
    scanner = tmp_path / "scanner"
    scanner.write_text("#!/bin/sh\necho EICAR\nexit 1\n")
    scanner.chmod(0o755)
    from ipgov.core.settings import settings

    monkeypatch.setenv("IPGOV_SCANNER", str(scanner))
    settings.cache_clear()
    infected = rectification.evidence(case_id, "虚构试点", "材料二", [pdf("毒.pdf")], [], on, at(on))
    assert "恶意代码" in infected.output["refused"]["毒.pdf"]
    assert infected.written == 0
    with reading() as connection:
        now = cases.standing(connection, cases.get(connection, case_id, at(on)))
    assert now.evidence == 1  # the infected one is no evidence
    assert rectification.evidence(case_id, "虚构试点", "材料", sent, [], on, at(on)).repeated


@pytest.mark.clause("2023-156#21")
def test_a_warning_ends_in_acceptance_or_in_the_operators_consequence_and_never_in_the_title(nation):
    nation.year(2023)
    issued_on = nation.days(2023).evaluate_on.date
    begin = issued_on + dt.timedelta(days=2)
    opened = follow(nation, begin, issued_on)
    assert len(opened["opened"]) == 2
    assert follow(nation, begin)["opened"] == []  # the same day again
    by_unit = {
        c["unit"]: c["id"]
        for c in rows(select(obligation).where(obligation.c.duty == "warned_rectification"))
    }
    assert set(by_unit) == {"FP08", "FP09"}
    good, bad = by_unit["FP08"], by_unit["FP09"]

    problems = rows(
        select(case_problem).where(case_problem.c.obligation_id == good).order_by(case_problem.c.number)
    )
    low = [p for p in problems if p["kind"] == "indicator"]
    assert low
    for p in low:  # each figure with its file, sheet and cell
        assert p["sources"][0]["sheet"]
        assert p["sources"][0]["cell"]
        assert len(p["sources"][0]["sha256"]) == 64
        assert p["submission_id"] is not None
        assert "低于60分" in p["found"]
    numbers = [p["number"] for p in problems]
    assert numbers == list(range(1, len(numbers) + 1))

    # the plan is late: it escalates, by the engine, from the body to its province
    late = begin + dt.timedelta(days=60)
    follow(nation, late)
    told = rows(
        select(obligation_event.c.event, obligation.c.unit)
        .join(obligation, obligation.c.id == obligation_event.c.obligation_id)
        .where(obligation.c.duty == "warned_rectification_plan")
    )
    assert ("escalated", "FP09") in {(r["event"], r["unit"]) for r in told}

    for case_id in (good, bad):
        rectification.plan(case_id, "经办人", "方案", [pdf("方案.pdf")], late, at(late))
    report = late + dt.timedelta(days=10)
    rectification.progress(good, "经办人", "进展", [], report, at(report))
    rectification.evidence(good, "经办人", "材料", [pdf("材料.pdf")], [1], report, at(report))
    with reading() as connection:
        first_due = cases.due_on(connection, good, at(report))

    # more time: only the issuer, only within the operator's maximum, only before the end
    until = first_due + dt.timedelta(days=31)
    with pytest.raises(RefusedError, match="不能办理"):
        rectification.extend(good, until, "reviewer1", "补充材料", report, at(report))
    beyond = deadlines.roll(first_due + dt.timedelta(days=200)).date
    with pytest.raises(RefusedError, match="超过规则允许的最晚日期"):
        rectification.extend(good, beyond, "issuer1", "补充材料", report, at(report))
    until = deadlines.roll(until).date
    with pytest.raises(RefusedError, match="不是工作日"):
        rectification.extend(good, a_sunday(until), "issuer1", "补充材料", report, at(report))
    rectification.extend(good, until, "issuer1", "补充材料", report, at(report))
    assert rectification.extend(good, until, "issuer1", "补充材料", report, at(report)).repeated
    with reading() as connection:
        assert cases.due_on(connection, good, at(report)) == until
    with pytest.raises(RefusedError, match="延期不超过 1 次"):
        rectification.extend(
            good, deadlines.add_working_days(until, 1).date, "issuer1", "再延", report, at(report)
        )
    with pytest.raises(RefusedError, match=r"由 ipgov case extend \d+ 办理"):
        follow_up.extend(str(bad), until, "anybody", "延期", at(report))
    over = first_due + dt.timedelta(days=3)
    with pytest.raises(RefusedError, match="已满"):
        rectification.extend(bad, until, "issuer1", "再延", over, at(over))

    rectification.judge(good, "accept", "reviewer1", [], "问题均已解决", over, at(over))
    rectification.judge(bad, "reject", "reviewer1", [1, 2], "未见成效", over, at(over))
    rounds = {}
    for case_id, name in ((good, "整改验收合格"), (bad, "整改验收不合格")):
        rounds[case_id] = rectification.propose(case_id, "reviewer1", "请批", over, at(over)).output
        assert rounds[case_id]["name"] == name

    # returned: the case is rectified and judged again, in a round of its own
    assert decide(rounds[good], over, "return").status == "returned"
    assert state(good) == State.RECTIFYING
    with pytest.raises(RefusedError, match="未经完整审批"):
        approval.issue(rounds[good]["round_id"], over, at(over))
    rectification.judge(good, "accept", "reviewer1", [], "问题均已解决", over, at(over))
    second = rectification.propose(good, "reviewer1", "请批", over, at(over)).output
    assert second["round_id"] != rounds[good]["round_id"]

    before = count(title_event)
    for round_, kind in ((second, "rectification_accepted"), (rounds[bad], "rectification_failed")):
        assert decide(round_, over).status == "approved"
        issued = approval.issue(round_["round_id"], over, at(over))
        assert issued.output["title_events"] == []
        letters = rows(select(document).where(document.c.round_id == round_["round_id"]))
        assert [d["kind"] for d in letters] == [kind]
    assert count(title_event) == before
    assert state(good) == state(bad) == State.CLOSED
    # the rounds of the cases stand in nobody's way: the results' own newest round is still the first
    from ipgov.decisions.rounds import issued_round, latest_round

    with reading() as connection:
        assert latest_round(connection, PROGRAMME, "2023").number == 1
        assert issued_round(connection, PROGRAMME, "2023", at(over)).number == 1
    follow(nation, over + dt.timedelta(days=40))
    after = rows(
        select(obligation_event.c.event)
        .join(obligation, obligation.c.id == obligation_event.c.obligation_id)
        .where(obligation.c.id == good, obligation_event.c.day > over + dt.timedelta(days=1))
    )
    assert [r["event"] for r in after] == []  # nobody is reminded of what is done
