"""A rating list that comes back: the reviewers' marks and answer, and proof that nothing else was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from ipgov.core.errors import Problem, RefusedError
from ipgov.documents.locked_cells import address, changed, compare_cells, in_order, shown, structure
from ipgov.documents.rating_layout import (
    ACTOR_CELL,
    ANSWER_CELL,
    ANSWERS,
    COMMENT_HEAD,
    FINDINGS,
    HEAD_ROW,
    IDENTITY,
    LIST,
    LOOKUP,
    MARK_HEAD,
    MARKS,
    NOT_EVALUATED,
    REMARK_CELL,
    ROUTES,
    SIGNING,
    UNGRADED_LIST,
    UNIT_COLUMN,
    UNIT_HEAD,
)

if TYPE_CHECKING:
    from ipgov.intake.workbook import Raw, Sheet, Workbook

Answer = Literal["approve", "return"]
_Row = Mapping[int, "Raw"]
_FIRST = HEAD_ROW + 1
_LOCKED = "rating_list_locked"
_LISTS = {LIST, UNGRADED_LIST}
_UNIT_HEAD = UNIT_HEAD[-2:]  # after the word for a body, which is the programme's own


@dataclass(frozen=True)
class ReturnedList:
    """What a returned rating list says. Nothing of it counts unless ``problems`` is empty.

    ``fingerprint``: of the result set, as the identity sheet names it; without problems the file is the
    issued list, and so bound to the round opened on that list's bytes. ``answer`` None: marks only.
    ``marks``: unit → (``agree`` or ``question``, comment) of every body that was marked.
    """

    fingerprint: str
    answer: Answer | None
    actor_text: str
    comment: str
    marks: Mapping[str, tuple[str, str]]
    problems: tuple[Problem, ...]


def read_returned(data: bytes, issued: bytes) -> ReturnedList:
    """Read a returned list and compare every locked cell with the list that was issued.

    Changed, added and missing content is refused, each cell named. Rows in another order are accepted if each
    is whole (a sorted list is the same list): they are matched by the unit's code. Raises RefusedError for a
    file that is no workbook or is built to do harm.
    """
    from ipgov.intake.workbook import NotAWorkbookError, read_workbook

    was = read_workbook(issued)
    try:
        now = read_workbook(data)
    except NotAWorkbookError as error:
        raise RefusedError(
            f"来件不能读取：{error.found}；应为：由系统下发、填写后保存的 .xlsx 评级表"
        ) from None
    problems = list(structure(was, now, "rating_list_sheet", "评级表"))
    places: dict[str, dict[str, int]] = {}
    for name in was.sheets.keys() & now.sheets.keys():
        before, after = was.sheets[name], now.sheets[name]
        if _lists_bodies(before):
            free = _free_cells(before) if name in _LISTS else {}
            places[name], found = _match_rows(before, after)
            problems += found
            problems += _compare_rows(before, after, places[name], free)
        else:
            open_cells = (ANSWER_CELL, ACTOR_CELL, REMARK_CELL) if name == SIGNING else ()
            problems += compare_cells(before, after, _LOCKED, open_cells)
    marks: dict[str, tuple[str, str]] = {}
    for name in _LISTS & places.keys():
        marks, found = _marks(was.sheets[name], now.sheets[name], places[name])
        problems += found
    answer, found = _answer(now)
    problems += found
    return ReturnedList(
        fingerprint=_text(now, IDENTITY, (1, 2)),
        answer=answer,
        actor_text=_text(now, SIGNING, ACTOR_CELL),
        comment=_text(now, SIGNING, REMARK_CELL),
        marks=marks,
        problems=in_order(problems),
    )


def _lists_bodies(issued: Sheet) -> bool:
    """Tell whether a sheet of the issued list has a row for each body, to be matched by the body's code."""
    head = str(issued.cells.get((HEAD_ROW, UNIT_COLUMN)) or "")
    return head.endswith(_UNIT_HEAD) and issued.name not in (FINDINGS, LOOKUP, ROUTES)


def _rows(sheet: Sheet) -> dict[int, dict[int, Raw]]:
    """Return the filled cells below the head by row and column."""
    rows: dict[int, dict[int, Raw]] = {}
    for (row, column), value in sheet.cells.items():
        if row >= _FIRST:
            rows.setdefault(row, {})[column] = value
    return rows


def _units(sheet: Sheet) -> dict[str, int]:
    """Return where each unit of an issued list stands."""
    return {str(cells[UNIT_COLUMN]): row for row, cells in _rows(sheet).items()}


def _match_rows(before: Sheet, after: Sheet) -> tuple[dict[str, int], list[Problem]]:
    """Return unit → row in the returned list, and the rows that are missing, added or doubled."""
    issued = _units(before)
    at_row = {row: unit for unit, row in issued.items()}
    places: dict[str, int] = {}
    strangers = []
    problems = []
    for row, cells in sorted(_rows(after).items()):
        code = cells.get(UNIT_COLUMN)
        if isinstance(code, str) and code in issued:
            if code in places:
                problems.append(_row_problem(before.name, row, f"平台编号“{code}”重复出现", "每家平台一行"))
            else:
                places[code] = row
        else:
            strangers.append(row)
    for row in strangers:
        unit = at_row.get(row)
        if unit is not None and unit not in places:
            places[unit] = row  # the row stood here: its code is what was changed
        else:
            problems.append(_row_problem(before.name, row, "多出一行", "下发的评级表所列各行"))
    for unit, row in issued.items():
        if unit not in places:
            problems.append(_row_problem(before.name, row, f"缺少平台“{unit}”一行", "下发时该行的全部内容"))
    return places, problems


def _row_problem(sheet: str, row: int, found: str, expected: str) -> Problem:
    return Problem("rating_list_row", found, expected, sheet=sheet, cell=address(row, UNIT_COLUMN))


def _head_columns(sheet: Sheet) -> dict[str, int]:
    return {str(v): c for (r, c), v in sheet.cells.items() if r == HEAD_ROW}


def _free_cells(issued: Sheet) -> dict[str, set[int]]:
    """Return for each unit the columns that its reviewer may fill in: none where it was not evaluated."""
    heads = _head_columns(issued)
    own = {heads[MARK_HEAD], heads[COMMENT_HEAD]}
    if (grade := heads.get("等级")) is None:
        total = heads["总分"]
        return {u: own for u, row in _units(issued).items() if issued.cells.get((row, total)) is not None}
    return {u: own for u, row in _units(issued).items() if issued.cells.get((row, grade)) != NOT_EVALUATED}


def _compare_rows(
    before: Sheet, after: Sheet, places: Mapping[str, int], free: Mapping[str, set[int]]
) -> Iterator[Problem]:
    yield from compare_cells(before, after, _LOCKED, rows_upto=HEAD_ROW)
    columns = {c for s in (before, after) for r, c in s.cells.keys() | s.formulas if r >= _FIRST}
    for unit, was_row in _units(before).items():
        if unit not in places:
            continue
        for column in sorted(columns - free.get(unit, set())):
            if problem := changed(before, after, (was_row, column), (places[unit], column), _LOCKED):
                yield problem


def _marks(
    issued: Sheet, returned: Sheet, places: Mapping[str, int]
) -> tuple[dict[str, tuple[str, str]], list[Problem]]:
    heads, free = _head_columns(issued), _free_cells(issued)
    marks: dict[str, tuple[str, str]] = {}
    problems = []
    for unit, row in sorted(places.items(), key=lambda item: item[1]):
        if unit not in free:
            continue
        mark, comment = (_plain(returned.cells.get((row, heads[h]))) for h in (MARK_HEAD, COMMENT_HEAD))
        if mark in MARKS:
            marks[unit] = (MARKS[mark], comment)
        elif mark or comment:
            problems.append(
                Problem(
                    "rating_list_mark",
                    f"平台“{unit}”的评审意见为“{mark}”" if mark else f"平台“{unit}”只填了评审备注",
                    f"评审意见为{'、'.join(MARKS)}之一",
                    sheet=issued.name,
                    cell=address(row, heads[MARK_HEAD]),
                )
            )
    return marks, problems


def _answer(now: Workbook) -> tuple[Answer | None, list[Problem]]:
    text = _text(now, SIGNING, ANSWER_CELL)
    if not text:
        return None, []
    if text in ANSWERS:
        return cast(Answer, ANSWERS[text]), []
    expected = f"{'、'.join(ANSWERS)}之一，或留空"
    problem = Problem(
        "rating_list_answer", f"结论为“{text}”", expected, sheet=SIGNING, cell=address(*ANSWER_CELL)
    )
    return None, [problem]


def _text(book: Workbook, sheet: str, place: tuple[int, int]) -> str:
    return _plain(book.sheets[sheet].cells.get(place)) if sheet in book.sheets else ""


def _plain(value: Raw | None) -> str:
    """Return what a reviewer wrote, as one line of text."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else shown(value)
    return " ".join(text.split())
