"""The sheet 附件清单 of the form: one row per attachment, drawn after the sheets of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ipgov.intake.attachment_list import FIELDS, HEADINGS, KIND, SEPARATOR, FilledRow, demands, provable
from ipgov.intake.layout import LINE, TITLE_FONT, Choices, Styles, heading, set_up_page, write_comment
from ipgov.policy.rules import RuleVersion
from ipgov.registry.platforms import Unit

_WIDTHS = (6, 44, 22, 44, 28)


def draw_list(
    book: Any,
    styles: Styles,
    choices: Choices,
    rules: RuleVersion,
    period: str,
    unit: Unit,
    banner: str,
    rows: Sequence[FilledRow],
) -> None:
    """Draw the sheet, with ``rows`` filled in; nothing where nothing is asked of the body's kind."""
    form, asked = rules.form, rules.form.attachments
    kinds = asked.kinds_for(unit.kind) if asked else {}
    if asked is None or not kinds:
        return
    page = book.add_worksheet(asked.sheet)
    for column, width in enumerate(_WIDTHS):
        page.set_column(column, column, width)
    last = len(HEADINGS) - 1
    row = heading(page, styles, f"{form.title}——{asked.sheet}", banner, len(HEADINGS))
    year = f"{rules.period_name}：{period} 年"
    who = f"填报单位：{unit.name}（代码 {unit.unit}，{rules.kinds[unit.kind].name}）    {year}"
    several = f"{FIELDS}可写多个，以“{SEPARATOR}”隔开。"
    for line in (
        who,
        *demands(asked, unit.kind),
        *([several] if any(k.fields for k in kinds.values()) else []),
    ):
        page.merge_range(row, 0, row, last, line, styles.get(text_wrap=True))
        page.set_row(row, 20 if len(line) <= 70 else 34)
        row += 1
    for column, text in enumerate(HEADINGS):
        style = styles.boxed(bold=True, align="center", bg_color="#D9E2F3", font_name=TITLE_FONT)
        page.write_string(row, column, text, style)
    page.set_row(row, 24)
    set_up_page(page, header_row=row)
    fields = [form.fields[c].label for k in kinds.values() for c in provable(form, k, unit.kind)]
    lists = {KIND: tuple(k.name for k in kinds.values()), FIELDS: tuple(dict.fromkeys(fields))}
    for number in range(1, max(asked.max_count, len(rows)) + 1):
        filled = rows[number - 1] if number <= len(rows) else FilledRow({})
        _draw_row(page, styles, choices, row + number, number, filled, lists)
    page.set_selection(row + 1, 1, row + 1, 1)
    page.protect("", {"format_columns": True, "format_rows": True})


def _draw_row(
    page: Any,
    styles: Styles,
    choices: Choices,
    row: int,
    number: int,
    filled: FilledRow,
    lists: Mapping[str, tuple[str, ...]],
) -> None:
    page.write_number(row, 0, number, styles.boxed(align="center"))
    page.set_row(row, 22)
    for column, title in enumerate(HEADINGS[1:], 1):
        problems = filled.problems.get(title, ())
        colour = {"bg_color": "#FFF9DB", "border_color": LINE}
        if problems:
            colour = {"bg_color": "#F8CBAD", "border_color": "#C00000"}
        style = styles.get(border=1, text_wrap=True, num_format="@", locked=False, **colour)
        if text := filled.texts.get(title, ""):
            page.write_string(row, column, text, style)
        else:
            page.write_blank(row, column, None, style)
        if problems:
            write_comment(page, row, column, "\n".join(problems))
        listed = lists.get(title, ())
        if listed:
            several = title == FIELDS
            rule = {"validate": "list", "source": choices.reference(listed), "error_title": "填写有误"}
            # several labels in one cell are none of the list: told, not stopped
            rule |= {"error_type": "information" if several else "stop"}
            rule |= {
                "error_message": f"多个栏目以“{SEPARATOR}”隔开"
                if several
                else f"应为：{'、'.join(listed)}"[:255]
            }
            page.data_validation(row, column, row, column, rule)
