"""The work plan: what is owed, by ISO week and by responsible unit, as a workbook to filter and to print."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ipgov.documents.model import date_zh
from ipgov.documents.sheets import TITLE_ROWS, Book, Column, Line, Value
from ipgov.documents.typography import full_width

SUMMARY, BY_WEEK, BY_UNIT, NOTES = "汇总", "按周", "按责任单位", "说明"
_HEAD = TITLE_ROWS + 1
_LATE, _SOON, _PROVISIONAL = "#F8CBAD", "#FFF2CC", "#E7E6E6"
_WEEK = dt.timedelta(days=7)
_DETAILS = (
    Column("期限", 11, align="center"),
    Column("暂定", 6, align="center"),
    Column("剩余工作日", 8, number="0"),
    Column("状态", 12, align="center"),
    Column("事项", 30, wrap=True),
    Column("所涉单位", 18, wrap=True),
    Column("报送对象", 18, wrap=True),
    Column("依据", 24, wrap=True),
    Column("开始日期", 11, align="center"),
    Column("编号", 16, align="center"),
)


@dataclass(frozen=True)
class Item:
    """Something that is owed and not yet done.

    ``days_left``: working days from the plan's day to the due day; 0: due today, negative: so many too late.
    ``reference`` is the short number by which letters speak of it.
    """

    reference: str
    duty: str
    owner: str  # code of the responsible unit: a body's, a province's, or "office"
    owner_name: str
    owed_to: str
    concerns: str  # the body that it is about; empty: none
    basis: str  # clauses as a document names them
    opened_on: dt.date
    due_on: dt.date
    provisional: bool
    days_left: int
    operator: bool = False  # something of it is the operator's own choice

    @property
    def late(self) -> bool:
        """Tell whether the due day is past; nothing is late by a provisional day."""
        return self.days_left < 0 and not self.provisional


@dataclass(frozen=True)
class WorkPlan:
    """What is owed as of a day: everything late, and what is due until ``until``.

    ``soon``: working days within which an item stands out. ``later`` counts what is due after ``until``.
    """

    as_of: dt.date
    until: dt.date
    soon: int
    items: Sequence[Item]
    later: int = 0


def state_of(item: Item, soon: int) -> str:
    """Return where an item stands, in the words of every list of them."""
    if item.late:
        return f"逾期 {-item.days_left} 日"
    if item.days_left < 0:
        return "暂定日已过"
    if item.days_left == 0:
        return "今日到期"
    return "即将到期" if item.days_left <= soon else "办理中"


def week_of(day: dt.date) -> str:
    """Return the ISO week of a day with its first and last day: 2026年第16周（4月13日至4月19日）."""
    year, week, _ = day.isocalendar()
    monday = day - dt.timedelta(days=day.weekday())
    sunday = monday + _WEEK - dt.timedelta(days=1)
    return full_width(f"{year}年第{week}周({monday.month}月{monday.day}日至{sunday.month}月{sunday.day}日)")


def write(plan: WorkPlan, issuer: str, banner: str = "") -> bytes:
    """Return the .xlsx: a summary by responsible unit, all items by week, all items by unit, how to read."""
    title = f"工作计划（{date_zh(plan.as_of)}至{date_zh(plan.until)}）"
    book = Book("工作计划", issuer, banner, f"基准日：{date_zh(plan.as_of)}")
    _summary(book, plan, title)
    _listed(book, plan, title, BY_WEEK, by_week=True)
    _listed(book, plan, title, BY_UNIT, by_week=False)
    _notes(book, plan, title)
    return book.close()


def _summary(book: Book, plan: WorkPlan, title: str) -> None:
    sheet = book.sheet(SUMMARY, title, f"每个责任单位各有几项；另有 {plan.later} 项在此之后到期。")
    columns = (
        Column("责任单位", 34, wrap=True),
        *(
            Column(h, 14, number="0", align="center")
            for h in ("待办", "逾期", "今日到期", "即将到期", "暂定")
        ),
        Column("最近期限", 16, align="center"),
    )
    lines = [_counted(name, items, plan.soon) for name, items in _by_owner(plan.items)]
    lines.append(_counted("合计", plan.items, plan.soon, total=True))
    book.table(sheet, _HEAD, columns, lines)


def _counted(name: str, items: Sequence[Item], soon: int, *, total: bool = False) -> Line:
    late = sum(i.late for i in items)
    first = min((i.due_on for i in items), default=None)
    cells: tuple[Value, ...] = (
        name,
        len(items),
        late,
        sum(i.days_left == 0 for i in items),
        sum(0 < i.days_left <= soon for i in items),
        sum(i.provisional for i in items),
        first.isoformat() if first else "",
    )
    return Line(cells, bold=total, colour=_LATE if late and not total else "")


def _by_owner(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    ordered = sorted(items, key=lambda i: (i.owner, i.owner_name, i.due_on, i.reference))
    for (_, name), group in groupby(ordered, key=lambda i: (i.owner, i.owner_name)):
        yield name, list(group)


def _listed(book: Book, plan: WorkPlan, title: str, name: str, *, by_week: bool) -> None:
    meaning = "逾期的在前；其余按到期的周排列。" if by_week else "按责任单位排列，各自按期限先后。"
    sheet = book.sheet(name, title, f"{meaning}暂定日期另行标明；逾期日数为工作日。")
    week, owner = Column("周次", 17, wrap=True), Column("责任单位", 20, wrap=True)
    columns = (week, owner, *_DETAILS) if by_week else (owner, week, *_DETAILS)
    if by_week:
        ordered = sorted(plan.items, key=lambda i: (i.due_on, i.owner, i.reference))
    else:
        ordered = [i for _, items in _by_owner(plan.items) for i in items]
    lines = []
    for item in ordered:
        first = ("逾期" if item.late else week_of(item.due_on), item.owner_name)
        lines.append(
            Line((*(first if by_week else first[::-1]), *_cells(item, plan)), colour=_colour(item, plan))
        )
    below = book.table(sheet, _HEAD, columns, lines)
    sheet.freeze_panes(_HEAD, 2)
    if lines:
        sheet.autofilter(_HEAD - 1, 0, below - 2, len(columns) - 1)
    else:
        book.put(sheet, below, 1, "没有待办事项。", book.format())


def _cells(item: Item, plan: WorkPlan) -> tuple[Value, ...]:
    basis = "；".join(p for p in (item.basis, "运行方自定" if item.operator else "") if p)
    return (
        item.due_on.isoformat(),
        "暂定" if item.provisional else "",
        item.days_left,
        state_of(item, plan.soon),
        item.duty,
        item.concerns,
        item.owed_to,
        basis,
        item.opened_on.isoformat(),
        item.reference,
    )


def _colour(item: Item, plan: WorkPlan) -> str:
    if item.late:
        return _LATE
    if item.days_left <= plan.soon:
        return _SOON
    return _PROVISIONAL if item.provisional else ""


def _notes(book: Book, plan: WorkPlan, title: str) -> None:
    sheet = book.sheet(NOTES, title, "怎样读本计划。")
    rows = (
        ("基准日", f"{date_zh(plan.as_of)}；所列为该日当时已知的情况，当日办结的不再列出。"),
        (
            "范围",
            f"全部逾期事项，以及至{date_zh(plan.until)}到期的事项；其后到期的只计件数。",
        ),
        ("剩余工作日", "自基准日之次日起至期限（含当日）的工作日数；0 为今日到期，负数为已逾期的工作日数。"),
        ("即将到期", f"剩余 {plan.soon} 个工作日以内（运行方自定）。"),
        ("暂定", "其间的放假安排尚未公布，日期按周一至周五和法定节日推算；公布后重新推算，原日期保留在案。"),
        ("颜色", "橙色为逾期，黄色为即将到期，灰色为暂定；黑白打印时以“状态”“暂定”两栏为准。"),
        ("周次", "按 ISO 8601：周一为一周之首，含当年第一个周四的周为第 1 周。"),
        ("编号", "往来文书注明的事项编号；用于 ipgov duty 各命令。"),
    )
    columns = (Column("项目", 16), Column("说明", 110, wrap=True))
    book.table(sheet, _HEAD, columns, [Line(r) for r in rows])
