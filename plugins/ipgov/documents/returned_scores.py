"""A scoring workbook that comes back: the expert's scores, and proof that nothing else was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ipgov.core.errors import Problem, RefusedError
from ipgov.documents.locked_cells import address, compare_cells, in_order, structure
from ipgov.documents.scoring_sheet import (
    COMMENT_HEAD,
    HEAD_ROW,
    MAX_TEXT,
    REASON_HEAD,
    RECUSED,
    SCORE_HEAD,
    UNIT_COLUMN,
)
from ipgov.documents.sheets import IDENTITY

if TYPE_CHECKING:
    from ipgov.intake.workbook import Sheet, Workbook

_NEED = "由系统下发、填写后保存的 .xlsx 专家评分表"


@dataclass(frozen=True)
class ReturnedScore:
    """One score, or why there is none (``abstained``), with its cell."""

    unit: str
    indicator: str
    score: Decimal | None
    abstained: str | None
    comment: str
    sheet: str
    cell: str


@dataclass(frozen=True)
class ReturnedScores:
    """What a returned workbook says. Nothing of it counts unless ``problems`` is empty."""

    scores: tuple[ReturnedScore, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Question:
    """A sheet as it was issued: its indicator, the scale, and the columns that are the expert's."""

    sheet: Sheet
    indicator: str
    minimum: Decimal
    maximum: Decimal
    decimals: int
    columns: Mapping[str, int]

    def places(self) -> Iterator[tuple[str, int]]:
        """Yield unit and row of every body that was open to be scored."""
        for (row, column), value in sorted(self.sheet.cells.items()):
            score = self.sheet.cells.get((row, self.columns[SCORE_HEAD]))
            # below the table stands a line for the signature
            numbered = isinstance(self.sheet.cells.get((row, 1)), (int, float))
            if row > HEAD_ROW and column == UNIT_COLUMN and numbered and score != RECUSED:
                yield str(value), row


def fingerprint_of(data: bytes) -> str:
    """Return the fingerprint that a returned workbook names.

    Raises RefusedError (Chinese) for a file that is no workbook, is built to do harm, or was not issued here.
    """
    found = _plain(_read(data).sheets, IDENTITY, (1, 2))
    if not found:
        raise RefusedError(f"来件没有身份信息页；应为：{_NEED}")
    return found


def read_returned(data: bytes, issued: bytes, recused: Mapping[str, str]) -> ReturnedScores:
    """Read a returned workbook and compare every locked cell with the one that was issued.

    ``recused``: why the expert may not score which body by now. Every problem is reported at once, with sheet
    and cell. Raises RefusedError as ``fingerprint_of``.
    """
    was, now = _read(issued), _read(data)
    problems = list(structure(was, now, "scoring_sheet", "评分表"))
    scores: list[ReturnedScore] = []
    questions = {q.sheet.name: q for q in _questions(was)}
    for name in was.sheets.keys() & now.sheets.keys():
        before, after = was.sheets[name], now.sheets[name]
        question = questions.get(name)
        if question is None:
            problems += compare_cells(before, after, "scoring_locked")
            continue
        free = {(row, column) for _, row in question.places() for column in question.columns.values()}
        problems += compare_cells(before, after, "scoring_locked", free)
        for unit, row in question.places():
            found = _one(question, after, unit, row, recused.get(unit))
            if isinstance(found, ReturnedScore):
                scores.append(found)
            elif found is not None:
                problems.append(found)
    scores.sort(key=lambda s: (s.indicator, s.unit))
    return ReturnedScores(tuple(scores), in_order(problems))


def _read(data: bytes) -> Workbook:
    from ipgov.intake.workbook import NotAWorkbookError, read_workbook

    try:
        return read_workbook(data)
    except NotAWorkbookError as error:
        raise RefusedError(f"来件不能读取：{error.found}；应为：{_NEED}") from None


def _questions(issued: Workbook) -> Iterator[_Question]:
    cells = issued.sheets[IDENTITY].cells
    facts = {str(cells[row, 1]): row for row, column in cells if column == 1}
    decimals = int(str(cells[facts["decimals"], 2]))
    for row in sorted(row for row, column in cells if column == 1 and cells[row, 1] == "sheet"):
        name, indicator, low, high = (str(cells[row, c]) for c in range(2, 6))
        sheet = issued.sheets[name]
        heads = {str(v): c for (r, c), v in sheet.cells.items() if r == HEAD_ROW}
        own = {h: heads[h] for h in (SCORE_HEAD, REASON_HEAD, COMMENT_HEAD)}
        yield _Question(sheet, indicator, Decimal(low), Decimal(high), decimals, own)


def _one(
    question: _Question, after: Sheet, unit: str, row: int, recused: str | None
) -> ReturnedScore | Problem | None:
    """Return a body's score, or what is wrong with it; None for one that is recused and left alone."""
    place = (row, question.columns[SCORE_HEAD])
    name, cell = question.sheet.name, address(*place)

    def problem(found: str, expected: str, at: str = cell) -> Problem:
        return Problem("scoring_score", f"{unit}{found}", expected, sheet=name, cell=at)

    reason, comment = (
        _plain({name: after}, name, (row, question.columns[h])) for h in (REASON_HEAD, COMMENT_HEAD)
    )
    for head, text in ((REASON_HEAD, reason), (COMMENT_HEAD, comment)):
        if len(text) > MAX_TEXT:
            at = address(row, question.columns[head])
            return problem(f"的{head}有 {len(text)} 字", f"不超过 {MAX_TEXT} 字", at)
        if (row, question.columns[head]) in after.formulas:
            return problem(f"的{head}是公式", "文字", address(row, question.columns[head]))
    score = _score(question, after, place)
    if recused is not None:
        if score is None:
            return None
        return problem("应回避而有评分", f"{SCORE_HEAD}留空（{recused}）")
    if isinstance(score, str):
        return problem(f"的{score}", _expected(question))
    if score is None and not reason:
        return problem("未评分也未写弃评理由", f"{_expected(question)}，或在“{REASON_HEAD}”栏写明理由")
    if score is not None and reason:
        return problem(
            f"既有评分又有弃评理由“{reason[:20]}”", f"评分的，“{REASON_HEAD}”留空；弃评的，得分留空"
        )
    return ReturnedScore(
        unit, question.indicator, score, None if score is not None else reason, comment, name, cell
    )


def _expected(question: _Question) -> str:
    kept = f"至多 {question.decimals} 位小数" if question.decimals else "整数"
    return f"{question.minimum:f} 至 {question.maximum:f} 的数，{kept}"


def _score(question: _Question, after: Sheet, place: tuple[int, int]) -> Decimal | str | None:
    """Return the score, None for a blank, or what stands there instead of one (Chinese)."""
    from ipgov.intake.transforms import NotOfTypeError, convert
    from ipgov.policy.rules import FormField

    if place in after.formulas:
        return f"{SCORE_HEAD}是公式"
    field = FormField(code="score", label=SCORE_HEAD, unit="分", type="number")
    try:
        read = convert(after.cells.get(place), field, percent_format=place in after.percents)
    except NotOfTypeError as error:
        return f"{SCORE_HEAD}{error}"
    if read.value is None:
        return None
    value = read.value
    if not question.minimum <= value <= question.maximum:
        return f"{SCORE_HEAD}为 {value:f}"
    if max(0, -int(value.as_tuple().exponent)) > question.decimals:
        return f"{SCORE_HEAD}为 {value:f}，小数过多"
    return value


def _plain(sheets: Mapping[str, Sheet], name: str, place: tuple[int, int]) -> str:
    """Return what somebody wrote, as one line of text."""
    from ipgov.intake.transforms import raw_text

    raw = sheets[name].cells.get(place) if name in sheets else None
    return " ".join(raw_text(raw).split())
