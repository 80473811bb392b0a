"""How a reviewer fills in a rating list with a spreadsheet program."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

from ipgov.documents.rating_layout import (
    ANSWER_CELL,
    COMMENT_HEAD,
    HEAD_ROW,
    LIST,
    MARK_HEAD,
    REMARK_CELL,
    SIGNING,
    UNIT_COLUMN,
)


def fill(listed: bytes, answer: str, remark: str, marks: Mapping[str, tuple[str, str]]) -> bytes:
    """Answer on the 签批 sheet and mark bodies (unit → 意见, 备注); returns the saved workbook."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of decorations that openpyxl does not keep
        book = openpyxl.load_workbook(io.BytesIO(listed))
    for (row, column), value in ((ANSWER_CELL, answer), (REMARK_CELL, remark)):
        book[SIGNING].cell(row, column).value = value
    sheet = book[LIST]
    heads = {cell.value: cell.column for cell in sheet[HEAD_ROW]}
    for (unit,) in sheet.iter_rows(HEAD_ROW + 1, min_col=UNIT_COLUMN, max_col=UNIT_COLUMN):
        if unit.value in marks:
            mark, comment = marks[unit.value]
            sheet.cell(unit.row, heads[MARK_HEAD]).value = mark
            sheet.cell(unit.row, heads[COMMENT_HEAD]).value = comment
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
