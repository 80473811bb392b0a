"""The three formats give the same workbook; what real programs save is read to the right values."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from intake_refused import WORKBOOKS, plain
from intake_workbooks import cell, edited, filled, packed, parts_of, read, with_part
from ipgov.intake.reading import Reading, Value
from ipgov.intake.workbook import NotAWorkbookError, Sheet, read_workbook
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit

SENDERS = WORKBOOKS / "senders"
ENDINGS = ("xlsx", "xls", "ods")
FILES = sorted(f for f in SENDERS.iterdir() if f.suffix[1:] in ENDINGS)
SHEET = "一、业务绩效"
SHEET_PART = "xl/worksheets/sheet1.xml"


def sent(name: str) -> bytes:
    return (SENDERS / name).read_bytes()


def added(what: bytes, before: bytes) -> Any:
    return lambda part: part.replace(before, what + before, 1)


def values(reading: Reading) -> dict[str, Value]:
    return {v.field: v for v in reading.values}


def shape(sheet: Sheet) -> dict[str, Any]:
    return {
        "cells": dict(sheet.cells),
        "formulas": sheet.formulas,
        "percents": sheet.percents,
        "merged": dict(sheet.merged),
        "hidden": sheet.visibility != "visible",
    }


@pytest.mark.parametrize("name", sorted({f.stem for f in FILES}))
def test_a_workbook_saved_in_three_formats_is_one_workbook(name: str) -> None:
    first, *others = (read_workbook(sent(f"{name}.{ending}")) for ending in ENDINGS)
    assert len(first.sheets) == 4
    for other in others:
        assert list(other.sheets) == list(first.sheets)
        for sheet in first.sheets:
            assert shape(other.sheets[sheet]) == shape(first.sheets[sheet])
        assert (other.names, other.date_1904) == (first.names, first.date_1904)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_another_reader_finds_the_same_values(file: Path) -> None:
    ours = read_workbook(file.read_bytes())
    theirs = python_calamine.CalamineWorkbook.from_path(str(file))
    for name, sheet in ours.sheets.items():
        rows = theirs.get_sheet_by_name(name).to_python(skip_empty_area=False)
        found = {(i, j): v for i, row in enumerate(rows, 1) for j, v in enumerate(row, 1) if v != ""}
        assert {k: v for k, v in found.items() if k not in sheet.merged} == dict(sheet.cells)


EDITED = {
    "F01": (
        Decimal("1234.5"),
        "E8",
        ("full_width", "number_as_text", "thousands_separators", "unit:萬元→万元"),
    ),
    "F02": (Decimal(12), "E9", ("number_as_text",)),
    "F08": (Decimal(1200), "E10", ("formula_result",)),  # its label stands in traditional characters
    "F09": (Decimal(12), "E11", ()),  # its row is hidden; a note stands beside it
    "F10": (Decimal("98.5"), "E12", ("percent_format",)),  # merged with the cell to its right
    "F13": (Decimal(31), "D8", ("invisible_characters", "odd_spaces", "number_as_text")),
    "F16": (Decimal(5000), "D11", ("trim", "number_as_text", "unit:億元→万元")),
    "F17": (Decimal("98.5"), "D12", ("full_width", "number_as_text", "unit_suffix")),
    "F19": (Decimal(1), "D6", ("odd_spaces", "yes_no")),
    "F20": (Decimal(1000), "D7", ("full_width", "number_as_text", "thousands_separators")),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_people_do_to_a_form_is_read_and_named_at_the_cell(
    rules: Loaded, unit: Unit, ending: str
) -> None:
    reading = read(sent(f"edited.{ending}"), rules, unit)
    assert reading.problems == ()
    found = values(reading)
    assert {c: (found[c].value, found[c].cell, found[c].transforms) for c in EDITED} == EDITED
    assert found["F01"].sheet == "业务（改）"
    assert (found["F27"].text_value, found["F27"].transforms) == ("2024-03-01", ("date_text",))
    assert found["F28"].text_value == "張三"
    assert read_workbook(sent(f"edited.{ending}")).sheets["二、建设与辐射"].visibility == "hidden"


@pytest.mark.parametrize("ending", ENDINGS)
def test_days_counted_from_1904(rules: Loaded, unit: Unit, ending: str) -> None:
    day = values(read(sent(f"days_of_1904.{ending}"), rules, unit))["F27"]
    assert (day.text_value, day.raw, day.transforms) == ("2024-03-01", "43890", ("serial_1904",))


@pytest.mark.parametrize("ending", ENDINGS)
def test_without_names_labels_tell_even_right_of_their_values(rules: Loaded, unit: Unit, ending: str) -> None:
    reading = read(sent(f"labels_only.{ending}"), rules, unit)
    assert reading.problems == ()
    found = values(reading)
    assert all("located_by_label" in v.transforms for v in found.values())
    assert (found["F19"].cell, found["F19"].value) == ("A6", Decimal(1))
    assert found["F13"].cell == "D10"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_is_read_by_its_content_whatever_it_is_called(rules: Loaded, unit: Unit, ending: str) -> None:
    for name in ("报送表.xlsx", "报送表.xls", "报送表", "报送表.txt"):
        assert read(plain(ending), rules, unit, name=name).outcome == "accepted"


def test_what_wps_is_known_to_write_beside_excels_own(rules: Loaded, unit: Unit) -> None:
    """No file of WPS itself was at hand: its additions to an .xlsx, in one that LibreOffice saved."""
    data = plain("xlsx")
    image = (
        b'<row r="40"><c r="H40" t="str"><f>_xlfn.DISPIMG("ID_A1",1)</f><v>=DISPIMG("ID_A1",1)</v></c></row>'
    )
    data = with_part(data, SHEET_PART, added(image, b"</sheetData>"))
    data = with_part(
        data, "docProps/app.xml", b"<Properties><Application>WPS Office</Application></Properties>"
    )
    data = with_part(
        data, "docProps/custom.xml", b'<Properties><property name="KSOProductBuildVer"/></Properties>'
    )
    data = with_part(
        data, "xl/cellimages.xml", b"<etc:cellImages xmlns:etc='http://www.wps.cn/officeDocument'/>"
    )
    reading = read(packed(parts_of(data) | {"xl/media/image1.png": b"\x89PNG"}), rules, unit)
    assert reading.outcome == "accepted"


def test_a_text_that_a_million_cells_show_is_refused_before_it_is_copied() -> None:
    """The reader makes a shared text anew for every cell: one of a megabyte, in 50,000 cells."""
    data = with_part(
        plain("xlsx"),
        "xl/sharedStrings.xml",
        lambda part: part.replace(b"</sst>", b"<si><t>" + b"x" * 1_000_000 + b"</t></si></sst>"),
    )
    cells = b'<row r="50">' + b'<c t="s"><v>1</v></c>' * 50_000 + b"</row>"
    data = with_part(data, SHEET_PART, added(cells, b"</sheetData>"))
    with pytest.raises(NotAWorkbookError, match="文字过多"):
        read_workbook(data)


def test_merged_areas_upon_each_other_are_not_laid_out() -> None:
    areas = b'<mergeCell ref="A1:XFD1048576"/>' * 20_000
    data = with_part(
        plain("xlsx"),
        SHEET_PART,
        added(areas, b"</mergeCells>"),
    )
    started = time.monotonic()
    with pytest.raises(NotAWorkbookError, match="合并单元格过多"):
        read_workbook(data)
    assert time.monotonic() - started < 5


def test_value_cells_merged_into_one_are_nobodys(rules: Loaded, unit: Unit) -> None:
    def merge(part: bytes) -> bytes:
        return part.replace(b"</mergeCells>", b'<mergeCell ref="D8:D9"/></mergeCells>')

    reading = read(with_part(plain("xlsx"), SHEET_PART, merge), rules, unit)
    assert set(reading.faults) == {"F08", "F09"}
    assert "是同一个" in reading.faults["F08"][0].found


def test_a_label_merged_over_two_rows_is_beside_both(rules: Loaded, unit: Unit) -> None:
    def edit(book: Any) -> None:
        answer = cell(book, "F13")
        sheet, row = answer.parent, answer.row
        sheet.cell(40, 2).value = sheet.cell(row, 2).value
        sheet.cell(row, 2).value = None
        sheet.cell(41, 4).value = 31
        sheet.merge_cells("B40:B41")
        book.defined_names["v_F13"].attr_text = f"'{sheet.title}'!$D$41"

    found = values(read(edited(filled(rules, unit), edit), rules, unit))["F13"]
    assert (found.value, found.cell, found.transforms) == (Decimal(31), "D41", ())


def test_pages_saved_under_a_workbooks_name() -> None:
    for text in (b"<html><table>", b"\xef\xbb\xbf<?xml version='1.0'?>", b"MIME-Version: 1.0", b" <table>"):
        with pytest.raises(NotAWorkbookError, match="网页"):
            read_workbook(text)


@pytest.mark.parametrize("name", [b"uniqueCount", b"count"])
@pytest.mark.parametrize("promised", [b"4000000000", b"+4000000000", b" 99999999999 ", b"&#52;000000000"])
def test_a_count_that_nothing_can_keep_is_refused_before_the_reader_makes_room(
    name: bytes, promised: bytes
) -> None:
    """The reader would ask for 96 gigabytes, and the process would end without an error to catch."""
    old, new = rb"\b" + name + rb'="\d+"', name + b'="' + promised + b'"'
    data = with_part(plain("xlsx"), "xl/sharedStrings.xml", lambda part: re.sub(old, new, part))
    with pytest.raises(NotAWorkbookError, match="已损坏"):
        read_workbook(data)


def test_labels_in_thousands_are_said_and_not_searched_through(rules: Loaded, unit: Unit) -> None:
    def row(n: int) -> bytes:
        texts = "".join(
            f'<c r="{c}{n}" t="inlineStr"><is><t>{t}</t></is></c>'
            for c, t in (("B", "服务企业数"), ("F", "填报值"), ("H", "服务企业数"))
        )
        return f'<row r="{n}">{texts}</row>'.encode()

    data = with_part(plain("xlsx"), SHEET_PART, added(b"".join(map(row, range(100, 9_000))), b"</sheetData>"))
    data = with_part(data, "xl/workbook.xml", lambda p: p.replace(b"$D$8<", b"$Z$99<"))
    started = time.monotonic()
    reading = read(data, rules, unit)
    assert set(reading.faults) == {"F08"}
    assert "出现" in reading.faults["F08"][0].found
    assert time.monotonic() - started < 5
