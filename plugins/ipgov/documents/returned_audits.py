"""An audit workbook that comes back: what the province answered, and proof that nothing else was changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import Problem, RefusedError
from ipgov.documents.audit_form import (
    ANSWER,
    AUDITOR,
    DAY,
    HEAD_ROW,
    IDENTITY_KEYS,
    MAX_TEXT,
    OPINION,
    PLACE,
    SHEET,
    SUMMARY,
    UNIT_COLUMN,
    Filled,
    free_columns,
    row_of,
)
from ipgov.documents.locked_cells import address, changed, compare_cells, in_order, structure
from ipgov.documents.model import printable
from ipgov.documents.sheets import IDENTITY
from ipgov.policy.audits import ProvinceAudit

if TYPE_CHECKING:
    from ipgov.intake.workbook import Sheet, Workbook

NEED = "由系统下发给本省、填写后保存的 .xlsx 审核工作簿"
_CHECK, _LOCKED = "province_audit", "province_audit_locked"


@dataclass(frozen=True)
class Identity:
    """What a workbook says of itself."""

    fingerprint: str
    programme: str
    period: str
    province: str


@dataclass(frozen=True)
class Answered:
    """One answer, with the row that it stands in (``number``, from 0) and the cell of the answer."""

    number: int
    unit: str
    answer: str
    opinion: str
    place: int | None
    auditor: str
    audited_on: dt.date
    cell: str


@dataclass(frozen=True)
class ReturnedAudit:
    """What a returned workbook says; nothing counts unless ``problems`` is empty.

    ``filled``: what stands in the free cells, by number of the row and head, to be shown again.
    """

    answers: tuple[Answered, ...]
    problems: tuple[Problem, ...]
    filled: Mapping[tuple[int, str], dt.date | int | str]


def identity(data: bytes) -> Identity:
    """Return what a file says of itself; RefusedError: it is no audit workbook, or its identity is broken."""
    cells = _read(data).sheets.get(IDENTITY)
    from ipgov.intake.transforms import raw_text

    if cells is not None:
        rows = {raw_text(cells.cells.get((r, 1))): raw_text(cells.cells.get((r, 2))) for r in range(1, 6)}
        if set(rows) == set(IDENTITY_KEYS):
            return Identity(*(rows[k] for k in IDENTITY_KEYS[:4]))
    raise RefusedError(f"来件没有审核工作簿的身份信息页，或其已被改动；应为：{NEED}")


def _read(data: bytes) -> Workbook:
    from ipgov.intake.workbook import NotAWorkbookError, read_workbook

    try:
        return read_workbook(data)
    except NotAWorkbookError as error:
        raise RefusedError(f"来件不能读取：{error.found}；应为：{NEED}") from None


def read_returned(
    data: bytes, issued: bytes, audit: ProvinceAudit, stranger: Callable[[str], str], received_on: dt.date
) -> ReturnedAudit:
    """Read a returned workbook and compare every locked cell with the one that was handed out.

    ``stranger``: says (Chinese) why a body that was entered by hand is not the province's to audit. Raises
    RefusedError for a file that is no workbook or is built to do harm.
    """
    was, now = _read(issued), _read(data)
    problems = [p for p in structure(was, now, _CHECK, "审核工作簿") if p.sheet != SUMMARY]
    count = int(str(was.sheets[IDENTITY].cells[len(IDENTITY_KEYS), 2]))
    columns = free_columns(audit.ranked)
    answers: list[Answered] = []
    filled: dict[tuple[int, str], dt.date | int | str] = {}
    for name in sorted(was.sheets.keys() & now.sheets.keys()):
        before, after = was.sheets[name], now.sheets[name]
        if name != SHEET:
            problems += compare_cells(before, after, _LOCKED)
            continue
        free = {(row_of(n), c) for n in range(count) for c in columns.values()}
        problems += _locked(before, after, free, row_of(count), stranger)
        for number in range(count):
            filled |= {(number, head): value for head, value in _filled(after, number, columns)}
            found = list(_row(before, after, number, columns, audit, received_on))
            problems += [f for f in found if isinstance(f, Problem)]
            answers += [f for f in found if isinstance(f, Answered)]
    problems += _together(answers, columns, audit)
    if not problems and not answers:
        problems.append(Problem(_CHECK, "没有任何一家填写了审核结论", "至少审核一家", sheet=SHEET))
    return ReturnedAudit(tuple(answers), in_order(problems), filled)


def _locked(
    before: Sheet, after: Sheet, free: set[tuple[int, int]], end: int, stranger: Callable[[str], str]
) -> Iterator[Problem]:
    """Yield what was done to locked cells; a row that was added is told by its body."""
    from ipgov.intake.transforms import raw_text

    added: set[int] = set()
    for (row, column), raw in sorted(after.cells.items()):
        if column != UNIT_COLUMN or row <= HEAD_ROW:
            continue
        code = " ".join(raw_text(raw).split())
        if row >= end and code:
            added.add(row)
        if code and raw != before.cells.get((row, column)):
            told = stranger(printable(code)[:40])
            yield Problem(_CHECK, told, "下发的工作簿所列的单位", sheet=SHEET, cell=address(row, column))
    for place in sorted(before.cells.keys() | after.cells.keys() | after.formulas):
        if place in free or place[0] in added:
            continue
        if problem := changed(before, after, place, place, _LOCKED):
            yield problem


def _filled(
    sheet: Sheet, number: int, columns: Mapping[str, int]
) -> Iterator[tuple[str, dt.date | int | str]]:
    """Yield what stands in the free cells of a row: a day as a day, a place as a number, else the text."""
    from ipgov.intake.transforms import NotOfTypeError, convert, raw_text

    for head, column in columns.items():
        raw = sheet.cells.get((row_of(number), column))
        value: dt.date | int | str = printable(raw_text(raw))[:MAX_TEXT]
        with suppress(NotOfTypeError, ValueError):
            read = convert(raw, _field(head))
            if not read.blank and head == DAY:
                value = dt.date.fromisoformat(str(read.text_value))
            elif not read.blank and head == PLACE and read.value is not None:
                value = int(read.value)
        yield head, value


def _field(head: str) -> Any:
    from ipgov.policy.rules import FormField

    return FormField(code="x", label=head, type={DAY: "date", PLACE: "count"}.get(head, "text"))


def _row(
    before: Sheet,
    after: Sheet,
    number: int,
    columns: Mapping[str, int],
    audit: ProvinceAudit,
    received_on: dt.date,
) -> Iterator[Answered | Problem]:
    """Yield what was answered about one submission, everything that is wrong with it, or nothing yet."""
    from ipgov.intake.transforms import raw_text

    row = row_of(number)
    unit = raw_text(before.cells[row, UNIT_COLUMN])
    sent_on = dt.date.fromisoformat(raw_text(before.cells[row, UNIT_COLUMN + 3]))
    wrong: list[Problem] = []

    def problem(head: str, found: str, expected: str) -> None:
        at = address(row, columns[head])
        wrong.append(Problem(_CHECK, f"{unit} 的{head}{found}", expected, sheet=SHEET, cell=at))

    texts: dict[str, str] = {}
    for head, column in columns.items():
        if (row, column) in after.formulas:
            problem(head, "是公式", "直接填写的内容")
        texts[head] = " ".join(raw_text(after.cells.get((row, column))).split())
    if not any(texts.values()) and not wrong:
        return
    answer = audit.answer(texts[ANSWER])
    if answer is None:
        problem(
            ANSWER, f"为“{printable(texts[ANSWER])[:40]}”" if texts[ANSWER] else "未填写", _choices(audit)
        )
    elif answer.opinion and not texts[OPINION]:
        problem(OPINION, "未填写", f"结论为“{answer.name}”的，写明意见")
    for head in (OPINION, AUDITOR):
        if len(texts[head]) > MAX_TEXT:
            problem(head, f"有 {len(texts[head])} 字", f"不超过 {MAX_TEXT} 字")
    if not texts[AUDITOR]:
        problem(AUDITOR, "未填写", "填写审核人姓名")
    day = _day(after, row, columns[DAY])
    if day is None or not sent_on <= day <= received_on:
        shown = "未填写" if not texts[DAY] else f"为“{printable(texts[DAY])[:40]}”"
        problem(DAY, shown, f"{sent_on} 至 {received_on} 之间的日期")
    place = None
    if audit.ranked and answer is not None:
        place = _place(after, row, columns[PLACE])
        if answer.forwards and place is None:
            problem(
                PLACE,
                f"为“{printable(texts[PLACE])[:40]}”" if texts[PLACE] else "未填写",
                "1、2、3 …，各不相同",
            )
        elif not answer.forwards and texts[PLACE]:
            problem(PLACE, "已填写", f"结论为“{answer.name}”的，留空")
    yield from wrong
    if not wrong and answer is not None and day is not None:
        at = address(row, columns[ANSWER])
        yield Answered(
            number, unit, answer.name, printable(texts[OPINION]), place, printable(texts[AUDITOR]), day, at
        )


def _choices(audit: ProvinceAudit) -> str:
    return "、".join(f"“{a.name}”" for a in audit.answers) + " 之一"


def _day(sheet: Sheet, row: int, column: int) -> dt.date | None:
    from ipgov.intake.transforms import NotOfTypeError, convert

    try:
        read = convert(sheet.cells.get((row, column)), _field(DAY))
    except NotOfTypeError:
        return None
    return None if read.blank else dt.date.fromisoformat(str(read.text_value))


def _place(sheet: Sheet, row: int, column: int) -> int | None:
    from ipgov.intake.transforms import NotOfTypeError, convert

    try:
        read = convert(sheet.cells.get((row, column)), _field(PLACE))
    except NotOfTypeError:
        return None
    whole = (
        read.value is not None and read.value == read.value.to_integral_value() and 1 <= read.value < 10_000
    )
    return int(read.value) if whole and read.value is not None else None


def _together(answers: list[Answered], columns: Mapping[str, int], audit: ProvinceAudit) -> Iterator[Problem]:
    """Yield places that were given twice."""
    taken: dict[int, str] = {}
    for a in answers:
        if a.place is None:
            continue
        if a.place in taken:
            at = address(row_of(a.number), columns[PLACE])
            told = f"{a.unit} 的{PLACE} {a.place} 与 {taken[a.place]} 相同"
            yield Problem(_CHECK, told, "各不相同", sheet=SHEET, cell=at)
        taken.setdefault(a.place, a.unit)


def hashes(issued: bytes) -> dict[int, tuple[str, str]]:
    """Return the body and the shown hash of every row that was handed out, by number."""
    book = _read(issued)
    cells, count = book.sheets[SHEET].cells, int(str(book.sheets[IDENTITY].cells[len(IDENTITY_KEYS), 2]))
    return {
        n: (str(cells[row_of(n), UNIT_COLUMN]), str(cells[row_of(n), UNIT_COLUMN + 5])) for n in range(count)
    }


def shown_again(
    filled: Mapping[tuple[int, str], dt.date | int | str], places: Mapping[int, int], ranked: bool
) -> Filled:
    """Return what was filled in by place on a newer workbook; ``places``: its rows by the earlier numbers."""
    columns = free_columns(ranked)
    return {
        (row_of(places[number]), columns[head]): value
        for (number, head), value in filled.items()
        if number in places and head in columns
    }
