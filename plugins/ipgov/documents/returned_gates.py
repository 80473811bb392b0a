"""A workbook of conditions that comes back: the answers, and proof that nothing else was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipgov.core.errors import Problem, RefusedError
from ipgov.documents.gate_sheet import (
    ANSWER,
    ANSWERS,
    HEAD_ROW,
    MAX_TEXT,
    REASON,
    RECUSED,
    UNIT_COLUMN,
)
from ipgov.documents.locked_cells import address, compare_cells, in_order, structure
from ipgov.documents.model import printable
from ipgov.documents.sheets import IDENTITY

if TYPE_CHECKING:
    from ipgov.intake.workbook import Sheet, Workbook

NEED = "由系统下发给本人、填写后保存的 .xlsx 申报条件复核表"


@dataclass(frozen=True)
class ReturnedAnswer:
    """What was found of one condition of one applicant, with the cell of the answer."""

    unit: str
    gate: str
    met: bool
    reason: str
    sheet: str
    cell: str


@dataclass(frozen=True)
class _Question:
    """A sheet as it was issued: its condition, and the columns that are the reviewer's."""

    sheet: Sheet
    gate: str
    answer: int
    reason: int

    def places(self) -> Iterator[tuple[str, int]]:
        """Yield unit and row of every applicant that was open to be judged."""
        cells = self.sheet.cells
        for (row, column), value in sorted(cells.items()):
            if row > HEAD_ROW and column == UNIT_COLUMN and cells.get((row, self.answer)) != RECUSED:
                yield str(value), row


def fingerprint_of(data: bytes) -> str:
    """Return the fingerprint that a returned workbook names.

    Raises RefusedError (Chinese) for a file that is no workbook, is built to do harm, or was not issued here.
    """
    found = _plain(_read(data).sheets, IDENTITY, (1, 2))
    if not found:
        raise RefusedError(f"来件没有身份信息页；应为：{NEED}")
    return found


def read_returned(
    data: bytes, issued: bytes, recused: Mapping[str, str]
) -> tuple[tuple[ReturnedAnswer, ...], tuple[Problem, ...]]:
    """Return the answers of a workbook, and every problem at once; with one nothing of it counts.

    ``recused``: why the reviewer may not judge which applicant by now. Raises RefusedError as
    ``fingerprint_of``.
    """
    was, now = _read(issued), _read(data)
    problems = list(structure(was, now, "gate_sheet", "复核表"))
    answers: list[ReturnedAnswer] = []
    questions = {q.sheet.name: q for q in _questions(was)}
    for name in was.sheets.keys() & now.sheets.keys():
        question = questions.get(name)
        free = (
            {(row, c) for _, row in question.places() for c in (question.answer, question.reason)}
            if question
            else set()
        )
        problems += compare_cells(was.sheets[name], now.sheets[name], "gate_locked", free)
        for unit, row in question.places() if question else ():
            assert question is not None  # noqa: S101
            found = _one(question, now.sheets[name], unit, row, recused.get(unit))
            if isinstance(found, ReturnedAnswer):
                answers.append(found)
            elif found is not None:
                problems.append(found)
    if not answers and not problems:
        problems.append(Problem("gate_answer", "没有填写任何结论", "至少判断一家单位的一项条件"))
    answers.sort(key=lambda a: (a.gate, a.unit))
    return tuple(answers), in_order(problems)


def _read(data: bytes) -> Workbook:
    from ipgov.intake.workbook import NotAWorkbookError, read_workbook

    try:
        return read_workbook(data)
    except NotAWorkbookError as error:
        raise RefusedError(f"来件不能读取：{error.found}；应为：{NEED}") from None


def _questions(issued: Workbook) -> Iterator[_Question]:
    cells = issued.sheets[IDENTITY].cells
    for row in sorted(row for row, column in cells if column == 1 and cells[row, 1] == "sheet"):
        sheet = issued.sheets[str(cells[row, 2])]
        heads = {str(v): c for (r, c), v in sheet.cells.items() if r == HEAD_ROW}
        yield _Question(sheet, str(cells[row, 3]), heads[ANSWER], heads[REASON])


def _one(
    question: _Question, after: Sheet, unit: str, row: int, recused: str | None
) -> ReturnedAnswer | Problem | None:
    """Return an answer, or what is wrong with it; None for a row that was left open."""
    name = question.sheet.name

    def problem(found: str, expected: str, column: int) -> Problem:
        return Problem("gate_answer", f"{unit} {found}", expected, sheet=name, cell=address(row, column))

    for column, head in ((question.answer, ANSWER), (question.reason, REASON)):
        if (row, column) in after.formulas:
            return problem(f"的{head}是公式", "文字", column)
    answer = _plain({name: after}, name, (row, question.answer))
    reason = _plain({name: after}, name, (row, question.reason))
    if not answer and not reason:
        return None
    if recused is not None:
        return problem("应回避而有结论", f"两栏都留空（{recused}）", question.answer)
    if answer not in ANSWERS:
        found = f"的结论为“{answer}”" if answer else "只有理由，没有结论"
        return problem(found, "或".join(f"“{a}”" for a in ANSWERS), question.answer)
    if not reason:
        return problem("有结论，没有理由", "写明理由", question.reason)
    if len(reason) > MAX_TEXT or printable(reason) != reason:
        found = f"的理由有 {len(reason)} 字，或含不可见字符"
        return problem(found, f"不超过 {MAX_TEXT} 字、可以印出的文字", question.reason)
    return ReturnedAnswer(unit, question.gate, ANSWERS[answer], reason, name, address(row, question.answer))


def _plain(sheets: Mapping[str, Sheet], name: str, place: tuple[int, int]) -> str:
    """Return what somebody wrote, as one line of text."""
    from ipgov.intake.transforms import raw_text

    raw = sheets[name].cells.get(place) if name in sheets else None
    return " ".join(raw_text(raw).split())
