"""The workbook (整改台账) that goes out with a rectification notice, and what comes back in it.

The list of problems is locked; measures, who is responsible, by when and with what evidence are the body's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import Problem, RefusedError
from ipgov.documents.locked_cells import address, compare_cells, in_order, structure
from ipgov.documents.sheets import Book
from ipgov.documents.typography import full_width, width_ems

if TYPE_CHECKING:
    from ipgov.intake.workbook import Sheet, Workbook

SHEET, IDENTITY = "整改台账", "_ipgov"
HEAD_ROW = 5
MAX_TEXT = 500
MEASURES, RESPONSIBLE, FINISH, EVIDENCE = "整改措施", "责任人", "完成时限", "佐证材料（可后补）"
FREE_HEADS = (MEASURES, RESPONSIBLE, FINISH, EVIDENCE)
_COLUMNS = (("序号", 6), ("类别", 11), ("项目", 20), ("评价发现", 32), ("数据来源", 28), ("依据", 20))
_WIDTHS = (40, 12, 13, 26)
_FREE, _LABEL, _ASKED = "#FFFBEB", "#DDE6F0", "#FFE699"
_PROTECTION = {"format_columns": True, "format_rows": True}
_NEED = "随整改通知下发、填写后保存的 .xlsx 整改台账"


@dataclass(frozen=True)
class CaseForm:
    """What the workbook asks: the case, the body, by when, and the problems as rows of text.

    ``fingerprint``: of all of it; what comes back must name it.
    """

    title: str
    author: str
    banner: str
    case: str
    name: str
    due_on: dt.date
    problems: Sequence[Sequence[str | int]]
    fingerprint: str


@dataclass(frozen=True)
class Measure:
    """What a body will do about one problem."""

    number: int
    measures: str
    responsible: str
    finish_on: dt.date
    evidence: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**vars(self), "finish_on": self.finish_on.isoformat()}


def write(form: CaseForm) -> bytes:
    """Return the .xlsx: the same case gives the same bytes."""
    book = Book(form.title, form.author, form.banner, f"案件编号 {form.case}")
    meaning = (
        f"{form.name}：请逐项填写浅黄色单元格，完成时限不晚于 {form.due_on.year} 年 {form.due_on.month} 月 "
        f"{form.due_on.day} 日；其余单元格已锁定"
    )
    sheet = book.sheet(SHEET, form.title, meaning)
    heads = [*_COLUMNS, *zip(FREE_HEADS, _WIDTHS, strict=True)]
    for number, (head, width) in enumerate(heads, 1):
        sheet.set_column(number - 1, number - 1, width)
        colour = _ASKED if head in FREE_HEADS else _LABEL
        style = book.format(font_name="黑体", border=1, align="center", text_wrap=True, bg_color=colour)
        book.put(sheet, HEAD_ROW, number, head, style)
    sheet.set_row(HEAD_ROW - 1, 28)
    free = {"border": 1, "locked": False, "bg_color": _FREE, "text_wrap": True}
    for row, cells in enumerate(form.problems, HEAD_ROW + 1):
        for column, value in enumerate(cells, 1):
            book.put(sheet, row, column, value, book.format(border=1, text_wrap=True))
        for column, head in enumerate(FREE_HEADS, len(_COLUMNS) + 1):
            shown = {"num_format": "yyyy-mm-dd", "align": "center"} if head == FINISH else {"num_format": "@"}
            book.put(sheet, row, column, "", book.format(**free, **shown))
        lines = [-(-int(2 * width_ems(str(c))) // (w - 2)) for c, (_, w) in zip(cells, _COLUMNS, strict=True)]
        sheet.set_row(row - 1, max(48, 6 + 14 * max(lines)))
    last = HEAD_ROW + len(form.problems)
    _limits(sheet, form.due_on, last)
    sheet.freeze_panes(HEAD_ROW, 3)
    sheet.repeat_rows(HEAD_ROW - 1)
    sheet.protect("", _PROTECTION)
    hidden = book.workbook.add_worksheet(IDENTITY)
    identity = (("fingerprint", form.fingerprint), ("case", form.case), ("problems", str(len(form.problems))))
    for row, pair in enumerate(identity, 1):
        for column, value in enumerate(pair, 1):
            book.put(hidden, row, column, value, book.format())
    hidden.protect("", _PROTECTION)
    hidden.very_hidden()
    return book.close()


def _limits(sheet: Any, due_on: dt.date, last: int) -> None:
    """Let the cells refuse what cannot be."""
    column = len(_COLUMNS) + FREE_HEADS.index(FINISH)
    sheet.data_validation(
        HEAD_ROW,
        column,
        last - 1,
        column,
        {
            "validate": "date",
            "criteria": "<=",
            "value": due_on,
            "error_title": "填写有误",
            "error_message": full_width(f"应为不晚于 {due_on} 的日期，如 {due_on}"),
        },
    )


def _read(data: bytes) -> Workbook:
    from ipgov.intake.workbook import NotAWorkbookError, read_workbook

    try:
        return read_workbook(data)
    except NotAWorkbookError as error:
        raise RefusedError(f"来件不能读取：{error.found}；应为：{_NEED}") from None


def read_returned(data: bytes, issued: bytes, due_on: dt.date) -> tuple[Measure, ...]:
    """Return the measures of a returned workbook, one a problem.

    Raises RefusedError for a file that is no such workbook or another case's, and with every changed locked
    cell, every blank and every wrong date, by sheet and cell.
    """
    was, now = _read(issued), _read(data)
    asked = was.sheets[IDENTITY].cells[1, 2]
    if IDENTITY not in now.sheets or now.sheets[IDENTITY].cells.get((1, 2)) != asked:
        raise RefusedError(f"来件不是本案件的整改台账；应为：{_NEED}")
    problems = list(structure(was, now, "case_form", "整改台账"))
    measures: list[Measure] = []
    if SHEET in now.sheets:
        before, after = was.sheets[SHEET], now.sheets[SHEET]
        count = int(str(was.sheets[IDENTITY].cells[3, 2]))
        columns = range(len(_COLUMNS) + 1, len(_COLUMNS) + len(FREE_HEADS) + 1)
        free = {(row, c) for row in range(HEAD_ROW + 1, HEAD_ROW + count + 1) for c in columns}
        problems += compare_cells(before, after, "case_form_locked", free)
        for number in range(1, count + 1):
            found = list(_row(after, number, due_on))
            problems += [f for f in found if isinstance(f, Problem)]
            measures += [f for f in found if isinstance(f, Measure)]
    if problems:
        listed = in_order(problems)
        raise RefusedError(f"整改台账有 {len(listed)} 处问题", listed)
    return tuple(measures)


def _row(sheet: Sheet, number: int, due_on: dt.date) -> Iterator[Measure | Problem]:
    """Yield what is planned for one problem, or everything that is wrong with its row."""
    from ipgov.intake.transforms import NotOfTypeError, convert, raw_text
    from ipgov.policy.rules import FormField

    row = HEAD_ROW + number
    texts: dict[str, str] = {}
    wrong = False

    def problem(head: str, found: str, expected: str) -> Problem:
        at = address(row, len(_COLUMNS) + 1 + FREE_HEADS.index(head))
        return Problem("case_form", f"第 {number} 项{head}{found}", expected, sheet=sheet.name, cell=at)

    for offset, head in enumerate(FREE_HEADS, len(_COLUMNS) + 1):
        place = (row, offset)
        if formula := place in sheet.formulas:
            wrong = True
            yield problem(head, "是公式", "直接填写的内容")
        texts[head] = " ".join(raw_text(sheet.cells.get(place)).split())
        if len(texts[head]) > MAX_TEXT:
            wrong = True
            yield problem(head, f"有 {len(texts[head])} 字", f"不超过 {MAX_TEXT} 字")
        if not texts[head] and head in (MEASURES, RESPONSIBLE) and not formula:
            wrong = True
            yield problem(head, "未填写", "逐项填写")
    raw = sheet.cells.get((row, len(_COLUMNS) + 1 + FREE_HEADS.index(FINISH)))
    field = FormField(code="finish", label=FINISH, type="date")
    try:
        finish = _day(convert(raw, field))
    except NotOfTypeError as error:
        yield problem(FINISH, str(error), f"不晚于 {due_on} 的日期")
        return
    if finish is None or finish > due_on:
        yield problem(FINISH, "未填写" if finish is None else f"为 {finish}", f"不晚于 {due_on} 的日期")
        return
    if not wrong:
        yield Measure(number, texts[MEASURES], texts[RESPONSIBLE], finish, texts[EVIDENCE])


def _day(read: Any) -> dt.date | None:
    return None if read.blank else dt.date.fromisoformat(read.text_value)
