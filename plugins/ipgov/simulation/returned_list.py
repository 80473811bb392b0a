"""How a reviewer fills in a rating list with a spreadsheet program."""

from __future__ import annotations

import io
import warnings

from ipgov.documents.rating_layout import ANSWER_CELL, REMARK_CELL, SIGNING


def fill(listed: bytes, answer: str, comment: str) -> bytes:
    """Answer on the 签批 sheet; returns the saved workbook."""
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of decorations that openpyxl does not keep
        book = openpyxl.load_workbook(io.BytesIO(listed))
    for (row, column), value in ((ANSWER_CELL, answer), (REMARK_CELL, comment)):
        book[SIGNING].cell(row, column).value = value
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
