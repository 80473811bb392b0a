"""The answer to a file with problems: the current form with what was readable, each problem marked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ipgov.core.errors import Problem
from ipgov.intake.attachment_list import FilledRow, ListedRow
from ipgov.intake.forms import Filled, draw
from ipgov.intake.layout import TITLE_FONT, Styles, heading, line_count, set_up_page
from ipgov.intake.locate import SUMMARY_SHEET
from ipgov.intake.reading import Reading, Value
from ipgov.policy.rules import FormField, RuleVersion
from ipgov.policy.store import clauses
from ipgov.registry.platforms import Unit

_HEADINGS = ("序号", "来件工作表", "来件单元格", "发现的问题", "应为", "依据")
_WIDTHS = (6, 18, 12, 46, 44, 24)


def correction_workbook(
    rules: RuleVersion, rule_sha256: str, period: str, unit: Unit, reading: Reading, banner: str = ""
) -> bytes:
    """Return the correction workbook: corrected and sent back, it is accepted with no further edit.

    Its first sheet lists every problem. Of a file that was not readable nothing is taken over: the form is
    blank behind the list.
    """
    values = {v.field: v for v in reading.values}
    fields = rules.form.fields_for(unit.kind)
    filled = {
        code: Filled(
            _content(field, values.get(code)),
            tuple(f"{p.found}。应为：{p.expected}" for p in reading.faults.get(code, ())),
        )
        for code, field in fields.items()
    }
    return draw(
        rules,
        rule_sha256,
        period,
        unit,
        banner,
        filled,
        lambda book, styles: _summary(book, styles, rules, period, unit, reading, banner),
        tuple(_list_row(row, reading) for row in reading.attachments),
    )


def _list_row(row: ListedRow, reading: Reading) -> FilledRow:
    """Return a row of the list of attachments as it was typed, with its problems by heading."""
    problems = {
        heading: tuple(
            f"{p.found}。应为：{p.expected}"
            for p in reading.list_problems
            if (p.sheet, p.cell) == (row.sheet, cell)
        )
        for heading, cell in row.cells.items()
    }
    return FilledRow(row.texts, problems)


def _content(field: FormField, value: Value | None) -> Decimal | dt.date | str | None:
    """Return what goes into the cell: the value as understood, or the text as it was typed."""
    if value is None:
        return None
    if value.value is not None:
        return ("是" if value.value else "否") if field.type == "yes_no" else value.value
    if value.text_value is not None:
        return dt.date.fromisoformat(value.text_value) if field.type == "date" else value.text_value
    return value.raw.strip() or None


def _summary(
    book: Any, styles: Styles, rules: RuleVersion, period: str, unit: Unit, reading: Reading, banner: str
) -> None:
    page = book.add_worksheet(SUMMARY_SHEET)
    for column, width in enumerate(_WIDTHS):
        page.set_column(column, column, width)
    last = len(_HEADINGS) - 1
    row = heading(page, styles, f"{rules.form.title}——问题汇总", banner, len(_HEADINGS))
    todo = (
        "请在后面各表中改正标为橙色的单元格（批注写有原因），保存后报送本文件即可；其余内容已照原表填好。"
        if reading.readable
        else "来件不能采用，内容未予读取。请在后面各表中填报，保存后报送本文件即可。"
    )
    lines = (
        f"{rules.title}    {rules.period_name}：{period} 年    填报单位：{unit.name}（代码 {unit.unit}）",
        f"来件：{_file(reading.problems)}    共 {len(reading.problems)} 个问题。{todo}",
    )
    for line in lines:
        page.merge_range(row, 0, row, last, line, styles.get(text_wrap=True))
        page.set_row(row, 15 * line_count(line, sum(_WIDTHS)) + 6)
        row += 1
    for column, text in enumerate(_HEADINGS):
        page.write_string(
            row,
            column,
            text,
            styles.boxed(bold=True, align="center", bg_color="#F8CBAD", font_name=TITLE_FONT),
        )
    page.set_row(row, 24)
    set_up_page(page, header_row=row)
    for number, problem in enumerate(reading.problems, 1):
        _problem_row(page, styles, row + number, number, problem)
    page.activate()
    page.protect("", {"format_columns": True, "format_rows": True})


def _problem_row(page: Any, styles: Styles, row: int, number: int, problem: Problem) -> None:
    page.write_number(row, 0, number, styles.boxed(align="center"))
    texts = (
        problem.sheet or "（整个文件）",
        problem.cell or "—",
        problem.found,
        problem.expected,
        _basis(problem.basis),
    )
    for column, text in enumerate(texts, 1):
        style = styles.boxed(align="center") if column == 2 else styles.boxed(indent=1)
        page.write_string(row, column, text, style)
    high = max(line_count(t, w - 1) for t, w in zip(texts, _WIDTHS[1:], strict=True))
    page.set_row(row, max(22, 15 * high + 4))


def _basis(basis: str) -> str:
    """Say a basis as the sender knows it: the document's number; our own choices as such."""
    if basis == "operator":
        return "填报要求"
    known: Mapping[str, Mapping[str, str]] = clauses()
    documents = dict.fromkeys(known[c]["doc_no"] if c in known else c for c in basis.split("、"))
    return "、".join(documents) + f"\n（{basis}）"


def _file(problems: tuple[Problem, ...]) -> str:
    return next((p.file for p in problems if p.file), "—")
