"""The workbook that a body fills in: the blank form, drawn from the rules."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ipgov.core.packing import repacked
from ipgov.intake.attachment_list import FilledRow
from ipgov.intake.attachment_sheet import draw_list
from ipgov.intake.identity import SHEET as IDENTITY_SHEET
from ipgov.intake.identity import identity
from ipgov.intake.layout import (
    LINE,
    TITLE_FONT,
    Choices,
    Styles,
    heading,
    line_count,
    set_up_page,
    write_comment,
)
from ipgov.intake.locate import NAME_PREFIX, VALUE_HEADING
from ipgov.intake.wording import day_limits, decimals_kept, expectation, range_text
from ipgov.policy.rules import FormField, FormSheet, RuleVersion
from ipgov.registry.platforms import Unit

HEADINGS = ("序号", "指标", "计量单位", VALUE_HEADING, "填报说明")
_WIDTHS = (6, 34, 10, 22, 44)
VALUE_COLUMN = HEADINGS.index(VALUE_HEADING)
# workbooks carry a date of making; one that never changes keeps the same form the same bytes
MADE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_MAX_EXACT_DIGITS = 15
_HIGHEST = 180  # points of a row: what is typed beyond is there, but not seen at once


@dataclass(frozen=True)
class Filled:
    """What a value cell is prefilled with, and what is wrong there (empty: nothing), in Chinese."""

    content: Decimal | dt.date | str | None = None
    problems: tuple[str, ...] = ()


Draw = Callable[[Any, Styles], None]


def blank(rules: RuleVersion, rule_sha256: str, period: str, unit: Unit, banner: str = "") -> bytes:
    """Return the blank form of a unit for a period: the same inputs give the same bytes.

    ``banner`` is printed in red on top of every sheet (a simulation says so).
    """
    return draw(rules, rule_sha256, period, unit, banner, {}, None)


def draw(
    rules: RuleVersion,
    rule_sha256: str,
    period: str,
    unit: Unit,
    banner: str,
    filled: Mapping[str, Filled],
    before: Draw | None,
    attachments: Sequence[FilledRow] = (),
) -> bytes:
    """Return the form, prefilled by field code and list row; ``before`` adds sheets in front of it."""
    import xlsxwriter

    output = io.BytesIO()
    book = xlsxwriter.Workbook(
        output, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"title": rules.form.title, "created": MADE, "author": rules.issuer.name})
    styles = Styles(book)
    if before is not None:
        before(book, styles)
    sheets = [(s, own) for s in rules.form.sheets if (own := _fields_for(s, unit.kind))]
    choices = Choices(book)
    for number, (sheet, fields) in enumerate(sheets, 1):
        _draw_sheet(book, styles, choices, rules, sheet, fields, period, unit, banner, filled)
        if number == 1 and before is None:
            book.get_worksheet_by_name(sheet.name).activate()
    draw_list(book, styles, choices, rules, period, unit, banner, attachments)
    choices.write()
    _write_identity(book, rules, rule_sha256, period, unit)
    book.close()
    return repacked(output.getvalue())


def _fields_for(sheet: FormSheet, kind: str) -> list[FormField]:
    return [f for f in sheet.fields if not f.kinds or kind in f.kinds]


def _draw_sheet(
    book: Any,
    styles: Styles,
    choices: Choices,
    rules: RuleVersion,
    sheet: FormSheet,
    fields: Sequence[FormField],
    period: str,
    unit: Unit,
    banner: str,
    filled: Mapping[str, Filled],
) -> None:
    page = book.add_worksheet(sheet.name)
    for column, width in enumerate(_WIDTHS):
        page.set_column(column, column, width)
    kind = rules.kinds[unit.kind].name
    row = heading(page, styles, rules.form.title, banner, len(HEADINGS))
    lines = (
        f"{rules.title}    {rules.period_name}：{period} 年",
        f"填报单位：{unit.name}（代码 {unit.unit}，{kind}）",
        f"{sheet.name}。只填黄色单元格；“必填”项不得留空。报送时不要改动表名、指标名称和其他单元格。",
    )
    for line in lines:
        page.merge_range(row, 0, row, len(HEADINGS) - 1, line, styles.get(text_wrap=True))
        page.set_row(row, 20)
        row += 1
    for column, text in enumerate(HEADINGS):
        page.write_string(
            row,
            column,
            text,
            styles.boxed(bold=True, align="center", bg_color="#D9E2F3", font_name=TITLE_FONT),
        )
    page.set_row(row, 24)
    set_up_page(page, header_row=row)
    for number, field in enumerate(fields, 1):
        content = filled.get(field.code, Filled())
        _draw_field(page, styles, choices, row + number, number, field, period, content)
        place = f"$D${row + number + 1}"
        book.define_name(f"{NAME_PREFIX}{field.code}", f"={_quoted(sheet.name)}!{place}")
    page.set_selection(row + 1, VALUE_COLUMN, row + 1, VALUE_COLUMN)
    page.protect("", {"format_columns": True, "format_rows": True})


def _draw_field(
    page: Any,
    styles: Styles,
    choices: Choices,
    row: int,
    number: int,
    field: FormField,
    period: str,
    filled: Filled,
) -> None:
    page.write_number(row, 0, number, styles.boxed(align="center"))
    page.write_string(row, 1, field.label, styles.boxed(indent=1))
    page.write_string(row, 2, field.unit or "—", styles.boxed(align="center"))
    note = "".join(
        (
            "必填。" if field.required else "可不填。",
            f"{field.help}。" if field.help else "",
            expectation(field, period),
            "。",
        )
    )
    page.write_string(row, 4, note, styles.boxed(font_size=9, font_color="#404040", indent=1))
    typed = filled.content if isinstance(filled.content, str) else ""
    high = max(14 * line_count(typed, _WIDTHS[VALUE_COLUMN]), 12 * line_count(note, _WIDTHS[4] * 11 / 9))
    page.set_row(row, min(max(22, high + 6), _HIGHEST))
    colour: dict[str, Any] = {"bg_color": "#FFF9DB"}
    aligned = {"align": "left", "indent": 1} if typed and filled.problems else {}
    if filled.problems:  # what is wrong is shown as it stands, not as the field's format would round it
        colour = {"bg_color": "#F8CBAD", "border_color": "#C00000", "num_format": "General"}
    style = styles.get(
        **{
            "border": 1,
            "border_color": LINE,
            "text_wrap": True,
            **_look(field),
            **aligned,
            **colour,
            "locked": False,
        }
    )
    _write_content(page, row, filled.content, style, styles, field)
    page.data_validation(row, VALUE_COLUMN, row, VALUE_COLUMN, _validation(field, period, choices))
    if filled.problems:
        write_comment(page, row, VALUE_COLUMN, "\n".join(filled.problems))


def _look(field: FormField) -> dict[str, Any]:
    match field.type:
        case "amount" | "count" | "number" | "percent":
            kept = decimals_kept(field)
            return {"num_format": "#,##0" + ("." + "0" * kept if kept else ""), "align": "right", "indent": 1}
        case "date":
            return {"num_format": "yyyy-mm-dd", "align": "center"}
        case "yes_no" | "choice":
            return {"align": "center"}
    return {"num_format": "@", "align": "left"}


def _write_content(
    page: Any, row: int, content: Decimal | dt.date | str | None, style: Any, styles: Styles, field: FormField
) -> None:
    """Write a value as what it is; never as a formula, whatever a sender typed."""
    match content:
        case None:
            page.write_blank(row, VALUE_COLUMN, None, style)
        case Decimal():
            if len(content.as_tuple().digits) <= _MAX_EXACT_DIGITS:
                page.write_number(row, VALUE_COLUMN, float(content), style)
            else:
                page.write_string(row, VALUE_COLUMN, format(content, "f"), style)
        case dt.date():
            page.write_datetime(row, VALUE_COLUMN, content, style)
        case str():
            page.write_string(row, VALUE_COLUMN, content, style)


def _validation(field: FormField, period: str, choices: Choices) -> dict[str, Any]:
    stop = {
        "error_title": "填写有误",
        "error_message": f"“{field.label}”应为：{expectation(field, period)}"[:255],
        "error_type": "stop",
    }
    match field.type:
        case "yes_no":
            return {"validate": "list", "source": ["是", "否"], **stop}
        case "choice":
            return {"validate": "list", "source": choices.reference(field.choices), **stop}
        case "date":
            first, last = day_limits(field, period)
            days = {"minimum": first or dt.date(1990, 1, 1), "maximum": last or dt.date(2100, 12, 31)}
            return {"validate": "date", "criteria": "between", **days, **stop}
        case "text":
            return {"validate": "length", "criteria": "<=", "value": 500, **stop}
    kind = "decimal" if decimals_kept(field) else "integer"
    if field.minimum is not None and field.maximum is not None:
        limits: dict[str, Any] = {"minimum": _number(field.minimum), "maximum": _number(field.maximum)}
        return {"validate": kind, "criteria": "between", **limits, **stop}
    if range_text(field):
        least = field.minimum is not None
        value = _number(field.minimum if field.minimum is not None else field.maximum)
        return {"validate": kind, "criteria": ">=" if least else "<=", "value": value, **stop}
    # a number of any size
    return {"validate": kind, "criteria": "between", "minimum": -1e15, "maximum": 1e15, **stop}


def _number(value: Decimal | None) -> int | float:
    assert value is not None  # noqa: S101
    return int(value) if value == value.to_integral_value() else float(value)


def _write_identity(book: Any, rules: RuleVersion, rule_sha256: str, period: str, unit: Unit) -> None:
    form = rules.form
    rows = identity(form.id, form.version, rules.programme, period, unit.unit, rule_sha256)
    page = book.add_worksheet(IDENTITY_SHEET)
    for row, (key, value) in enumerate(rows.items()):
        page.write_string(row, 0, key)
        page.write_string(row, 1, value)
    page.protect()
    page.very_hidden()


def _quoted(sheet: str) -> str:
    return sheet if re.fullmatch(r"[A-Za-z_]\w*", sheet, re.A) else "'" + sheet.replace("'", "''") + "'"
