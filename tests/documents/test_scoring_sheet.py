"""The scoring workbook as its reader sees it, and hostile content in and out of it."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from decimal import Decimal

import openpyxl
import pytest
from ipgov.core.errors import RefusedError
from ipgov.documents.returned_scores import fingerprint_of, read_returned
from ipgov.documents.scoring_sheet import Item, ScoringSheet, Section, write

ITEMS = (
    Item("FP01", "=HYPERLINK(1)", "交易服务类"),
    Item("FP02", "<r>乙平台</r>", "交易服务类", recused="所在单位是该平台的依托单位"),
)
ASKED = ScoringSheet(
    "年度绩效评价", "样例机关", "sample", "2025", "第 1 专家组第 1 轮", "E001", "张三", "组长",
    dt.date(2026, 4, 13), 1,
    (
        Section("E01", "规划/成效", "评价内容：规划", Decimal(0), Decimal(100), ITEMS),
        Section("E02", "成效", "评价内容：成效", Decimal(1), Decimal(10), ITEMS),
    ),
    ("去掉最高分、最低分后取平均。",),
    "ab" * 32,
)  # fmt: skip


def opened(data: bytes):
    return openpyxl.load_workbook(io.BytesIO(data))


def test_what_the_expert_sees():
    data = write(ASKED, "模拟")
    assert data == write(ASKED, "模拟")
    book = opened(data)
    assert book.sheetnames == ["填写说明", "E01 规划成效", "E02 成效", "_ipgov"]
    assert book["_ipgov"].sheet_state == "veryHidden"
    page = book["E02 成效"]
    assert [c.value for c in page[5]] == [
        "序号", "平台编号", "平台名称", "类别", "得分", "弃评理由", "评语（可不填）",
    ]  # fmt: skip
    assert (page["C6"].value, page["C6"].data_type) == ("=HYPERLINK(1)", "s")
    assert page["E7"].value == "回避"
    assert page["F7"].value == "所在单位是该平台的依托单位"
    assert [page[c].protection.locked for c in ("E6", "F6", "G6", "C6", "E7", "F7", "G7")] == [
        False, False, False, True, True, True, True,
    ]  # fmt: skip
    assert page.protection.sheet
    (score, words) = page.data_validations.dataValidation
    assert (score.type, float(score.formula1), float(score.formula2)) == ("decimal", 1, 10)
    assert words.type == "textLength"
    assert "模拟" in [c.value for c in page["A"]]
    guide = [str(c.value) for c in book["填写说明"]["B"]]
    assert "2 项指标，共 2 个评分" in guide
    assert "FP02 <r>乙平台</r>（所在单位是该平台的依托单位）" in guide


def test_a_later_round_shows_what_the_one_before_brought():
    again = (replace(ITEMS[0], before="本人 50；本组 5 个评分，50 至 90"), ITEMS[1])
    page = opened(write(replace(ASKED, sections=(replace(ASKED.sections[0], items=again),)), ""))[
        "E01 规划成效"
    ]
    assert (page["E5"].value, page["E6"].value) == ("上一轮", "本人 50；本组 5 个评分，50 至 90")
    assert page["F7"].value == "回避"


def test_text_that_cannot_be_printed_is_refused():
    with pytest.raises(RefusedError, match=r"U\+0007"):
        write(replace(ASKED, expert_name="张\x07三"), "")


def returned(**cells):
    book = opened(write(ASKED, ""))
    for page in book.worksheets[1:3]:
        page["E6"] = 8
    for place, value in cells.items():
        book["E02 成效"][place] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_scores_come_back_with_their_cells():
    read = read_returned(returned(E6="９.５", G6="  规划\n清楚 "), write(ASKED, ""), {})
    assert read.problems == ()
    assert [(s.unit, s.indicator, s.score, s.abstained, s.comment, s.sheet, s.cell) for s in read.scores] == [
        ("FP01", "E01", Decimal(8), None, "", "E01 规划成效", "E6"),
        ("FP01", "E02", Decimal("9.5"), None, "规划 清楚", "E02 成效", "E6"),
    ]
    assert fingerprint_of(returned()) == "ab" * 32


def test_each_sheet_has_its_own_scale_and_both_answers_are_one_too_many():
    read = read_returned(returned(E6="0.5"), write(ASKED, ""), {})
    assert [(p.sheet, p.cell, p.expected) for p in read.problems] == [
        ("E02 成效", "E6", "1 至 10 的数，至多 1 位小数")
    ]
    read = read_returned(returned(F6="材料不足"), write(ASKED, ""), {})
    assert "既有评分又有弃评理由“材料不足”" in read.problems[0].found


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"MZ\x90", b"<html>"])
def test_what_is_no_workbook_is_refused(data: bytes):
    with pytest.raises(RefusedError, match="专家评分表"):
        fingerprint_of(data)


def test_a_workbook_of_another_kind_is_refused():
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    with pytest.raises(RefusedError, match="没有身份信息页"):
        fingerprint_of(out.getvalue())
