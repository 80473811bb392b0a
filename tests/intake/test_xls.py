"""The .xls format, record by record and sector by sector."""

from __future__ import annotations

import struct
import time
from typing import Any

import pytest
from intake_containers import Record, at_cell, edited_xls
from intake_refused import plain
from ipgov.intake import biff, compound
from ipgov.intake.workbook import ErrorValue, NotAWorkbookError, Workbook, read_workbook

SHEET = "一、业务绩效"


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
