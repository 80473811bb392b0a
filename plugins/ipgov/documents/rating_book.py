"""The workbook of a rating list while it is written: locked sheets, print-ready, every locked value noted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from ipgov.core.fingerprint import sha256_hex
from ipgov.documents.rating_layout import (
    HEAD_ROW,
    MARK_HEAD,
    MARKS,
    Column,
    RatingList,
    Row,
    Value,
)
from ipgov.documents.sheets import Book, Formula, Line
from ipgov.documents.sheets import Column as TableColumn

_PROTECTION = {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True}
_HEAD = {"font_name": "黑体", "bg_color": "#DDE6F0", "border": 1, "align": "center", "text_wrap": True}
_BAR = {
    "type": "data_bar", "bar_color": "#9DC3E6", "bar_solid": True, "min_type": "num", "max_type": "num",
}  # fmt: skip
# a page's width between the margins, in pixels of the screen (96 an inch): A4 less an inch of margins
_LANDSCAPE, _PORTRAIT = 1026, 697
_SMALLEST = 0.65  # at which ten-point type can still be read on paper
_USED = 0.96  # of it: the last column of a page seldom fits whole
_REPEATED = 3  # columns on every page: rank, code, name


@dataclass
class ListBook(Book):
    """A workbook whose every written value is part of a content hash."""

    own: Callable[[str], str] = str  # puts the programme's own words into our texts
    _content: list[str] = field(default_factory=list)

    @property
    def content_sha256(self) -> str:
        """Return the hash of all values written so far, each with sheet, row and column."""
        return sha256_hex("\n".join(sorted(self._content)).encode())

    def sheet(self, name: str, title: str, meaning: str, *, landscape: bool = True) -> Any:
        """Add a locked A4 sheet with its title, what it means, and the banner."""
        sheet = super().sheet(self.own(name), title, self.own(meaning), landscape=landscape)
        sheet.protect("", _PROTECTION)
        return sheet

    def put(self, sheet: Any, row: int, column: int, value: Value | Formula, style: Any) -> None:
        """Write a value as what it is, and note it. Raises RefusedError for text that cannot be printed."""
        super().put(sheet, row, column, value, style)
        if value is not None and value != "":
            shown = format(value, "f") if isinstance(value, Decimal) else str(value)
            self._content.append(f"{sheet.name}\t{row}\t{column}\t{shown}")

    def pairs(self, sheet: Any, row: int, pairs: Sequence[tuple[str, str]], width: float) -> int:
        """Write labels with texts beside them, wrapped to ``width`` characters; return the next free row."""
        label = self.format(border=1, font_name="黑体", bg_color="#DDE6F0", text_wrap=True)
        text = self.format(border=1, text_wrap=True)
        for at, (left, right) in enumerate(pairs, row):
            self.put(sheet, at, 1, self.own(left), label)
            self.put(sheet, at, 2, right, text)
            sheet.set_row(at - 1, 5 + 14 * max(1, math.ceil(_cells_wide(right) / (width - 2))))
        return row + len(pairs)

    def table(
        self,
        sheet: Any,
        row: int,
        columns: Sequence[TableColumn],
        lines: Sequence[Line],
        *,
        main: bool = True,
    ) -> int:
        """Write a table, its heads in the programme's own words; return the first row below it."""
        told = [replace(c, head=self.own(c.head)) for c in columns]
        return super().table(sheet, row, told, lines, main=main)

    def bodies(
        self, listed: RatingList, name: str, title: str, meaning: str, columns: Sequence[Column]
    ) -> Any:
        """Write a table with a row for each body, locked but for the reviewers' cells; return the sheet."""
        sheet = self.sheet(name, title, meaning)
        last = HEAD_ROW + len(listed.rows)
        values = [[column.value(row) for column in columns] for row in listed.rows]
        heads = max(math.ceil(_cells_wide(c.head) / (c.width - 1.5)) for c in columns)
        sheet.set_row(HEAD_ROW - 1, 8 + 14 * heads)
        for number, column in enumerate(columns):
            self._column(sheet, number, column, listed.rows, values)
        for row_number, cells in enumerate(values, HEAD_ROW):
            sheet.set_row(row_number, _height(columns, cells))
        sheet.freeze_panes(HEAD_ROW, _REPEATED)
        sheet.autofilter(HEAD_ROW - 1, 0, last - 1, len(columns) - 1)
        print_wide(sheet, [c.width for c in columns], HEAD_ROW, last)
        return sheet

    def _column(
        self, sheet: Any, number: int, column: Column, rows: Sequence[Row], values: Sequence[Sequence[Value]]
    ) -> None:
        colour = {"bg_color": "#FFF2CC"} if column.free else {}
        sheet.set_column(number, number, column.width)
        self.put(sheet, HEAD_ROW, number + 1, self.own(column.head), self.format(**{**_HEAD, **colour}))
        styles = {evaluated: self._cell(column, evaluated) for evaluated in (True, False)}
        for at, (row, cells) in enumerate(zip(rows, values, strict=True), HEAD_ROW + 1):
            self.put(sheet, at, number + 1, cells[number], styles[row.evaluated])
        if not rows:
            return
        area = (HEAD_ROW, number, HEAD_ROW + len(rows) - 1, number)
        if column.head == MARK_HEAD:
            sheet.data_validation(*area, choice(MARK_HEAD, list(MARKS)))
        if column.bar is not None:
            # of a maximum below one the bar would be drawn to nothing: the library takes whole numbers
            sheet.conditional_format(*area, {**_BAR, "min_value": 0, "max_value": math.ceil(column.bar)})

    def _cell(self, column: Column, evaluated: bool) -> Any:
        style: dict[str, Any] = {"border": 1, "text_wrap": column.wrap}
        if column.percent:
            style["num_format"] = "0.0%"
        elif column.number:
            style["num_format"] = column.number
        elif column.decimals:
            style["num_format"] = "0." + "0" * column.decimals
        if not column.wrap:
            style["align"] = "center"
        if column.free and evaluated:
            style |= {"locked": False, "bg_color": "#FFFBEB"}
        elif not evaluated:
            style["bg_color"] = "#EEEEEE"
        return self.format(**style)


def sheet_name(text: str) -> str:
    """Return text as the name of a sheet: without what no name may hold, cut to 31 characters."""
    return "".join("_" if c in "[]:*?/\\'" else c for c in text)[:31]


def choice(what: str, choices: Sequence[str]) -> dict[str, Any]:
    """Return the validation of a cell that holds one of these."""
    message = f"只能填{'或'.join(f'“{c}”' for c in choices)}"
    return {"validate": "list", "source": list(choices), "error_title": what, "error_message": message}


def print_wide(sheet: Any, widths: Sequence[float], heads: int, last: int, repeated: int = _REPEATED) -> None:
    """Lay a table out for A4 landscape: one page wide where it can still be read, else several.

    ``widths``: of the columns, in characters; the first ``repeated`` and rows 1 to ``heads`` are printed on
    every page, the print area ends in row ``last``.
    """
    pixels = [7 * w + 5 for w in widths]  # of a column in the default font
    sheet.repeat_rows(0, heads - 1)
    sheet.print_area(0, 0, max(last, heads) - 1, len(widths) - 1)
    if sum(pixels) * _SMALLEST <= _LANDSCAPE:
        return  # the sheet is one page wide already
    sheet.repeat_columns(0, repeated - 1)
    # so many pages, however wide a program draws a column: it finds the scale and breaks by itself
    sheet.fit_to_pages(_pages(pixels, repeated, _LANDSCAPE * _USED / _SMALLEST), 0)


def _pages(pixels: Sequence[float], repeated: int, room: float) -> int:
    """Return how many pages of so much room the columns take side by side."""
    pages, start = 1, sum(pixels[:repeated])
    used = start
    for width in pixels[repeated:]:
        if used + width > room and used > start:
            pages, used = pages + 1, start
        used += width
    return pages


def print_all(sheet: Any, rows: int, columns: int) -> None:
    """Say what is printed of a sheet: the first ``rows`` and ``columns``."""
    sheet.print_area(0, 0, rows - 1, columns - 1)


def _cells_wide(text: str) -> int:
    """Return a text's width in characters of a cell: in GBK a wide one is two bytes, as it is two wide."""
    return len(text.encode("gbk", "replace"))


def _height(columns: Sequence[Column], cells: Sequence[Value]) -> float:
    """Return a row's height in points: not every program fits rows to wrapped text by itself."""
    lines = [
        math.ceil(_cells_wide(str(cell)) / (column.width - 2))
        for column, cell in zip(columns, cells, strict=True)
        if column.wrap and cell
    ]
    return min(409.0, 4 + 14 * max(lines, default=1))
