"""A workbook that comes back held against the one that was handed out: what was locked is as it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from ipgov.core.errors import Problem

if TYPE_CHECKING:
    from ipgov.intake.workbook import Raw, Sheet, Workbook

Position = tuple[int, int]  # row and column, from 1


def structure(was: Workbook, now: Workbook, check: str, what: str) -> Iterator[Problem]:
    """Yield the sheets that are missing or were added."""
    for name in was.sheets.keys() - now.sheets.keys():
        yield Problem(check, f"缺少工作表“{name}”", f"下发的{what}的全部工作表", sheet=name)
    for name in now.sheets.keys() - was.sheets.keys():
        yield Problem(check, f"多出工作表“{name}”", "只有下发的工作表，请删除多出的", sheet=name)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return each problem once, by sheet, row and column."""
    return tuple(sorted(set(problems), key=lambda p: (p.sheet, _order(p.cell), p)))


def _order(cell: str) -> tuple[int, str]:
    digits = "".join(c for c in cell if c.isdigit())
    return (int(digits or 0), cell)


def address(row: int, column: int) -> str:
    """Return a cell's address: ``B4``."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def shown(value: Raw | None) -> str:
    """Return a cell's content as a message quotes it."""
    from ipgov.intake.workbook import ErrorValue, NoResult

    match value:
        case None:
            return "空"
        case ErrorValue():
            return value.text
        case NoResult():
            return "未计算的公式"
        case bool():
            return "TRUE" if value else "FALSE"
        case float() | int():
            return f"{value:.15g}"
        case str():
            return f"“{value}”"
        case _:
            return str(value)


def changed(before: Sheet, after: Sheet, was_at: Position, now_at: Position, check: str) -> Problem | None:
    """Return what was done to a locked cell; None where nothing was."""
    was, now = before.cells.get(was_at), after.cells.get(now_at)
    formula = now_at in after.formulas and was_at not in before.formulas
    if was == now and type(was) is type(now) and not formula:
        return None
    return Problem(
        check,
        f"锁定单元格现为{'公式，显示 ' if formula else ''}{shown(now)}",
        f"{shown(was)}（下发时的内容）",
        sheet=before.name,
        cell=address(*now_at),
    )


def compare_cells(
    before: Sheet,
    after: Sheet,
    check: str,
    open_cells: Collection[Position] = (),
    rows_upto: int | None = None,
) -> Iterator[Problem]:
    """Yield what was done to locked cells, of all rows or the first ones."""
    for place in sorted(before.cells.keys() | after.cells.keys() | after.formulas):
        if place in open_cells or (rows_upto is not None and place[0] > rows_upto):
            continue
        if problem := changed(before, after, place, place, check):
            yield problem
