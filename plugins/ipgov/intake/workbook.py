"""Workbook → intermediate representation: sheets, cells by place as raw values, defined names."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ipgov.intake import scan
from ipgov.intake.package import NotAWorkbookError, open_package
from ipgov.intake.scan import Position, Reference

__all__ = ["ErrorValue", "NoResult", "NotAWorkbookError", "Raw", "Sheet", "Workbook", "read_workbook"]

Visibility = Literal["visible", "hidden", "very_hidden"]
_VISIBILITIES: dict[str, Visibility] = {
    "SheetVisibleEnum.Visible": "visible",
    "SheetVisibleEnum.Hidden": "hidden",
    "SheetVisibleEnum.VeryHidden": "very_hidden",
}


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
    """A worksheet: filled cells by (row, column) from 1, and which hold formulas or percent formats."""

    name: str
    visibility: Visibility
    cells: Mapping[Position, Raw]
    formulas: frozenset[Position]
    percents: frozenset[Position]


@dataclass(frozen=True)
class Workbook:
    """Sheets by name in their order, workbook-wide names (None: not a single cell), the date system."""

    sheets: Mapping[str, Sheet]
    names: Mapping[str, Reference | None]
    date_1904: bool


def read_workbook(data: bytes) -> Workbook:
    """Read the bytes of an .xlsx file.

    Raises NotAWorkbookError (Chinese; found and expected) where it is none, or not one that is accepted.
    """
    parts = open_package(data)
    outline = scan.outline(parts)
    scan.refuse_vast_sheets(parts)
    percent_styles = scan.percent_styles(parts)
    sheets = {}
    for name, visibility, rows in _rows(data):
        part = outline.parts.get(name, "")
        if part not in parts:
            raise NotAWorkbookError(f"工作表“{name}”的内容缺失")
        marks = scan.marks(parts[part], part, percent_styles)
        cells: dict[Position, Raw] = {
            (i, j): value for i, row in enumerate(rows, 1) for j, value in enumerate(row, 1) if value != ""
        }
        cells |= {place: NoResult() for place in marks.without_result}
        cells |= {place: ErrorValue(text) for place, text in marks.errors.items()}
        sheets[name] = Sheet(name, visibility, cells, marks.formulas, marks.percents)
    return Workbook(sheets, outline.names, outline.date_1904)


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
            raise NotAWorkbookError("文件已损坏，无法读取") from None
        raise
