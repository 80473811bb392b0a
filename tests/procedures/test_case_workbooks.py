"""The 整改台账 comes back through the inbox: taken once, corrected, or refused with the reason."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.tables import case_event, case_workbook, document, document_file, unclaimed_object
from ipgov.followup import cases
from ipgov.procedures import case_opening, rectification
from ipgov.procedures.follow_up import listed
from played_cases import add_pilot, follow, rows
from played_nation import PROGRAMME, Nation, at
from sqlalchemy import select

NOTIFIED, SENT = dt.date(2023, 9, 8), dt.date(2023, 10, 9)
FOLDER = f"inbox/{PROGRAMME}/2023/44/PP01"


@pytest.fixture
def case(nation: Nation) -> int:
    case_id = add_pilot(nation)
    for name in ("交易额", "=互联互通"):
        case_opening.add_problem(case_id, name, "不足<b>", "reviewer1", NOTIFIED, at(NOTIFIED))
    case_opening.notify(case_id, NOTIFIED, at(NOTIFIED))
    return case_id


def newest(format_: str = "xlsx") -> bytes:
    query = select(document_file.c.sha256).where(document_file.c.format == format_)
    return objects.get_content(rows(query.order_by(document_file.c.id.desc()).limit(1))[0]["sha256"])


def edited(data: bytes, change: Callable[[Any], None]) -> bytes:
    book, target = openpyxl.load_workbook(io.BytesIO(data)), io.BytesIO()
    change(book)
    book.save(target)
    return target.getvalue()


def fill(book: Any) -> None:
    sheet = book["整改台账"]
    for row in (6, 7):
        sheet[f"G{row}"], sheet[f"H{row}"], sheet[f"I{row}"] = "补签合同", "张三", dt.date(2024, 6, 1)


def send(nation: Nation, name: str, data: bytes, day: dt.date = SENT, folder: str = FOLDER) -> dict[str, Any]:
    nation.put(f"{folder}/{name}", data, at(day, 9))
    nation.receive(day)
    assert not rows(select(unclaimed_object)), rows(select(unclaimed_object))
    return dict(rows(select(case_workbook).order_by(case_workbook.c.id))[-1])


def plans() -> list[Any]:
    return rows(select(case_event).where(case_event.c.event == "plan"))


def test_it_is_taken_once_and_answered_each_time(nation: Nation, case: int) -> None:
    good = edited(newest(), fill)
    first = send(nation, "台账.xlsx", good)
    assert (first["outcome"], first["obligation_id"], first["problems"]) == ("accepted", case, [])
    (plan,) = plans()
    assert first["event_id"] == plan["id"]
    assert (plan["day"], plan["actor"]) == (SENT, "=虚构<试点>../平台")
    assert [m["measures"] for m in plan["detail"]["measures"]] == ["补签合同"] * 2
    assert objects.get_content(plan["detail"]["workbook_sha256"]) == good
    assert nation.receive(SENT).read == 0  # an object is read once
    again = send(nation, "台账（再报）.xlsx", good, SENT + dt.timedelta(days=1))
    assert (again["outcome"], again["event_id"]) == ("accepted", plan["id"])
    assert len(plans()) == 1
    receipts = rows(select(document).where(document.c.kind == "case_receipt"))
    assert len(receipts) == 2
    assert {r["recipient"] for r in receipts} == {"PP01"}
    assert again["answer_sha256"] != first["answer_sha256"]
    # the milestone is met by the day of receipt
    follow(nation, SENT + dt.timedelta(days=2))
    (owed,) = listed(SENT, at(SENT, 23) + dt.timedelta(days=3), duty="pilot_rectification_plan")
    follow_on = SENT + dt.timedelta(days=2)
    (owed,) = listed(follow_on, at(follow_on), duty="pilot_rectification_plan")
    assert (owed.state, owed.met_on) == ("met", SENT)

    other = edited(good, lambda book: book["整改台账"].__setitem__("G6", "另议"))
    refused = send(nation, "台账2.xlsx", other, SENT + dt.timedelta(days=2))
    assert (refused["outcome"], refused["event_id"], len(plans())) == ("refused", None, 1)
    assert "整改台账已于 2023-10-09 接收" in refused["problems"][0]["found"]
    # sent back, it may come anew
    later = SENT + dt.timedelta(days=3)
    rectification.judge(case, "send_back", "reviewer1", [1], "措施不足", later, at(later))
    assert send(nation, "台账3.xlsx", other, later)["outcome"] == "accepted"
    assert len(plans()) == 2
    from ipgov.procedures import case_overview

    shown = case_overview.show(case, later, at(later))["workbooks"]
    assert [w["outcome"] for w in shown] == ["accepted", "accepted", "refused", "accepted"]
    assert "不再另行接收" in shown[2]["problems"][0]
    assert not rows(select(unclaimed_object))


def test_sent_again_with_what_was_done_it_is_a_report_on_progress(nation: Nation, case: int) -> None:
    good = edited(newest(), fill)
    assert send(nation, "台账.xlsx", good)["outcome"] == "accepted"
    (plan,) = plans()
    day = SENT + dt.timedelta(days=30)

    def report(book: Any) -> None:
        book["整改台账"]["K6"] = "合同已补签"

    def amend(book: Any) -> None:
        report(book)
        book["整改台账"]["G7"] = "不再补签"

    wrong = send(nation, "进展.xlsx", edited(good, amend), day)
    assert (wrong["outcome"], [p["cell"] for p in wrong["problems"]]) == ("returned", ["G7"])
    assert "与已接收的整改方案不同" in wrong["problems"][0]["found"]
    done = edited(good, report)
    taken = send(nation, "进展.xlsx", done, day + dt.timedelta(days=1))
    assert (taken["outcome"], taken["problems"]) == ("accepted", [])
    (event,) = rows(select(case_event).where(case_event.c.event == "progress"))
    assert taken["event_id"] == event["id"] != plan["id"]
    assert [m["progress"] for m in event["detail"]["measures"]] == ["合同已补签", ""]
    again = send(nation, "进展（再报）.xlsx", done, day + dt.timedelta(days=2))
    assert (again["outcome"], again["event_id"]) == ("accepted", event["id"])
    assert send(nation, "台账.xlsx", good, day + dt.timedelta(days=3))["event_id"] == plan["id"]
    assert len(plans()) == 1
    receipts = rows(select(document).where(document.c.kind == "case_receipt"))
    assert len(receipts) == 4
    follow_on = day + dt.timedelta(days=200)
    follow(nation, follow_on)
    owed = listed(follow_on, at(follow_on), duty="pilot_rectification_progress")
    assert [o.met_on for o in owed][:1] == [day + dt.timedelta(days=1)]


def test_what_is_wrong_comes_back_marked_and_is_taken_once_put_right(nation: Nation, case: int) -> None:
    def spoil(book: Any) -> None:
        fill(book)
        sheet = book["整改台账"]
        sheet["D6"], sheet["I6"], sheet["H7"], sheet["G7"] = "没有问题", "明年", None, "=1+1"

    sent = send(nation, "台账.xlsx", edited(newest(), spoil))
    assert sent["outcome"] == "returned"
    assert {p["cell"] for p in sent["problems"]} == {"D6", "I6", "H7", "G7"}
    assert {(p["file"], p["sheet"]) for p in sent["problems"]} == {("台账.xlsx", "整改台账")}
    assert not plans()
    corrected = objects.get_content(sent["answer_sha256"])
    assert corrected == newest()
    book = openpyxl.load_workbook(io.BytesIO(corrected))
    assert [book["问题汇总"].cell(r, 3).value for r in range(6, 10)] == ["D6", "I6", "G7", "H7"]
    sheet = book["整改台账"]
    assert sheet["D6"].value == "不足<b>"  # what was locked is as it was
    assert (sheet["G6"].value, sheet["I6"].value) == ("补签合同", "明年")
    assert str(sheet["I7"].value) == "2024-06-01 00:00:00"
    assert "不是日期" in sheet["I6"].comment.text
    put_right = edited(corrected, fill)
    assert send(nation, "台账.xlsx", put_right, SENT + dt.timedelta(days=1))["outcome"] == "accepted"
    assert len(plans()) == 1


def test_another_units_and_an_ended_cases_workbook_is_refused(nation: Nation, case: int) -> None:
    good = edited(newest(), fill)
    known = rows(select(document).where(document.c.kind == "case_correction"))
    assert not known
    other = f"inbox/{PROGRAMME}/2023/{unit_place(nation)}"
    refused = send(nation, "台账.xlsx", good, folder=other)
    assert (refused["outcome"], refused["obligation_id"]) == ("refused", None)
    assert "这是另一单位的整改台账" in refused["problems"][0]["found"]

    def forge(book: Any) -> None:
        fill(book)
        book["_ipgov"]["B1"] = "0" * 64

    for name, change in (
        ("改动.xlsx", forge),
        ("无页.xlsx", lambda book: book.__delitem__("_ipgov")),
        ("编号.xlsx", lambda book: book["_ipgov"].__setitem__("B2", "999")),
    ):
        wrong = send(nation, name, edited(good, change))
        assert (wrong["outcome"], wrong["obligation_id"]) == ("refused", None)
        assert "身份信息页缺失、不完整或已被改动" in wrong["problems"][0]["found"]
    rectification.plan(case, "虚构试点", "方案", [], SENT, at(SENT))
    late = dt.date(2024, 9, 9)
    rectification.judge(case, "reject", "reviewer1", [1, 2], "未完成", late, at(late))
    ended = send(nation, "迟.xlsx", good, late)
    assert (ended["outcome"], ended["obligation_id"]) == ("refused", case)
    assert "案件“验收不合格”" in ended["problems"][0]["found"]
    with reading() as connection:
        assert [e.event for e in cases.events(connection, case)] == ["notify", "plan", "reject"]
    letters = rows(select(document).where(document.c.kind == "case_correction"))
    assert len(letters) == 5


def unit_place(nation: Nation) -> str:
    unit = next(u for u in nation.units(SENT).values() if u.unit != "PP01")
    return f"{unit.province}/{unit.unit}"
