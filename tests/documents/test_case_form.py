"""The 整改台账: the same bytes again, filled in as with a spreadsheet program, every mistake by its cell."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from ipgov.core.errors import RefusedError
from ipgov.documents import case_form
from ipgov.documents.case_form import CaseForm

DUE = dt.date(2026, 10, 19)
PROBLEMS = [
    (n, "得分偏低", f"=指标{n}", "为3项，得20.00分，低于60分", "a.xlsx“一”表D4", "运行方自定")
    for n in range(1, 5)
]


def form(case: str = "17") -> CaseForm:
    return CaseForm(
        "提醒整改台账", "国家知识产权局", "", case, "=虚构<平台>", DUE, PROBLEMS, "ab" * 31 + case
    )


ISSUED = case_form.write(form())


def filled(change: Callable[[Any], None] = lambda sheet: None, issued: bytes = ISSUED) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(issued))
    sheet = book[case_form.SHEET]
    for row in range(6, 10):
        sheet.cell(row, 7, "补签合同")
        sheet.cell(row, 8, "张三")
        sheet.cell(row, 9, dt.date(2026, 9, row))
    change(sheet)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def test_what_comes_back_is_what_was_filled_in() -> None:
    assert case_form.write(form()) == ISSUED
    measures = case_form.read_returned(filled(), ISSUED, DUE)
    assert [m.number for m in measures] == [1, 2, 3, 4]
    assert measures[1].as_dict() == {
        "number": 2,
        "measures": "补签合同",
        "responsible": "张三",
        "finish_on": "2026-09-07",
        "evidence": "",
        "progress": "",
    }
    names = openpyxl.load_workbook(io.BytesIO(ISSUED))[case_form.SHEET]
    assert names["C6"].value == "=指标1"
    assert names["C6"].data_type == "s"  # text, no formula
    assert names["G6"].protection.locked is False
    assert names["D6"].protection.locked is True


def test_progress_keeps_to_the_plan() -> None:
    planned = [m.as_dict() for m in case_form.read_returned(filled(), ISSUED, DUE)]

    def report(sheet: Any) -> None:
        sheet["K6"], sheet["J6"] = "合同已补签", "合同"
        sheet["G7"], sheet["I8"] = "另行安排", dt.date(2026, 9, 30)

    told = [m.as_dict() for m in case_form.read_returned(filled(report), ISSUED, DUE)]
    assert [m["progress"] for m in told] == ["合同已补签", "", "", ""]
    assert {p.cell: p.expected.partition("（")[0] for p in case_form.unlike_plan(told, planned)} == {
        "G7": "“补签合同”",
        "I8": "“2026-09-08”",
    }


def test_a_workbook_that_asks_for_no_progress_is_corrected_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as then:
        then.setattr(case_form, "FREE_HEADS", case_form.FREE_HEADS[:-1])
        issued = case_form.write(form())
    back = filled(lambda sheet: sheet.__setitem__("G6", ""), issued)
    with pytest.raises(RefusedError) as refused:
        case_form.read_returned(back, issued, DUE)
    corrected = case_form.correction(issued, back, refused.value.problems, "国家知识产权局", DUE)
    sheet = openpyxl.load_workbook(io.BytesIO(corrected))[case_form.SHEET]
    assert [sheet.cell(5, column).value for column in (10, 11)] == [case_form.EVIDENCE, None]
    assert len(case_form.read_returned(filled(issued=corrected), issued, DUE)) == 4


def test_every_mistake_is_named_by_its_cell_and_nothing_is_taken() -> None:
    def spoil(sheet: Any) -> None:
        sheet["D6"] = "没问题"
        sheet["G7"] = ""
        sheet["I8"] = "明年"
        sheet["I9"] = dt.date(2027, 1, 1)
        sheet["H9"] = "=1+1"

    with pytest.raises(RefusedError) as refused:
        case_form.read_returned(filled(spoil), ISSUED, DUE)
    assert {p.cell: p.found for p in refused.value.problems} == {
        "D6": "锁定单元格现为“没问题”",
        "G7": "第 2 项整改措施未填写",
        "I8": "第 3 项完成时限“明年”不是日期",
        "H9": "第 4 项责任人是公式",
        "I9": "第 4 项完成时限为 2027-01-01",
    }


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"%PDF-1.4"])
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(RefusedError, match="整改台账"):
        case_form.read_returned(data, ISSUED, DUE)


def test_another_cases_workbook_is_refused() -> None:
    other = case_form.write(form("18"))
    with pytest.raises(RefusedError, match="不是本案件的整改台账"):
        case_form.read_returned(filled(issued=other), ISSUED, DUE)


def test_a_row_more_or_a_sheet_more_is_named() -> None:
    def more(sheet: Any) -> None:
        sheet["A10"] = 5
        sheet.parent.create_sheet("附表")

    with pytest.raises(RefusedError) as refused:
        case_form.read_returned(filled(more), ISSUED, DUE)
    assert {p.sheet + p.cell for p in refused.value.problems} == {"附表", "整改台账A10"}
