"""The three formats give the same workbook; what real programs save is read to the right values."""

from __future__ import annotations

import datetime as dt
import re
import struct
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from intake_containers import Record, at_cell, edited_ods, edited_xls
from intake_refused import WORKBOOKS, plain
from intake_workbooks import cell, edited, filled, packed, parts_of, read, with_part
from ipgov.intake import biff, compound, grid
from ipgov.intake.reading import Reading, Value
from ipgov.intake.workbook import ErrorValue, NotAWorkbookError, Sheet, Workbook, read_workbook
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


def xls(change: Any) -> Workbook:
    return read_workbook(edited_xls(plain("xls"), change))


def put(*records: tuple[int, bytes], row: int = 5, column: int = 3) -> Any:
    """Replace the record of a cell by others."""

    def change(listed: list[Record]) -> None:
        index = at_cell(listed, row, column)
        style = listed[index].content[4:6]
        place = struct.pack("<HH", row, column) + style
        listed[index : index + 1] = [
            Record(kind, place + content if kind != biff.STRING else content, listed[index].at)
            for kind, content in records
        ]

    return change


FORMULA_TAIL = struct.pack("<HIH", 0, 0, 0)


@pytest.mark.parametrize(
    ("records", "raw"),
    [
        ([(biff.NUMBER, struct.pack("<d", 0.1))], 0.1),
        ([(biff.RK, struct.pack("<I", (12 << 2) | 2))], 12.0),
        ([(biff.RK, struct.pack("<i", (-12 << 2) | 2))], -12.0),
        ([(biff.RK, struct.pack("<I", (1250 << 2) | 3))], 12.5),
        ([(biff.RK, struct.pack("<d", 1.5)[4:])], 1.5),
        ([(biff.LABEL, b"\x02\x00\x01" + "万元".encode("utf-16-le"))], "万元"),
        ([(biff.LABEL, b"\x02\x00\x0012")], "12"),
        ([(biff.BOOLERR, b"\x01\x00")], True),
        ([(biff.BOOLERR, b"\x17\x01")], ErrorValue("#REF!")),
        ([(biff.BOOLERR, b"\x63\x01")], ErrorValue("#99")),
        ([(biff.FORMULA, b"\x02\0\x07\0\0\0\xff\xff" + FORMULA_TAIL)], ErrorValue("#DIV/0!")),
        ([(biff.FORMULA, b"\x01\0\x01\0\0\0\xff\xff" + FORMULA_TAIL)], True),
        ([(biff.FORMULA, b"\x03\0\0\0\0\0\xff\xff" + FORMULA_TAIL)], None),
        ([(biff.FORMULA, bytes(6) + b"\xff\xff" + FORMULA_TAIL), (biff.STRING, b"\x02\0\x00ab")], "ab"),
        ([(biff.BLANK, b"")], None),
    ],
)
def test_the_records_of_an_xls_cell(records: list[tuple[int, bytes]], raw: Any) -> None:
    sheet = xls(put(*records)).sheets[SHEET]
    assert sheet.cells.get((6, 4)) == raw
    assert ((6, 4) in sheet.formulas) == (records[0][0] == biff.FORMULA)


def test_numbers_packed_into_one_record() -> None:
    def change(listed: list[Record]) -> None:
        row = struct.pack("<HH", 30, 2) + b"".join(struct.pack("<HI", 0, (n << 2) | 2) for n in (7, 8, 9))
        listed.insert(at_cell(listed, 5, 3), Record(biff.MULRK, row + struct.pack("<H", 4)))

    cells = xls(change).sheets[SHEET].cells
    assert [cells[31, c] for c in (3, 4, 5)] == [7.0, 8.0, 9.0]


@pytest.mark.parametrize("part", [0.03, 0.2, 0.37, 0.5, 0.71, 0.99])
def test_texts_that_run_on_into_the_next_record(part: float) -> None:
    """Where a text is cut, the next record repeats its options; wherever the cut falls, all stay the same."""

    def change(listed: list[Record]) -> None:
        index = next(i for i, r in enumerate(listed) if r.kind == biff.SST)
        content = listed[index].content
        at, wide = _in_a_text(content, int(len(content) * part))
        listed[index].content = content[:at]
        listed.insert(index + 1, Record(biff.CONTINUE, bytes([wide]) + content[at:]))

    assert xls(change).sheets == read_workbook(plain("xls")).sheets


def _in_a_text(content: bytes, after: int) -> tuple[int, int]:
    """A place between two characters of the first text that begins after a place, and that text's width."""
    at = 8
    while True:
        length, options = struct.unpack_from("<HB", content, at)
        size = 1 + (options & 1)
        runs = struct.unpack_from("<H", content, at + 3)[0] if options & 8 else 0
        head = 3 + (2 if options & 8 else 0)
        if at > after and length > 2:
            return at + head + size * (length // 2), options & 1
        following = at + head + size * length + 4 * runs
        if following >= len(content):
            return at + head + size * (length // 2), options & 1
        at = following


@pytest.mark.parametrize("start", [0, 1, 5, 4_000_000_000])
def test_a_chain_of_sectors_that_leads_nowhere_is_no_workbook(start: int) -> None:
    """Every link of the allocation table points to one place: in circles, or out of the file."""
    data = bytearray(plain("xls"))
    sector = struct.unpack_from("<I", data, 76)[0]
    begin = (sector + 1) * 512
    data[begin : begin + 512] = struct.pack("<I", start) * 128
    with pytest.raises(NotAWorkbookError):
        read_workbook(bytes(data))


def test_every_cut_of_an_xls_is_refused_with_a_reason() -> None:
    data = plain("xls")
    started = time.monotonic()
    for length in range(8, len(data), 997):
        with pytest.raises(NotAWorkbookError) as refused:
            read_workbook(data[:length])
        assert refused.value.expected
    assert time.monotonic() - started < 10


def test_two_workbooks_in_one_compound_file() -> None:
    names = compound.CompoundFile(plain("xls")).names
    assert "Workbook" in names
    data = plain("xls").replace(
        "\x05SummaryInformation".encode("utf-16-le") + bytes(26), "workbook".encode("utf-16-le") + bytes(48)
    )
    with pytest.raises(NotAWorkbookError, match="名为 Workbook"):
        read_workbook(data.replace(struct.pack("<H", 40), struct.pack("<H", 18)))


CELL = '<table:table-cell office:value-type="float" office:value="7"{}><text:p>7</text:p></table:table-cell>'


def ods(row: str) -> bytes:
    """The plain file with one row more, before the empty ones at the end of its first sheet."""

    def add(part: bytes) -> bytes:
        at = re.search(rb'<table:table-row [^<>]*number-rows-repeated="1048', part)
        assert at is not None
        return part[: at.start()] + row.encode() + part[at.start() :]

    return with_part(plain("ods"), "content.xml", add)


def row(cells: str, attributes: str = "") -> str:
    return f"<table:table-row{attributes}>{cells}</table:table-row>"


def test_cells_that_stand_for_many() -> None:
    three = CELL.format(' table:number-columns-repeated="3"')
    cells = read_workbook(ods(row(three, ' table:number-rows-repeated="2"'))).sheets[SHEET].cells
    last = max(r for r, _ in cells)
    assert {p for p in cells if p[0] > last - 2} == {(r, c) for r in (last - 1, last) for c in (1, 2, 3)}


@pytest.mark.parametrize(
    ("cells", "rows"),
    [
        (CELL.format(' table:number-columns-repeated="16384"'), ' table:number-rows-repeated="1048576"'),
        (CELL.format(""), ' table:number-rows-repeated="1048576"'),
        (CELL.format(' table:number-columns-repeated="9999999"'), ""),
        ('<table:table-cell table:number-columns-repeated="9999999"/>' + CELL.format(""), ""),
    ],
)
def test_a_cell_that_stands_for_a_billion_is_refused_before_it_is_laid_out(cells: str, rows: str) -> None:
    started = time.monotonic()
    with pytest.raises(NotAWorkbookError) as refused:
        read_workbook(ods(row(cells, rows)))
    assert refused.value.sheet == SHEET
    assert time.monotonic() - started < 1


def test_a_million_empty_styled_cells_that_are_one_element_do_no_harm(rules: Loaded, unit: Unit) -> None:
    empty = '<table:table-cell table:style-name="ce1" table:number-columns-repeated="16384"/>'
    data = ods(row(empty, ' table:number-rows-repeated="1048500"'))
    assert read(data, rules, unit).outcome == "accepted"


def test_as_many_elements_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "MAX_CELLS", 2_000)
    with pytest.raises(NotAWorkbookError, match="个单元格，超过上限"):
        read_workbook(ods(row('<table:table-cell table:style-name="ce1"/>' * 3_000)))


@pytest.mark.parametrize("repeated", ["-1", "99999999", "x", "1e9"])
def test_a_repetition_that_is_no_count(repeated: str) -> None:
    with pytest.raises(NotAWorkbookError, match="无法识别"):
        read_workbook(ods(row(CELL.format(f' table:number-columns-repeated="{repeated}"'))))


@pytest.mark.parametrize(
    ("cell", "raw"),
    [
        ('<table:table-cell office:value-type="boolean" office:boolean-value="true"/>', True),
        ('<table:table-cell office:value-type="date" office:date-value="2024-03-01"/>', dt.date(2024, 3, 1)),
        (
            '<table:table-cell office:value-type="date" office:date-value="2024-03-01T08:30:00"/>',
            dt.datetime(2024, 3, 1, 8, 30),  # noqa: DTZ001
        ),
        (
            '<table:table-cell office:value-type="date" office:date-value="x">'
            "<text:p>y</text:p></table:table-cell>",
            "y",
        ),
        ('<table:table-cell office:value-type="currency" office:value="1.5"/>', 1.5),
        (
            '<table:table-cell office:value-type="string"><office:annotation><text:p>批注</text:p>'
            "</office:annotation><text:p>甲<text:s text:c='2'/>乙<text:span>丙</text:span></text:p>"
            "<text:p>丁</text:p></table:table-cell>",
            "甲  乙丙\n丁",
        ),
        (
            '<table:table-cell table:formula="of:=1/0"><text:p>#DIV/0!</text:p></table:table-cell>',
            ErrorValue("#DIV/0!"),
        ),
        ('<table:table-cell office:value-type="string"><text:p>#REF!</text:p></table:table-cell>', "#REF!"),
    ],
)
def test_the_kinds_of_an_ods_cell(cell: str, raw: Any) -> None:
    cells = read_workbook(ods(row(cell))).sheets[SHEET].cells
    assert cells[max(cells)] == raw


def test_a_number_that_is_none_is_refused_at_its_cell() -> None:
    with pytest.raises(NotAWorkbookError) as refused:
        read_workbook(ods(row('<table:table-cell office:value-type="float" office:value="1_000"/>')))
    assert (refused.value.sheet, refused.value.cell[:1]) == (SHEET, "A")


def test_another_document_of_the_same_family_is_no_workbook() -> None:
    data = edited_ods(
        plain("ods"), ("<office:spreadsheet>", "<office:text>"), ("</office:spreadsheet>", "</office:text>")
    )
    with pytest.raises(NotAWorkbookError, match="不是 Excel 工作簿"):
        read_workbook(data)


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
