"""Workbooks that people read: what every sheet has in common, whoever writes it.

Input never becomes a formula, a link or markup: texts are written as texts, numbers as the decimals they are.
The same content gives the same bytes on any machine.
"""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ipgov.core.errors import EnvironmentProblemError, RefusedError
from ipgov.core.packing import repacked
from ipgov.documents.model import plain_text
from ipgov.documents.typography import full_width, width_ems

Value = Decimal | int | str | None

A4 = 9
# a workbook carries a date of making; one that never changes keeps the same content the same bytes
_MADE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_LONGEST = 32_767  # characters that a cell holds
_HEAD = {"font_name": "黑体", "bg_color": "#DDE6F0", "border": 1, "align": "center", "text_wrap": True}
IDENTITY = "_ipgov"  # the hidden sheet by which a workbook that comes back is known
PROTECTION = {"format_columns": True, "format_rows": True}  # what may be changed of a sheet that is protected
TITLE_ROWS = 3  # title, meaning, banner; counted from 1, as all rows and columns here


@dataclass(frozen=True)
class Formula:
    """A formula with the result that is kept beside it, for programs and people that do not compute."""

    text: str
    result: Decimal | str


@dataclass(frozen=True)
class Column:
    """A column: head, width in characters, how its values stand; ``number``: a spreadsheet's format."""

    head: str
    width: float
    wrap: bool = False
    number: str = ""
    align: str = ""  # default: text left, numbers right


def fixed(decimals: int) -> str:
    """Return the format of numbers with so many decimals."""
    return "0." + "0" * decimals if decimals else "0"


@dataclass(frozen=True)
class Line:
    """A row of a table: its cells, and how it stands out from the others."""

    cells: Sequence[Value | Formula]
    indent: int = 0  # of the first cell
    bold: bool = False
    colour: str = ""


@dataclass
class Book:
    """A workbook being written; ``banner`` and ``footer`` stand on every sheet and printed page."""

    title: str
    author: str
    banner: str = ""
    footer: str = ""
    _buffer: io.BytesIO = field(default_factory=io.BytesIO)
    _formats: dict[tuple[tuple[str, Any], ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import xlsxwriter

        texts = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.workbook = xlsxwriter.Workbook(self._buffer, {"in_memory": True, **texts})
        self.workbook.set_properties(
            {"title": self.title, "author": self.author, "created": _MADE.replace(tzinfo=None)}
        )

    def close(self) -> bytes:
        """Return the finished workbook."""
        self.workbook.close()
        return repacked(self._buffer.getvalue())

    def format(self, **properties: Any) -> Any:
        """Return the format with these properties; one object for the same properties."""
        whole = {"font_name": "宋体", "font_size": 10, "valign": "vcenter", **properties}
        key = tuple(sorted(whole.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format(whole)
        return self._formats[key]

    def sheet(self, name: str, title: str, meaning: str, *, landscape: bool = True) -> Any:
        """Add an A4 sheet with its title, what it means, and the banner; one page wide when printed."""
        sheet = self.workbook.add_worksheet(name)
        if landscape:
            sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.7)
        sheet.hide_gridlines(2)
        red = f"&R&9&KE60012{self.banner.replace('&', '&&')}" if self.banner else ""
        sheet.set_header(f"&L&9{f'{self.title} {name}'.replace('&', '&&')}{red}")
        sheet.set_footer(f"&L&9{full_width(self.footer.replace('&', '&&'))}&R&9&P / &N")
        sheet.set_row(0, 28)
        self.put(sheet, 1, 1, full_width(title), self.format(font_name="黑体", font_size=16))
        self.put(sheet, 2, 1, full_width(meaning), self.format(font_color="#404040"))
        self.put(sheet, 3, 1, self.banner, self.format(font_color="#E60012", bold=True))
        return sheet

    def guide(self, name: str, title: str, meaning: str, row: int, lines: Iterable[tuple[str, str]]) -> None:
        """Add the locked page that is read first: lines of a word and what it says, from ``row`` on."""
        sheet = self.sheet(name, title, meaning, landscape=False)
        sheet.set_column(0, 0, 16)
        sheet.set_column(1, 1, 74)
        word = self.format(font_name="黑体", border=1, bg_color="#DDE6F0", font_size=11, indent=1)
        says = self.format(border=1, text_wrap=True, font_size=11, indent=1)
        for at, (left, right) in enumerate(lines, row):
            self.put(sheet, at, 1, left, word)
            self.put(sheet, at, 2, full_width(right), says)
            sheet.set_row(at - 1, 8 + 16 * max(1, math.ceil(int(2 * width_ems(right)) / 64)))
        sheet.protect("", PROTECTION)
        sheet.activate()

    def identity(self, rows: Iterable[Sequence[str]], name: str = IDENTITY) -> None:
        """Add the hidden sheet that says what the workbook is, for when it comes back: key and values."""
        sheet = self.workbook.add_worksheet(name)
        for row, cells in enumerate(rows, 1):
            for column, value in enumerate(cells, 1):
                self.put(sheet, row, column, value, self.format())
        sheet.protect("", PROTECTION)
        sheet.very_hidden()

    def put(self, sheet: Any, row: int, column: int, value: Value | Formula, style: Any) -> None:
        """Write a value as what it is. Raises RefusedError for text that cannot be printed."""
        at = (row - 1, column - 1)
        if value is None or value == "":
            failed = sheet.write_blank(*at, None, style)
        elif isinstance(value, Formula):
            failed = sheet.write_formula(*at, value.text, style, value.result)
        elif isinstance(value, str):
            failed = _put_text(sheet, at, value, style)
        else:
            failed = sheet.write_number(*at, value, style)  # a Decimal is written digit by digit
        if failed:
            place = f"“{sheet.get_name()}”表第 {row} 行第 {column} 列"
            raise EnvironmentProblemError(f"{place}无法写入（{failed}）")

    def table(
        self, sheet: Any, row: int, columns: Sequence[Column], lines: Sequence[Line], *, main: bool = True
    ) -> int:
        """Write a table with its heads in ``row`` and return the first row below it.

        The ``main`` table of a sheet sets the widths; its heads stay in sight and are repeated on every page.
        """
        for number, column in enumerate(columns, 1):
            if main:
                sheet.set_column(number - 1, number - 1, column.width)
            self.put(sheet, row, number, full_width(column.head), self.format(**_HEAD))
        heads = [c.head for c in columns]
        sheet.set_row(row - 1, max(20.0, _height(columns, heads, wrap=True)))
        for at, line in enumerate(lines, row + 1):
            for number, (column, value) in enumerate(zip(columns, line.cells, strict=True), 1):
                indent = line.indent if number == 1 else 0
                self.put(sheet, at, number, value, self._style(column, value, line, indent))
            sheet.set_row(at - 1, _height(columns, line.cells))
        if main:
            sheet.freeze_panes(row, 1)
            sheet.repeat_rows(row - 1)
        return row + len(lines) + 1

    def _style(self, column: Column, value: Value | Formula, line: Line, indent: int) -> Any:
        style: dict[str, Any] = {"border": 1, "text_wrap": column.wrap, "bold": line.bold}
        if line.colour:
            style["bg_color"] = line.colour
        if column.align:
            style["align"] = column.align
        if indent:
            style["indent"] = indent
        if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
            style["quote_prefix"] = True  # stays text also for who edits the cell and presses Enter
        if column.number and value is not None and not isinstance(value, str):
            style["num_format"] = column.number
        return self.format(**style)


def _put_text(sheet: Any, at: tuple[int, int], text: str, style: Any) -> int:
    """Write text as text; return the library's code, 0 for done."""
    for line in text.split("\n"):  # a line break is ours: what others wrote is one line
        plain_text(line)
    if len(text) > _LONGEST:
        raise RefusedError(f"文字“{text[:20]}…”有 {len(text)} 个字符，超过单元格上限 {_LONGEST}")
    if text.startswith("<r>") and text.endswith("</r>"):
        # the library would take this for markup of its own; in two runs it is text
        return int(sheet.write_rich_string(*at, style, text[:1], text[1:], style))
    return int(sheet.write_string(*at, text, style))


def _height(columns: Sequence[Column], cells: Sequence[Value | Formula], *, wrap: bool = False) -> float:
    """Return a row's height in points: not every program fits rows to wrapped text by itself."""
    lines = [
        sum(max(1, math.ceil(2 * width_ems(part) / (column.width - 1.5))) for part in str(cell).split("\n"))
        for column, cell in zip(columns, cells, strict=True)
        if (column.wrap or wrap) and cell is not None and not isinstance(cell, Formula)
    ]
    return min(409.0, 4 + 14 * max(lines, default=1))
