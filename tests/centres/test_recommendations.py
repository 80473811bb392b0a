"""A province's recommendations: ranked, within quota, of its own applicants; else the workbook goes back."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from applying_centres import APPLICANTS, AUDITED, PERIOD, PROGRAMME, Applicants
from ipgov.simulation.centre_workbooks import audited, edited

LATER = AUDITED + dt.timedelta(days=1)
OVER = ("IC01", "IC02", "IC03", "IC09")  # all of one province, whose quota is three


@pytest.fixture
def centres(database: Path, monkeypatch: pytest.MonkeyPatch) -> Applicants:
    monkeypatch.setitem(APPLICANTS, "IC09", ("digital", "数字文化产业", "31", "province", {}))
    made = Applicants(database / "objects")
    made.register()
    made.open()
    for unit in (*OVER, "IC06", "IC04"):
        assert made.apply(unit) == "accepted"
    return made


def recommended(*units: str) -> dict[str, tuple[str, int | None]]:
    return {unit: ("推荐", place) for place, unit in enumerate(units, 1)}


def answer(centres: Applicants) -> Any:
    """The correction workbook that went back to the province."""
    from ipgov.core import objects

    (row,) = centres.rows(
        "SELECT f.sha256 FROM document_file f JOIN document d ON d.id = f.document_id"
        " WHERE d.recipient = '31' AND d.kind = 'province_audit_answer' AND f.format = 'xlsx'"
        " ORDER BY d.id DESC LIMIT 1"
    )
    return openpyxl.load_workbook(io.BytesIO(objects.get_content(row["sha256"])))


@pytest.mark.clause("2024-1155#30")
def test_one_recommendation_over_quota_sends_all_of_them_back(centres: Applicants) -> None:
    back = centres.audit("31", recommended(*OVER))
    assert (back["outcome"], len(back["problems"])) == ("returned", 1)
    (problem,) = back["problems"]
    assert problem["found"] == "本省予以报送的共 4 家"
    assert problem["expected"] == "至多 3 家"
    assert (problem["file"], problem["sheet"], problem["cell"]) == ("审核0515.xlsx", "审核", "I9")
    assert centres.rows("SELECT 1 FROM province_audit") == []
    assert {centres.states(LATER)[u] for u in OVER} == {"applied"}
    told = " ".join(
        str(c.value) for page in answer(centres) for row in page.iter_rows() for c in row if c.value
    )
    assert "本省予以报送的共 4 家" in told
    assert "至多 3 家" in told

    # put right by the province itself: three of them, the fourth not
    back = centres.audit("31", {**recommended(*OVER[:3]), "IC09": ("不推荐", None)}, LATER)
    assert (back["outcome"], back["problems"]) == ("accepted", [])
    now = centres.states(LATER)
    assert [now[u] for u in OVER] == ["recommended", "recommended", "recommended", "candidate"]


@pytest.mark.clause("2024-1155#30")
def test_a_second_workbook_cannot_bring_a_fourth(centres: Applicants) -> None:
    assert centres.audit("31", recommended(*OVER[:3]))["outcome"] == "accepted"
    back = centres.audit("31", {"IC09": ("推荐", 4)}, LATER)
    assert back["outcome"] == "returned"
    assert "共 4 家" in back["problems"][0]["found"]
    assert centres.states(LATER)["IC09"] == "applied"
    # in another's stead it can
    back = centres.audit("31", {"IC03": ("不推荐", None), "IC09": ("推荐", 3)}, LATER + dt.timedelta(days=1))
    assert (back["outcome"], back["problems"]) == ("accepted", [])


SPOILED: dict[str, tuple[dict[str, tuple[str, Any]], str, str, str]] = {
    "one place for two": (
        {"IC01": ("推荐", 1), "IC02": ("推荐", 1)}, "J7", "IC02 的推荐次序 1 与 IC01 相同", "各不相同",
    ),
    "recommended without a place": ({"IC01": ("推荐", None)}, "J6", "推荐次序未填写", "1、2、3"),
    "a place that is none": ({"IC01": ("推荐", "第一")}, "J6", "推荐次序为“第一”", "1、2、3"),
    "place nought": ({"IC01": ("推荐", 0)}, "J6", "推荐次序为“0”", "1、2、3"),
    "a place and no recommendation": ({"IC01": ("不推荐", 1)}, "J6", "推荐次序已填写", "“不推荐”的，留空"),
    "an answer that is none": (
        {"IC01": ("强烈推荐", 1)}, "I6", "审核结论为“强烈推荐”", "“推荐”、“不推荐”、“退回补正” 之一",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_recommendation_goes_back_with_its_cell(centres: Applicants, what: str) -> None:
    answers, cell, found, expected = SPOILED[what]
    back = centres.audit("31", answers)
    assert back["outcome"] == "returned"
    (problem,) = back["problems"]
    assert found in problem["found"]
    assert expected in problem["expected"]
    assert (problem["file"], problem["sheet"], problem["cell"]) == ("审核0515.xlsx", "审核", cell)
    assert centres.rows("SELECT 1 FROM province_audit") == []


@pytest.mark.parametrize(
    ("unit", "told"), [("IC06", "IC06 属江苏省，不由本省审核"), ("IC04", "IC04 直接报送，不由省级审核")]
)
def test_an_applicant_that_is_not_the_provinces_own_cannot_be_recommended(
    centres: Applicants, unit: str, told: str
) -> None:
    from ipgov.procedures import province_audits

    province_audits.send(centres.cycle(AUDITED))
    row = {"审核结论": "推荐", "推荐次序": 1, "审核意见": "好", "审核人": "张三", "审核日期": AUDITED}
    good = audited(centres.audit_workbook("31"), {"IC01": row})

    def foreign(book: Any) -> None:
        page = book["审核"]
        for column, value in ((2, unit), (9, "推荐"), (10, 2)):
            page.cell(10, column).value = value

    key = f"inbox/{PROGRAMME}/{PERIOD}/31/province/别家.xlsx"
    centres.put(key, edited(good, foreign), AUDITED)
    back = centres.last("province_audit_return")
    assert back["outcome"] == "returned"
    assert [(p["sheet"], p["cell"], p["expected"]) for p in back["problems"] if told in p["found"]] == [
        ("审核", "B10", "下发的工作簿所列的单位")
    ]
    assert centres.rows("SELECT 1 FROM province_audit") == []
