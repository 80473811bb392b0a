"""Makes tests/fixtures/workbooks/should_fail/files/<kind>.<ending>: what is refused, in each format.

Run ``PYTHONPATH=plugins python tests/intake/intake_refused.py``. The files named in ``REAL`` were saved by
LibreOffice (``fixtures/workbooks/senders/make_with_libreoffice.py``).
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from intake_containers import Record, at_cell, compound, edited_ods, edited_xls
from intake_workbooks import packed, parts_of, with_part
from ipgov.core.fingerprint import fingerprint
from ipgov.intake import biff
from ipgov.intake.identity import identity_rows
from ipgov.intake.workbook import read_workbook

WORKBOOKS = Path(__file__).parents[1] / "fixtures" / "workbooks"
FOLDER = WORKBOOKS / "should_fail" / "files"
REAL = frozenset(
    {"password.xls", "password.ods", "macros.ods"}
    | {f"{kind}.{ending}" for kind in ("external_link", "ref_error") for ending in ("xlsx", "xls", "ods")}
)
SHEET = "xl/worksheets/sheet1.xml"


def plain(ending: str) -> bytes:
    """A sound file as LibreOffice saves it."""
    data = (WORKBOOKS / "senders" / f"plain.{ending}").read_bytes()
    if ending != "ods":
        return data
    return packed({n: p for n, p in parts_of(data).items() if not n.startswith("Thumbnails/")})


def _xlsx(part: str, change: Callable[[bytes], bytes] | bytes) -> bytes:
    return with_part(plain("xlsx"), part, change)


def _swapped(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda part: part.replace(old, new, 1)


def _twice(begin: bytes, end: bytes) -> Callable[[bytes], bytes]:
    """Put an element of a part in twice."""

    def change(part: bytes) -> bytes:
        at = part.index(begin)
        until = part.index(end, at) + len(end)
        return part[:until] + part[at:until] + part[until:]

    return change


def _member_twice(data: bytes, name: str) -> bytes:
    output = io.BytesIO(data)
    with warnings.catch_warnings(), zipfile.ZipFile(output, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(name, b"<x/>")
    return output.getvalue()


def _no_result_xls(listed: list[Record]) -> None:
    index = at_cell(listed, 5, 3)
    begin = listed[index].content[:6]
    empty = b"\x03" + bytes(5) + b"\xff\xff"
    listed[index].kind = biff.FORMULA
    listed[index].content = begin + empty + struct.pack("<HIH", 2, 0, 3) + b"\x1e\x01\x00"


def _connection_xls(listed: list[Record]) -> None:
    listed.insert(len(listed) - 1, Record(biff.QUERY_TABLE, bytes(20)))


def _sheet_twice_xls(listed: list[Record]) -> None:
    first, second, *_ = (r for r in listed if r.kind == biff.BOUNDSHEET)
    second.content = second.content[:6] + first.content[6:]


def _name_twice_xls(listed: list[Record]) -> None:
    index = next(i for i, r in enumerate(listed) if r.kind == biff.NAME and b"v_F01" in r.content)
    listed.insert(index, Record(biff.NAME, listed[index].content))


def _told(ending: str, key: str, value: str, *, with_check: bool = True) -> bytes:
    """Change a row of the identity sheet for one of the same length, with or without a check that fits."""
    data = plain(ending)
    rows = identity_rows(read_workbook(data))
    assert rows is not None
    new = rows | {key: value}
    if with_check:
        new["check"] = fingerprint({k: v for k, v in new.items() if k != "check"})
    changed = [(rows[k], new[k]) for k in rows if rows[k] != new[k]]
    match ending:
        case "xlsx":

            def change(part: bytes) -> bytes:
                for old, to in changed:
                    part = part.replace(f">{old}<".encode(), f">{to}<".encode())
                return part

            return with_part(data, "xl/sharedStrings.xml", change)
        case "xls":

            def edit(listed: list[Record]) -> None:
                texts = next(r for r in listed if r.kind == biff.SST)
                for old, to in changed:
                    head = struct.pack("<HB", len(old), 0)
                    assert texts.content.count(head + old.encode()) == 1
                    texts.content = texts.content.replace(head + old.encode(), head + to.encode())

            return edited_xls(data, edit)

    def rewrite(part: bytes) -> bytes:
        head, name, rest = part.partition(b'table:name="_identity"')
        for old, to in changed:
            rest = rest.replace(f"<text:p>{old}</text:p>".encode(), f"<text:p>{to}</text:p>".encode(), 1)
        return head + name + rest

    return with_part(data, "content.xml", rewrite)


def _entity(part: bytes) -> bytes:
    head, _, rest = part.partition(b"?>")
    return head + b'?><!DOCTYPE x [<!ENTITY a "b">]>' + rest


MAKERS: Mapping[str, Callable[[], bytes]] = {
    "password.xlsx": lambda: compound({"EncryptionInfo": b"\x04\0\x04\0", "EncryptedPackage": b"\x08" * 64}),
    "macros.xlsx": lambda: _xlsx("xl/vbaProject.bin", b"\xd0\xcf"),
    "macros.xls": lambda: edited_xls(plain("xls"), lambda listed: None, _VBA_PROJECT_CUR=None),
    "data_connection.xlsx": lambda: _xlsx("xl/connections.xml", b"<connections/>"),
    "data_connection.xls": lambda: edited_xls(plain("xls"), _connection_xls),
    "data_connection.ods": lambda: edited_ods(
        plain("ods"),
        (
            "</table:named-expressions></office:spreadsheet>",
            '</table:named-expressions><table:database-ranges><table:database-range table:name="d"'
            " table:target-range-address=\"$'一、业务绩效'.$H$1:$I$9\"><table:database-source-sql"
            ' table:database-name="d" table:sql-statement="SELECT 1"/></table:database-range>'
            "</table:database-ranges></office:spreadsheet>",
        ),
    ),
    "zip_bomb.xlsx": lambda: _xlsx("xl/comments1.xml", b" " * 8_000_000),
    "zip_bomb.ods": lambda: with_part(plain("ods"), "Pictures/x.xml", b" " * 8_000_000),
    "xml_entity.xlsx": lambda: _xlsx("xl/sharedStrings.xml", _entity),
    "xml_entity.ods": lambda: with_part(plain("ods"), "content.xml", _entity),
    "styled_cells.xlsx": lambda: _xlsx(
        SHEET, _swapped(b"</sheetData>", b'<row r="90">' + b"<c/>" * 1_000_000 + b"</row></sheetData>")
    ),
    "no_result.xlsx": lambda: _xlsx(SHEET, _swapped(b"<v>1234.5</v>", b"<f>1+1</f>")),
    "no_result.xls": lambda: edited_xls(plain("xls"), _no_result_xls),
    "no_result.ods": lambda: edited_ods(
        plain("ods"),
        (
            'office:value-type="float" office:value="1234.5" calcext:value-type="float">'
            "<text:p>1,234.50</text:p>",
            'table:formula="of:=1+1">',
        ),
    ),
    "sheets_alike.xlsx": lambda: _xlsx("xl/workbook.xml", _twice(b"<sheet ", b"/>")),
    "sheets_alike.xls": lambda: edited_xls(plain("xls"), _sheet_twice_xls),
    "sheets_alike.ods": lambda: edited_ods(
        plain("ods"), ('<table:table table:name="三、规范运行"', '<table:table table:name="一、业务绩效"')
    ),
    "names_alike.xlsx": lambda: _xlsx(
        "xl/workbook.xml", _twice(b'<definedName function="false" hidden="false" name="v_', b"</definedName>")
    ),
    "names_alike.xls": lambda: edited_xls(plain("xls"), _name_twice_xls),
    "names_alike.ods": lambda: with_part(
        plain("ods"), "content.xml", _twice(b'<table:named-range table:name="v_', b"/>")
    ),
    "parts_alike.xlsx": lambda: _member_twice(plain("xlsx"), SHEET),
    "parts_alike.ods": lambda: _member_twice(plain("ods"), "content.xml"),
    **{
        f"{kind}.{ending}": made
        for ending in ("xlsx", "xls", "ods")
        for kind, made in (
            ("never_issued", lambda e=ending: _told(e, "form_version", "9")),
            ("identity_changed", lambda e=ending: _told(e, "period", "2024", with_check=False)),
            ("other_unit", lambda e=ending: _told(e, "unit", "FP02")),
        )
    },
}

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in MAKERS.items():
        (FOLDER / name).write_bytes(make())
