"""The .ods format (OpenDocument spreadsheet): ``content.xml`` read as a stream of elements.

A cell or row may stand for a million alike; what is empty takes no place, what is filled is counted before it
is laid out.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from ipgov.intake import refusals
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
    address,
    column_number,
    refuse_doubled,
    sheet_of,
)
from ipgov.intake.package import HARDENED, Package, local, parse
from ipgov.intake.refusals import NotAWorkbookError, Refusal

CONTENT = "content.xml"
_MANIFEST = "META-INF/manifest.xml"

# members of the package
REFUSED: tuple[tuple[re.Pattern[str], Refusal], ...] = (
    (re.compile(r"^Basic/.+/(?!script-lb\.xml$)[^/]+$|^Scripts/.*[^/]$", re.I), refusals.MACROS),
    (re.compile(r"^(META-INF/)?encrypted-package$", re.I), refusals.PASSWORD),
    (re.compile(r"^xl/workbook", re.I), refusals.DOUBLED_PARTS),
)
# elements of the content
REFUSED_ELEMENTS: dict[str, Refusal] = {
    "script": refusals.MACROS,
    "event-listener": refusals.MACROS,
    "table-source": refusals.LINKS,
    "cell-range-source": refusals.LINKS,
    "dde-link": refusals.LINKS,
    "dde-source": refusals.LINKS,
    "database-source-sql": refusals.CONNECTIONS,
    "database-source-table": refusals.CONNECTIONS,
    "database-source-query": refusals.CONNECTIONS,
    "object-ole": refusals.OBJECTS,
    "plugin": refusals.OBJECTS,
    "applet": refusals.OBJECTS,
    "form": refusals.OBJECTS,
}
_OTHER_FILE = re.compile(r"'[^']*'#|\bDDE\(", re.I)

_STANDARD = "{urn:oasis:names:tc:opendocument:"
_EXTENDED_TYPE = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.A)
_ERROR = re.compile(r"#(?:REF!|DIV/0!|VALUE!|NAME\?|N/A|NUM!|NULL!)|Err:\d{3}", re.A)
_ADDRESS = re.compile(r"^\$?(?:'((?:[^']|'')+)'|([^'.]+))\.\$?([A-Za-z]{1,3})\$?(\d{1,7})$", re.A)
_REPEAT = re.compile(r"[0-9]{1,7}")


def read(package: Package) -> Workbook:
    """Read an .ods package. Raises NotAWorkbookError where it is none, or not one that is accepted."""
    package.refuse(REFUSED)
    manifest = package.part(_MANIFEST)  # before the rest, which may be encrypted
    if not manifest:
        raise NotAWorkbookError(*refusals.OTHER_KIND)
    if any(local(e) == "encryption-data" for e in parse(manifest, _MANIFEST).iter("{*}*")):
        raise NotAWorkbookError(*refusals.PASSWORD)
    reader = _Reader()
    try:
        reader.read(package.parts()[CONTENT])
    except etree.XMLSyntaxError:
        raise NotAWorkbookError(f"工作簿部件 {CONTENT} 已损坏") from None
    return reader.workbook()


class _Reader:
    """Takes in the elements of the content, one after the other."""

    def __init__(self) -> None:
        self._limits = Limits()
        self._sheets: list[Sheet] = []
        self._names: list[tuple[str, Reference | None]] = []
        self._hidden_styles: set[str] = set()
        self._style = ""
        self._date_1904 = False
        self._is_spreadsheet = False
        self._table: _Table | None = None
        self._depth = 0  # of tables: one may stand within a cell of another

    def read(self, content: bytes) -> None:
        """Read the whole content, freeing what was read."""
        for event, element in etree.iterparse(io.BytesIO(content), events=("start", "end"), **HARDENED):
            name = local(element)
            if event == "start":
                self._start(name, element)
            else:
                self._end(name, element)

    def workbook(self) -> Workbook:
        """Return what was read. Raises NotAWorkbookError where it was another kind of document."""
        if not self._is_spreadsheet:
            raise NotAWorkbookError(*refusals.OTHER_KIND)
        refuse_doubled((s.name for s in self._sheets), "工作表")
        refuse_doubled((name for name, _ in self._names), "定义名称")
        return Workbook({s.name: s for s in self._sheets}, dict(self._names), self._date_1904)

    def _start(self, name: str, element: Any) -> None:
        if refusal := REFUSED_ELEMENTS.get(name):
            raise NotAWorkbookError(*refusal, sheet=self._table.name if self._table else "")
        match name:
            case "spreadsheet":
                self._is_spreadsheet = True
            case "style":
                self._style = _get(element, "name")
            case "table":
                self._depth += 1
                if self._depth == 1:
                    hidden = _get(element, "style-name") in self._hidden_styles
                    self._table = _Table(
                        _get(element, "name"), "hidden" if hidden else "visible", self._limits
                    )

    def _end(self, name: str, element: Any) -> None:
        match name:
            case "table-properties":
                if _get(element, "display") == "false":
                    self._hidden_styles.add(self._style)
            case "null-date":
                self._date_1904 = _get(element, "date-value").startswith("1904")
            case "named-range" if self._table is None:
                self._names.append((_get(element, "name"), _reference(_get(element, "cell-range-address"))))
            case "named-expression" if self._table is None:
                self._names.append((_get(element, "name"), None))
            case "table-cell" | "covered-table-cell" if self._table and self._depth == 1:
                self._table.cell(element)
            case "table-row" if self._table and self._depth == 1:
                self._table.end_row(_repeated(element, "number-rows-repeated"))
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
            case "table":
                self._depth -= 1
                if self._depth == 0 and self._table:
                    self._sheets.append(self._table.sheet())
                    self._table = None
                    element.clear()


class _Table:
    """One table: cells are put where the counting of rows and columns has come to."""

    def __init__(self, name: str, visibility: Visibility, limits: Limits):
        self.name, self._visibility, self._limits = name, visibility, limits
        self._cells: dict[Position, Raw] = {}
        self._formulas: set[Position] = set()
        self._percents: set[Position] = set()
        self._merged: list[Range] = []
        self._row, self._column = 1, 1
        self._in_row: list[tuple[int, int, Raw, bool, bool]] = []  # column, repeated, value, formula, percent
        self._count = 0

    def cell(self, element: Any) -> None:
        """Take in a cell, perhaps repeated."""
        repeated = _repeated(element, "number-columns-repeated")
        self._count += 1
        given = _attributes(element)
        formula = given.get("formula", "")
        if _OTHER_FILE.search(formula):
            raise NotAWorkbookError(*refusals.LINKS, sheet=self.name, cell=address(self._row, self._column))
        raw = self._value(element, given)
        if raw != "":
            percent = given.get("value-type") == "percentage"
            self._in_row.append((self._column, repeated, raw, bool(formula), percent))
        rows, columns = _whole(given.get("number-rows-spanned")), _whole(given.get("number-columns-spanned"))
        if rows * columns > 1:
            self._merged.append((self._row, self._column, self._row + rows - 1, self._column + columns - 1))
        self._column += repeated

    def end_row(self, repeated: int) -> None:
        """Lay out the cells of a row, as often as it stands."""
        if self._in_row:
            filled = sum(times for _, times, *_ in self._in_row)
            self._count += filled * repeated
            column, times, *_ = self._in_row[-1]
            rows, columns = self._row + repeated - 1, column + times - 1
            self._limits.check(self.name, self._count, rows, columns)
            for row in range(self._row, self._row + repeated):
                self._lay_out(row)
            self._in_row = []
        self._row += repeated
        self._column = 1

    def _lay_out(self, row: int) -> None:
        for first, times, raw, formula, percent in self._in_row:
            for column in range(first, first + times):
                self._cells[row, column] = raw
                if formula:
                    self._formulas.add((row, column))
                if percent:
                    self._percents.add((row, column))

    def sheet(self) -> Sheet:
        """Return the table as a sheet."""
        rows = max((row for row, _ in self._cells), default=0)
        columns = max((column for _, column in self._cells), default=0)
        self._limits.add(self.name, self._count, rows, columns)
        return sheet_of(
            self.name, self._visibility, self._cells, self._formulas, self._percents, self._merged
        )

    def _value(self, element: Any, given: Mapping[str, str]) -> Raw:
        """Return a cell's value; an empty text where it has none."""
        if not len(element) and "value-type" not in given:
            return NoResult() if given.get("formula") else ""
        text = given.get("string-value") or _text(element)
        if _is_error(element, given, text):
            return ErrorValue(text or "#N/A")
        match given.get("value-type"):
            case "float" | "percentage" | "currency":
                number = given.get("value", "")
                if not _NUMBER.fullmatch(number):
                    raise NotAWorkbookError(
                        f"单元格的数值“{number[:30]}”无法识别",
                        refusals.RESAVED,
                        sheet=self.name,
                        cell=address(self._row, self._column),
                    )
                return float(number)
            case "boolean":
                return given.get("boolean-value") == "true"
            case "date":
                return _date(given.get("date-value", "")) or text
            case None if given.get("formula") and not text:
                return NoResult()
        return text


def _is_error(element: Any, given: Mapping[str, str], text: str) -> bool:
    """Tell whether a cell shows an error: said by an extension, else by a formula's result."""
    return element.get(_EXTENDED_TYPE) == "error" or bool(given.get("formula") and _ERROR.fullmatch(text))


def _date(text: str) -> dt.date | dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=None)
    return moment.date() if moment.time() == dt.time() else moment


def _text(cell: Any) -> str:
    """Return the paragraphs of a cell, each on a line of its own; comments are no content."""
    return "\n".join("".join(_pieces(p)) for p in cell if local(p) == "p")


def _pieces(element: Any) -> Iterator[str]:
    if element.text:
        yield element.text
    for child in element:
        match local(child):
            case "s":
                yield " " * min(_whole(_get(child, "c")), 1_000)
            case "tab":
                yield "\t"
            case "line-break":
                yield "\n"
            case "annotation":
                pass
            case _:
                yield from _pieces(child)
        if child.tail:
            yield child.tail


def _reference(text: str) -> Reference | None:
    found = _ADDRESS.match(text)
    if not found:
        return None
    quoted, plain, letters, row = found.groups()
    return Reference(quoted.replace("''", "'") if quoted else plain, int(row), column_number(letters))


def _attributes(element: Any) -> dict[str, str]:
    """Return the standard's own attributes by their local names."""
    return {k.rpartition("}")[2]: v for k, v in element.attrib.items() if k.startswith(_STANDARD)}


def _get(element: Any, name: str) -> str:
    return _attributes(element).get(name, "")


def _whole(text: str | None) -> int:
    """Return a count that is written in an attribute, 1 where it is not. Raises NotAWorkbookError."""
    if not text:
        return 1
    if not _REPEAT.fullmatch(text):
        raise NotAWorkbookError(f"工作簿部件 {CONTENT} 中的重复次数“{text[:20]}”无法识别", refusals.RESAVED)
    return max(1, int(text))


def _repeated(element: Any, name: str) -> int:
    return _whole(_get(element, name))
