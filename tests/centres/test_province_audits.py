"""The province's audit workbook: taken whole or not at all, each refusal with its cell and its reason."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evaluated_cohort import YEARLY, at
from ipgov.core.database import reading
from ipgov.simulation.centre_workbooks import edited
from self_evaluating_centres import AUDIT, OPINION, Centres
from sqlalchemy import text

SENT, AUDITED = dt.date(2025, 12, 15), dt.date(2025, 12, 30)


@pytest.fixture
def centres(database: Path) -> Centres:
    made = Centres(database / "objects")
    made.register()
    made.open(YEARLY, made.year)
    for unit in ("IC01", "IC02", "IC03", "IC05"):
        made.send_year(unit, SENT)
    made.send_audits(SENT)
    return made


def rows(statement: str, **given: Any) -> list[dict[str, Any]]:
    with reading() as connection:
        return [dict(r) for r in connection.execute(text(statement), given).mappings()]


def audits() -> dict[str, str]:
    found = rows("SELECT unit, answer FROM province_audit ORDER BY id")
    return {r["unit"]: r["answer"] for r in found}


def good(book: Any) -> None:
    sheet = book["审核"]
    for column, value in zip((9, 10, 11, 12), (AUDIT, OPINION, "张三", AUDITED), strict=True):
        sheet.cell(6, column).value = value


def cells(**changes: Any) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        good(book)
        for at_, value in changes.items():
            book["审核"][at_] = value

    return change


def without(name: str) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        good(book)
        del book[name]

    return change


def renamed(book: Any) -> None:
    good(book)
    book["审核"].title = "意见"


def another_sheet(book: Any) -> None:
    good(book)
    book.create_sheet("附表")


# how a filled-in workbook is spoilt → cell, words of what was found, of what is expected
OF_DAYS, OWN = "2025-12-15 至 2025-12-30 之间的日期", "下发的工作簿所列的单位"
SPOILED: dict[str, tuple[Callable[[Any], None], str, str, str]] = {
    "an answer that is none": (cells(I6="同意"), "I6", "审核结论为“同意”", f"“{AUDIT}”、“退回修改” 之一"),
    "no opinion": (cells(J6=None), "J6", "审核意见未填写", "写明意见"),
    "no auditor": (cells(K6=None), "K6", "审核人未填写", "填写审核人姓名"),
    "no day": (cells(L6=None), "L6", "审核日期未填写", OF_DAYS),
    "a day before the file came": (cells(L6=dt.date(2025, 12, 1)), "L6", "审核日期为", OF_DAYS),
    "a day to come": (cells(L6=dt.date(2026, 3, 1)), "L6", "审核日期为", OF_DAYS),
    "a day that is none": (cells(L6="年底"), "L6", "审核日期为“年底”", OF_DAYS),
    "a formula": (cells(J6='="同意"&"报送"'), "J6", "审核意见是公式", "直接填写的内容"),
    "a very long opinion": (cells(J6="好" * 600), "J6", "有 600 字", "不超过 500 字"),
    "an opinion without an answer": (cells(J7="材料完整"), "I7", "审核结论未填写", "之一"),
    "another hash": (cells(G6="0" * 16), "G6", "锁定单元格现为", "（下发时的内容）"),
    "another name": (cells(C6="别的中心"), "C6", "锁定单元格现为“别的中心”", "（下发时的内容）"),
    "another label": (cells(I5="结论"), "I5", "锁定单元格现为“结论”", "“审核结论”（下发时的内容）"),
    "a centre of another province in a row": (cells(B6="IC03"), "B6", "IC03 属广东省，不由本省审核", OWN),
    "a centre of another province added": (cells(B8="IC03", I8=AUDIT), "B8", "IC03 属广东省", OWN),
    "a direct one added": (cells(B8="IC05", I8=AUDIT), "B8", "IC05 直接报送，不由省级审核", OWN),
    "a stranger added": (cells(B8="IC99", I8=AUDIT), "B8", "IC99 不是本年度应报送的单位", OWN),
    "a sheet added": (another_sheet, "", "多出工作表“附表”", "只有下发的工作表"),
    "a sheet missing": (renamed, "", "缺少工作表“审核”", "下发的审核工作簿的全部工作表"),
    "nothing filled in": (lambda book: None, "", "没有任何一家填写了审核结论", "至少审核一家"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_workbook_goes_back_with_every_cell_and_nothing_is_kept(
    centres: Centres, what: str
) -> None:
    change, cell, told, expected = SPOILED[what]
    came = centres.hand_in("11", AUDITED, edited(centres.workbook("11"), change))
    assert came["outcome"] == "returned"
    found = [p for p in came["problems"] if told in p["found"] and p["cell"] == cell]
    assert found, came["problems"]
    assert expected in found[0]["expected"]
    assert found[0]["sheet"] == ("附表" if "附表" in told else "审核")
    assert {p["file"] for p in came["problems"]} == {"审核.xlsx"}
    assert not audits()


@pytest.mark.clause("2024-1155#38")
def test_the_correction_is_taken_once_it_is_put_right(centres: Centres) -> None:
    spoiled = edited(centres.workbook("11"), cells(J6=None, I7="退回修改", J7="补", K7="李四", L7=AUDITED))
    assert centres.hand_in("11", AUDITED, spoiled, "一.xlsx")["outcome"] == "returned"
    corrected = edited(
        centres.workbook("11", "province_audit_answer"),
        lambda book: book["审核"].__setitem__("J6", OPINION),
    )
    came = centres.hand_in("11", AUDITED, corrected, "二.xlsx")
    assert (came["outcome"], came["problems"]) == ("accepted", [])
    assert audits() == {"IC01": AUDIT, "IC02": "退回修改"}


def test_what_is_nobodys_or_anothers_is_refused(centres: Centres) -> None:
    other = edited(centres.workbook("44"), good)
    came = centres.hand_in("11", AUDITED, other, "别省.xlsx")
    assert (came["outcome"], came["problems"][0]["found"]) == ("refused", "这是发给另一省的审核工作簿")
    forged = edited(centres.workbook("11"), lambda b: b["_ipgov"].__setitem__("B1", "f" * 64))
    came = centres.hand_in("11", AUDITED, forged, "改.xlsx")
    assert came["outcome"] == "refused"
    assert "身份信息页已被改动" in came["problems"][0]["found"]
    for name, data in (
        ("空.xlsx", b""),
        ("文.xlsx", "审核意见".encode()),
        ("表.xlsx", b"PK\x03\x04" + b"\0" * 90),
    ):
        assert centres.hand_in("11", AUDITED, data, name)["outcome"] == "refused"
    came = centres.hand_in("11", AUDITED, edited(centres.workbook("11"), without("_ipgov")), "无.xlsx")
    assert came["outcome"] == "refused"
    assert not audits()


def test_a_newer_file_needs_a_new_answer(centres: Centres) -> None:
    early = centres.workbook("11")
    centres.answer("11", dt.date(2025, 12, 16), {"IC01": (AUDIT, OPINION)})
    centres.send_year("IC01", dt.date(2025, 12, 18), F09=31)
    came = centres.answer("11", AUDITED, {"IC01": (AUDIT, OPINION), "IC02": (AUDIT, OPINION)}, early)
    assert came["outcome"] == "returned"
    assert came["problems"][0]["found"] == "IC01 已于 2025-12-18 重新报送，所审核的不是最新的报送材料"
    assert centres.send_audits(dt.date(2025, 12, 18)) == {}  # the correction was the new workbook
    states = centres.evaluate_year() and rows("SELECT unit, state FROM snapshot_unit WHERE province = '11'")
    assert {r["unit"]: r["state"] for r in states} == {"IC01": "not_forwarded", "IC02": "not_forwarded"}


def test_an_answer_after_its_last_day_is_kept_and_does_not_count(centres: Centres) -> None:
    late = dt.date(2026, 1, 14)
    came = centres.answer("11", late, {"IC01": (AUDIT, OPINION)})
    assert (came["outcome"], came["late"]) == ("accepted", True)
    centres.evaluate_year()
    assert rows("SELECT state FROM snapshot_audit WHERE unit = 'IC01'") == [{"state": "late"}]
    assert rows("SELECT state FROM snapshot_unit WHERE unit = 'IC01'") == [{"state": "not_forwarded"}]


@pytest.mark.clause("2024-1155#39")
def test_the_overview_tells_who_has_done_what(centres: Centres) -> None:
    from ipgov.procedures import audit_overview, collection

    centres.answer("11", AUDITED, {"IC01": (AUDIT, OPINION), "IC02": ("退回修改", "补")})
    found = audit_overview.overview(YEARLY, "2025", AUDITED, at(AUDITED))
    assert {line.name: line.counts for line in found.lines} == {
        "北京市": {"forwarded": 1, "returned": 1},
        "广东省": {"none": 1},
        "直接报送单位": {"not_copied": 1},
    }
    before = collection.collection(YEARLY, "2025", dt.date(2025, 12, 16), at(AUDITED)).audit
    assert before is not None
    assert before.lines[0].counts == {"none": 2}


def test_random_damage_is_answered_and_never_half_taken(centres: Centres) -> None:
    """Bytes flipped, cut or repeated: each file has an answer, and answers count only of a whole workbook."""
    whole = edited(centres.workbook("11"), good)
    chance = random.Random(1155)  # noqa: S311 - damage, not secrets
    for number in range(25):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        if number % 3 == 0:
            data = data[: chance.randrange(len(data))]
        centres.hand_in("11", AUDITED, bytes(data), f"损坏{number}.xlsx")
    returned = rows("SELECT id, outcome FROM province_audit_return")
    assert len(returned) == 25
    taken = {r["id"] for r in returned if r["outcome"] == "accepted"}
    assert {r["return_id"] for r in rows("SELECT return_id FROM province_audit")} == taken
