"""Article 10 and 11: findings with evidence, the body is heard, people judge, an approval decides."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from evaluated_cohort import TITLE, at
from ipgov.core import objects
from ipgov.core.database import reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.tables import (
    case_evidence,
    case_finding,
    dispatch,
    document,
    document_file,
    obligation,
    occurrence,
    title_event,
)
from ipgov.followup import cases
from ipgov.followup.case_states import State
from ipgov.policy.cases import governing
from ipgov.procedures import (
    approval,
    case_opening,
    findings,
    follow_up,
    inquiries,
    occurrences,
    rectification,
)
from ipgov.procedures.case_evidence import Sent
from self_evaluating_centres import Centres
from sqlalchemy import func, select

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< >>\nstartxref\n9\n%%EOF\n"
FOUND, TOLD = dt.date(2026, 4, 15), dt.date(2026, 4, 17)
LATER = dt.date(2026, 5, 8)  # the ten working days of the answer are over


def pdf(name: str) -> Sent:
    return Sent(name, PDF.replace(b"%%EOF", f"% {name}\n%%EOF".encode()))


def rows(statement: Any) -> list[Any]:
    with reading() as connection:
        return list(connection.execute(statement).mappings())


@pytest.fixture
def centres(database: Path) -> Centres:
    from ipgov.decisions.officers import Officer, register_officer
    from ipgov.simulation.nation import fictitious_code

    centres = Centres(database / "objects")
    centres.register()
    way = ("applied", "recommended", "rechecked", "listed", "publicised", "publicity_expired")
    with transaction() as connection:
        connection.execute(
            title_event.insert(),
            [
                {
                    "programme": TITLE, "unit": unit, "event": event, "effective_on": dt.date(2025, 3, 19),
                    "basis": "2024-1155#33", "note": "虚构", "known_at": at(dt.date(2025, 3, 19)),
                }
                for unit in ("IC01", "IC03")
                for event in way
            ],
        )  # fmt: skip
        own = fictitious_code("11", 701)
        for login, roles, code in (
            ("operator1", ("operator", "reviewer"), None),
            ("insider", ("operator", "reviewer"), own),
        ):
            register_officer(connection, Officer(login, login, roles, code, True), at(FOUND))
    return centres


def find(kind: str = "false_data", subject: str = "虚报转化数据", **changes: Any) -> Any:
    given = {
        "unit": "IC01",
        "found": "报送的转化金额与合同不符",
        "files": [pdf("处罚决定.pdf")],
        "by": "operator1",
    }
    given |= changes
    return findings.find(TITLE, given["unit"], kind, subject, given["found"], given["files"], given["by"],
                         given.get("day", FOUND), at(given.get("day", FOUND)))  # fmt: skip


def follow(on: dt.date) -> Any:
    follow_up.advance(on, at(on), dt.date(2026, 4, 1))
    return case_opening.open_cases(on, at(on)).output


def opened(**found: Any) -> int:
    find(**found)
    follow(TOLD)
    return max(r["id"] for r in rows(select(obligation.c.id).where(obligation.c.unit == "IC01")))


def state(case_id: int, on: dt.date | None = None) -> State:
    with reading() as connection:
        case = cases.get(connection, case_id, dt.datetime.max.replace(tzinfo=dt.UTC))
        return cases.standing(connection, case, through=on).state


def holds(on: dt.date) -> bool:
    from ipgov.registry.titles import standing

    with reading() as connection:
        return standing(connection, TITLE, "IC01", on, at(on)).titled


def decide(round_: dict[str, Any], on: dt.date, chosen: str = "approve") -> None:
    for step, answer, who in (("audit", "approve", "reviewer2"), ("sign", chosen, "issuer1")):
        approval.answer(round_["round_id"], step, answer, who, "（试）", round_["fingerprint"], "console",
                        at(on), at(on))  # fmt: skip


def letter(kind: str) -> str:
    """What a document says, as its page shows it."""
    import re

    query = (
        select(document_file.c.sha256)
        .join(document, document.c.id == document_file.c.document_id)
        .where(document.c.kind == kind, document_file.c.format == "html")
    )
    page = objects.get_content(rows(query)[0]["sha256"]).decode()
    return re.sub(r"<[^>]+>|\s+", "", page)


@pytest.mark.clause("2024-1155#46")
def test_serious_misconduct_with_serious_consequences_ends_the_title_without_rectification(
    centres: Centres,
) -> None:
    case_id = opened()
    (finding,) = rows(select(case_finding))
    assert (finding["name"], finding["basis"], finding["found_by"]) == (
        "数据造假",
        "2024-1155#46",
        "operator1",
    )
    assert state(case_id) is State.OPENED
    with pytest.raises(RefusedError, match="已立案"):
        inquiries.judge(
            case_id, "establish", ["judged", "result_obtained"], "reviewer1", "属实", TOLD, at(TOLD)
        )
    assert case_opening.notify(case_id, TOLD, at(TOLD)).output["document_number"] == "国知产告函〔2026〕1号"
    assert {r["recipient"] for r in rows(select(dispatch))} == {"IC01", "11"}  # body and province
    told = letter("centre_misconduct_notice")
    for words in ("数据造假", "2026年5月6日（含当日）前", "后果严重，指有下列情形之一", "第十条",
                  "运行方自定", "资格不受影响"):  # fmt: skip
        assert words in told, words
    early = dt.date(2026, 4, 20)
    for criteria, by, message in (
        (["judged", "result_obtained"], "reviewer1", "陈述申辩期限 2026-05-06 未满"),
        (["judged"], "reviewer1", "未认定“后果严重”（须认定其一：result_obtained"),
        (["judged", "result_obtained"], "operator1", "是发现人，不得自行认定"),
        (["judged", "result_obtained"], "insider", "应当回避"),
    ):
        with pytest.raises(RefusedError, match=message):
            inquiries.judge(case_id, "establish", criteria, by, "属实", early, at(early))
    with pytest.raises(UnknownError, match="没有名为“heinous”的认定标准；可用：judged（已由生效裁判认定）"):
        inquiries.judge(case_id, "establish", ["heinous"], "reviewer1", "属实", early, at(early))
    said = inquiries.statement(case_id, "虚构主任", "系笔误", [pdf("说明.pdf")], early, at(early))
    assert said.output["kept"] == ["说明.pdf"]

    judged = ["judged", "result_obtained"]
    inquiries.judge(case_id, "establish", judged, "reviewer1", "不采纳申辩", LATER, at(LATER))
    round_ = rectification.propose(case_id, "reviewer1", "请批", LATER, at(LATER)).output
    presented = approval.present(round_["round_id"])
    assert "拟办：**取消资格**" in presented.body
    for words in ("已由生效裁判认定；据以取得认定", "系笔误", "| 成立 |", "佐证材料 2 个"):
        assert words in presented.body, words
    assert holds(LATER)  # until the issue
    decide(round_, LATER)
    assert holds(LATER)
    issued = approval.issue(round_["round_id"], LATER, at(LATER))
    assert issued.output["title_events"] == ["IC01:revoked"]
    assert approval.issue(round_["round_id"], LATER, at(LATER)).repeated
    assert not holds(LATER)
    assert holds(LATER - dt.timedelta(days=1))
    (ended,) = rows(select(title_event).where(title_event.c.event == "revoked"))
    assert (ended["basis"], ended["round_id"]) == ("2024-1155#46", round_["round_id"])
    told = letter("revoke_qualification")
    for words in ("取消", "国家级产业知识产权运营中心资格", "第十条", "数据造假", "已由生效裁判认定"):
        assert words in told, words
    assert "称号" not in told
    assert "整改" not in told
    # on every day the rows tell what stood then
    assert [state(case_id, d) for d in (FOUND, TOLD, early, LATER)] == [
        State.OPENED, State.INFORMED, State.INFORMED, State.CLOSED
    ]  # fmt: skip
    with pytest.raises(RefusedError, match="IC01 在 2026-05-09 为“资格已取消”"):
        find(subject="另一事", files=[pdf("二.pdf")], day=LATER + dt.timedelta(days=1))


def test_the_approval_is_bound_to_the_evidence_and_a_return_hears_again(centres: Centres) -> None:
    case_id = opened()
    case_opening.notify(case_id, TOLD, at(TOLD))
    kept = rows(select(case_evidence).where(case_evidence.c.obligation_id == case_id))
    assert [(e["filename"], e["sha256"]) for e in kept] == [
        ("处罚决定.pdf", sha256_hex(pdf("处罚决定.pdf").data))
    ]
    assert objects.get_content(kept[0]["sha256"]) == pdf("处罚决定.pdf").data
    inquiries.judge(
        case_id, "establish", ["penalised", "order_harmed"], "reviewer1", "属实", LATER, at(LATER)
    )
    with reading() as connection:
        case = cases.get(connection, case_id, at(LATER))
        bound = cases.put_up(connection, case, "revoke_qualification")
    assert [e["sha256"] for e in bound["evidence"]] == [kept[0]["sha256"]]
    assert bound["events"][0]["event"] == "find"
    round_ = rectification.propose(case_id, "reviewer1", "请批", LATER, at(LATER)).output
    with pytest.raises(RefusedError, match="送审中"):
        inquiries.statement(case_id, "虚构主任", "再申辩", [pdf("三.pdf")], LATER, at(LATER))
    decide(round_, LATER, "return")
    assert state(case_id) is State.INFORMED
    assert holds(LATER)
    assert not rows(select(title_event).where(title_event.c.event == "revoked"))
    inquiries.judge(case_id, "dismiss", [], "reviewer1", "证据不足", LATER, at(LATER))
    again = rectification.propose(case_id, "reviewer1", "请批", LATER, at(LATER)).output
    assert again["outcome"] == "misconduct_not_found"
    decide(again, LATER)
    assert approval.issue(again["round_id"], LATER, at(LATER)).output["title_events"] == []
    assert state(case_id) is State.CLOSED
    assert holds(LATER)
    assert "资格不受影响" in letter("centre_misconduct_closed")


@pytest.mark.clause("2024-1155#47")
def test_a_self_made_sub_centre_has_the_operators_consequence_and_ends_no_title(centres: Centres) -> None:
    case_id = opened(kind="subcentre_plaque", subject="虚构分中心")
    case_opening.notify(case_id, TOLD, at(TOLD))
    assert "该项处理为运行方自定，文件未作规定" in letter("centre_subcentre_notice")
    inquiries.judge(case_id, "establish", [], "reviewer1", "属实", LATER, at(LATER))
    round_ = rectification.propose(case_id, "reviewer1", "请批", LATER, at(LATER)).output
    decide(round_, LATER)
    issued = approval.issue(round_["round_id"], LATER, at(LATER))
    assert issued.output["title_events"] == [
        "IC01:subcentre_removal_ordered",
        "IC01:subcentre_interview_ordered",
    ]
    assert holds(LATER)
    told = letter("subcentre_removal")
    for words in ("不得以挂牌", "请于2026年6月4日（含当日）前办理：撤除自行设立的分中心",
                  "上述后果为运行方自定", "本通知不改变国家级产业知识产权运营中心资格"):  # fmt: skip
        assert words in told, words
    follow(dt.date(2026, 5, 11))
    owed = {r["duty"]: r for r in rows(select(obligation).where(obligation.c.unit == "IC01"))}
    assert owed["centre_subcentre_removal"]["owed_by"] == "IC01"
    assert owed["centre_subcentre_interview"]["owed_by"] == "office"
    with reading() as connection:
        due = cases.due_on(connection, owed["centre_subcentre_removal"]["id"], at(dt.date(2026, 5, 11)))
    assert due == dt.date(2026, 6, 4)  # as the letter says
    rules = governing(TITLE, "centre_subcentre", FOUND)
    assert rules is not None
    assert (rules.failed.event, bool(rules.failed.operator)) == (None, True)


def test_what_is_no_finding_is_refused_and_leaves_nothing(centres: Centres) -> None:
    text = Sent("说明.pdf", b"just text")
    before = dt.date(2025, 3, 19)  # recognised on the 20th
    for changes, error, message in (
        ({"files": []}, RefusedError, "须附佐证材料"),
        ({"files": [pdf("一.pdf"), text]}, RefusedError, "说明.pdf：文件内容为空或不是可接收的类型"),
        ({"files": [pdf("一.pdf"), Sent("二.pdf", pdf("一.pdf").data)]}, RefusedError, "同一文件不得重复"),
        ({"found": " "}, RefusedError, "须写明"),
        ({"by": "insider"}, RefusedError, "建设主体|依托单位.*应当回避"),
        ({"by": "reviewer1"}, RefusedError, "不能办理；应为在岗的经办（operator）人员"),
        ({"unit": "IC99"}, UnknownError, "没有登记代码为“IC99”"),
        ({"kind": "rudeness"}, UnknownError, "没有名为“rudeness”的违规情形；可用：serious_dishonesty"),
        ({"subject": "a/b"}, RefusedError, "不能含 / 或 #"),
        ({"day": before}, RefusedError, "IC01 在 2025-03-19 为“公示期满”"),
        ({"day": dt.date(2024, 12, 30)}, UnknownError, "当日没有可适用的规则"),
    ):
        with pytest.raises(error, match=message):
            find(**changes)
    with pytest.raises(RefusedError, match="须连同佐证材料登记（ipgov case find）"):
        follow_up.record_occurrence(TITLE, "IC01", "false_data", "x", FOUND, "某人", "", at(FOUND))
    assert rows(select(func.count().label("n")).select_from(occurrence))[0]["n"] == 0
    find()
    with pytest.raises(RefusedError, match="“虚报转化数据”已于 2026-04-15 登记"):
        find(files=[pdf("另.pdf")])
    with pytest.raises(RefusedError, match="已用于 IC01"):
        find(subject="换个名称")
    find(unit="IC03")  # the same document may prove it of another body
    assert rows(select(func.count().label("n")).select_from(case_finding))[0]["n"] == 2


def test_a_finding_by_mistake_is_taken_back_with_its_case(centres: Centres) -> None:
    case_id = opened()
    occurrences.retract(TITLE, "IC01", "false_data", "虚报转化数据", "operator1", "认错了单位", at(TOLD))
    follow(dt.date(2026, 4, 20))
    assert state(case_id) is State.WITHDRAWN
    assert holds(LATER)


def test_a_finding_by_command_names_what_is_recorded(
    centres: Centres, passwords: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    from ipgov import cli

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ipgov", "case", *arguments, "--as-of", FOUND.isoformat()])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    file = passwords.parent / "处罚决定.pdf"
    file.write_bytes(pdf("处罚决定.pdf").data)
    given = ("find", TITLE, "IC01", "false_data", "虚报", "不符", str(file), "--by", "operator1")
    code, told = run(*given)
    assert (code, "IC01 的“数据造假”已登记，佐证材料 1 个，次日立案" in told) == (0, True), told
    code, told = run(*given)
    assert (code, "“虚报”已于 2026-04-15 登记，不重复登记" in told) == (2, True), told
