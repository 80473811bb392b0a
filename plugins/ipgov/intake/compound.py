"""The compound file ([MS-CFB]) that an .xls is kept in: a small file system of sectors in chains.

Read whole and bounded: a chain may be no longer than the file has sectors, a stream no longer than the file.
The directory is taken as a flat list, so that nothing hides outside its tree.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass

from ipgov.intake import refusals
from ipgov.intake.refusals import NotAWorkbookError

MAGIC = bytes.fromhex("D0CF11E0A1B11AE1")
_HEADER = 512
_FREE = 0xFFFFFFFA  # the first of the sector numbers that have a meaning of their own
_IN_HEADER = 109  # places of the allocation table that the header itself names
_ENTRY = 128
_MINI_SECTOR = 64
_STORAGE, _STREAM, _ROOT = 1, 2, 5


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: int
    start: int
    size: int


class CompoundFile:
    """A compound file: ``names`` are its storages and streams. Raises NotAWorkbookError where damaged."""

    def __init__(self, data: bytes):
        try:
            self._open(data)
        except (struct.error, IndexError, ValueError):
            raise NotAWorkbookError(*refusals.DAMAGED) from None

    def _open(self, data: bytes) -> None:
        self._data = data
        (shift,) = struct.unpack_from("<H", data, 30)
        if shift not in (9, 12):
            raise ValueError(shift)
        self._sector = 1 << shift
        directory, self._mini_from, mini_table = struct.unpack_from("<I4xII", data, 48)
        self._table = self._numbers(self._table_sectors(data))
        entries = self._chain(directory)
        self._entries = [
            entry
            for at in range(0, len(entries) - _ENTRY + 1, _ENTRY)
            if (entry := _entry(entries[at : at + _ENTRY])).kind in (_STORAGE, _STREAM, _ROOT)
        ]
        root = next(e for e in [*self._entries, None] if e is None or e.kind == _ROOT)
        if root is None:
            raise ValueError("no root")
        self._mini_table = array("I", self._chain(mini_table)) if mini_table < _FREE else array("I")
        self._mini = self._chain(root.start)[: root.size] if root.start < _FREE else b""
        self.names = [e.name for e in self._entries if e.kind != _ROOT]

    def stream(self, name: str) -> bytes | None:
        """Return a stream's bytes, None where there is none. Raises NotAWorkbookError where there are two."""
        found = [e for e in self._entries if e.kind == _STREAM and e.name.casefold() == name.casefold()]
        if len(found) > 1:
            raise NotAWorkbookError(f"文件结构异常（有 {len(found)} 个名为 {name} 的部分）", refusals.RESAVED)
        if not found:
            return None
        entry = found[0]
        try:
            if entry.size < self._mini_from:
                content = b"".join(
                    self._mini[n * _MINI_SECTOR : (n + 1) * _MINI_SECTOR]
                    for n in _follow(entry.start, self._mini_table)
                )
            else:
                content = self._chain(entry.start)
        except (IndexError, ValueError):
            raise NotAWorkbookError(*refusals.DAMAGED) from None
        if len(content) < entry.size:
            raise NotAWorkbookError(*refusals.DAMAGED)
        return content[: entry.size]

    def _table_sectors(self, data: bytes) -> list[int]:
        """Return the sectors of the allocation table: the header names the first, chained ones the rest."""
        sectors = list(struct.unpack_from(f"<{_IN_HEADER}I", data, 76))
        (more,) = struct.unpack_from("<I", data, 68)
        visited = 0
        while more < _FREE:
            *named, more = self._numbers([more])
            sectors += named
            visited += 1
            if visited * self._sector > len(data):
                raise ValueError("a chain without end")
        return [s for s in sectors if s < _FREE]

    def _numbers(self, sectors: list[int]) -> array[int]:
        if len(sectors) * self._sector > len(self._data):
            raise ValueError("more sectors than the file has")
        return array("I", b"".join(self._at(s) for s in sectors))

    def _at(self, sector: int) -> bytes:
        begin = (sector + 1) * self._sector
        found = self._data[begin : begin + self._sector]
        if not found:
            raise IndexError(sector)
        # programs leave away what the last sector would only fill up
        return found.ljust(self._sector, b"\0")

    def _chain(self, start: int) -> bytes:
        return b"".join(self._at(s) for s in _follow(start, self._table))


def _follow(start: int, table: array[int]) -> list[int]:
    """Return the sectors of a chain; IndexError where it leaves the table, ValueError where it has no end."""
    chain: list[int] = []
    sector = start
    while sector < _FREE:
        chain.append(sector)
        if len(chain) > len(table):
            raise ValueError("a chain without end")
        sector = table[sector]
    return chain


def _entry(record: bytes) -> _Entry:
    length, kind = struct.unpack_from("<HB", record, 64)
    start, size = struct.unpack_from("<II", record, 116)
    return _Entry(record[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace"), kind, start, size)
