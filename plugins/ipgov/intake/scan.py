"""What the workbook reader does not tell, taken from the XML parts directly.

Sheets, defined names and the date system stand in ``xl/workbook.xml``. A worksheet is searched as bytes and
parsed only where it holds a formula, an error, a percent format, or addresses in an unusual form.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from ipgov.intake.package import NotAWorkbookError

MAX_AREA = 400_000  # cells between A1 and the last filled cell: the reader makes them all
MAX_CELLS = 400_000  # cell elements of a sheet, filled or only styled

_REFERENCE = re.compile(r"^(?:'((?:[^']|'')+)'|([^'!]+))!\$?([A-Za-z]{1,3})\$?(\d{1,7})$")
_ADDRESS = re.compile(r"^([A-Za-z]{1,3})([0-9]{1,7})$")
_PLAIN_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_ANY_CELL = re.compile(rb"<(?:[^\s<>/!?:]+:)?c[\s/>]")
_FORMULA_OR_ERROR = re.compile(rb"""<(?:[^\s<>/!?:]+:)?f[\s/>]|\st\s*=\s*["']e["']""")
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')

Position = tuple[int, int]  # row and column, counted from 1


@dataclass(frozen=True)
class Reference:
    """One cell of a named sheet."""

    sheet: str
    row: int
    column: int


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


def column_number(letters: str) -> int:
    """Return 1 for ``A``, 27 for ``AA``."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """Return ``A`` for 1, ``AA`` for 27."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def address(row: int, column: int) -> str:
    """Return ``D7`` for row 7, column 4."""
    return f"{column_letters(column)}{row}"


def _parse(part: bytes, name: str) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(part, parser)
    except etree.XMLSyntaxError:
        raise NotAWorkbookError(f"工作簿部件 {name} 已损坏") from None


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def outline(parts: Mapping[str, bytes]) -> Outline:
    """Read sheets, defined names and the date system.

    Raises NotAWorkbookError where two sheets or two workbook-wide names are called the same.
    """
    targets: dict[str, str] = {}
    for relation in _parse(parts["xl/_rels/workbook.xml.rels"], "xl/_rels/workbook.xml.rels"):
        target = relation.get("Target", "")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        targets[relation.get("Id", "")] = path
    sheets: dict[str, str] = {}
    names: dict[str, Reference | None] = {}
    date_1904 = False
    for element in _parse(parts["xl/workbook.xml"], "xl/workbook.xml"):
        match _local(element):
            case "workbookPr":
                date_1904 = element.get("date1904") in ("1", "true", "on")
            case "sheets":
                for sheet in element:
                    relation_id = next((v for k, v in sheet.items() if k.endswith("}id")), "")
                    _put_once(sheets, sheet.get("name", ""), targets.get(relation_id, ""), "工作表")
            case "definedNames":
                for name in element:
                    # a name of one sheet only is what Excel makes when a sheet is copied
                    if name.get("localSheetId") is None:
                        _put_once(names, name.get("name", ""), _reference(name.text or ""), "定义名称")
    return Outline(sheets, names, date_1904)


def _put_once(there: dict[str, Any], name: str, value: Any, what: str) -> None:
    if name in there:
        raise NotAWorkbookError(f"工作簿内{what}“{name}”重复", f"{what}各不相同")
    there[name] = value


def _reference(formula: str) -> Reference | None:
    found = _REFERENCE.match(formula.strip())
    if not found:
        return None
    quoted, plain, letters, row = found.groups()
    return Reference(quoted.replace("''", "'") if quoted else plain, int(row), column_number(letters))


def refuse_vast_sheets(parts: Mapping[str, bytes]) -> None:
    """Refuse a sheet whose cells lie so far apart that reading it would take the machine's memory.

    The reader makes every cell of the rectangle: two cells, at A1 and XFD1048576, would be 17 billion.
    """
    for name, part in parts.items():
        if b"sheetData" not in part:
            continue
        cells = _PLAIN_CELL.findall(part)
        everything = len(_ANY_CELL.findall(part))
        if everything > MAX_CELLS:
            raise NotAWorkbookError(
                f"{name} 有 {everything:,} 个单元格，超过上限", "删除表格以外的空白格式后另存"
            )
        if len(cells) == everything:
            rows = max((int(r) for _, r in cells), default=0)
            columns = max((column_number(c.decode()) for c in {c for c, _ in cells}), default=0)
            if rows * columns <= MAX_AREA:
                continue
        rows, columns = _filled_extent(part, name)
        if rows * columns > MAX_AREA:
            raise NotAWorkbookError(
                f"{name} 的内容延伸到第 {rows:,} 行、第 {columns:,} 列", "表格以外不填内容"
            )


def _filled_extent(part: bytes, name: str) -> Position:
    """Return the last row and column that hold anything; cells without an address follow their neighbour."""
    last_row = last_column = row = column = 0
    for element in _parse(part, name).iter():
        match _local(element):
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
    for cell in _parse(part, name).iter("{*}c"):
        found = _ADDRESS.match(cell.get("r", ""))
        if not found:
            continue
        place = (int(found[2]), column_number(found[1]))
        children = {_local(child): child for child in cell}
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
    root = _parse(part, "xl/styles.xml")
    formats = {"9", "10"} | {
        f.get("numFmtId", "")
        for f in root.iter("{*}numFmt")
        if "%" in _LITERAL.sub("", f.get("formatCode", ""))
    }
    cell_formats = next(root.iter("{*}cellXfs"), ())
    return frozenset(str(i) for i, xf in enumerate(cell_formats) if xf.get("numFmtId") in formats)
