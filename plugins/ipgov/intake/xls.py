"""The .xls format of Excel 97 to 2003 (BIFF8 in a compound file), read without any program of its own."""

from __future__ import annotations

import datetime as dt
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ipgov.intake import biff, number_formats, refusals
from ipgov.intake.compound import CompoundFile
from ipgov.intake.grid import (
    ErrorValue,
    Limits,
    NoResult,
    Position,
    Range,
    Raw,
    Reference,
    Sheet,
    Visibility,
    Workbook,
    refuse_doubled,
    sheet_of,
)
from ipgov.intake.refusals import NotAWorkbookError, Refusal

# storages and streams beside the workbook's own
REFUSED: tuple[tuple[re.Pattern[str], Refusal], ...] = (
    (re.compile(r"^(EncryptedPackage|EncryptionInfo)$", re.I), refusals.PASSWORD),
    (re.compile(r"^(_VBA_PROJECT_CUR|_VBA_PROJECT|VBA|Macros)$", re.I), refusals.MACROS),
    (re.compile(r"^((MBD|LNK)[0-9A-F]{8}|Ctls)$", re.I), refusals.OBJECTS),
)
# records of the workbook stream
REFUSED_RECORDS: dict[int, Refusal] = {
    biff.FILEPASS: refusals.PASSWORD,
    biff.QUERY_TABLE: refusals.CONNECTIONS,
    biff.PARAMETER_QUERY: refusals.CONNECTIONS,
    biff.DATA_CONNECTION: refusals.CONNECTIONS,
}
_WORKSHEET, _MACRO_SHEETS = 0, (1, 6)
_VISIBILITIES: tuple[Visibility, ...] = ("visible", "hidden", "very_hidden", "very_hidden")
_BIFF8, _GLOBALS = 0x0600, 0x0005
_OWN_SHEETS, _ADD_IN_FUNCTIONS = 0x0401, 0x3A01
_TO_ONE_CELL = (0x3A, 0x5A, 0x7A)  # ptgRef3d, of each class
_CALCULATED_ON_OPENING = 0x0003
_BUILT_IN_NAME = 0x0020
_FIRST_DAYS = dt.date(1899, 12, 30), dt.date(1904, 1, 1)
_LAST_DAY = 2_957_003  # in the year 9999, whichever day is the first


@dataclass
class _Globals:
    """What the workbook says before its sheets."""

    sheets: list[tuple[str, Visibility, int, int]] = field(default_factory=list)  # name, shown, kind, place
    names: list[tuple[str, bytes]] = field(default_factory=list)  # name, formula
    texts: Sequence[str] = ()
    formats: dict[int, str] = field(default_factory=dict)
    styles: list[int] = field(default_factory=list)  # style → format
    own_books: list[bool] = field(default_factory=list)
    sheet_pairs: list[tuple[int, int, int]] = field(default_factory=list)  # book, first sheet, last sheet
    date_1904: bool = False

    def styles_showing(self, built_in: frozenset[int], shows: Callable[[str], bool]) -> frozenset[int]:
        """Return the styles whose number format is one of the built-in ones or has such a code."""
        wanted = {n for n, code in self.formats.items() if shows(code)} | (built_in - self.formats.keys())
        return frozenset(style for style, number in enumerate(self.styles) if number in wanted)


def read(data: bytes) -> Workbook:
    """Read the bytes of an .xls file.

    Raises NotAWorkbookError (Chinese; found and expected) where it is none, or not one that is accepted.
    """
    container = CompoundFile(data)
    for pattern, refusal in REFUSED:
        if any(pattern.search(name) for name in container.names):
            raise NotAWorkbookError(*refusal)
    stream = container.stream("Workbook")
    if stream is None:
        old = container.stream("Book") is not None
        raise NotAWorkbookError(*(refusals.BEFORE_97 if old else refusals.OTHER_KIND))
    try:
        return _workbook(stream)
    # what is cut short, points nowhere or is no number where one must stand
    except (struct.error, IndexError, ValueError, OverflowError):
        raise NotAWorkbookError(*refusals.DAMAGED) from None


def _workbook(stream: bytes) -> Workbook:
    said = _globals(stream)
    refuse_doubled((name for name, *_ in said.sheets), "工作表")
    refuse_doubled((name for name, _ in said.names), "定义名称")
    limits = Limits()
    percents = said.styles_showing(number_formats.PERCENTS, number_formats.shows_percent)
    dates = said.styles_showing(number_formats.DATES, number_formats.shows_date)
    sheets = {}
    for name, visibility, kind, place in said.sheets:
        if kind in _MACRO_SHEETS:
            raise NotAWorkbookError(*refusals.MACROS, sheet=name)
        if kind == _WORKSHEET:
            sheets[name] = _Reader(name, visibility, said, limits, percents, dates).read(stream, place)
    names = {name: _reference(formula, said) for name, formula in said.names}
    return Workbook(sheets, names, said.date_1904)


def _globals(stream: bytes) -> _Globals:
    said = _Globals()
    texts: list[bytes] = []
    before = None
    for kind, content in biff.records(stream):
        if refusal := REFUSED_RECORDS.get(kind):
            raise NotAWorkbookError(*refusal)
        match kind:
            case biff.BOF:
                version, what = struct.unpack_from("<HH", content)
                if version != _BIFF8:
                    raise NotAWorkbookError(*refusals.BEFORE_97)
                if what != _GLOBALS:
                    raise ValueError(what)
            case biff.BOUNDSHEET:
                place, shown, sheet_kind = struct.unpack_from("<IBB", content)
                said.sheets.append((biff.text(content, 6, 1), _VISIBILITIES[shown & 3], sheet_kind, place))
            case biff.DATEMODE:
                said.date_1904 = content[:1] == b"\x01"
            case biff.FORMAT:
                said.formats[int.from_bytes(content[:2], "little")] = biff.text(content, 2)
            case biff.XF:
                said.styles.append(struct.unpack_from("<2xH", content)[0])
            case biff.SST:
                texts = [content]
            case biff.CONTINUE if before == biff.SST:
                texts.append(content)
            case biff.SUPBOOK:
                said.own_books.append(_is_own_book(content))
            case biff.EXTERNSHEET:
                count = int.from_bytes(content[:2], "little")
                said.sheet_pairs += [struct.unpack_from("<Hhh", content, 2 + 6 * i) for i in range(count)]
            case biff.NAME:
                said.names += _defined_name(content)
        if kind != biff.CONTINUE:
            before = kind
    said.texts = biff.SharedTexts(texts).read() if texts else ()
    return said


def _is_own_book(content: bytes) -> bool:
    """Tell whether a book that formulas refer to is this one. Raises NotAWorkbookError for any other file."""
    length = int.from_bytes(content[2:4], "little")
    if length == _OWN_SHEETS:
        return True
    # a path of one space or one null names no file
    if length != _ADD_IN_FUNCTIONS and biff.text(content, 2) not in (" ", "\0", ""):
        raise NotAWorkbookError(*refusals.LINKS)
    return False


def _defined_name(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a name and its formula; built-in ones and those of one sheet only are left out."""
    options, length, size, sheet = struct.unpack_from("<HxBH2xH", content)
    if options & _BUILT_IN_NAME or sheet:
        return
    end = 15 + length * (2 if content[14] & 1 else 1)
    yield biff.characters(content, 14, length), content[end : end + size]


def _reference(formula: bytes, said: _Globals) -> Reference | None:
    if len(formula) != 7 or formula[0] not in _TO_ONE_CELL:
        return None
    pair, row, column = struct.unpack("<HHH", formula[1:])
    book, first, last = said.sheet_pairs[pair]
    if not said.own_books[book] or first != last or not 0 <= first < len(said.sheets):
        return None
    return Reference(said.sheets[first][0], row + 1, (column & 0xFF) + 1)


class _Reader:
    """Reads the records of one worksheet."""

    def __init__(
        self,
        name: str,
        visibility: Visibility,
        said: _Globals,
        limits: Limits,
        percents: frozenset[int],
        dates: frozenset[int],
    ):
        self._name, self._visibility, self._said, self._limits = name, visibility, said, limits
        self._percent_styles, self._date_styles = percents, dates
        self._cells: dict[Position, Raw] = {}
        self._formulas: set[Position] = set()
        self._percents: set[Position] = set()
        self._merged: list[Range] = []
        self._count = 0
        self._awaits_text: Position | None = None  # a formula whose result, a text, follows it

    def read(self, stream: bytes, place: int) -> Sheet:
        """Read the substream that begins at ``place``."""
        for kind, content in biff.records(stream, place):
            if refusal := REFUSED_RECORDS.get(kind):
                raise NotAWorkbookError(*refusal, sheet=self._name)
            self._record(kind, content)
        rows = max((row for row, _ in self._cells), default=0)
        columns = max((column for _, column in self._cells), default=0)
        self._limits.add(self._name, self._count, rows, columns)
        return sheet_of(
            self._name, self._visibility, self._cells, self._formulas, self._percents, self._merged
        )

    def _record(self, kind: int, content: bytes) -> None:
        match kind:
            case biff.NUMBER:
                self._number(content, *struct.unpack_from("<6xd", content))
            case biff.RK:
                self._number(content, biff.rk(*struct.unpack_from("<6xI", content)))
            case biff.MULRK:
                row, column = struct.unpack_from("<HH", content)
                for i in range((len(content) - 6) // 6):
                    style, packed = struct.unpack_from("<HI", content, 4 + 6 * i)
                    self._number(struct.pack("<HHH", row, column + i, style), biff.rk(packed))
            case biff.LABELSST:
                self._put(content, self._said.texts[struct.unpack_from("<6xI", content)[0]])
            case biff.LABEL | biff.RSTRING:
                self._put(content, biff.text(content, 6))
            case biff.BOOLERR:
                value, is_error = struct.unpack_from("<6xBB", content)
                self._put(content, ErrorValue(_error(value)) if is_error else bool(value))
            case biff.FORMULA:
                self._formula(content)
            case biff.STRING if self._awaits_text:
                if result := biff.text(content, 0):
                    self._cells[self._awaits_text] = result
                self._awaits_text = None
            case biff.BLANK:
                self._count += 1
            case biff.MULBLANK:
                self._count += (len(content) - 6) // 2
            case biff.MERGEDCELLS:
                for i in range(int.from_bytes(content[:2], "little")):
                    top, bottom, left, right = struct.unpack_from("<HHHH", content, 2 + 8 * i)
                    self._merged.append((top + 1, left + 1, bottom + 1, right + 1))

    def _put(self, content: bytes, raw: Raw) -> Position:
        """Put a value into the cell that a record begins with: row, column and style."""
        row, column, style = struct.unpack_from("<HHH", content)
        place = row + 1, column + 1
        self._count += 1
        if raw != "":
            self._cells[place] = raw
        if style in self._percent_styles:
            self._percents.add(place)
        return place

    def _number(self, content: bytes, number: float) -> Position:
        (style,) = struct.unpack_from("<4xH", content)
        is_date = style in self._date_styles and 1 <= number < _LAST_DAY + 1
        return self._put(content, _moment(number, self._said.date_1904) if is_date else number)

    def _formula(self, content: bytes) -> None:
        result, options = struct.unpack_from("<6x8sH", content)
        if result[6:] != b"\xff\xff":
            place = self._number(content, *struct.unpack("<d", result))
        else:
            match result[0]:
                case 0:
                    place = self._awaits_text = self._put(content, "")
                case 1:
                    place = self._put(content, bool(result[2]))
                case 2:
                    place = self._put(content, ErrorValue(_error(result[2])))
                case 3:  # an empty text, or what a program writes that calculates nothing
                    place = self._put(content, NoResult() if options & _CALCULATED_ON_OPENING else "")
                case _:
                    raise ValueError(result[0])
        self._formulas.add(place)


def _error(code: int) -> str:
    return biff.ERRORS.get(code, f"#{code}")


def _moment(serial: float, date_1904: bool) -> dt.date | dt.datetime:
    """Turn a serial day into a date, or a moment to the second where it is no whole day."""
    midnight = dt.datetime.combine(_FIRST_DAYS[date_1904], dt.time())
    moment = midnight + dt.timedelta(seconds=round(serial * 86_400))
    return moment.date() if moment.time() == dt.time() else moment
