"""The intermediate representation that every format is read to: sheets, raw cells, defined names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ipgov.intake.refusals import NotAWorkbookError

MAX_AREA = 400_000  # cells between A1 and a sheet's last filled cell
MAX_CELLS = 400_000  # cells of a sheet, filled or only styled
MAX_WORKBOOK = 5 * MAX_AREA  # either, over all sheets

Position = tuple[int, int]  # row and column, counted from 1
Range = tuple[int, int, int, int]  # first row, first column, last row, last column, all included
Visibility = Literal["visible", "hidden", "very_hidden"]


@dataclass(frozen=True)
class Reference:
    """One cell of a named sheet."""

    sheet: str
    row: int
    column: int


@dataclass(frozen=True)
class ErrorValue:
    """A cell that shows an error such as ``#REF!``."""

    text: str


@dataclass(frozen=True)
class NoResult:
    """A formula whose result was never stored (made by a program, not calculated by one)."""


Raw = str | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta | ErrorValue | NoResult


@dataclass(frozen=True)
class Sheet:
    """A worksheet: filled cells by (row, column) from 1, and which hold formulas or percent formats.

    ``merged``: every cell that a merged area covers → the area's top-left cell, which alone has a value.
    """

    name: str
    visibility: Visibility
    cells: Mapping[Position, Raw]
    formulas: frozenset[Position]
    percents: frozenset[Position]
    merged: Mapping[Position, Position] = field(default_factory=dict)


@dataclass(frozen=True)
class Workbook:
    """Sheets by name in their order, workbook-wide names (None: not a single cell), the date system."""

    sheets: Mapping[str, Sheet]
    names: Mapping[str, Reference | None]
    date_1904: bool


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


class Limits:
    """Counts a workbook's cells while it is read; refuses it before it takes the machine's memory."""

    def __init__(self) -> None:
        self._cells = self._area = 0

    def check(self, sheet: str, cells: int = 0, rows: int = 0, columns: int = 0) -> None:
        """Refuse a sheet with so many cells, filled or only styled, or whose last filled cell lies so far."""
        if cells > MAX_CELLS or self._cells + cells > MAX_WORKBOOK:
            raise NotAWorkbookError(
                f"工作表“{sheet}”有 {cells:,} 个单元格，超过上限", "删除表格以外的空白格式后另存", sheet=sheet
            )
        if rows * columns > MAX_AREA or self._area + rows * columns > MAX_WORKBOOK:
            raise NotAWorkbookError(
                f"工作表“{sheet}”的内容延伸到第 {rows:,} 行、第 {columns:,} 列",
                "表格以外不填内容",
                sheet=sheet,
            )

    def add(self, sheet: str, cells: int = 0, rows: int = 0, columns: int = 0) -> None:
        """Check a sheet and count it among those of its workbook."""
        self.check(sheet, cells, rows, columns)
        self._cells += cells
        self._area += rows * columns


def sheet_of(
    name: str,
    visibility: Visibility,
    cells: dict[Position, Raw],
    formulas: Iterable[Position],
    percents: Iterable[Position],
    areas: Iterable[Range],
) -> Sheet:
    """Return a sheet of what a format's reader found; ``areas`` are the merged ones."""
    merged = _merge(cells, areas, name)
    return Sheet(
        name,
        visibility,
        cells,
        frozenset(place for place in formulas if place not in merged),
        frozenset(place for place in percents if place in cells),
        merged,
    )


def _merge(cells: dict[Position, Raw], areas: Iterable[Range], sheet: str) -> dict[Position, Position]:
    """Drop from ``cells`` what merged areas cover, as nobody sees it; return covered cell → top-left cell.

    Areas count as far as filled cells reach. Raises NotAWorkbookError where areas lie upon each other in
    such numbers that no program made them.
    """
    listed = list(areas)
    if not listed:
        return {}
    rows = max((row for row, _ in cells), default=0)
    columns = max((column for _, column in cells), default=0)
    covered: dict[Position, Position] = {}
    steps = len(listed)
    for first_row, first_column, last_row, last_column in listed:
        within = range(first_row, min(last_row, rows) + 1), range(first_column, min(last_column, columns) + 1)
        steps += len(within[0]) * len(within[1])
        if steps > 2 * MAX_AREA:
            raise NotAWorkbookError(
                f"工作表“{sheet}”的合并单元格过多或相互重叠", "取消合并单元格后另存", sheet=sheet
            )
        top_left = first_row, first_column
        covered |= {(row, column): top_left for row in within[0] for column in within[1]}
        covered.pop(top_left, None)
    for place in covered:
        cells.pop(place, None)
    return covered


def refuse_doubled(names: Iterable[str], what: str) -> None:
    """Refuse sheets or defined names that are called the same, whatever their case, as Excel does."""
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise NotAWorkbookError(f"工作簿内{what}“{name}”重复", f"{what}各不相同")
        seen.add(name.casefold())
