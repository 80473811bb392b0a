"""The workbook in which an operator enters a year's results as they were published before this system.

One sheet says where they were published, one gives total, rank, grade and pass of every body, two more (they
may stay empty) the values and scores of indicators by code. Read like everything that comes from outside:
every problem at once, with sheet and cell. Whether a body and an indicator exist is asked by who reads it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, cast

from ipgov.core.errors import Problem
from ipgov.intake.grid import Raw, Sheet, Workbook, address
from ipgov.intake.identity import checked, identity_rows, whole_and_unchanged
from ipgov.intake.refusals import NotAWorkbookError
from ipgov.intake.transforms import Converted, NotOfTypeError, convert, label_key, raw_text
from ipgov.intake.workbook import read_workbook
from ipgov.policy.rules import FieldType, FormField

Aspect = Literal["total", "rank", "grade", "passed", "value", "score"]

GUIDE, SOURCE, RESULTS, VALUES, SCORES = "填写说明", "来源", "结果", "指标值", "指标得分"
IDENTITY = "_published"
HEAD_ROW = 4  # title, meaning and banner stand above
UNIT, NAME = "单位代码", "名称"
NOT_EVALUATED = "未评价"
KIND = "published_history"
KEYS = ("kind", "version", "programme", "period")
MAX_TEXT = 200


@dataclass(frozen=True)
class Asked:
    """A field of the workbook: its label, type, and whether it must be filled in."""

    label: str
    type: FieldType
    required: bool
    help: str = ""


SOURCE_FIELDS: Mapping[str, Asked] = {
    "document_number": Asked("文号", "text", True, "公布结果的文书编号；没有文号的写明“无文号”"),
    "published_on": Asked("公布日期", "date", True, "文书的成文日期或网页的发布日期，如 2023-12-20"),
    "publisher": Asked("公布单位", "text", True, "以谁的名义公布"),
    "found_at": Asked("查得处", "text", True, "从哪里查得：网址、档案号、原件存放处"),
    "rule_version": Asked("所依规则版本", "text", False, "公布材料载明的规则版本；未载明的留空，不要推测"),
}
RESULT_FIELDS: Mapping[Aspect, Asked] = {
    "total": Asked("总分", "number", False),
    "rank": Asked("名次", "count", False),
    "grade": Asked("等级", "text", False),
    "passed": Asked("是否通过", "text", True, f"是、否或{NOT_EVALUATED}"),
}
_PASSED: Mapping[str, Decimal | None] = {"是": Decimal(1), "否": Decimal(0), NOT_EVALUATED: None}
_INDICATOR_SHEETS: Mapping[str, Aspect] = {VALUES: "value", SCORES: "score"}


@dataclass(frozen=True)
class Entry:
    """A value with its cell; ``code``: of the indicator, empty for a result. A pass is 1, a fail 0."""

    aspect: Aspect
    code: str
    value: Decimal | None
    text_value: str | None
    raw: str
    sheet: str
    cell: str
    transforms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A line of a sheet: who it is about, as written there, and its values."""

    unit: str
    name: str
    sheet: str
    cell: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Published:
    """What a filled-in workbook says. Nothing of it counts unless ``problems`` is empty."""

    programme: str = ""
    period: str = ""
    source: Mapping[str, str | dt.date | None] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    codes: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # indicator → its head's sheet, cell
    problems: tuple[Problem, ...] = ()


def identity(programme: str, period: str) -> dict[str, str]:
    """Return the rows of the identity sheet, the check over them last."""
    return checked(dict(zip(KEYS, (KIND, "1", programme, period), strict=True)))


def read_published(data: bytes, filename: str) -> Published:
    """Read a filled-in workbook (.xlsx, .xls, .ods). Never raises for what a person can put into a file."""
    try:
        book = read_workbook(data)
    except NotAWorkbookError as error:
        problem = Problem(
            "published_workbook", error.found, error.expected, filename, error.sheet, error.cell
        )
        return Published(problems=(problem,))
    known = identity_rows(book, IDENTITY)
    if known is None or not whole_and_unchanged(known, KEYS) or known["kind"] != KIND:
        expected = "由 ipgov history blank 生成的工作簿"
        problem = Problem(
            "published_identity", "身份信息页缺失、不完整或已被改动", expected, filename, IDENTITY
        )
        return Published(problems=(problem,))
    problems = list(_sheets(book))
    source: Mapping[str, str | dt.date | None] = {}
    rows: list[Row] = []
    codes: dict[str, tuple[str, str]] = {}
    if SOURCE in book.sheets:
        source, found = _source(book.sheets[SOURCE], book.date_1904)
        problems += found
    if RESULTS in book.sheets:
        made, found = _results(book.sheets[RESULTS])
        rows += made
        problems += found
    for name, aspect in _INDICATOR_SHEETS.items():
        if name in book.sheets:
            made, heads, found = _indicators(book.sheets[name], aspect)
            rows += made
            problems += found
            codes = heads | codes
    if RESULTS in book.sheets and not any(r.sheet == RESULTS for r in rows):
        problems.append(Problem("published_rows", "没有一行结果", "至少一家单位的结果", sheet=RESULTS))
    problems = [Problem(p.check, p.found, p.expected, filename, p.sheet, p.cell, p.basis) for p in problems]
    return Published(known["programme"], known["period"], source, tuple(rows), codes, tuple(problems))


def _sheets(book: Workbook) -> Iterator[Problem]:
    known = (GUIDE, SOURCE, RESULTS, VALUES, SCORES, IDENTITY)
    for name in (SOURCE, RESULTS):
        if name not in book.sheets:
            yield Problem("published_sheet", f"缺少工作表“{name}”", "下发的工作簿的全部工作表", sheet=name)
    for name in book.sheets:
        if name not in known:
            yield Problem(
                "published_sheet", f"多出工作表“{name}”", f"只有 {'、'.join(known[:-1])}", sheet=name
            )


def _field(asked: Asked) -> FormField:
    digits = 6 if asked.type == "number" else 0
    return FormField(code="x", label=asked.label, type=asked.type, decimals=digits, required=asked.required)


def _problem(sheet: Sheet, row: int, column: int, found: str, expected: str) -> Problem:
    return Problem("published_value", found, expected, sheet=sheet.name, cell=address(row, column))


def _typed(sheet: Sheet, row: int, column: int, asked: Asked, date_1904: bool = False) -> Converted:
    """Return a cell's value; raises NotOfTypeError, also for what is too long or no rank."""
    place = (row, column)
    typed = convert(
        sheet.cells.get(place),
        _field(asked),
        date_1904=date_1904,
        percent_format=place in sheet.percents,
    )
    if typed.text_value and len(typed.text_value) > MAX_TEXT:
        raise NotOfTypeError(f"文字有 {len(typed.text_value)} 字")
    if typed.text_value and "\n" in typed.text_value:
        raise NotOfTypeError("文字分为几行")
    if asked.type == "count" and typed.value is not None and (typed.value % 1 or typed.value < 1):
        raise NotOfTypeError(f"“{typed.value:f}”不是名次")
    done = ("formula",) if place in sheet.formulas else ()
    return Converted(typed.value, typed.text_value, done + typed.transforms)


_EXPECTED: Mapping[str, str] = {
    "number": "十进制数，如 86.25",
    "count": "从 1 起的整数",
    "date": "日期，如 2023-12-20",
    "text": f"不超过 {MAX_TEXT} 字的一行文字",
}


def _source(sheet: Sheet, date_1904: bool) -> tuple[dict[str, str | dt.date | None], list[Problem]]:
    places: dict[str, list[int]] = {}
    for (row, column), raw in sorted(sheet.cells.items()):
        if column == 1 and row > HEAD_ROW:
            places.setdefault(label_key(raw_text(raw)), []).append(row)
    found: dict[str, str | dt.date | None] = {}
    problems = []
    for name, asked in SOURCE_FIELDS.items():
        rows = places.pop(label_key(asked.label), [])
        if len(rows) != 1:
            what = f"“{asked.label}”一栏" + ("缺失" if not rows else f"出现 {len(rows)} 次")
            problems.append(Problem("published_source", what, f"A 列有“{asked.label}”一次", sheet=sheet.name))
            continue
        try:
            typed = _typed(sheet, rows[0], 2, asked, date_1904)
        except NotOfTypeError as error:
            problems.append(_problem(sheet, rows[0], 2, f"{asked.label}：{error}", _EXPECTED[asked.type]))
            continue
        if typed.blank and asked.required:
            problems.append(_problem(sheet, rows[0], 2, f"{asked.label}未填", asked.help))
        text = typed.text_value
        found[name] = dt.date.fromisoformat(text) if text and asked.type == "date" else text
    for rows in places.values():
        for row in rows:
            what = f"多出“{raw_text(sheet.cells[row, 1])[:40]}”一栏"
            problems.append(_problem(sheet, row, 1, what, "只有下发的各栏"))
    return found, problems


def _heads(sheet: Sheet) -> tuple[dict[str, int], list[Problem]]:
    """Return label key → column of the head row; a label that stands twice is a problem."""
    heads: dict[str, int] = {}
    problems = []
    for (row, column), raw in sorted(sheet.cells.items()):
        if row != HEAD_ROW:
            continue
        key = label_key(raw_text(raw))
        if key in heads:
            problems.append(_problem(sheet, row, column, f"表头“{raw_text(raw)[:40]}”重复", "各列表头不同"))
        heads.setdefault(key, column)
    return heads, problems


def _lines(sheet: Sheet, heads: Mapping[str, int]) -> tuple[list[tuple[int, str, str]], list[Problem]]:
    """Return (row, unit, name) of every line with content; one that names nobody is a problem."""
    lines, problems = [], []
    columns = (heads.get(label_key(UNIT)), heads.get(label_key(NAME)))
    filled = {r for (r, _), v in sheet.cells.items() if r > HEAD_ROW and raw_text(v).strip()}
    for row in sorted(filled):
        unit, name = (_line_text(sheet.cells.get((row, c)) if c else None) for c in columns)
        if not unit and not name:
            problems.append(_problem(sheet, row, columns[0] or 1, "这一行没有写明单位", f"{UNIT}，或{NAME}"))
            continue
        lines.append((row, unit, name))
    return lines, problems


def _line_text(raw: Raw | None) -> str:
    return " ".join(raw_text(raw).split())[:MAX_TEXT]


def _results(sheet: Sheet) -> tuple[list[Row], list[Problem]]:
    heads, problems = _heads(sheet)
    wanted = {label_key(a.label): (aspect, a) for aspect, a in RESULT_FIELDS.items()}
    for label in (UNIT, NAME, *(a.label for a in RESULT_FIELDS.values())):
        if label_key(label) not in heads:
            problems.append(
                Problem("published_head", f"缺少“{label}”一列", f"第 {HEAD_ROW} 行的表头", sheet=sheet.name)
            )
    for key, column in heads.items():
        if key not in wanted and key not in (label_key(UNIT), label_key(NAME)):
            problems.append(_problem(sheet, HEAD_ROW, column, "多出一列", "只有下发的各列"))
    lines, found = _lines(sheet, heads)
    problems += found
    rows = []
    for row, unit, name in lines:
        entries = []
        for key, (aspect, asked) in wanted.items():
            if key in heads:
                entry, told = _result_entry(sheet, row, heads[key], aspect, asked)
                entries += [entry] if entry else []
                problems += told
        problems += _consistent(sheet, row, entries)
        rows.append(Row(unit, name, sheet.name, address(row, heads.get(label_key(UNIT), 1)), tuple(entries)))
    return rows, problems


def _result_entry(
    sheet: Sheet, row: int, column: int, aspect: Aspect, asked: Asked
) -> tuple[Entry | None, list[Problem]]:
    try:
        typed = _typed(sheet, row, column, asked)
    except NotOfTypeError as error:
        return None, [_problem(sheet, row, column, f"{asked.label}：{error}", _EXPECTED[asked.type])]
    if typed.blank:
        missing = [_problem(sheet, row, column, f"{asked.label}未填", asked.help)] if asked.required else []
        return None, missing
    value, text = typed.value, typed.text_value
    if aspect == "passed":
        text = text or ""
        if text not in _PASSED:
            return None, [_problem(sheet, row, column, f"{asked.label}为“{text[:40]}”", asked.help)]
        value = _PASSED[text]
    raw = raw_text(sheet.cells.get((row, column)))
    return Entry(aspect, "", value, text, raw, sheet.name, address(row, column), typed.transforms), []


def _consistent(sheet: Sheet, row: int, entries: Sequence[Entry]) -> Iterator[Problem]:
    by_aspect = {e.aspect: e for e in entries}
    passed = by_aspect.get("passed")
    if passed is None or passed.text_value != NOT_EVALUATED:
        return
    for aspect in ("total", "rank"):
        if found := by_aspect.get(cast(Aspect, aspect)):
            label = RESULT_FIELDS[found.aspect].label
            what, right = f"“{NOT_EVALUATED}”而有{label} {found.raw}", f"{NOT_EVALUATED}的不填{label}"
            yield Problem("published_value", what, right, sheet=sheet.name, cell=found.cell)


def _indicators(sheet: Sheet, aspect: Aspect) -> tuple[list[Row], dict[str, tuple[str, str]], list[Problem]]:
    heads, problems = _heads(sheet)
    own = (label_key(UNIT), label_key(NAME))
    texts = {c: raw_text(v) for (r, c), v in sheet.cells.items() if r == HEAD_ROW}
    columns = {
        c: texts[c].split(maxsplit=1)[0] for k, c in heads.items() if k not in own and texts[c].split()
    }
    codes: dict[str, tuple[str, str]] = {}
    for column, code in columns.items():
        if code in codes:
            problems.append(_problem(sheet, HEAD_ROW, column, f"指标“{code[:40]}”出现两次", "每项指标一列"))
        codes.setdefault(code, (sheet.name, address(HEAD_ROW, column)))
    lines, found = _lines(sheet, heads)
    problems += found
    asked = Asked("指标", "number", False)
    rows = []
    for row, unit, name in lines:
        entries = []
        for column, code in columns.items():
            try:
                typed = _typed(sheet, row, column, asked)
            except NotOfTypeError as error:
                problems.append(_problem(sheet, row, column, f"{code[:40]}：{error}", _EXPECTED["number"]))
                continue
            if typed.value is not None:
                raw = raw_text(sheet.cells.get((row, column)))
                cell = address(row, column)
                entries.append(
                    Entry(aspect, code, typed.value, None, raw, sheet.name, cell, typed.transforms)
                )
        if entries:
            cell = address(row, heads.get(label_key(UNIT), 1))
            rows.append(Row(unit, name, sheet.name, cell, tuple(entries)))
    return rows, codes, problems
