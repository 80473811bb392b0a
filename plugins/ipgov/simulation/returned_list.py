"""How a reviewer fills in a rating list with a spreadsheet program."""

from __future__ import annotations

import io


def fill(listed: bytes, answer: str, comment: str) -> bytes:
    """Answer on the 签批 sheet and mark every row; returns the saved workbook."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(listed))
    for name, value in (("answer", answer), ("comment", comment)):
        ((sheet, cell),) = book.defined_names[name].destinations
        book[sheet][cell.replace("$", "")] = value
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
