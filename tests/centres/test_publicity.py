"""The public notice of an approved list: its days, objections, the end, and the recognition that follows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from announced_list import CENTRE, DAY, Listed, at, name_of, rows
from ipgov.core.errors import RefusedError, UnknownError

LAST = dt.date(2026, 5, 14)
OVER = dt.date(2026, 5, 15)


@pytest.fixture
def centres(database: Path) -> Listed:
    made = Listed(("IC01", "IC02", "IC03"))
    made.register()
    return made


@pytest.mark.clause("2024-1155#32", "2024-1155#33")
def test_a_notice_runs_five_working_days_and_who_is_not_objected_to_is_recognised(centres: Listed) -> None:
    done = centres.notice()
    (notice,) = rows("SELECT * FROM publicity")
    # the starting day is not counted; Saturday 9 May is worked (after Labour Day)
    assert (notice["starts_on"], notice["last_on"]) == (DAY, LAST)
    assert done.output["title_events"][1:] == [f"{u}:publicised" for u in centres.units]
    assert set(centres.states(DAY).values()) == {"in_publicity"}
    assert rows("SELECT party, occurred_on FROM occurrence") == [{"party": "office", "occurred_on": DAY}]
    assert rows("SELECT recipient FROM dispatch") == [{"recipient": "public"}]

    taken = centres.object("IC02", LAST)
    assert (taken["objection"], taken["refused"]) == (1, "")
    assert centres.object("IC02", LAST) == taken  # the same again
    assert centres.daily(LAST) == []
    (proposed,) = centres.daily(OVER)
    assert proposed["units"] == ["IC01", "IC03"]
    assert centres.daily(OVER) == []
    assert {u: e["effective_on"] for u, e in centres.events("publicity_expired").items()} == dict.fromkeys(
        centres.units, OVER
    )

    day = dt.date(2026, 5, 18)
    centres.issue(proposed, day)
    assert centres.states(day) == {
        "IC01": "recognised", "IC02": "publicity_expired", "IC03": "recognised",
    }  # fmt: skip
    recognised = centres.events("recognised")["IC01"]
    (letter,) = rows("SELECT * FROM document WHERE kind = 'recognition_notice'")
    assert (recognised["effective_on"], recognised["round_id"]) == (day, proposed["round_id"])
    assert (recognised["document_id"], recognised["document_number"]) == (letter["id"], letter["number"])

    centres.reply(1, day, upheld=False)
    (later,) = centres.daily(day)
    assert later["units"] == ["IC02"]
    centres.issue(later, day)
    assert centres.states(day)["IC02"] == "recognised"
    assert len(rows("SELECT 1 FROM document WHERE kind = 'recognition_notice'")) == 2
    assert centres.daily(dt.date(2026, 6, 1)) == []


def test_an_objection_that_is_upheld_ends_the_candidature_through_its_round(centres: Listed) -> None:
    centres.notice()
    centres.object("IC01", DAY, text="合同不实")
    centres.object("IC01", DAY, text="没有专职人员", name="某单位")
    day = dt.date(2026, 5, 12)
    done = centres.reply(1, day, upheld=True)
    assert "IC01:objection_upheld" in done.output["title_events"]
    assert centres.states(day)["IC01"] == "not_recognised"
    (answer,) = rows("SELECT * FROM objection_answer")
    assert (answer["outcome"], answer["answered_by"], answer["answered_on"]) == ("upheld", "reviewer1", day)
    with pytest.raises(RefusedError, match="异议 1 已于 2026-05-12 答复"):
        centres.reply(1, day, upheld=False)
    centres.reply(2, day, upheld=True)  # the candidature has ended already: only the reply goes out
    assert len(rows("SELECT 1 FROM title_event WHERE event = 'objection_upheld'")) == 1
    (proposed,) = centres.daily(OVER)
    assert proposed["units"] == ["IC02", "IC03"]
    centres.issue(proposed, OVER)
    assert centres.states(OVER)["IC01"] == "not_recognised"


def test_a_reply_that_is_not_issued_decides_nothing(centres: Listed) -> None:
    from ipgov.procedures import objections

    centres.notice()
    centres.object("IC01", DAY)
    said = {"finding": "不实", "by": "reviewer1", "reason": "核查完毕", "as_of": DAY, "known_at": at(DAY)}
    objections.answer(1, upheld=True, **said)  # type: ignore[arg-type]
    assert centres.states(DAY)["IC01"] == "in_publicity"
    assert rows("SELECT 1 FROM objection_answer") == []
    with pytest.raises(RefusedError, match="异议 1 的答复已在第"):
        objections.answer(1, upheld=False, **said)  # type: ignore[arg-type]
    assert [p["units"] for p in centres.daily(OVER)] == [["IC02", "IC03"]]


def test_what_does_not_count_is_refused_with_its_reason_and_kept(centres: Listed) -> None:
    import json

    from ipgov.core.objects import get_content

    centres.notice()
    day = OVER
    for unit, changed, reason in (
        ("IC01", {"received_on": OVER}, "不在公示期内收到：公示期自 2026-05-08 至 2026-05-14"),
        ("IC01", {"received_on": dt.date(2026, 5, 7)}, "不在公示期内收到"),
        ("IC77", {"received_on": LAST}, "“IC77”不在公示名单中；名单上的：IC01、IC02、IC03"),
        ("IC01", {"received_on": LAST, "text": " \n"}, "没有写明异议的内容"),
        ("IC01", {"received_on": LAST, "name": ""}, "真实姓名"),
        ("IC01", {"received_on": LAST, "contact": " "}, "联系方式"),
        ("IC01", {"received_on": LAST, "name": name_of(1)}, "公示单位自己"),
        ("IC01", {"received_on": LAST, "name": "虚构建设主体 1"}, "公示单位自己"),
    ):
        assert reason in centres.object(unit, day, **changed)["refused"]
    assert rows("SELECT 1 FROM objection") == []
    kept = rows("SELECT * FROM refused_objection ORDER BY id")
    assert len(kept) == 8
    came = json.loads(get_content(kept[0]["content_sha256"]))
    assert (came["text"], came["objector"]) == ("申报材料所列合同不实", "某人")
    assert centres.daily(day)[0]["units"] == ["IC01", "IC02", "IC03"]
    with pytest.raises(RefusedError, match="晚于"):
        centres.object("IC01", LAST, received_on=OVER)
    with pytest.raises(UnknownError, match="没有编号为 9 的公示；现有：1（关于"):
        centres.object("IC01", DAY, publicity=9)


def test_files_of_an_objection_are_examined_and_kept_under_their_hash(centres: Listed) -> None:
    from ipgov.procedures.case_evidence import Sent

    centres.notice()
    taken = centres.object("IC01", DAY, files=[Sent("合同.pdf", b"MZ not a pdf"), Sent("../x.png", b"")])
    assert taken["objection"] == 1
    assert set(taken["refused_files"]) == {"合同.pdf", "../x.png"}
    assert {r["outcome"] for r in rows("SELECT * FROM objection_file")} == {"refused"}


def test_an_objection_recorded_late_stops_a_recognition_that_lies_with_the_issuer(centres: Listed) -> None:
    from ipgov.procedures import approval

    centres.notice()
    (proposed,) = centres.daily(OVER)
    centres.approve(proposed, OVER)
    centres.object("IC01", OVER, received_on=LAST)
    with pytest.raises(RefusedError, match=r"IC01）异议 1（2026-05-14 收到）尚未答复，不能认定"):
        approval.issue(proposed["round_id"], OVER, at(OVER))
    assert set(centres.states(OVER).values()) == {"publicity_expired"}


def test_a_returned_recognition_is_proposed_anew_by_a_person_or_without_the_body_objected_to(
    centres: Listed,
) -> None:
    from ipgov.procedures import approval, publicity

    centres.notice()
    (proposed,) = centres.daily(OVER)
    fingerprint = rows("SELECT fingerprint FROM review_round WHERE id = :i", i=proposed["round_id"])[0]
    answered = approval.answer(
        proposed["round_id"], "audit", "return", "reviewer2", "再核", fingerprint["fingerprint"], "cli",
        at(OVER), at(OVER),
    )  # fmt: skip
    assert not answered.refused
    day = dt.date(2026, 5, 18)
    assert centres.daily(day) == []  # people decided: it is not proposed again by itself
    (anew,) = publicity.propose_recognitions(day, at(day), "reviewer1").output["proposed"]
    assert anew["units"] == ["IC01", "IC02", "IC03"]


def test_who_may_not_be_publicised(centres: Listed) -> None:
    centres.notice()
    with pytest.raises(RefusedError, match="现为“公示中”，没有列入经审批的名单，不能公示"):
        centres.notice(dt.date(2026, 5, 11))
    body = dict.fromkeys(("name", "category", "host", "operating", "recommended_by"), "某")
    with pytest.raises(RefusedError, match="没有写明单位代码"):
        centres.notice(bodies=[body])
    with pytest.raises(UnknownError, match="没有登记代码为“IC09”的单位"):
        centres.notice(bodies=["IC09"])
    with pytest.raises(RefusedError, match="现为“公示中”，不能认定"):
        centres.propose("recognition_notice", {"bodies": ["IC01"]}, DAY)


def test_a_missed_day_changes_nothing(centres: Listed) -> None:
    centres.notice()
    late = dt.date(2026, 6, 30)
    (proposed,) = centres.daily(late)
    assert {e["effective_on"] for e in centres.events("publicity_expired").values()} == {OVER}
    assert proposed["units"] == list(centres.units)
    assert rows("SELECT DISTINCT programme FROM publicity") == [{"programme": CENTRE}]


@pytest.mark.clause("2024-1155#32", "2024-1155#33")
def test_days_that_are_written_are_long_enough_and_the_outcome_tells_of_them(centres: Listed) -> None:
    from ipgov.core.database import reading
    from ipgov.procedures import paper_drafts
    from ipgov.procedures.parties import Parties

    later = {"starts_on": "2026-05-11", "ends_on": "2026-05-18", "working_days": 5}
    with pytest.raises(RefusedError, match="不足规定的时间，最早可至 2026-05-18"):
        centres.notice(**later | {"ends_on": "2026-05-15", "working_days": 4})
    with pytest.raises(RefusedError, match="写明 6 个工作日，自 2026-05-11 起应至 2026-05-19"):
        centres.notice(**later | {"working_days": 6})
    centres.notice(**later)
    assert set(centres.states(DAY).values()) == {"listed"}  # until the day that it names
    (notice,) = rows("SELECT * FROM document WHERE kind = 'public_notice'")
    after = dt.date(2026, 5, 19)
    centres.object("IC03", dt.date(2026, 5, 12))
    centres.reply(1, dt.date(2026, 5, 13), upheld=True)
    with reading() as connection:
        registry = Parties.read(connection, after, at(after))
    bodies = [paper_drafts.body(registry, CENTRE, u, after) for u in ("IC01", "IC02")]
    outcome = {
        "notice_title": notice["title"], "starts_on": "2026-05-11", "ends_on": "2026-05-18", "listed": 3,
        "bodies": bodies,
        "objections": [
            {
                "name": name_of(3), "received_on": "2026-05-12", "summary": "不实", "finding": "属实",
                "upheld": True,
            }
        ],
    }  # fmt: skip
    with pytest.raises(RefusedError, match="公示尚未期满"):
        centres.propose("public_notice_outcome", outcome, dt.date(2026, 5, 18))
    with pytest.raises(RefusedError, match="没有已发的《别的公示》"):
        centres.propose("public_notice_outcome", outcome | {"notice_title": "别的公示"}, after)
    strange = [{**bodies[0], "name": "未公示中心"}, bodies[1]]
    with pytest.raises(RefusedError, match="未公示中心不在公示名单中"):
        centres.propose("public_notice_outcome", outcome | {"bodies": strange}, after)
    centres.issue(centres.propose("public_notice_outcome", outcome, after), after)
    (proposed,) = centres.daily(after)
    assert proposed["units"] == ["IC01", "IC02"]


def test_a_notice_that_is_taken_back_stops_and_begins_anew(centres: Listed) -> None:
    from ipgov.procedures import withdrawal

    centres.notice()
    (first,) = rows("SELECT * FROM document")
    centres.object("IC02", DAY, text="合同不实")
    centres.reply(1, DAY, upheld=True)
    day = dt.date(2026, 5, 12)
    made = withdrawal.withdraw(first["id"], "名单有误", "reviewer1", day, at(day))
    done = centres.issue(dict(made.output), day)
    assert done.output["title_events"] == ["IC01:publicity_withdrawn", "IC03:publicity_withdrawn"]
    back = rows("SELECT * FROM document WHERE withdraws IS NOT NULL")
    assert [(b["kind"], b["withdraws"], b["number"]) for b in back] == [
        ("public_withdrawal", first["id"], None)
    ]
    assert rows("SELECT recipient FROM dispatch WHERE document_id = :d", d=back[0]["id"]) == [
        {"recipient": "public"}
    ]
    assert len(rows("SELECT 1 FROM occurrence_retraction")) == 1
    assert centres.daily(OVER) == []
    assert centres.states(OVER) == {"IC01": "listed", "IC02": "not_recognised", "IC03": "listed"}
    assert "已于 2026-05-12 撤回" in centres.object("IC01", dt.date(2026, 5, 13))["refused"]

    again = dt.date(2026, 5, 18)
    centres.notice(again, bodies=["IC01", "IC03"])
    assert centres.daily(dt.date(2026, 5, 25)) == []
    (proposed,) = centres.daily(dt.date(2026, 5, 26))
    assert proposed["units"] == ["IC01", "IC03"]
    (second,) = rows("SELECT * FROM document WHERE kind = 'public_notice' AND id > :d", d=first["id"])
    late = dt.date(2026, 5, 26)
    with pytest.raises(RefusedError, match="公示已于 2026-05-26 期满，不能撤回"):
        withdrawal.withdraw(second["id"], "名单有误", "reviewer1", late, at(late))


OBJECTOR = "某某测试异议人"


@pytest.mark.clause("2024-1155#33")
def test_an_upheld_objection_is_told_to_the_body_and_nobody_reads_who_objected(centres: Listed) -> None:
    import io
    import re

    from ipgov.core.objects import get_content
    from ipgov.procedures import approval, objections
    from pypdf import PdfReader

    def read(document: int) -> str:
        (file,) = rows(
            "SELECT sha256 FROM document_file WHERE document_id = :d AND format = 'pdf'", d=document
        )
        pages = PdfReader(io.BytesIO(get_content(file["sha256"]))).pages
        return re.sub(r"\s+", "", "".join(p.extract_text() for p in pages))

    centres.notice()
    for unit in ("IC01", "IC02"):
        centres.object(unit, DAY, text="合同不实", name=OBJECTOR)
    day = dt.date(2026, 5, 12)
    given = {"by": "reviewer1", "reason": "核查完毕", "as_of": day, "known_at": at(day)}
    with pytest.raises(RefusedError, match=f"不得写明异议提出者“{OBJECTOR}”"):
        objections.answer(1, upheld=True, finding=f"经与{OBJECTOR}核对", **given)  # type: ignore[arg-type]
    made = objections.answer(1, upheld=True, finding="经核对合同原件", **given)  # type: ignore[arg-type]
    shown = approval.present(made.output["round_id"]).body
    assert "另发：异议处理告知" in shown  # whoever decides reads both letters
    assert f"{name_of(1)}不予认定" in shown
    centres.issue(dict(made.output), day)
    reply, told = rows("SELECT * FROM document WHERE round_id = :r ORDER BY id", r=made.output["round_id"])
    assert (reply["kind"], told["kind"]) == ("objection_reply", "objection_outcome")
    assert told["unit"] == "IC01"
    sent = rows("SELECT recipient FROM dispatch WHERE document_id = :d", d=told["id"])
    assert {r["recipient"] for r in sent} == {"IC01", "11"}
    page = read(told["id"])
    for words in (f"{name_of(1)}不予认定", "经核对合同原件", "异议提出者的信息不予告知", "北京市知识产权局"):
        assert words in page, words
    assert OBJECTOR in read(reply["id"])
    # one that does not hold is told to nobody but its objector
    centres.reply(2, day, upheld=False)
    assert len(rows("SELECT 1 FROM document WHERE kind = 'objection_outcome'")) == 1

    # who objected stands in the table of its own, and in what the reply itself is made of
    columns = rows(
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns"
        " WHERE table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')"
        " AND data_type IN ('text', 'character varying', 'jsonb')"
    )
    found = {
        f"{k['t']}.{k['c']}"
        for k in columns
        if rows(f'SELECT 1 FROM "{k["t"]}" WHERE "{k["c"]}"::text LIKE :n LIMIT 1', n=f"%{OBJECTOR}%")  # noqa: S608
    }
    assert found == {"objector.name"}
    for document in rows("SELECT id FROM document WHERE kind <> 'objection_reply'"):
        assert OBJECTOR not in read(document["id"])


MOVED = """
overrides:
  - {operator: 试, date: 2026-05-13, working: false, note: 临时调整, entered: 2026-05-11}
"""


@pytest.mark.clause("2024-1155#32")
def test_a_last_day_that_moves_is_announced_once(
    centres: Listed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    from ipgov.core.settings import settings
    from ipgov.policy import holidays

    folder = tmp_path / "calendars"
    shutil.copytree(settings().policies / "calendars", folder)
    monkeypatch.setenv("IPGOV_CALENDARS", str(folder))
    settings.cache_clear()
    holidays.calendars.cache_clear()
    centres.notice()
    (folder / "own.yaml").write_text(MOVED, encoding="utf-8")
    holidays.calendars.cache_clear()
    try:
        day = dt.date(2026, 5, 12)
        for _ in range(2):  # the flow runs again
            centres.daily(day)
        (moved,) = rows("SELECT * FROM publicity_day")
        assert (moved["earlier"], moved["last_on"]) == (LAST, OVER)
        (told,) = rows("SELECT * FROM document WHERE kind = 'notice_moved'")
        assert told["title"] == "关于顺延《关于国家级产业知识产权运营中心拟认定名单的公示》公示期的公告"
        assert rows("SELECT recipient FROM dispatch WHERE document_id = :d", d=told["id"]) == [
            {"recipient": "public"}
        ]
        # what comes on the day that was added still counts
        assert centres.object("IC01", OVER)["refused"] == ""
        assert centres.daily(OVER) == []
        (proposed,) = centres.daily(dt.date(2026, 5, 18))
        assert proposed["units"] == ["IC02", "IC03"]
    finally:
        holidays.calendars.cache_clear()
