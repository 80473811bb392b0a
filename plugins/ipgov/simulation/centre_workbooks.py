"""What people write into the workbooks that go out to them: provinces, experts, reviewers. All fictitious."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

HEADS = 5  # the row of the headings in the sheets that go out
BARRED = "回避"


def edited(data: bytes, change: Callable[[Any], None]) -> bytes:
    """Open a workbook as a spreadsheet program does, let ``change`` write into it, and return it saved."""
    import openpyxl

    book, target = openpyxl.load_workbook(io.BytesIO(data)), io.BytesIO()
    change(book)
    book.save(target)
    return target.getvalue()


def audited(data: bytes, answers: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Fill in a province's workbook: unit → heading → what the province writes."""

    def fill_in(book: Any) -> None:
        page = book["审核"]
        heads = {c.value: c.column for c in page[HEADS]}
        for row in range(HEADS + 1, page.max_row + 1):
            for head, value in answers.get(page.cell(row, 2).value, {}).items():
                if head in heads:
                    page.cell(row, heads[head]).value = value

    return edited(data, fill_in)


def scored(
    data: bytes, score: Callable[[str], float], spoil: Callable[[Any], None] = lambda book: None
) -> bytes:
    """Fill in every open cell of an expert's workbook by unit, and then perhaps spoil it."""

    def fill_in(book: Any) -> None:
        for page in book.worksheets[1:-1]:
            heads = {c.value: c.column for c in page[HEADS]}
            for row in range(HEADS + 1, page.max_row):
                cell = page.cell(row, heads["得分"])
                if isinstance(page.cell(row, 1).value, int) and cell.value != BARRED:
                    cell.value = score(page.cell(row, 2).value)
        spoil(book)

    return edited(data, fill_in)


def judged(data: bytes, refused: Mapping[str, tuple[str, str]]) -> bytes:
    """Fill in a reviewer's workbook of conditions: all met but ``refused`` (unit → condition, reason)."""

    def fill_in(book: Any) -> None:
        for page in book.worksheets[1:-1]:
            heads = {c.value: c.column for c in page[HEADS]}
            for row in range(HEADS + 1, page.max_row + 1):
                unit = page.cell(row, 2).value
                if unit and page.cell(row, heads["结论"]).value != BARRED:
                    gate, why = refused.get(unit, ("", ""))
                    not_met = bool(gate) and page.title.startswith(gate)
                    page.cell(row, heads["结论"]).value = "不符合" if not_met else "符合"
                    page.cell(row, heads["理由"]).value = why if not_met else "材料可证（模拟）"

    return edited(data, fill_in)
