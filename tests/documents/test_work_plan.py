"""The work plan's workbook: by week, by responsible unit, late and provisional told apart, fit to print."""

import datetime as dt
import io
from dataclasses import replace

import openpyxl
import pytest
from ipgov.core.errors import RefusedError
from ipgov.documents.work_plan import (
    BY_UNIT,
    BY_WEEK,
    NOTES,
    SUMMARY,
    Item,
    WorkPlan,
    state_of,
    week_of,
    write,
)

DAY = dt.date(2026, 4, 13)
ITEM = Item(
    reference="A1B2-C3D4",
    duty="重大事项情况报送",
    owner="FP01",
    owner_name="虚构交易平台甲（FP01）",
    owed_to="国家知识产权局",
    concerns="虚构交易平台甲",
    basis="《关于认定…的通知》（国知发运函字〔2023〕156号）第三部分",
    opened_on=dt.date(2026, 4, 3),
    due_on=dt.date(2026, 4, 10),
    provisional=False,
    days_left=-1,
)
ITEMS = [
    ITEM,
    replace(
        ITEM,
        reference="B",
        owner="11",
        owner_name="北京局",
        due_on=dt.date(2026, 4, 15),
        days_left=2,
    ),
    replace(ITEM, reference="C", due_on=dt.date(2027, 1, 4), days_left=180, provisional=True),
]
PLAN = WorkPlan(DAY, dt.date(2027, 1, 31), 5, ITEMS, later=3)


def book(plan: WorkPlan = PLAN, banner: str = "模拟数据") -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(write(plan, "国家知识产权局", banner)))


def rows(sheet) -> list[dict]:
    heads = [c.value for c in sheet[4]]
    return [dict(zip(heads, [c.value for c in r], strict=True)) for r in sheet.iter_rows(min_row=5)]


def test_a_week_is_named_by_iso_with_its_days() -> None:
    assert week_of(dt.date(2027, 1, 3)) == "2026年第53周（12月28日至1月3日）"
    assert week_of(dt.date(2026, 4, 15)) == "2026年第16周（4月13日至4月19日）"


@pytest.mark.parametrize(
    ("left", "said"), [(-3, "逾期 3 日"), (0, "今日到期"), (5, "即将到期"), (6, "办理中")]
)
def test_where_an_item_stands(left: int, said: str) -> None:
    assert state_of(replace(ITEM, days_left=left), 5) == said


def test_nothing_is_late_by_a_provisional_day() -> None:
    passed = replace(ITEM, provisional=True)
    assert not passed.late
    assert state_of(passed, 5) == "暂定日已过"


def test_by_week_the_late_come_first_and_the_provisional_are_marked() -> None:
    listed = rows(book()[BY_WEEK])
    assert [r["周次"] for r in listed] == [
        "逾期", "2026年第16周（4月13日至4月19日）", "2027年第1周（1月4日至1月10日）",
    ]  # fmt: skip
    assert [r["暂定"] for r in listed] == [None, None, "暂定"]
    assert [r["剩余工作日"] for r in listed] == [-1, 2, 180]
    assert listed[0]["期限"] == "2026-04-10"
    assert "国知发运函字〔2023〕156号" in listed[0]["依据"]


def test_by_unit_and_in_the_summary_every_unit_has_its_own() -> None:
    workbook = book()
    assert [r["责任单位"] for r in rows(workbook[BY_UNIT])] == [
        "北京局", "虚构交易平台甲（FP01）", "虚构交易平台甲（FP01）",
    ]  # fmt: skip
    counted = {r["责任单位"]: (r["待办"], r["逾期"], r["暂定"]) for r in rows(workbook[SUMMARY])}
    assert counted == {"北京局": (1, 0, 0), "虚构交易平台甲（FP01）": (2, 1, 1), "合计": (3, 1, 1)}
    assert "3 项" in workbook[SUMMARY]["A2"].value


def test_it_is_fit_to_filter_and_to_print() -> None:
    workbook = book()
    for name in (BY_WEEK, BY_UNIT):
        sheet = workbook[name]
        assert sheet.auto_filter.ref == "A4:L7"
        assert sheet.freeze_panes == "C5"
        assert sheet.print_title_rows == "$4:$4"
    for sheet in workbook:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == 0
        assert sheet["A3"].value == "模拟数据"
    assert workbook.sheetnames == [SUMMARY, BY_WEEK, BY_UNIT, NOTES]


def test_nothing_owed_is_a_plan_too() -> None:
    workbook = book(replace(PLAN, items=[]))
    assert workbook[BY_WEEK]["A5"].value == "没有待办事项。"


def test_what_others_wrote_stays_text_or_is_refused() -> None:
    workbook = book(replace(PLAN, items=[replace(ITEM, duty="=HYPERLINK(1)")]))
    assert rows(workbook[BY_WEEK])[0]["事项"] == "=HYPERLINK(1)"
    assert workbook[BY_WEEK]["G5"].data_type == "s"
    with pytest.raises(RefusedError):
        book(replace(PLAN, items=[replace(ITEM, duty="甲\x00")]))


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert write(PLAN, "局") == write(PLAN, "局")
