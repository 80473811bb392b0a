"""The .xlsx format: values by the reader, and what it does not tell taken from the XML parts directly.

Sheets, defined names and the date system stand in ``xl/workbook.xml``. A worksheet is searched as bytes and
parsed only where it holds a formula, an error, a percent format, or addresses in an unusual form.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ipgov.intake import refusals
from ipgov.intake.grid import (
    MAX_AREA,
    MAX_WORKBOOK,
    ErrorValue,
    Limits,
    NoResult,
    Position,
    Range,
    Raw,
    Reference,
    Visibility,
    Workbook,
    column_number,
    refuse_doubled,
    sheet_of,
)
from ipgov.intake.number_formats import shows_percent
from ipgov.intake.package import Package, local, parse
from ipgov.intake.refusals import NotAWorkbookError, Refusal

MAX_TEXT = 400_000_000  # characters of a sheet if every text cell held the longest shared text

REFUSED: tuple[tuple[re.Pattern[str], Refusal], ...] = (
    (re.compile(r"vbaproject|^xl/macrosheets/", re.I), refusals.MACROS),
    (re.compile(r"^xl/(connections\.xml$|querytables/)", re.I), refusals.CONNECTIONS),
    (re.compile(r"^xl/(embeddings|activex|ctrlprops)/", re.I), refusals.OBJECTS),
    (re.compile(r"^xl/workbook\.bin$", re.I), refusals.BINARY),
)
_LINKS = re.compile(r"^xl/externallinks/", re.I)
_NEEDED = {"[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"}

_VISIBILITIES: dict[str, Visibility] = {
    "SheetVisibleEnum.Visible": "visible",
    "SheetVisibleEnum.Hidden": "hidden",
    "SheetVisibleEnum.VeryHidden": "very_hidden",
}
_REFERENCE = re.compile(r"^(?:'((?:[^']|'')+)'|([^'!]+))!\$?([A-Za-z]{1,3})\$?(\d{1,7})$", re.A)
_ADDRESS = re.compile(r"^([A-Za-z]{1,3})([0-9]{1,7})$")
_AREA = re.compile(r"^([A-Za-z]{1,3})([0-9]{1,7}):([A-Za-z]{1,3})([0-9]{1,7})$")
_PREFIX = rb"<(?:[^\s<>/!?:]+:)?"
_PLAIN_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_LINKED_CELL = re.compile(rb'<c r="([A-Z]{1,3}[0-9]{1,7})"[^<>]*><f[^<>]*>[^<>]*\[[0-9]+\]')
_ANY_CELL = re.compile(_PREFIX + rb"c[\s/>]")
_FORMULA_OR_ERROR = re.compile(_PREFIX + rb"""f[\s/>]|\st\s*=\s*["']e["']""")
_MERGED = re.compile(_PREFIX + rb"""mergeCell\s[^<>]*?\bref\s*=\s*["']([^"']*)["']""")
_TEXTS = "sharedstrings.xml"
_COUNT = re.compile(rb"""ount\s*=\s*["']([^"'<>]{1,40})""")
_SHARED_TEXT = re.compile(_PREFIX + rb"si[\s/>]")


@dataclass(frozen=True)
class Outline:
    """What ``xl/workbook.xml`` says: sheet name → part, name → cell (None: not one cell), date system."""

    parts: Mapping[str, str]
    names: Mapping[str, Reference | None]
    date_1904: bool


@dataclass(frozen=True)
class Marks:
    """Cells of a sheet of which the reader would not tell: formulas, lacking results, errors, percents."""

    formulas: frozenset[Position] = frozenset()
    without_result: frozenset[Position] = frozenset()
    errors: Mapping[Position, str] = field(default_factory=dict)
    percents: frozenset[Position] = frozenset()


def read(package: Package) -> Workbook:
    """Read an .xlsx package. Raises NotAWorkbookError where it is none, or not one that is accepted."""
    package.refuse(REFUSED)
    if not set(package.names) >= _NEEDED:
        raise NotAWorkbookError(*refusals.OTHER_KIND)
    parts = package.parts()
    if b"macroEnabled" in parts["[Content_Types].xml"]:
        raise NotAWorkbookError(*refusals.MACROS)
    said = outline(parts)
    if any(_LINKS.search(n) for n in package.names):
        raise NotAWorkbookError(*refusals.LINKS, **_linked_cell(parts, said))
    refuse_vast_sheets(parts, said.parts)
    percents = percent_styles(parts)
    sheets = {}
    for name, visibility, rows in _rows(package.data):
        part = said.parts.get(name, "")
        if part not in parts:
            raise NotAWorkbookError(f"工作表“{name}”的内容缺失", sheet=name)
        found = marks(parts[part], part, percents)
        cells: dict[Position, Raw] = {
            (i, j): value for i, row in enumerate(rows, 1) for j, value in enumerate(row, 1) if value != ""
        }
        cells |= {place: NoResult() for place in found.without_result}
        cells |= {place: ErrorValue(text) for place, text in found.errors.items()}
        areas = _merged_areas(parts[part])
        sheets[name] = sheet_of(name, visibility, cells, found.formulas, found.percents, areas)
    return Workbook(sheets, said.names, said.date_1904)


def _linked_cell(parts: Mapping[str, bytes], said: Outline) -> dict[str, str]:
    """Return sheet and cell of the first formula that looks into another workbook."""
    for sheet, part in said.parts.items():
        if found := _LINKED_CELL.search(parts.get(part, b"")):
            return {"sheet": sheet, "cell": found[1].decode()}
    return {}


def _merged_areas(part: bytes) -> Iterator[Range]:
    begin = part.rfind(b"</sheetData")  # they stand behind the cells
    for text in _MERGED.findall(part, max(begin, 0)):
        if found := _AREA.match(text.decode(errors="replace")):
            left, top, right, bottom = found.groups()
            yield int(top), column_number(left), int(bottom), column_number(right)


def _rows(data: bytes) -> list[tuple[str, Visibility, list[list[Any]]]]:
    """Return name, visibility and all rows from A1 of every worksheet, as the reader gives them."""
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        return [
            (
                m.name,
                _VISIBILITIES[str(m.visible)],
                book.get_sheet_by_name(m.name).to_python(skip_empty_area=False),
            )
            for m in book.sheets_metadata
            if m.typ == calamine.SheetTypeEnum.WorkSheet
        ]
    except BaseException as error:
        # a panic of the reader is no Exception; it says as much as an error: this file cannot be read
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise NotAWorkbookError(*refusals.DAMAGED) from None
        raise


def outline(parts: Mapping[str, bytes]) -> Outline:
    """Read sheets, defined names and the date system.

    Raises NotAWorkbookError where two sheets or two workbook-wide names are called the same.
    """
    targets: dict[str, str] = {}
    for relation in parse(parts["xl/_rels/workbook.xml.rels"], "xl/_rels/workbook.xml.rels"):
        target = relation.get("Target", "")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        targets[relation.get("Id", "")] = path
    sheets: list[tuple[str, str]] = []
    names: list[tuple[str, Reference | None]] = []
    date_1904 = False
    for element in parse(parts["xl/workbook.xml"], "xl/workbook.xml"):
        match local(element):
            case "workbookPr":
                date_1904 = element.get("date1904") in ("1", "true", "on")
            case "sheets":
                for sheet in element:
                    relation_id = next((v for k, v in sheet.items() if k.endswith("}id")), "")
                    sheets.append((sheet.get("name", ""), targets.get(relation_id, "")))
            case "definedNames":
                for name in element:
                    # a name of one sheet only is what Excel makes when a sheet is copied
                    if name.get("localSheetId") is None:
                        names.append((name.get("name", ""), _reference(name.text or "")))
    refuse_doubled((name for name, _ in sheets), "工作表")
    refuse_doubled((part for _, part in sheets), "工作表的部件")
    refuse_doubled((name for name, _ in names), "定义名称")
    return Outline(dict(sheets), dict(names), date_1904)


def _reference(formula: str) -> Reference | None:
    found = _REFERENCE.match(formula.strip())
    if not found:
        return None
    quoted, plain, letters, row = found.groups()
    return Reference(quoted.replace("''", "'") if quoted else plain, int(row), column_number(letters))


def refuse_vast_sheets(parts: Mapping[str, bytes], sheets: Mapping[str, str]) -> None:
    """Refuse what the reader would make too much of; ``sheets``: sheet name → part.

    It makes every cell of a sheet's rectangle: two cells, at A1 and XFD1048576, would be 17 billion. It makes
    a shared text anew for every cell that shows it.
    """
    if any(_promises_too_much(n) for part in parts.values() for n in _COUNT.findall(part)):
        raise NotAWorkbookError(*refusals.DAMAGED)
    called = {part: name for name, part in sheets.items()}
    limits = Limits()
    longest = max(
        (_longest_shared_text(p) for n, p in parts.items() if n.lower().endswith(_TEXTS)), default=0
    )
    for name, part in parts.items():
        if b"sheetData" not in part:
            continue
        sheet = called.get(name, name)
        cells = _PLAIN_CELL.findall(part)
        everything = len(_ANY_CELL.findall(part))
        limits.add(sheet, everything)
        if everything * longest > MAX_TEXT:
            raise NotAWorkbookError(
                f"工作表“{sheet}”内文字过多，超过上限", "删除表格以外的内容后另存", sheet=sheet
            )
        rows = max((int(r) for _, r in cells), default=0)
        columns = max((column_number(c.decode()) for c in {c for c, _ in cells}), default=0)
        if len(cells) < everything or rows * columns > MAX_AREA:
            rows, columns = _filled_extent(part, name)
        limits.add(sheet, 0, rows, columns)


def _promises_too_much(count: bytes) -> bool:
    """Tell whether a part says that it holds more things than a workbook may: the reader makes room for them.

    Room that cannot be had ends the process, and no error of it can be caught.
    """
    number = count.strip().lstrip(b"+")
    return b"&" in number or (number.isdigit() and int(number[:20]) > MAX_WORKBOOK)


def _longest_shared_text(part: bytes) -> int:
    starts = [m.start() for m in _SHARED_TEXT.finditer(part)]
    return max((b - a for a, b in zip(starts, [*starts[1:], len(part)], strict=True)), default=0)


def _filled_extent(part: bytes, name: str) -> Position:
    """Return the last row and column that hold anything; cells without an address follow their neighbour."""
    last_row = last_column = row = column = 0
    for element in parse(part, name).iter():
        match local(element):
            case "row":
                row = _whole(element.get("r"), row + 1, name)
                column = 0
            case "c":
                given = element.get("r")
                if given is None:
                    column += 1
                elif found := _ADDRESS.match(given):
                    column, row = column_number(found[1]), int(found[2])
                else:
                    raise NotAWorkbookError(f"{name} 中单元格地址“{given[:20]}”无法识别")
                if len(element):
                    last_row, last_column = max(last_row, row), max(last_column, column)
    return last_row, last_column


def _whole(text: str | None, otherwise: int, name: str) -> int:
    if text is None:
        return otherwise
    if not re.fullmatch(r"[0-9]{1,7}", text):
        raise NotAWorkbookError(f"{name} 中行号“{text[:20]}”无法识别")
    return int(text)


def marks(part: bytes, name: str, percent_styles: frozenset[str]) -> Marks:
    """Find formulas, formulas without a stored result, error values and percent formats of one worksheet."""
    if not percent_styles and not _FORMULA_OR_ERROR.search(part):
        return Marks()
    formulas, without_result, percents = set(), set(), set()
    errors: dict[Position, str] = {}
    for cell in parse(part, name).iter("{*}c"):
        found = _ADDRESS.match(cell.get("r", ""))
        if not found:
            continue
        place = (int(found[2]), column_number(found[1]))
        children = {local(child): child for child in cell}
        result = children.get("v")
        if "f" in children:
            formulas.add(place)
            if result is None or (not result.text and cell.get("t") != "str"):
                without_result.add(place)
        if cell.get("t") == "e":
            errors[place] = (result.text if result is not None else None) or "#N/A"
        if cell.get("s") in percent_styles:
            percents.add(place)
    return Marks(frozenset(formulas), frozenset(without_result), errors, frozenset(percents))


def percent_styles(parts: Mapping[str, bytes]) -> frozenset[str]:
    """Return the cell styles whose number format shows a percentage (1 stands for 100%)."""
    part = parts.get("xl/styles.xml", b"")
    if b"%" not in part and b'numFmtId="9"' not in part and b'numFmtId="10"' not in part:
        return frozenset()
    root = parse(part, "xl/styles.xml")
    formats = {"9", "10"} | {
        f.get("numFmtId", "") for f in root.iter("{*}numFmt") if shows_percent(f.get("formatCode", ""))
    }
    cell_formats = next(root.iter("{*}cellXfs"), ())
    return frozenset(str(i) for i, xf in enumerate(cell_formats) if xf.get("numFmtId") in formats)
