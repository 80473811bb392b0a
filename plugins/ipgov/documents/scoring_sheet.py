"""The workbook in which an expert scores: one sheet an indicator, one row a body, recused bodies locked.

A body is scored, or the expert says why not; both or neither is a mistake. What comes back is read by
``returned_scores``.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ipgov.documents.sheets import PROTECTION, Book
from ipgov.documents.typography import full_width, width_ems

GUIDE = "填写说明"
HEAD_ROW = 5  # title, meaning, banner and what is judged stand above; all counted from 1
SCORE_HEAD, REASON_HEAD, COMMENT_HEAD = "得分", "弃评理由", "评语（可不填）"
UNIT_COLUMN = 2
RECUSED = "回避"
MAX_TEXT = 200
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_SHEET_LENGTH = 31  # a limit of the workbook format
_BEFORE_HEAD = "上一轮"
_FREE, _SHUT, _LABEL = "#FFFBEB", "#E7E6E6", "#DDE6F0"
_HEAD = {"font_name": "黑体", "border": 1, "align": "center", "text_wrap": True}


@dataclass(frozen=True)
class Item:
    """A body to be scored; ``recused``: why this expert does not; ``before``: what the last round brought."""

    unit: str
    name: str
    kind: str
    recused: str = ""
    before: str = ""


@dataclass(frozen=True)
class Section:
    """An indicator that the expert scores, from ``minimum`` to ``maximum``, and what to look at."""

    code: str
    name: str
    about: str
    minimum: Decimal
    maximum: Decimal
    items: tuple[Item, ...]

    @property
    def sheet(self) -> str:
        """Return the name of its sheet, which the code makes unlike every other."""
        return _FORBIDDEN.sub("", f"{self.code} {self.name}")[:_SHEET_LENGTH].rstrip()


@dataclass(frozen=True)
class ScoringSheet:
    """What one member of a panel is asked in one round.

    ``decimals``: that a score may have. ``notes``: how scores come together, one sentence each.
    ``fingerprint``: of everything that is asked; what comes back must name it.
    """

    title: str
    issuer: str
    programme: str
    period: str
    panel: str
    expert: str
    expert_name: str
    role: str
    due_on: dt.date
    decimals: int
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    fingerprint: str
    body: str = "平台"  # what a body is called

    @property
    def filename(self) -> str:
        """Return the name of the file as it is handed out."""
        return f"{self.period}-{self.panel.replace(' ', '')}-专家评分表-{self.expert}.xlsx"


def scale_text(section: Section, decimals: int) -> str:
    """Say what a score may be."""
    kept = f"至多 {decimals} 位小数" if decimals else "整数"
    return f"{section.minimum:f} 至 {section.maximum:f} 分，{kept}"


def write(asked: ScoringSheet, banner: str) -> bytes:
    """Return the .xlsx: the same question gives the same bytes. RefusedError for text that cannot be printed.

    ``banner`` (of a simulation) stands on every sheet and printed page.
    """
    who = f"{asked.panel} 专家 {asked.expert} {asked.expert_name}"
    book = Book(asked.title, asked.issuer, banner, who)
    _guide(book, asked)
    for section in asked.sections:
        _section(book, asked, section)
    _identity(book, asked)
    return book.close()


def _guide(book: Book, asked: ScoringSheet) -> None:
    free = [i for s in asked.sections for i in s.items if not i.recused]
    shut = {i.unit: f"{i.unit} {i.name}（{i.recused}）" for s in asked.sections for i in s.items if i.recused}
    lines = [
        ("专家组", asked.panel),
        ("专家", f"{asked.expert} {asked.expert_name}（{asked.role}）"),
        ("交回期限", f"{asked.due_on.year} 年 {asked.due_on.month} 月 {asked.due_on.day} 日（当日有效）"),
        ("评分内容", f"{len(asked.sections)} 项指标，共 {len(free)} 个评分"),
        *(
            (s.code, f"{s.name}：{sum(not i.recused for i in s.items)} 家，{scale_text(s, asked.decimals)}")
            for s in asked.sections
        ),
        (f"须回避的{asked.body}", "；".join(shut.values()) or "无"),
    ]
    rules = (
        f"每家{asked.body}在“{SCORE_HEAD}”栏打分；不能评的，“{SCORE_HEAD}”留空，在“{REASON_HEAD}”栏写明理由。",
        f"“{RECUSED}”的{asked.body}已锁定，不评分。表上未列回避而与{asked.body}有利害关系的，请勿评分，"
        f"在“{REASON_HEAD}”栏写明，并告知经办人。",
        "请独立评分；底色较深的单元格表示尚未填写。",
        *asked.notes,
        "填好后保存为 .xlsx 交回。改动锁定的内容，来件不予接受并列明所改单元格；再次交回的以最后一次为准。",
    )
    lines += [(f"说明 {number}", rule) for number, rule in enumerate(rules, 1)]
    meaning = "先读本页，再逐表评分；只填浅黄色单元格，其余单元格已锁定。"
    book.guide(GUIDE, f"{asked.title}专家评分表（{asked.period} 年度）", meaning, HEAD_ROW, lines)


def _section(book: Book, asked: ScoringSheet, section: Section) -> None:
    who = f"{asked.panel}，专家 {asked.expert} {asked.expert_name}"
    meaning = f"{who}；逐家打分（{scale_text(section, asked.decimals)}）或写明弃评理由。"
    sheet = book.sheet(section.sheet, f"{section.code} {section.name}", meaning)
    before = any(i.before for i in section.items)
    columns: list[tuple[str, float]] = [("序号", 6), (f"{asked.body}编号", 10), (f"{asked.body}名称", 32)]
    columns += [("类别", 13)]
    columns += [(_BEFORE_HEAD, 24)] if before else []
    columns += [(SCORE_HEAD, 10), (REASON_HEAD, 26), (COMMENT_HEAD, 30)]
    wide = sum(width for _, width in columns)
    about = book.format(text_wrap=True, font_size=11, valign="top", font_color="#1F3864")
    sheet.merge_range(3, 0, 3, len(columns) - 1, "", about)
    book.put(sheet, 4, 1, full_width(section.about), about)
    sheet.set_row(3, 6 + 16 * max(1, -(-int(2.2 * width_ems(section.about)) // int(wide))))
    free = len(columns) - 3
    for number, (head, width) in enumerate(columns):
        sheet.set_column(number, number, width)
        colour = "#FFE699" if number >= free else _LABEL
        book.put(sheet, HEAD_ROW, number + 1, head, book.format(**_HEAD, bg_color=colour))
    sheet.set_row(HEAD_ROW - 1, 26)
    for number, item in enumerate(section.items, 1):
        _item(book, sheet, HEAD_ROW + number, number, item, before, asked.decimals)
    last = HEAD_ROW + len(section.items)
    if section.items:
        _rules(book, sheet, section, asked.decimals, free, last)
    book.put(sheet, last + 2, 2, "专家签名：", book.format(font_size=11))
    book.put(sheet, last + 2, free, "日期：", book.format(font_size=11))
    sheet.freeze_panes(HEAD_ROW, 3)
    sheet.repeat_rows(HEAD_ROW - 1)
    sheet.set_selection(HEAD_ROW, free, HEAD_ROW, free)
    sheet.protect("", PROTECTION)


def _item(book: Book, sheet: Any, row: int, number: int, item: Item, before: bool, decimals: int) -> None:
    shut = {"bg_color": _SHUT, "font_color": "#595959"} if item.recused else {}
    centred = book.format(border=1, align="center", **shut)
    text = book.format(border=1, text_wrap=True, **shut)
    cells: list[tuple[int | str, Any]] = [(number, centred), (item.unit, centred), (item.name, text)]
    cells += [(item.kind, centred), *([(full_width(item.before), text)] if before else [])]
    if item.recused:
        cells += [(RECUSED, centred), (full_width(item.recused), text), ("", text)]
    else:
        shown = "0." + "0" * decimals if decimals else "0"
        free = {"border": 1, "locked": False, "bg_color": _FREE}
        score = book.format(**free, align="center", font_size=12, num_format=shown)
        words = book.format(**free, text_wrap=True, num_format="@")
        cells += [("", score), ("", words), ("", words)]
    for column, (value, style) in enumerate(cells, 1):
        book.put(sheet, row, column, value, style)
    lines = max(
        -(-int(2 * width_ems(t)) // w) for t, w in ((item.name, 30), (item.before, 22), (item.recused, 24))
    )
    sheet.set_row(row - 1, max(24, 6 + 14 * lines))


def _rules(book: Book, sheet: Any, section: Section, decimals: int, free: int, last: int) -> None:
    """Let the cells refuse what cannot be a score, and show what is not filled in yet."""
    low, high = float(section.minimum), float(section.maximum)
    stop = {"error_title": "填写有误", "error_type": "stop", "ignore_blank": True}
    scale = scale_text(section, decimals)
    sheet.data_validation(
        HEAD_ROW,
        free,
        last - 1,
        free,
        {
            "validate": "decimal" if decimals else "integer",
            "criteria": "between",
            "minimum": low,
            "maximum": high,
            "input_title": SCORE_HEAD,
            "input_message": full_width(f"{scale}。不能评的留空，在右栏写明理由。"),
            "error_message": full_width(f"应为：{scale}"),
            **stop,
        },
    )
    length = {"validate": "length", "criteria": "<=", "value": MAX_TEXT}
    error = {"error_message": f"不超过 {MAX_TEXT} 字", **stop}
    sheet.data_validation(HEAD_ROW, free + 1, last - 1, free + 2, {**length, **error})
    score, reason = (f"${chr(65 + c)}{HEAD_ROW + 1}" for c in (free, free + 1))
    for rule, colour, to in (
        (f'AND({score}="",{reason}="")', "#FFE08A", free),  # nothing yet
        (f'AND({score}<>"",{reason}<>"",{score}<>"{RECUSED}")', "#F8CBAD", free + 1),  # both
    ):
        style = book.workbook.add_format({"bg_color": colour})
        criteria = {"type": "formula", "criteria": f"={rule}", "format": style}
        sheet.conditional_format(HEAD_ROW, free, last - 1, to, criteria)


def _identity(book: Book, asked: ScoringSheet) -> None:
    """Write what the returned workbook is known and read by: key and value, then a row for each sheet."""
    book.identity(
        [
            ("fingerprint", asked.fingerprint),
            ("programme", asked.programme),
            ("period", asked.period),
            ("panel", asked.panel),
            ("expert", asked.expert),
            ("decimals", str(asked.decimals)),
            *(
                ("sheet", s.sheet, s.code, format(s.minimum, "f"), format(s.maximum, "f"))
                for s in asked.sections
            ),
        ]
    )
