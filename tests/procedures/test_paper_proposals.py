"""Any kind of document of policy is proposed, shown, approved, numbered, filed and sent."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ipgov.core import tables
from ipgov.core.database import reading, transaction
from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.core.objects import get_content
from ipgov.documents import register
from ipgov.documents.model import OfficialDocument, parse_document
from ipgov.policy.papers import papers
from ipgov.procedures import approval, document_rebuild, paper_round
from ipgov.registry import platforms
from paper_samples import BODIES, SAMPLES
from played_nation import Nation, at
from sqlalchemy import select

DAY = dt.date(2026, 5, 8)
PLATFORM = "functional_platform"
HOSTILE = "=1+1<b>{{ 7*7 }}|[x](y)"


def rows(table: Any, **where: Any) -> list[dict[str, Any]]:
    query = select(table).order_by(table.c.id)
    for name, value in where.items():
        query = query.where(table.c[name] == value)
    with reading() as connection:
        return [dict(r) for r in connection.execute(query).mappings()]


def propose(kind: str, programme: str, day: dt.date, content: Any, **parties: Any) -> Any:
    given = {"content": content, "parties": parties}
    return paper_round.propose(kind, programme, given, "reviewer1", "须办理", day, at(day))


def issue(nation: Nation, proposed: Any, day: dt.date) -> dict[str, Any]:
    round_ = {"round_id": proposed.output["round_id"], "fingerprint": proposed.output["fingerprint"]}
    assert not nation.answer(round_, "audit", "reviewer2", day).refused
    assert nation.answer(round_, "sign", "issuer1", day).status == "approved"
    approval.issue(proposed.output["round_id"], day, at(day))
    (row,) = rows(tables.document, round_id=proposed.output["round_id"])
    return row


def letter(row: dict[str, Any]) -> OfficialDocument:
    return parse_document(get_content(row["data_sha256"]))


def sent(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(d["recipient"], d["channel"]) for d in rows(tables.dispatch, document_id=row["id"])]


def sample(name: str) -> dict[str, Any]:
    return json.loads(json.dumps(SAMPLES[name][1]))


def name_of(unit: str) -> str:
    with reading() as connection:
        return platforms.unit(connection, PLATFORM, unit, DAY, at(DAY)).name


def interview() -> dict[str, Any]:
    return {**sample("interview_invitation"), "subject": name_of("FP03")}


def test_a_proposed_document_is_shown_approved_numbered_filed_and_sent(nation: Nation) -> None:
    content = interview() | {"matters": [HOSTILE]}
    proposed = propose("interview_invitation", PLATFORM, DAY, content, subject=["FP03"], province=["33"])
    assert propose("interview_invitation", PLATFORM, DAY, content, subject=["FP03"], province=["33"]).repeated
    round_id = proposed.output["round_id"]
    assert round_id in approval.unfinished()  # present_rounds takes it up
    shown = approval.present(round_id)
    assert shown.subject == f"约谈通知：关于约谈{name_of('FP03')}的通知"
    assert "寄发：FP03、33；由经办人送达：无" in shown.body
    assert "主送：" + name_of("FP03") in shown.body
    assert "（一）=1+1\\<b\\>{{ 7\\*7 }}\\|\\[x\\](y)" in shown.body
    assert get_content(proposed.output["draft_sha256"]).startswith(b"%PDF")
    with pytest.raises(RefusedError, match="未经完整审批"):
        approval.issue(round_id, DAY, at(DAY))
    assert rows(tables.document) == []  # nothing before people have decided

    row = issue(nation, proposed, DAY)
    assert row["number"] == "国知约谈函〔2026〕1号"
    assert letter(row).recipients == (name_of("FP03"),)
    assert letter(row).copies_to == ("浙江省知识产权局",)
    assert sent(row) == [("FP03", "outbox"), ("33", "outbox")]
    assert HOSTILE in "\n".join(words for _, words in letter(row).texts())
    assert dict(document_rebuild.rebuild(row["number"]).formats) == {"docx": True, "html": True, "pdf": True}
    assert approval.issue(round_id, DAY, at(DAY)).repeated

    # a reply about what was issued; somebody whom the registry does not know is handed it by a person
    reply = sample("objection_reply") | {"earlier": row["number"], "received_on": "2026-05-09"}
    day = dt.date(2026, 5, 12)
    told = propose("objection_reply", PLATFORM, day, reply, objector=[{"name": "虚构某公司"}])
    assert told.output["by_hand"] == ["虚构某公司"]
    answer = issue(nation, told, day)
    assert row["number"] in answer["title"]
    assert sent(answer) == []


def test_groups_are_sent_to_each_of_their_members(nation: Nation) -> None:
    content = sample("violation_circular")
    parties = [{"name": v["unit"]} for v in content["violations"]]
    row = issue(nation, propose("violation_circular", PLATFORM, DAY, content, subject=parties), DAY)
    codes = [code for code, _ in sent(row)]
    groups = {g.code: g for g in papers().groups}
    assert codes == [*groups["provincial_offices"].members, "66", "sichuan_centre", "guangdong_centre"]
    assert len(codes) == 31 + 3


def test_a_programme_without_rules_goes_through_the_chain_that_policy_names(nation: Nation) -> None:
    content = sample("monthly_data_letter")
    row = issue(nation, propose("monthly_data_letter", "product_filing", DAY, content, locality=["33"]), DAY)
    assert (row["programme"], row["period"], row["number"]) == (
        "product_filing",
        "2026",
        "国知备数函〔2026〕1号",
    )
    assert sent(row) == [("33", "outbox")]  # and nobody else


def test_a_recognition_confers_the_title(nation: Nation) -> None:
    with transaction() as connection:
        like = platforms.unit(connection, PLATFORM, "FP03", DAY, at(DAY))
        platforms.add_titled_body(
            connection, PLATFORM, "FP77", "虚构新平台", like.kind, like.province, like.route, like.host.code,
            like.operator.code, dt.date(2026, 1, 1), "试", at(dt.date(2026, 1, 1)),
        )  # fmt: skip
    content = {"bodies": ["FP77"], "recognised_on": "2026-05-18"}
    with pytest.raises(RefusedError, match=r"FP03）现为“.*”，不能认定"):
        propose("recognition_notice", PLATFORM, DAY, {**content, "bodies": ["FP03"]})
    row = issue(nation, propose("recognition_notice", PLATFORM, DAY, content), DAY)
    (event,) = rows(tables.title_event, unit="FP77")
    assert (event["event"], event["effective_on"]) == ("recognised", dt.date(2026, 5, 18))
    assert (event["document_number"], event["document_id"]) == (row["number"], row["id"])
    assert letter(row).attachments[0].rows[0][1] == "虚构新平台"
    assert "FP77" in [code for code, _ in sent(row)]  # 各有关单位: those that the document names


def test_a_day_that_the_matter_does_not_allow_stops_the_issue(nation: Nation) -> None:
    proposed = propose("interview_invitation", PLATFORM, DAY, interview(), subject=["FP03"], province=["33"])
    with pytest.raises(RefusedError, match="回复截止日早于印发之日"):
        issue(nation, proposed, dt.date(2026, 5, 16))
    assert rows(tables.document) == []


def test_what_cannot_be_proposed_opens_no_round(nation: Nation) -> None:
    content = interview()
    unknown = sample("objection_reply") | {"earlier": "国知平评函〔2026〕99号"}
    whom = {"subject": ["FP03"], "province": ["33"]}
    refused: list[tuple[type[GovernanceError], str, tuple[Any, ...], dict[str, Any]]] = [
        (UnknownError, "没有文书“none”；可用：", ("none", PLATFORM, DAY, content), whom),
        (UnknownError, "没有文书“praise_case”", ("praise_case", PLATFORM, DAY, content), whom),
        (RefusedError, "document withdraw", ("withdrawal", PLATFORM, DAY, content), whom),
        (UnknownError, "没有代码为“FP99”的单位", ("interview_invitation", PLATFORM, DAY, content),
         whom | {"subject": ["FP99"]}),
        (UnknownError, "没有代码为“99”的省级地区", ("interview_invitation", PLATFORM, DAY, content),
         whom | {"province": ["99"]}),
        (RefusedError, "province 须写明登记的代码，不能只写名称“某局”",
         ("interview_invitation", PLATFORM, DAY, content), whom | {"province": [{"name": "某局"}]}),
        (UnknownError, "没有写明当事单位 province", ("interview_invitation", PLATFORM, DAY, content),
         {"subject": ["FP03"]}),
        (UnknownError, "不涉及当事单位 copies", ("interview_invitation", PLATFORM, DAY, content),
         whom | {"copies": ["33"]}),
        (RefusedError, "约谈的单位写作“别的平台”，而主送为",
         ("interview_invitation", PLATFORM, DAY, content | {"subject": "别的平台"}), whom),
        (GovernanceError, "内容有 1 处问题",
         ("interview_invitation", PLATFORM, DAY, content | {"clause": "2099-1#01"}), whom),
        (GovernanceError, "文书内容有 1 处问题", ("interview_invitation", PLATFORM, DAY, ["x"]), whom),
        (RefusedError, "改变书写方向的控制符",
         ("interview_invitation", PLATFORM, DAY, content | {"place": "甲\u202e乙"}), whom),
        (GovernanceError, r"U\+20BB7",
         ("interview_invitation", PLATFORM, DAY, content | {"place": "𠮷"}), whom),
        (UnknownError, "没有登记“国知平评函〔2026〕99号”",
         ("objection_reply", PLATFORM, DAY, unknown), {"objector": ["FP03"]}),
        (RefusedError, "应写发文字号或登记序号",
         ("objection_reply", PLATFORM, DAY, sample("objection_reply")), {"objector": ["FP03"]}),
        (UnknownError, "没有登记代码为“FP99”的单位；已登记的：FP01",
         ("recognition_notice", PLATFORM, DAY, {"bodies": ["FP99"], "recognised_on": "2026-05-18"}), {}),
        (GovernanceError, "内容有 1 处问题",
         ("recognition_notice", PLATFORM, DAY, {"bodies": BODIES, "recognised_on": "2026-05-18"}), {}),
    ]  # fmt: skip
    for error, said, arguments, parties in refused:
        with pytest.raises(error, match=said):
            propose(*arguments, **parties)
    given = {"content": content, "parties": whom}
    with pytest.raises(RefusedError, match="“issuer1”不能提出约谈通知"):
        paper_round.propose("interview_invitation", PLATFORM, given, "issuer1", "x", DAY, at(DAY))
    with pytest.raises(RefusedError, match="须写明事由"):
        paper_round.propose("interview_invitation", PLATFORM, given, "reviewer1", " ", DAY, at(DAY))
    assert rows(tables.review_round) == []


def test_a_returned_proposal_may_be_made_anew(nation: Nation) -> None:
    whom = {"subject": ["FP03"], "province": ["33"]}
    proposed = propose("interview_invitation", PLATFORM, DAY, interview(), **whom)
    round_ = {"round_id": proposed.output["round_id"], "fingerprint": proposed.output["fingerprint"]}
    assert nation.answer(round_, "audit", "reviewer2", DAY, "return").status == "returned"
    anew = propose("interview_invitation", PLATFORM, DAY, interview() | {"place": "我局"}, **whom)
    assert anew.output["number"] == proposed.output["number"] + 1


def test_the_command_takes_a_file(
    nation: Nation, passwords: Path, ipgov: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "interview.yaml"
    given = {"content": interview(), "parties": {"subject": ["FP03"], "province": ["33"]}}
    file.write_text(json.dumps(given, ensure_ascii=False), encoding="utf-8")  # JSON is YAML
    common = ("--programme", PLATFORM, "--reason", "须约谈", "--as-of", DAY)
    arguments = ("document", "propose", "interview_invitation", "--subject", file, *common)
    code, out, err = ipgov(*arguments, "--by", "reviewer1")
    assert (code, err) == (0, "")
    assert out == f"《关于约谈{name_of('FP03')}的通知》已开第 1 轮（轮次编号 1），转“审核与签发”办理\n"
    assert ipgov(*arguments, "--by", "issuer1")[0] == 2
    form = tmp_path / "form.xlsx"
    assert ipgov("document", "blank", "interview_invitation", "--programme", PLATFORM, "-o", form)[0] == 0
    empty = ("document", "propose", "interview_invitation", "--subject", form, *common)
    code, _, err = ipgov(*empty, "--by", "reviewer1")
    assert (code, "文书“interview_invitation”的内容有 6 处问题" in err) == (1, True), err
    file.write_text("content: [", encoding="utf-8")
    code, _, err = ipgov(*arguments, "--by", "reviewer1")
    assert code in (1, 2)
    assert "interview.yaml" in err
    assert "Traceback" not in err
    with reading() as connection:
        assert register.documents(connection) == []
