"""Blank → filled → accepted; spoilt → correction workbook → corrected → accepted."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from intake_refused import FOLDER
from intake_workbooks import PERIOD, SOUND, cell, edited, filled, read, unit_of_kind
from ipgov.intake.correction import correction_workbook
from ipgov.intake.reading import Reading, identify
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit


def answer_to(reading: Reading, rules: Loaded, unit: Unit, banner: str = "") -> bytes:
    return correction_workbook(rules.rules, rules.sha256, PERIOD, unit, reading, banner)


def opened(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


@pytest.mark.clause("2023-156#19")
@pytest.mark.parametrize("kind", ["trading", "financial", "characteristic", "tool"])
def test_a_filled_form_is_accepted_with_every_value_and_its_cell(rules: Loaded, kind: str) -> None:
    unit = unit_of_kind(kind)
    data = filled(rules, unit)
    reading = read(data, rules, unit)
    assert reading.outcome == "accepted"
    assert reading.problems == ()
    values = {v.field: v for v in reading.values}
    fields = rules.rules.form.fields_for(kind)
    assert set(values) == set(fields)
    book = opened(data)
    for code, field in fields.items():
        place = cell(book, code)
        assert (values[code].sheet, values[code].cell) == (place.parent.title, place.coordinate)
        if field.type in ("amount", "count", "percent"):
            assert values[code].value == Decimal(str(SOUND[field.type]))
            assert values[code].text_value is None
    assert (values["F19"].value, values["F19"].raw) == (Decimal(1), "是")
    assert (values["F27"].value, values["F27"].text_value) == (None, "2024-03-01")
    assert values["F28"].text_value == "张三"


SPOILT = {
    "F01": "约一千",
    "F02": 1.5,
    "F08": None,
    "F10": 101,
    "F19": "有",
    "F16": "1.2亿元",
    "F27": "2024.3.1",
}


def test_the_correction_workbook_lists_every_problem_and_keeps_what_was_readable(
    rules: Loaded, unit: Unit
) -> None:
    reading = read(filled(rules, unit, **SPOILT), rules, unit, name="FP01.xlsx")
    book = opened(answer_to(reading, rules, unit, banner="模拟数据库"))
    assert book.sheetnames[0] == book.active.title == "问题汇总"
    for sheet in book.worksheets[:4]:
        assert sheet["A1"].value == "模拟数据库"
    listed = [[c.value for c in row] for row in book["问题汇总"].iter_rows(min_row=6)]
    assert [row[0] for row in listed] == [1, 2, 3, 4, 5]
    for row, problem in zip(listed, reading.problems, strict=True):
        assert row[1:5] == [problem.sheet, problem.cell, problem.found, problem.expected]
        assert problem.basis in row[5]
    assert "国知发运函字〔2023〕156号" in listed[0][5]
    assert "FP01.xlsx" in book["问题汇总"]["A4"].value
    marked = {c for c in rules.rules.form.fields_for("trading") if cell(book, c).comment}
    assert marked == {"F01", "F02", "F08", "F10", "F19"}
    for code in rules.rules.form.fields_for("trading"):
        assert (cell(book, code).fill.fgColor.rgb == "FFF8CBAD") == (code in marked)
    assert "“约一千”不是数字" in cell(book, "F01").comment.text
    # what was typed where it was not understood, the value where it was
    assert [cell(book, c).value for c in ("F01", "F02", "F08", "F10")] == ["约一千", 1.5, None, 101]
    assert cell(book, "F16").value == 12000
    assert cell(book, "F27").value.date().isoformat() == "2024-03-01"


def test_the_same_problems_are_answered_with_the_same_bytes(rules: Loaded, unit: Unit) -> None:
    reading = read(filled(rules, unit, **SPOILT), rules, unit)
    assert answer_to(reading, rules, unit) == answer_to(reading, rules, unit)


def test_corrected_and_sent_back_it_is_accepted_with_no_further_edit(rules: Loaded, unit: Unit) -> None:
    reading = read(filled(rules, unit, **SPOILT), rules, unit)

    def correct(book: Any) -> None:
        for code in reading.faults:
            cell(book, code).value = SOUND[rules.rules.form.fields[code].type]

    again = read(edited(answer_to(reading, rules, unit), correct), rules, unit)
    assert again.problems == ()
    assert again.outcome == "accepted"
    values = {v.field: v.value for v in again.values}
    assert values["F16"] == 12000
    assert values["F08"] == 12


def test_who_corrects_only_some_gets_only_the_rest(rules: Loaded, unit: Unit) -> None:
    reading = read(filled(rules, unit, **SPOILT), rules, unit)

    def correct(book: Any) -> None:
        cell(book, "F01").value = 1000
        cell(book, "F10").value = 99

    again = read(edited(answer_to(reading, rules, unit), correct), rules, unit)
    assert set(again.faults) == {"F02", "F08", "F19"}
    book = opened(answer_to(again, rules, unit))
    assert cell(book, "F01").value == 1000
    assert not cell(book, "F01").comment


def test_sent_back_unchanged_it_has_the_same_problems(rules: Loaded, unit: Unit) -> None:
    reading = read(filled(rules, unit, **SPOILT), rules, unit)
    again = read(answer_to(reading, rules, unit), rules, unit)
    assert [(p.check, p.found) for p in again.problems] == [(p.check, p.found) for p in reading.problems]


def test_a_refused_file_is_answered_with_the_sentence_and_a_blank_form(rules: Loaded, unit: Unit) -> None:
    reading = read(b"no workbook", rules, unit, name="坏文件.xlsx")
    book = opened(answer_to(reading, rules, unit))
    assert book["问题汇总"]["D5"].value == "文件不是 Excel 工作簿"
    assert book["问题汇总"]["B5"].value == "（整个文件）"
    assert "内容未予读取" in book["问题汇总"]["A3"].value
    assert all(cell(book, c).value is None for c in rules.rules.form.fields_for("trading"))


def test_last_years_figures_are_never_laid_out_as_this_years(rules: Loaded, unit: Unit) -> None:
    reading = read(filled(rules, unit, period="2022"), rules, unit)
    assert reading.outcome == "refused"
    answer = answer_to(reading, rules, unit)
    assert {p.check for p in read(answer, rules, unit).problems} == {"required_value_present"}


def test_a_formula_that_was_typed_comes_back_as_text(rules: Loaded, unit: Unit) -> None:
    data = filled(rules, unit, F28="=cmd|'/c calc'!A0", F08=None)
    book = opened(data)
    cell(book, "F28").data_type = "s"
    output = io.BytesIO()
    book.save(output)
    reading = read(output.getvalue(), rules, unit)
    assert set(reading.faults) == {"F08"}
    answer = cell(opened(answer_to(reading, rules, unit)), "F28")
    assert (answer.data_type, answer.value) == ("s", "=cmd|'/c calc'!A0")


def test_a_file_says_what_it_is_before_anything_is_expected_of_it(rules: Loaded, unit: Unit) -> None:
    rows, problems = identify(filled(rules, unit), "a.xlsx")
    assert rows is not None
    assert (rows["programme"], rows["period"], rows["unit"], problems) == (
        "functional_platform",
        PERIOD,
        "FP01",
        (),
    )
    rows, problems = identify(b"x", "a.xlsx")
    assert rows is None
    assert [(p.check, p.file) for p in problems] == [("is_a_workbook", "a.xlsx")]
    book = openpyxl.Workbook()
    output = io.BytesIO()
    book.save(output)
    rows, problems = identify(output.getvalue(), "a.xlsx")
    assert rows is None
    assert "没有身份信息页" in problems[0].found


@pytest.mark.parametrize("ending", ["xlsx", "xls", "ods"])
@pytest.mark.parametrize("kind", ["ref_error", "no_result"])
def test_whatever_format_was_sent_the_answer_is_the_current_form(
    rules: Loaded, unit: Unit, kind: str, ending: str
) -> None:
    name = f"{kind}.{ending}"
    reading = read((FOLDER / name).read_bytes(), rules, unit, name=name)
    assert set(reading.faults) == {"F01"}
    answer = answer_to(reading, rules, unit)
    assert answer.startswith(b"PK")
    unchanged = read(answer, rules, unit)
    assert set(unchanged.faults) == {"F01"}

    def correct(book: Any) -> None:
        cell(book, "F01").value = 1000.5

    again = read(edited(answer, correct), rules, unit)
    assert again.problems == ()
    sent = {v.field: (v.value, v.text_value) for v in reading.values if v.field != "F01"}
    assert {v.field: (v.value, v.text_value) for v in again.values if v.field != "F01"} == sent


def test_a_long_text_is_seen_whole_where_it_is_marked(rules: Loaded, unit: Unit) -> None:
    note = "120（含子公司，系根据合同备案清单初步统计的结果，待审计后确认）"
    reading = read(filled(rules, unit, F01=note), rules, unit)
    book = opened(answer_to(reading, rules, unit))
    answer = cell(book, "F01")
    assert answer.value == note
    assert answer.alignment.horizontal == "left"
    assert answer.parent.row_dimensions[answer.row].height >= 40
