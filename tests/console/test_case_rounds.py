"""The page of a round about a case: the case instead of a rating list, and nothing of it becomes markup."""

from __future__ import annotations

import datetime as dt

import pytest
from console_browser import Browser, words
from console_sample import HOSTILE, KNOWN_AT, PERIOD, PROGRAMME, Sample, insert
from ipgov.core import objects, tables
from ipgov.core.database import transaction
from ipgov.decisions import case_rounds
from ipgov.policy import cases as policy
from ipgov.policy import store


@pytest.fixture
def case_round(own_sample: Sample) -> int:
    """A case of the hostile body, accepted and put before the reviewers; returns the round."""
    rules = next(c for c in policy.every() if c.code == "platform_warning")
    rule_sha256 = objects.put_content(store.governing(PROGRAMME, int(PERIOD)).data)
    due = dt.date(2025, 10, 16)
    with transaction() as c:
        case = insert(
            c,
            tables.obligation,
            key="test/case",
            duty=rules.duty,
            programme=PROGRAMME,
            period=PERIOD,
            unit="FP02",
            owed_by="FP02",
            owed_to="office",
            opened_on=dt.date(2025, 4, 16),
            cause="issue:1",
            rule_sha256="a" * 64,
        )
        insert(
            c,
            tables.obligation_due,
            obligation_id=case,
            due_on=due,
            provisional=False,
            calendar_version="2025",
            reason="opened",
            set_on=dt.date(2025, 4, 16),
        )
        insert(
            c,
            tables.rectification_case,
            obligation_id=case,
            case_rules_sha256=objects.put_content(rules.frozen()),
            rule_sha256=rule_sha256,
        )
        insert(
            c,
            tables.case_problem,
            obligation_id=case,
            number=1,
            kind="indicator",
            code="I01",
            name=f"交易额{HOSTILE}",
            found="为1万元，得1.00分，低于60分",
            basis="operator",
            sources=[{"file": "a.xlsx", "sheet": "一、业务绩效", "cell": "D4", "sha256": "b" * 64}],
        )
        happened = ("notify", "plan", "progress", "evidence", "accept", "propose")
        for number, event in enumerate(happened, 1):
            detail = {"due_on": due.isoformat(), "kept": 1, "unsolved": [], "outcome": "rectified"}
            insert(
                c,
                tables.case_event,
                obligation_id=case,
                sequence=number,
                event=event,
                day=dt.date(2025, 5, number),
                actor="某人",
                note=HOSTILE,
                detail=detail,
            )
        paper = objects.put_content(b"PK paper")
        proposal = case_rounds.Proposal(
            programme=PROGRAMME,
            period=PERIOD,
            obligation_id=case,
            outcome="rectified",
            fingerprint="c" * 64,
            paper_sha256=paper,
            rule_sha256=rule_sha256,
            opened_by="reviewer1",
            reason=HOSTILE,
        )
        return case_rounds.open_case_round(c, proposal, KNOWN_AT).id


def test_the_page_shows_the_case_and_no_rating_list(viewer: Browser, case_round: int) -> None:
    answer = viewer.get(f"/governance/round/{case_round}")
    assert answer.status_code == 200, answer.text
    assert "<script>alert" not in answer.text
    text = words(answer.text)
    for told in (
        "拟办",
        "整改验收合格",
        "问题清单（1 项）",
        "a.xlsx“一、业务绩效”表D4",
        "已解决",
        "收到整改方案",
    ):
        assert told in text
    for absent in ("上传填写好的评级表", "评审标注", "下载评级表"):
        assert absent not in text


def test_a_rating_list_does_not_answer_it(issuer: Browser, case_round: int, own_sample: Sample) -> None:
    answer = issuer.upload(case_round, own_sample.rating_list)
    assert answer.status_code == 422
    assert "不以评级表答复" in words(answer.text)


def test_the_cycle_names_the_round_and_the_overview_does_not_take_it_for_the_newest(
    viewer: Browser, case_round: int, own_sample: Sample
) -> None:
    cycle = words(viewer.get(f"/governance/cycle/{PROGRAMME}/{PERIOD}").text)
    assert "整改案件" in cycle
    overview = viewer.get("/governance/").text
    assert f"round/{case_round}" not in overview


def test_the_paper_is_handed_out_under_its_own_name(viewer: Browser, case_round: int) -> None:
    answer = viewer.get(f"/governance/rating-list/{case_round}")
    assert answer.content == b"PK paper"
    from urllib.parse import unquote

    assert "整改案件审批表.xlsx" in unquote(answer.headers["content-disposition"])
