"""What people do to a form before they send it, read to the right value from the right cell."""

from __future__ import annotations

import io
import time
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from intake_workbooks import (
    PERIOD,
    PROGRAMME,
    blank,
    cell,
    edited,
    filled,
    parts_of,
    read,
    unit_of_kind,
    with_part,
)
from ipgov.intake.correction import correction_workbook
from ipgov.intake.reading import Expected, Reading, Value, issued_forms, read_submission
from ipgov.policy import store
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit

SHEET = "xl/worksheets/sheet1.xml"


def value(reading: Reading, code: str) -> Value:
    return next(v for v in reading.values if v.field == code)


def test_a_renamed_sheet_and_hidden_rows_are_read(rules: Loaded, unit: Unit) -> None:
    def edit(book: Any) -> None:
        sheet = book["二、建设与辐射"]
        sheet.title = "建设（改）"
        sheet.sheet_state = "hidden"
        for name in book.defined_names.values():
            name.attr_text = name.attr_text.replace("二、建设与辐射", "建设（改）")

    reading = read(edited(filled(rules, unit), edit), rules, unit)
    assert reading.problems == ()
    assert value(reading, "F13").sheet == "建设（改）"


def test_where_names_were_lost_the_labels_tell(rules: Loaded, unit: Unit) -> None:
    def edit(book: Any) -> None:
        for name in list(book.defined_names):
            del book.defined_names[name]

    reading = read(edited(filled(rules, unit, F13=31), edit), rules, unit)
    assert reading.problems == ()
    assert value(reading, "F13").value == 31
    assert value(reading, "F13").transforms == ("located_by_label",)


def test_rows_sorted_under_their_names_are_never_taken_for_each_other(rules: Loaded, unit: Unit) -> None:
    """Sorting moves contents but not names: F08's name now points at F09's row."""

    def edit(book: Any) -> None:
        one, two = cell(book, "F08"), cell(book, "F09")
        for column in range(2, 6):
            a, b = (c.parent.cell(c.row, column) for c in (one, two))
            a.value, b.value = b.value, a.value

    reading = read(edited(filled(rules, unit, F08=300, F09=200), edit), rules, unit)
    assert reading.problems == ()
    assert value(reading, "F08").value == 300
    assert value(reading, "F09").value == 200
    assert "located_by_label" in value(reading, "F08").transforms


def test_rows_inserted_with_their_names_moved(rules: Loaded, unit: Unit) -> None:
    def edit(book: Any) -> None:
        sheet = book["一、业务绩效"]
        sheet.insert_rows(1, 2)
        for name in book.defined_names.values():
            head, _, row = name.attr_text.rpartition("$")
            if "业务绩效" in head and name.name.startswith("v_"):
                name.attr_text = f"{head}${int(row) + 2}"

    data = blank(rules, unit)
    reading = read(edited(edited(data, edit), _fill_all(rules, unit)), rules, unit)
    assert reading.problems == ()
    assert value(reading, "F01").cell == "D8"


def _fill_all(rules: Loaded, unit: Unit) -> Any:
    from intake_workbooks import SOUND

    def edit(book: Any) -> None:
        for code, field in rules.rules.form.fields_for(unit.kind).items():
            cell(book, code).value = SOUND[field.type]

    return edit


def test_a_copied_sheet_brings_names_of_its_own_that_do_not_count(rules: Loaded, unit: Unit) -> None:
    def add_local(part: bytes) -> bytes:
        at = part.index(b"<definedName ")
        local = '<definedName name="v_F01" localSheetId="1">\'三、规范运行\'!$D$6</definedName>'.encode()
        return part[:at] + local + part[at:]

    reading = read(with_part(filled(rules, unit), "xl/workbook.xml", add_local), rules, unit)
    assert reading.problems == ()
    assert value(reading, "F01").sheet == "一、业务绩效"


def _cell_xml(sheet: bytes, address: str) -> tuple[int, int]:
    begin = sheet.index(f'<c r="{address}"'.encode())
    return begin, sheet.index(b"</c>", begin) + 4


def _with_cell(data: bytes, address: str, content: bytes) -> bytes:
    def change(part: bytes) -> bytes:
        begin, end = _cell_xml(part, address)
        return part[:begin] + content + part[end:]

    return with_part(data, SHEET, change)


def test_a_formula_counts_by_its_stored_result(rules: Loaded, unit: Unit) -> None:
    data = _with_cell(filled(rules, unit), "D6", b'<c r="D6"><f>0.1+0.2</f><v>0.30000000000000004</v></c>')
    reading = read(data, rules, unit)
    assert reading.problems == ()
    assert value(reading, "F01").value == Decimal("0.3")
    assert value(reading, "F01").raw == "0.30000000000000004"
    assert value(reading, "F01").transforms == ("formula_result", "fifteen_digits")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'<c r="D6"><f>1+1</f></c>', "公式没有保存计算结果"),
        (b'<c r="D6"><f>1+1</f><v></v></c>', "公式没有保存计算结果"),
        (b'<c r="D6" t="e"><v>#REF!</v></c>', "错误值 #REF!"),
        (b"<c t='e' r=\"D6\"><f>#REF!+1</f><v>#REF!</v></c>", "错误值 #REF!"),
        (b'<c r="D6"><v>NaN</v></c>', "“nan”不是数字"),
        (b'<c r="D6"><v>1E400</v></c>', "“inf”不是数字"),
        (b'<c r="D6" t="b"><v>1</v></c>', "逻辑值"),
    ],
)
def test_a_cell_without_a_value_of_its_own_is_its_problem(
    rules: Loaded, unit: Unit, content: bytes, found: str
) -> None:
    reading = read(_with_cell(filled(rules, unit), "D6", content), rules, unit)
    assert [p.check for p in reading.problems] == ["value_has_type"]
    assert found in reading.problems[0].found
    assert (reading.problems[0].sheet, reading.problems[0].cell) == ("一、业务绩效", "D6")


def test_an_error_elsewhere_is_nobodys_problem(rules: Loaded, unit: Unit) -> None:
    def add(part: bytes) -> bytes:
        row = b'<row r="90"><c r="H90" t="e"><f>#REF!</f><v>#REF!</v></c></row></sheetData>'
        return part.replace(b"</sheetData>", row)

    assert read(with_part(filled(rules, unit), SHEET, add), rules, unit).outcome == "accepted"


def test_a_percentage_typed_as_one_is_what_it_says(rules: Loaded, unit: Unit) -> None:
    def edit(book: Any) -> None:
        cell(book, "F10").value = 0.985
        cell(book, "F10").number_format = "0.0%"
        cell(book, "F17").value = 99.5
        cell(book, "F17").number_format = '0.0"%"'  # shows the sign, stores what is shown

    reading = read(edited(filled(rules, unit), edit), rules, unit)
    assert reading.problems == ()
    assert (value(reading, "F10").value, value(reading, "F10").transforms) == (
        Decimal("98.5"),
        ("percent_format",),
    )
    assert value(reading, "F17").value == Decimal("99.5")


def test_dates_of_the_1904_system(rules: Loaded, unit: Unit) -> None:
    def edit(book: Any) -> None:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        cell(book, "F27").number_format = "General"
        cell(book, "F27").value = 43890

    reading = read(edited(filled(rules, unit), edit), rules, unit)
    assert reading.problems == ()
    assert value(reading, "F27").text_value == "2024-03-01"
    assert value(reading, "F27").transforms == ("serial_1904",)


def test_an_older_template_is_answered_with_the_current_one_filled(unit: Unit) -> None:
    old, new = store.governing(PROGRAMME, 2023), store.governing(PROGRAMME, 2025)
    data = filled(old, unit, period="2025")
    reading = read(data, new, unit, period="2025")
    assert reading.outcome == "returned"
    assert [p.check for p in reading.problems] == ["form_version_accepted", "has_every_field"]
    assert "“促成产业化的专利数”" in reading.problems[1].found
    answer = correction_workbook(new.rules, new.sha256, "2025", unit, reading)

    def correct(book: Any) -> None:
        assert cell(book, "F01").value == 1234.5
        cell(book, "F29").value = 3

    assert read(edited(answer, correct), new, unit, period="2025").outcome == "accepted"


def test_an_older_template_that_is_still_accepted_answers_what_it_asked(unit: Unit) -> None:
    old, new = store.governing(PROGRAMME, 2023), store.governing(PROGRAMME, 2025)
    form = new.rules.form.model_copy(update={"accepts": (1, 2)})
    both = Loaded(new.rules.model_copy(update={"form": form}), new.data, new.source)
    data = filled(old, unit, period="2025")
    reading = read_submission(
        data, "a.xlsx", Expected(PROGRAMME, "2025", unit), both, issued_forms((old, both))
    )
    assert reading.problems == ()
    assert {v.field for v in reading.values} == set(old.rules.form.fields_for("trading"))


def test_a_template_that_was_never_issued_is_known_by_the_given_list(rules: Loaded, unit: Unit) -> None:
    reading = read_submission(filled(rules, unit), "a.xlsx", Expected(PROGRAMME, PERIOD, unit), rules, {})
    assert [p.check for p in reading.problems] == ["form_is_known"]


def test_the_unit_of_another_kind_does_not_get_through(rules: Loaded) -> None:
    """The registry says financial; the form was drawn for a trading platform of the same code."""
    reading = read(filled(rules, unit_of_kind("trading")), rules, unit_of_kind("financial"))
    assert {p.check for p in reading.problems} == {"has_every_field", "no_unknown_field"}


def test_reading_to_checked_values_takes_less_than_half_of_merely_opening(rules: Loaded, unit: Unit) -> None:
    data = filled(rules, unit)
    assert len(parts_of(data)) > 8

    def fastest(work: Any) -> float:
        times = []
        for _ in range(7):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return min(times)

    ours = fastest(lambda: read(data, rules, unit))
    assert ours < fastest(lambda: openpyxl.load_workbook(io.BytesIO(data))) / 2
