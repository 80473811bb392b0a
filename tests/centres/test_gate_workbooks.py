"""The workbook of conditions: what reviewers may not do with it, each refused with sheet and cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from applying_centres import FORMED, SCORED, Applicants, at
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.simulation.centre_workbooks import edited, judged


@pytest.fixture
def centres(database: Path) -> Applicants:
    made = Applicants(database / "objects")
    made.register()
    made.open()
    for unit in ("IC01", "IC02"):
        made.apply(unit)
    made.audit("31", {"IC01": ("推荐", 1), "IC02": ("推荐", 2)})
    return made


def blank(centres: Applicants, reviewer: str = "reviewer1", day: dt.date = FORMED) -> bytes:
    from ipgov.procedures import gate_review

    (data,) = gate_review.sheets(centres.cycle(day), [reviewer]).values()
    return data


def receive(data: bytes, day: dt.date = SCORED) -> Any:
    from ipgov.procedures import gate_review

    return gate_review.receive([("交回.xlsx", data)], day, at(day), at(day))[0]


def cell(place: str, value: Any, sheet: int = 1) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book.worksheets[sheet][place] = value

    return change


def renamed(book: Any) -> None:
    book.worksheets[1].title = "另一张表"


def identity(book: Any) -> None:
    book["_ipgov"]["B1"] = "0" * 64


def cleared(book: Any) -> None:
    for page in book.worksheets[1:-1]:
        for row in range(6, 8):
            page.cell(row, 7).value = page.cell(row, 8).value = None


def added(book: Any) -> None:
    book.create_sheet("附表")


# how a filled-in workbook is spoilt → outcome, words of what was found, the cell, words of what is expected
BOTH, ISSUED = "“符合”或“不符合”", "（下发时的内容）"
SHOULD_FAIL: dict[str, tuple[Callable[[Any], None], str, str, str, str]] = {
    "another answer": (cell("G6", "也许"), "returned", "IC01 的结论为“也许”", "G6", BOTH),
    "an answer without a reason": (cell("H6", None), "returned", "IC01 有结论，没有理由", "H6", "写明理由"),
    "a reason without an answer": (cell("G7", None), "returned", "IC02 只有理由，没有结论", "G7", BOTH),
    "a formula": (cell("H7", '=HYPERLINK("x")'), "returned", "IC02 的理由是公式", "H7", "文字"),
    "a reason too long": (cell("H6", "长" * 501), "returned", "501 字", "H6", "不超过 500 字"),
    "a number for an answer": (cell("G6", 1), "returned", "IC01 的结论为“1”", "G6", BOTH),
    "a changed name": (cell("C6", "别家"), "returned", "锁定单元格现为“别家”", "C6", ISSUED),
    "a changed label": (cell("G5", "意见"), "returned", "锁定单元格现为“意见”", "G5", "“结论”（下发"),
    "an added row": (cell("B9", "IC09"), "returned", "锁定单元格现为“IC09”", "B9", "空（下发时的内容）"),
    "a sheet by another name": (renamed, "returned", "缺少工作表", "", "下发的复核表的全部工作表"),
    "a sheet added": (added, "returned", "多出工作表“附表”", "", "请删除多出的"),
    "nothing filled in": (cleared, "returned", "没有填写任何结论", "", "至少判断一家单位的一项条件"),
    "another identity": (identity, "refused", "身份信息页已被改动", "", "由系统下发给本人"),
}


def test_every_way_to_spoil_it_is_refused_with_its_cell(centres: Applicants) -> None:
    good = judged(blank(centres), {})
    for name, (spoil, outcome, told, place, expected) in SHOULD_FAIL.items():
        back = receive(edited(good, spoil))
        assert back.outcome == outcome, name
        found = [p for p in back.problems if told in p.found and p.cell == place]
        assert found, (name, back.problems)
        assert expected in found[0].expected, name
        assert {p.file for p in back.problems} == {"交回.xlsx"}, name
        assert not place or found[0].sheet.startswith("G16 "), name
    for data in (b"no workbook", b"PK\x03\x04 broken", b""):
        assert receive(data).outcome == "refused"
    assert centres.rows("SELECT count(*) AS n FROM gate_judgement") == [{"n": 0}]
    back = receive(good)
    assert (back.outcome, back.answers, back.reviewer) == ("accepted", 2 * 3, "reviewer1")
    assert receive(good).outcome == "repeated"


def test_a_reviewer_does_not_judge_the_own_organisation(centres: Applicants) -> None:
    from ipgov.core.database import transaction
    from ipgov.decisions.officers import Officer, register_officer

    before = judged(blank(centres, "reviewer2"), {})
    own = centres.candidate("IC01").host.code
    with transaction() as connection:
        register_officer(connection, Officer("reviewer2", "reviewer2", ("reviewer",), own, True), at(FORMED))
    late = receive(before)
    assert late.outcome == "returned"
    assert any("应回避而有结论" in p.found for p in late.problems)
    now = judged(blank(centres, "reviewer2", SCORED), {})
    assert receive(now).answers == 3
    assert {r["unit"] for r in centres.rows("SELECT unit FROM gate_judgement")} == {"IC02"}


def test_a_newer_application_voids_the_workbook_and_asks_again(centres: Applicants) -> None:
    from ipgov.procedures import gate_review

    old = judged(blank(centres), {})
    assert receive(old).outcome == "accepted"
    assert not gate_review.open_points(centres.cycle(SCORED))
    day = dt.date(2025, 4, 28)
    assert centres.apply("IC02", day, A13=50) == "accepted"
    assert [p.unit for p in _counting(centres)] == ["IC01"]  # its province has to look at it again
    centres.audit("31", {"IC02": ("推荐", 2)}, dt.date(2025, 5, 19))
    assert len(gate_review.open_points(centres.cycle(SCORED))) == 3
    back = receive(edited(old, cell("H6", "另一理由")))
    assert back.outcome == "returned"
    assert "此表作废" in back.problems[0].found


def _counting(centres: Applicants) -> list[Any]:
    from ipgov.core.database import reading
    from ipgov.procedures import gate_review
    from ipgov.procedures.cycles import rules_of

    this = centres.cycle(SCORED)
    with reading() as connection:
        return [c.unit for c in gate_review.counting(connection, this, rules_of(connection, this))]


def test_only_reviewers_judge_and_only_what_came_before_the_office(centres: Applicants) -> None:
    with pytest.raises(RefusedError, match="“issuer1”不是在岗的reviewer"):
        blank(centres, "issuer1")
    with pytest.raises(UnknownError, match="没有账号为“nobody”的人员"):
        blank(centres, "nobody")
