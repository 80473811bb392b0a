"""The .ods format, element by element."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Any

import pytest
from intake_containers import edited_ods
from intake_refused import plain
from intake_workbooks import read, with_part
from ipgov.intake import grid
from ipgov.intake.workbook import ErrorValue, NotAWorkbookError, read_workbook
from ipgov.policy.store import Loaded
from ipgov.registry.platforms import Unit

SHEET = "一、业务绩效"


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
