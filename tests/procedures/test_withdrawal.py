"""Any issued document can be taken back or corrected: by another one, through approval, told to the same."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from ipgov.core import tables
from ipgov.core.database import reading
from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.core.objects import get_content
from ipgov.documents import register
from ipgov.documents.model import parse_document
from ipgov.procedures import approval, withdrawal
from sqlalchemy import select

PROGRAMME = "functional_platform"
REASON = "所依据的数据有误。"


def _rows(table, **where):
    query = select(table).order_by(table.c.id)
    for name, value in where.items():
        query = query.where(table.c[name] == value)
    with reading() as connection:
        return [dict(r) for r in connection.execute(query).mappings()]


def _approve(nation, done, day):
    round_ = {"round_id": done.output["round_id"], "fingerprint": done.output["fingerprint"]}
    assert not nation.answer(round_, "audit", "reviewer2", day).refused
    assert nation.answer(round_, "sign", "issuer1", day).status == "approved"
    return approval.issue(done.output["round_id"], day, nation.at(day))


def _letter(row):
    return parse_document(get_content(row["data_sha256"]))


def _said(row):
    return "\n".join(p if isinstance(p, str) else p.text for p in _letter(row).paragraphs)


def test_a_year_s_letters_are_taken_back_and_corrected(nation, passwords, capsys, tmp_path, monkeypatch):
    """One played year for all: each part works on the letter to another body, a day later than the last."""
    nation.year(2023)
    letters = {d["unit"]: d for d in _rows(tables.document, kind="result_to_unit", programme=PROGRAMME)}
    day = letters["FP01"]["issued_on"] + dt.timedelta(days=20)
    _what_cannot_be_proposed_opens_no_round(nation, letters["FP01"], day)
    _a_returned_proposal_leaves_the_document_as_it_is(nation, letters["FP02"], day)
    _a_document_is_taken_back_by_another_that_names_it(nation, letters["FP01"], day)
    _the_wording_of_a_document_is_corrected(nation, letters["FP03"], day)
    _taking_back_a_cancellation_gives_the_title_back(nation, letters["FP04"], day)
    _an_approved_round_that_is_not_issued_can_be_recalled(nation, letters["FP06"], day)
    _the_command_asks_for_a_person(letters["FP05"], day, capsys, tmp_path, monkeypatch)


def _an_approved_round_that_is_not_issued_can_be_recalled(nation, letter, day) -> None:
    """Approved, it takes no answer any more: without this nobody could end what its issue refuses."""
    proposed = withdrawal.withdraw(letter["number"], REASON, "reviewer1", day, nation.at(day))
    round_id = proposed.output["round_id"]
    round_ = {"round_id": round_id, "fingerprint": proposed.output["fingerprint"]}
    nation.answer(round_, "audit", "reviewer2", day)
    nation.answer(round_, "sign", "issuer1", day)
    with pytest.raises(RefusedError, match="须写明事由"):
        approval.recall(round_id, "issuer1", " ", nation.at(day))
    with pytest.raises(UnknownError, match="没有账号为“nobody”的人员"):
        approval.recall(round_id, "nobody", "首日已过", nation.at(day))
    assert round_id in approval.unfinished()
    assert approval.recall(round_id, "issuer1", "首日已过", nation.at(day)).written == 1
    assert approval.recall(round_id, "issuer1", "首日已过", nation.at(day)).repeated
    assert round_id not in approval.unfinished()
    assert approval.step_status(round_id, "sign").status == "recalled"
    with pytest.raises(RefusedError, match="未经完整审批（状态：recalled"):
        approval.issue(round_id, day, nation.at(day))
    assert "已撤回送审" in nation.answer(round_, "audit", "reviewer1", day).refused
    assert _rows(tables.document, withdraws=letter["id"]) == []
    again = withdrawal.withdraw(letter["number"], "另一事由。", "reviewer1", day, nation.at(day))
    _approve(nation, again, day)
    with pytest.raises(RefusedError, match="已签发，不能撤回送审"):
        approval.recall(again.output["round_id"], "issuer1", "晚了", nation.at(day))


def _a_document_is_taken_back_by_another_that_names_it(nation, letter, day) -> None:
    files = _rows(tables.document_file, document_id=letter["id"])
    proposed = withdrawal.withdraw(letter["number"], REASON, "reviewer1", day, nation.at(day))
    again = withdrawal.withdraw(letter["number"], REASON, "reviewer1", day, nation.at(day))
    assert again.repeated
    assert again.output == proposed.output
    assert _rows(tables.document, withdraws=letter["id"]) == []  # nothing before people have decided
    shown = approval.present(proposed.output["round_id"])
    assert shown.subject.startswith("撤回通知：")
    assert letter["number"] in shown.body
    assert "所依据的数据有误，经审核、签发，现予撤回。" in shown.body
    with pytest.raises(RefusedError, match="未经完整审批"):
        approval.issue(proposed.output["round_id"], day, nation.at(day))
    with pytest.raises(RefusedError, match="送审的是另行拟稿的文书，不以评级表答复"):
        approval.answer_by_workbook(
            proposed.output["round_id"], b"x", "reviewer2", nation.at(day), nation.at(day)
        )

    done = _approve(nation, proposed, day)
    assert done.written == 1
    assert approval.issue(proposed.output["round_id"], day, nation.at(day)).repeated
    (row,) = _rows(tables.document, withdraws=letter["id"])
    year, month = letter["issued_on"].year, letter["issued_on"].month
    assert row["title"] == f"关于撤回{letter['number']}文的通知"
    assert row["number"] == f"国知撤函〔{day.year}〕1号"
    assert row["corrects"] is None
    assert f"《{letter['title']}》（{letter['number']}，{year}年{month}月" in _said(row)
    assert _letter(row).recipients == _letter(letter).recipients
    assert _letter(row).copies_to == _letter(letter).copies_to
    sent = [(d["recipient"], d["channel"]) for d in _rows(tables.dispatch, document_id=row["id"])]
    assert sent == [(d["recipient"], d["channel"]) for d in _rows(tables.dispatch, document_id=letter["id"])]
    # what was issued stands as it was
    assert _rows(tables.document, id=letter["id"]) == [letter]
    assert _rows(tables.document_file, document_id=letter["id"]) == files
    with reading() as connection:
        assert register.rebuild(connection, row["number"]).formats == {
            "docx": True,
            "html": True,
            "pdf": True,
        }

    with pytest.raises(RefusedError, match=f"已由{row['number']}撤回"):
        withdrawal.withdraw(letter["number"], "又一次", "reviewer1", day, nation.at(day))
    with pytest.raises(RefusedError, match=f"已由{row['number']}撤回"):
        withdrawal.correct(
            letter["number"],
            [{"place": "标题", "before": "通知", "after": "函"}],
            "又一次",
            "reviewer1",
            day,
            nation.at(day),
        )


def _the_wording_of_a_document_is_corrected(nation, letter, day) -> None:
    change = {"place": "正文末段", "before": "特此通知", "after": "特此函告"}
    proposed = withdrawal.correct(letter["number"], [change], "文字有误", "reviewer1", day, nation.at(day))
    with pytest.raises(RefusedError, match="尚未结束"):  # one matter at a time about one document
        withdrawal.withdraw(letter["number"], REASON, "reviewer1", day, nation.at(day))
    _approve(nation, proposed, day)
    (row,) = _rows(tables.document, corrects=letter["id"])
    assert row["number"] == f"国知更函〔{day.year}〕1号"
    assert "1.正文末段：原为“特此通知”，更正为“特此函告”。" in _said(row)
    assert row["withdraws"] is None


def _what_cannot_be_proposed_opens_no_round(nation, letter, day) -> None:
    rounds = _rows(tables.review_round)
    at = nation.at(day)
    number = letter["number"]
    with pytest.raises(UnknownError, match="没有登记“国知平评函〔2024〕999号”"):
        withdrawal.withdraw("国知平评函〔2024〕999号", REASON, "reviewer1", day, at)
    with pytest.raises(RefusedError, match="须写明事由"):
        withdrawal.withdraw(number, " ", "reviewer1", day, at)
    with pytest.raises(RefusedError, match="不能提出撤回、更正"):
        withdrawal.withdraw(number, REASON, "issuer1", day, at)
    with pytest.raises(GovernanceError, match=r"U\+20BB7"):
        withdrawal.withdraw(number, "依据𠮷", "reviewer1", day, at)
    with pytest.raises(RefusedError, match="改变书写方向的控制符"):
        withdrawal.withdraw(number, "依据\u202e有误", "reviewer1", day, at)
    with pytest.raises(RefusedError, match="没有“无此文字”，无从更正"):
        withdrawal.correct(
            number, [{"place": "文", "before": "无此文字", "after": "乙"}], "误", "reviewer1", day, at
        )
    with pytest.raises(GovernanceError, match="内容有 1 处问题"):
        withdrawal.correct(number, [{"place": "文", "before": "特此通知"}], "误", "reviewer1", day, at)
    with pytest.raises(RefusedError, match="印发日期晚于本文"):
        withdrawal.withdraw(number, REASON, "reviewer1", letter["issued_on"] - dt.timedelta(days=1), at)
    assert _rows(tables.review_round) == rounds


def _a_returned_proposal_leaves_the_document_as_it_is(nation, letter, day) -> None:
    proposed = withdrawal.withdraw(letter["number"], REASON, "reviewer1", day, nation.at(day))
    round_ = {"round_id": proposed.output["round_id"], "fingerprint": proposed.output["fingerprint"]}
    assert nation.answer(round_, "audit", "reviewer2", day, "return").status == "returned"
    assert _rows(tables.document, withdraws=letter["id"]) == []
    later = day + dt.timedelta(days=1)
    with pytest.raises(RefusedError, match="轮已退回修改，须修改后再提"):
        withdrawal.withdraw(letter["number"], REASON, "reviewer1", later, nation.at(later))
    anew = withdrawal.withdraw(letter["number"], "另有新的事由", "reviewer1", day, nation.at(day))
    assert anew.output["number"] == proposed.output["number"] + 1


def _taking_back_a_cancellation_gives_the_title_back(nation, letter, day) -> None:
    """The title event rests on a document: taken back, the title is restored from that day."""
    from ipgov.core.database import transaction
    from ipgov.registry.titles import record_title_event

    on = letter["issued_on"]
    with transaction() as connection:
        record_title_event(
            connection, PROGRAMME, "FP04", "cancelled", on, "2023-156#21", "试", nation.at(on),
            by="issuer", document_number=letter["number"], document_id=letter["id"],
            round_id=letter["round_id"],
        )  # fmt: skip
    done = _approve(
        nation, withdrawal.withdraw(letter["number"], REASON, "reviewer1", day, nation.at(day)), day
    )
    assert done.output["title_events"] == ["FP04:restored"]
    (row,) = _rows(tables.document, withdraws=letter["id"])
    assert "取消称号的决定一并撤回，“功能性国家知识产权运营服务平台”称号自本通知印发之日起恢复。" in _said(
        row
    )
    (event,) = _rows(tables.title_event, event="restored")
    assert (event["unit"], event["effective_on"], event["basis"]) == ("FP04", day, "operator")
    assert event["document_number"] == row["number"]
    # the withdrawal gave a title back: that is not undone by a letter
    later = day + dt.timedelta(days=1)
    with pytest.raises(RefusedError, match="办理了恢复称号，不能以撤回收回"):
        withdrawal.withdraw(row["number"], "误", "reviewer1", later, nation.at(later))


def _the_command_asks_for_a_person(letter, day, capsys, tmp_path, monkeypatch) -> None:
    from ipgov import cli

    changes = tmp_path / "changes.yaml"
    changes.write_text("- {place: 正文, before: 特此通知, after: 特此函告}\n", encoding="utf-8")

    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["ipgov", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    common = ["--reason", "误", "--as-of", day.isoformat()]
    assert run("document", "withdraw", letter["number"], "--by", "issuer1", *common) == 2
    assert "角色不能办理 document withdraw" in capsys.readouterr().err
    changes_given = ["--changes", str(changes)]
    arguments = [
        "document",
        "correct",
        letter["number"],
        "--by",
        "reviewer1",
        *changes_given,
        *common,
        "--json",
    ]
    assert run(*arguments) == 0
    assert json.loads(capsys.readouterr().out)["output"]["kind"] == "document_correction"
