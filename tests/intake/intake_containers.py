"""Opens and rebuilds .xls and .ods files, so that a test can change one thing in a real one."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from intake_workbooks import with_part
from ipgov.intake import biff
from ipgov.intake.compound import CompoundFile

_SECTOR = 512
_END, _FREE, _TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_SMALLEST = 4_096  # what is shorter would lie among the small streams


@dataclass
class Record:
    kind: int
    content: bytes
    at: int = -1  # where it stood


def compound(streams: Mapping[str, bytes | None]) -> bytes:
    """A compound file of these streams (None: a storage), each filled up to the size of a large one."""
    filled = {
        n: c if c is None else c.ljust(max(_SMALLEST, -(-len(c) // _SECTOR) * _SECTOR), b"\0")
        for n, c in streams.items()
    }
    entries = -(-(len(filled) + 1) // 4)
    sectors = entries + sum(len(c) // _SECTOR for c in filled.values() if c)
    tables = 1
    while tables * 128 < sectors + tables:
        tables += 1
    table = [_TABLE] * tables + _chain(tables, entries)
    directory = _entry("Root Entry", 5, _END, 0, child=1)
    for number, (name, content) in enumerate(filled.items(), 1):
        right = number + 1 if number < len(filled) else _FREE
        start = len(table) if content else _END
        table += _chain(start, len(content) // _SECTOR) if content else []
        directory += _entry(name, 2 if content else 1, start, len(content or b""), right=right)
    directory = directory.ljust(entries * _SECTOR, b"\0")
    table += [_FREE] * (tables * 128 - len(table))
    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, tables, tables, 0, _SMALLEST, _END, 0, _END, 0)
    header += struct.pack("<109I", *range(tables), *[_FREE] * (109 - tables))
    body = struct.pack(f"<{len(table)}I", *table) + directory + b"".join(c for c in filled.values() if c)
    return header + body


def _chain(first: int, length: int) -> list[int]:
    return [*range(first + 1, first + length), _END]


def _entry(name: str, kind: int, start: int, size: int, child: int = _FREE, right: int = _FREE) -> bytes:
    wide = name.encode("utf-16-le")
    return wide.ljust(64, b"\0") + struct.pack(
        "<HBBIII36xIII", len(wide) + 2, kind, 1, _FREE, right, child, start, size, 0
    )


def workbook_stream(data: bytes) -> bytes:
    """The workbook's own stream of an .xls file."""
    stream = CompoundFile(data).stream("Workbook")
    assert stream is not None
    return stream


def records_of(stream: bytes) -> list[Record]:
    """All records of a workbook stream, of all substreams."""
    found, at = [], 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind == 0:  # what fills up the last sector
            break
        found.append(Record(kind, stream[at + 4 : at + 4 + length], at))
        at += 4 + length
    return found


def edited_xls(data: bytes, change: Callable[[list[Record]], None], **more: bytes | None) -> bytes:
    """The file with its records changed; sheets are found again. ``more``: other streams."""
    listed = records_of(workbook_stream(data))
    before = [(r.kind, r.content) for r in listed]
    change(listed)
    assert more or before != [(r.kind, r.content) for r in listed], "a change that changes nothing"
    moved, at = {}, 0
    for record in listed:
        moved[record.at] = at
        at += 4 + len(record.content)
    for record in listed:
        if record.kind == biff.BOUNDSHEET:
            (place,) = struct.unpack_from("<I", record.content)
            record.content = struct.pack("<I", moved[place]) + record.content[4:]
    stream = b"".join(struct.pack("<HH", r.kind, len(r.content)) + r.content for r in listed)
    return compound({"Workbook": stream, **more})


def at_cell(listed: list[Record], row: int, column: int, sheet: int = 1) -> int:
    """The number of the record of a cell (from 0), in the substream of a sheet (from 1)."""
    starts = [i for i, r in enumerate(listed) if r.kind == biff.BOF]
    place = struct.pack("<HH", row, column)
    kinds = (biff.NUMBER, biff.RK, biff.LABELSST, biff.FORMULA, biff.BLANK)
    return next(
        i for i, r in enumerate(listed) if i > starts[sheet] and r.kind in kinds and r.content[:4] == place
    )


def edited_ods(data: bytes, *replacements: tuple[str, str]) -> bytes:
    """The file with texts of its content replaced, each once."""

    def change(part: bytes) -> bytes:
        for old, new in replacements:
            assert old.encode() in part, old
            part = part.replace(old.encode(), new.encode(), 1)
        return part

    return with_part(data, "content.xml", change)
