"""The workbook (整改台账) that goes out with a rectification notice, and what comes back in it.

The list of problems is locked; measures, who is responsible, by when and with what evidence are the body's.
Sent again with what was done since, it is a report on progress.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import Problem, RefusedError
from ipgov.documents.locked_cells import address, compare_cells, in_order, structure
from ipgov.documents.model import printable
from ipgov.documents.sheets import IDENTITY, PROTECTION, Book, Column, Line
from ipgov.documents.typography import full_width, width_ems

if TYPE_CHECKING:
    from ipgov.intake.workbook import Sheet, Workbook

SHEET, SUMMARY_SHEET = "整改台账", "问题汇总"
HEAD_ROW = 5
MAX_TEXT = 500
MEASURES, RESPONSIBLE, FINISH, EVIDENCE = "整改措施", "责任人", "完成时限", "佐证材料（可后补）"
PROGRESS = "进展情况（报送进展时填写）"
FREE_HEADS = (MEASURES, RESPONSIBLE, FINISH, EVIDENCE, PROGRESS)
_COLUMNS = (("序号", 6), ("类别", 11), ("项目", 20), ("评价发现", 32), ("数据来源", 28), ("依据", 20))
_WIDTHS = (36, 12, 13, 22, 34)
_FREE, _LABEL, _ASKED, _FAULT = "#FFFBEB", "#DDE6F0", "#FFE699", "#F4B183"
_SUMMARY = (
    Column("序号", 6, align="center"),
    Column("来件工作表", 16),
    Column("来件单元格", 12, align="center"),
    Column("发现的问题", 60, wrap=True),
    Column("应为", 60, wrap=True),
)
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
    """What a body will do about one problem; ``progress``: what it has done, empty in a plan."""

    number: int
    measures: str
    responsible: str
    finish_on: dt.date
    evidence: str
    progress: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**vars(self), "finish_on": self.finish_on.isoformat()}


def write(form: CaseForm) -> bytes:
    """Return the .xlsx: the same case gives the same bytes."""
    book = Book(form.title, form.author, form.banner, f"案件编号 {form.case}")
    meaning = (
        f"{form.name}：请逐项填写浅黄色单元格，完成时限不晚于 {form.due_on.year} 年 {form.due_on.month} 月 "
        f"{form.due_on.day} 日；报送进展时在原件上填写进展情况；其余单元格已锁定"
    )
    identity = (("fingerprint", form.fingerprint), ("case", form.case), ("problems", str(len(form.problems))))
    _draw(book, form.title, meaning, form.problems, identity, form.due_on, FREE_HEADS)
    return book.close()


def _draw(
    book: Book,
    title: str,
    meaning: str,
    problems: Sequence[Sequence[str | int]],
    identity: Sequence[tuple[str, str]],
    due_on: dt.date,
    free: Sequence[str],
    filled: Mapping[tuple[int, int], dt.date | str] = MappingProxyType({}),
    faults: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Draw the sheet and its identity; ``faults``: what is wrong, by the address of the cell."""
    sheet = book.sheet(SHEET, title, meaning)
    heads = [*_COLUMNS, *zip(free, _WIDTHS, strict=False)]
    for number, (head, width) in enumerate(heads, 1):
        sheet.set_column(number - 1, number - 1, width)
        colour = _ASKED if head in FREE_HEADS else _LABEL
        style = book.format(font_name="黑体", border=1, align="center", text_wrap=True, bg_color=colour)
        book.put(sheet, HEAD_ROW, number, head, style)
    sheet.set_row(HEAD_ROW - 1, 28)
    for row, cells in enumerate(problems, HEAD_ROW + 1):
        for column, value in enumerate(cells, 1):
            book.put(sheet, row, column, value, book.format(border=1, text_wrap=True))
        for column, head in enumerate(free, len(_COLUMNS) + 1):
            shown = {"num_format": "yyyy-mm-dd", "align": "center"} if head == FINISH else {"num_format": "@"}
            at = address(row, column)
            colour = _FAULT if at in faults else _FREE
            style = book.format(border=1, locked=False, text_wrap=True, bg_color=colour, **shown)
            text = filled.get((row, column), "")
            if isinstance(text, dt.date):
                sheet.write_datetime(row - 1, column - 1, dt.datetime.combine(text, dt.time()), style)
            else:
                book.put(sheet, row, column, text, style)
            if at in faults:
                sheet.write_comment(row - 1, column - 1, faults[at], {"author": "", "x_scale": 2})
        lines = [-(-int(2 * width_ems(str(c))) // (w - 2)) for c, (_, w) in zip(cells, _COLUMNS, strict=True)]
        sheet.set_row(row - 1, max(48, 6 + 14 * max(lines)))
    last = HEAD_ROW + len(problems)
    _limits(sheet, due_on, last)
    sheet.freeze_panes(HEAD_ROW, 3)
    sheet.repeat_rows(HEAD_ROW - 1)
    sheet.protect("", PROTECTION)
    book.identity(identity)


def correction(
    issued: bytes, returned: bytes, problems: Sequence[Problem], author: str, due_on: dt.date
) -> bytes:
    """Return what was handed out with what was filled in, every problem listed and marked.

    Corrected and sent back it is taken like the one that was handed out.
    """
    was, now = _read(issued), _read(returned)
    before, after = was.sheets[SHEET].cells, now.sheets.get(SHEET)
    title, meaning, banner = (str(before.get((row, 1)) or "") for row in (1, 2, 3))
    identity = [(str(was.sheets[IDENTITY].cells[r, 1]), _asked(was, r)) for r in (1, 2, 3)]
    count = int(_asked(was, 3))
    rows = range(HEAD_ROW + 1, HEAD_ROW + count + 1)
    columns = range(1, len(_COLUMNS) + 1)
    listed = [[_same(before.get((row, column))) for column in columns] for row in rows]
    free = _free(was)
    filled = {} if after is None else dict(_filled(after, rows, free))
    faults: dict[str, str] = {}
    for p in problems:
        faults[p.cell] = f"{faults.get(p.cell, '')}{p.found}。应为：{p.expected}\n"
    book = Book(title, author, banner, f"案件编号 {_asked(was, 2)}")
    told = (
        "请在“整改台账”表中改正标为橙色的单元格（批注写有原因），锁定的单元格已恢复原样；保存后报送本文件即可"
    )
    summary = book.sheet(SUMMARY_SHEET, f"{title}——问题汇总", told)
    lines = [
        Line((n, p.sheet or "（整个文件）", p.cell or "—", p.found, p.expected))
        for n, p in enumerate(problems, 1)
    ]
    book.table(summary, 5, _SUMMARY, lines)
    _draw(book, title, meaning, listed, identity, due_on, free, filled, faults)
    return book.close()


def _free(issued: Workbook) -> tuple[str, ...]:
    """Return what a workbook asks of a body: those handed out before 2026-11-22 ask for no progress."""
    heads = set(issued.sheets[SHEET].cells.values())
    return tuple(head for head in FREE_HEADS if head in heads)


def _filled(
    sheet: Sheet, rows: range, free: Sequence[str]
) -> Iterator[tuple[tuple[int, int], dt.date | str]]:
    """Yield what stands in the free cells: a date as a date, anything else as its text."""
    from ipgov.intake.transforms import NotOfTypeError, convert, raw_text
    from ipgov.policy.rules import FormField

    field = FormField(code="finish", label=FINISH, type="date")
    for row in rows:
        for column, head in enumerate(free, len(_COLUMNS) + 1):
            raw = sheet.cells.get((row, column))
            found: dt.date | str | None = None
            if head == FINISH:
                with suppress(NotOfTypeError):
                    found = _day(convert(raw, field))
            yield (row, column), found or printable(raw_text(raw))[:MAX_TEXT]


def _same(value: Any) -> str | int:
    """Return a cell of what was handed out as it was written."""
    if value is None:
        return ""
    return value if isinstance(value, str) else int(value)


def _asked(issued: Workbook, row: int) -> str:
    return str(issued.sheets[IDENTITY].cells[row, 2])


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


@dataclass(frozen=True)
class Identity:
    """What a workbook says of itself: the fingerprint of what was asked, and the number of the case."""

    fingerprint: str
    case: str


def identity(data: bytes) -> Identity | None:
    """Return what a file says of itself; None: it is no 整改台账.

    Empty texts: it looks like one, but what it says is not whole.
    """
    from ipgov.intake.transforms import raw_text
    from ipgov.intake.workbook import NotAWorkbookError, read_workbook

    try:
        sheets = read_workbook(data).sheets
    except NotAWorkbookError:
        return None
    if IDENTITY in sheets:
        cells = sheets[IDENTITY].cells
        rows = {raw_text(cells.get((r, 1))): raw_text(cells.get((r, 2))) for r in (1, 2, 3)}
        if set(rows) == {"fingerprint", "case", "problems"}:
            return Identity(rows["fingerprint"], rows["case"])
    return Identity("", "") if SHEET in sheets else None


def read_returned(data: bytes, issued: bytes, due_on: dt.date) -> tuple[Measure, ...]:
    """Return the measures of a returned workbook, one a problem.

    Raises RefusedError for a file that is no such workbook or another case's, and with every changed locked
    cell, every blank and every wrong date, by sheet and cell.
    """
    was, now = _read(issued), _read(data)
    asked = was.sheets[IDENTITY].cells[1, 2]
    if IDENTITY not in now.sheets or now.sheets[IDENTITY].cells.get((1, 2)) != asked:
        raise RefusedError(f"来件不是本案件的整改台账；应为：{_NEED}")
    problems = [p for p in structure(was, now, "case_form", "整改台账") if p.sheet != SUMMARY_SHEET]
    measures: list[Measure] = []
    if SHEET in now.sheets:
        before, after = was.sheets[SHEET], now.sheets[SHEET]
        count = int(str(was.sheets[IDENTITY].cells[3, 2]))
        columns = range(len(_COLUMNS) + 1, len(_COLUMNS) + len(_free(was)) + 1)
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
        return Problem(
            "case_form",
            f"第 {number} 项{_short(head)}{found}",
            expected,
            sheet=sheet.name,
            cell=_place(number, head),
        )

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
        yield Measure(
            number, texts[MEASURES], texts[RESPONSIBLE], finish, texts[EVIDENCE], texts.get(PROGRESS, "")
        )


def _place(number: int, head: str) -> str:
    """Return the address of what is asked about a problem."""
    return address(HEAD_ROW + number, len(_COLUMNS) + 1 + FREE_HEADS.index(head))


def _short(head: str) -> str:
    return head.partition("（")[0]


_PLANNED = {"measures": MEASURES, "responsible": RESPONSIBLE, "finish_on": FINISH}


def unlike_plan(
    reported: Sequence[Mapping[str, Any]], planned: Sequence[Mapping[str, Any]]
) -> tuple[Problem, ...]:
    """Return where a report on progress tells another plan than the one that was taken, by cell.

    Both are ``Measure.as_dict`` of the same problems. What proves it may still be added to.
    """
    return tuple(
        Problem(
            "case_form",
            f"第 {now['number']} 项{head}与已接收的整改方案不同",
            f"“{was[name]}”（已接收的整改方案）；要改动的，先与我局联系",
            sheet=SHEET,
            cell=_place(now["number"], head),
        )
        for now, was in zip(reported, planned, strict=True)
        for name, head in _PLANNED.items()
        if now[name] != was[name]
    )


def _day(read: Any) -> dt.date | None:
    return None if read.blank else dt.date.fromisoformat(read.text_value)
