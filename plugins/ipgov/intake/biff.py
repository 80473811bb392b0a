"""The records of an .xls workbook stream ([MS-XLS], BIFF8): how numbers and texts are written in them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

BOF, EOF, CONTINUE = 0x0809, 0x000A, 0x003C
BOUNDSHEET, DATEMODE, FORMAT, XF, SST, NAME = 0x0085, 0x0022, 0x041E, 0x00E0, 0x00FC, 0x0018
FILEPASS, SUPBOOK, EXTERNSHEET = 0x002F, 0x01AE, 0x0017
NUMBER, RK, MULRK, LABELSST, LABEL, RSTRING = 0x0203, 0x027E, 0x00BD, 0x00FD, 0x0204, 0x00D6
FORMULA, STRING, BOOLERR, BLANK, MULBLANK, MERGEDCELLS = 0x0006, 0x0207, 0x0205, 0x0201, 0x00BE, 0x00E5
QUERY_TABLE, PARAMETER_QUERY, DATA_CONNECTION = 0x01AD, 0x00DC, 0x0876

ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_WIDE, _PHONETIC, _RICH = 0x01, 0x04, 0x08

Record = tuple[int, bytes]  # kind and content


def records(stream: bytes, at: int = 0) -> Iterator[Record]:
    """Yield the records of one substream, from its BOF to its EOF; those within (charts) are passed over.

    Raises struct.error where the stream ends before the substream does, ValueError where none begins.
    """
    depth = 0
    while True:
        kind, length = struct.unpack_from("<HH", stream, at)
        content = stream[at + 4 : at + 4 + length]
        if len(content) < length:
            raise struct.error("a record that goes beyond the stream")
        at += 4 + length
        depth += (kind == BOF) - (kind == EOF)
        if depth < 1:
            if kind != EOF:
                raise ValueError("no substream begins here")
            return
        if depth == 1 or kind == BOF:
            yield kind, content


def rk(packed: int) -> float:
    """Unpack a number that is kept in 30 bits: a whole one, or a double's upper half; perhaps times 100."""
    if packed & 2:
        number = float((packed >> 2) - (1 << 30 if packed & 0x80000000 else 0))
    else:
        (number,) = struct.unpack("<d", struct.pack("<Q", (packed & 0xFFFFFFFC) << 32))
    return number / 100 if packed & 1 else number


def text(content: bytes, at: int, length_size: int = 2) -> str:
    """Read a text with its length (of one byte or two) before it."""
    length = int.from_bytes(content[at : at + length_size], "little")
    return characters(content, at + length_size, length)


def characters(content: bytes, at: int, length: int) -> str:
    """Read a text of known length: one byte of options, then one or two bytes per character."""
    if content[at] & _WIDE:
        return content[at + 1 : at + 1 + 2 * length].decode("utf-16-le", "replace")
    return content[at + 1 : at + 1 + length].decode("latin-1")


class SharedTexts:
    """The texts of all cells, in records that run on; where a text is cut, the next has its own options."""

    def __init__(self, pieces: Sequence[bytes]):
        self._pieces, self._piece, self._at = pieces, 0, 0

    def read(self) -> list[str]:
        """Return the texts in their order. Raises struct.error or IndexError where they are cut short."""
        (count,) = struct.unpack("<4xI", self._take(8))
        found: list[str] = []
        while len(found) < count:
            found.append(self._text())
        return found

    def _text(self) -> str:
        length, options = struct.unpack("<HB", self._take(3))
        runs = struct.unpack("<H", self._take(2))[0] if options & _RICH else 0
        extra = struct.unpack("<I", self._take(4))[0] if options & _PHONETIC else 0
        parts: list[str] = []
        while length:
            here = self._pieces[self._piece]
            if self._at == len(here):
                self._next()
                options = self._take(1)[0]
                continue
            size = 2 if options & _WIDE else 1
            fits = min(length, (len(here) - self._at) // size)
            if not fits:
                raise struct.error("a character cut in two")
            parts.append(self._take(fits * size).decode("utf-16-le" if size == 2 else "latin-1", "replace"))
            length -= fits
        self._skip(4 * runs + extra)
        return "".join(parts)

    def _next(self) -> None:
        self._piece, self._at = self._piece + 1, 0

    def _take(self, size: int) -> bytes:
        while self._at == len(self._pieces[self._piece]):
            self._next()
        taken = self._pieces[self._piece][self._at : self._at + size]
        if len(taken) < size:
            raise struct.error("a text cut short")
        self._at += size
        return taken

    def _skip(self, size: int) -> None:
        while size:
            left = len(self._pieces[self._piece]) - self._at
            step = min(left, size)
            self._at += step
            size -= step
            if size:
                self._next()
