"""The sheet 敏感性: what was varied, how firm ranks and grades are, what matters most, and a chart of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from ipgov.documents.typography import full_width
from ipgov.evaluation.sensitivity.analysis import Sensitivity, UnitFirmness

SHEET = "敏感性"
MEANING = full_width(
    "权重与方法在下列范围内随机变动、反复计算后，名次与等级有多稳：区间窄、稳定度高的结论可靠；"
    "只供评审参考，不改变评价结果。"
)
# a chart with more units than this cannot be read: then the best half of it, and the least firm of the others
CHARTED = 40
_NAMED, _SHORT = 20, 10  # with more units, only codes stand under the chart; a name is cut to so much
_CHART_ROWS, _ROW_POINTS = 24, 20
_PERCENT = "0.0%"
_Cell = str | int | Decimal | None


class Book(Protocol):
    """A workbook being written."""

    workbook: Any

    def format(self, **properties: Any) -> Any:
        """Return a format."""

    def put(self, sheet: Any, row: int, column: int, value: Any, style: Any) -> None:
        """Write a value; rows and columns count from 1."""


def interval(unit: UnitFirmness) -> str:
    """Return the interval of a unit's ranks as text; empty where it has none."""
    return "" if unit.low is None else f"{unit.low}–{unit.high}"


def settings_lines(found: Sensitivity, body: str) -> list[tuple[str, str]]:
    """Return what was varied, how often and from which seed, in Chinese; ``body``: what a body is called."""
    low, high = (format(p.normalize(), "f") for p in (found.rules.interval.low, found.rules.interval.high))
    varied = [(f"变动{n}", text) for n, text in enumerate(found.varied(), 1)]
    lines = [
        *varied,
        ("次数与种子", f"{found.rules.draws} 次，种子 {found.rules.seed}；同一种子在任何机器上结果相同"),
        ("名次区间", f"全部次数中名次的第 {low} 至第 {high} 百分位"),
        ("等级稳定度", "全部次数中等级与本次评价相同的比例；等级、名额按每一次的名次重新确定"),
        ("名次平均变动", f"{found.rank_shift} 位（全部次数、全部{body}的平均绝对变动）"),
        ("方法", "经合组织、欧盟联合研究中心《综合指标编制手册》（2008）第七步：不确定性与敏感性分析"),
    ]
    if found.by_engine:
        lines.append(("计算方式", f"逐次由评价引擎计算（规则含 {'、'.join(found.by_engine)}）"))
    return [(label, full_width(text)) for label, text in lines]


def workbook(
    found: Sensitivity, title: str, author: str, names: Mapping[str, tuple[str, str]], body: str
) -> bytes:
    """Return a workbook of this one sheet: the same findings give the same bytes."""
    from ipgov.documents.sheets import TITLE_ROWS
    from ipgov.documents.sheets import Book as Sheets

    book = Sheets(title, author)
    sheet = book.sheet(SHEET, title, MEANING)
    write_sheet(book, sheet, TITLE_ROWS + 1, found, names, body)
    return book.close()


def write_sheet(
    book: Book,
    sheet: Any,
    first_row: int,
    found: Sensitivity,
    names: Mapping[str, tuple[str, str]],
    body: str,
) -> tuple[int, int]:
    """Write everything below the head of a sheet; return its last row and column.

    ``names``: unit → (name, kind); ``body``: what the programme calls a body.
    """
    label = book.format(border=1, font_name="黑体", bg_color="#DDE6F0")
    row = first_row
    for left, right in settings_lines(found, body):
        book.put(sheet, row, 1, left, label)
        book.put(sheet, row, 2, right, book.format())
        row += 1
    chart_row = row + 1
    for place in range(chart_row, chart_row + _CHART_ROWS):
        sheet.set_row(place - 1, _ROW_POINTS)
    table_row = chart_row + _CHART_ROWS + 1
    columns = _unit_columns(found, names, body)
    _widths(sheet, 1, columns)
    _table(book, sheet, table_row, 1, columns, found.units)
    beside = len(columns) + 2
    _widths(sheet, beside, _charted_columns(names, 0, body))
    told = [f for f in found.factors if f.first_order or f.rank_shift][: _CHART_ROWS - 2]
    _table(book, sheet, chart_row, beside, _factor_columns(), told)
    if others := len(found.factors) - len(told):
        text = full_width(f"其余{others}项因素影响更小或不影响名次")
        book.put(sheet, chart_row + len(told) + 1, beside, text, book.format())
    if shown := charted(found.units):
        data = _charted_columns(names, len(shown), body)
        _table(book, sheet, table_row, beside, data, shown)
        ranked = sum(u.rank is not None for u in found.units)
        _chart(book, sheet, chart_row, (table_row, beside), shown, ranked)
    return table_row + len(found.units), beside + len(_charted_columns(names, 0, body)) - 1


def _widths(sheet: Any, column: int, columns: Sequence[_Column]) -> None:
    for number, (_, width, _, _) in enumerate(columns, column):
        sheet.set_column(number - 1, number - 1, width)


def charted(units: Sequence[UnitFirmness]) -> list[UnitFirmness]:
    """Return the units that the chart shows, in the order of ranks."""
    ranked = [u for u in units if u.rank is not None and u.median is not None]
    if len(ranked) <= CHARTED:
        return ranked
    best, others = ranked[: CHARTED // 2], ranked[CHARTED // 2 :]
    least_firm = sorted(others, key=lambda u: (u.kept, u.rank, u.unit))[: CHARTED - len(best)]
    return [*best, *(u for u in others if u in least_firm)]


_Column = tuple[str, float, str, Callable[[Any], _Cell]]


def _unit_columns(found: Sensitivity, names: Mapping[str, tuple[str, str]], body: str) -> list[_Column]:
    def share(grade: str) -> Callable[[UnitFirmness], _Cell]:
        return lambda u: _part(u.grades.get(grade, 0), u.draws)

    return [
        (f"{body}编号", 16, "", lambda u: u.unit),
        (f"{body}名称", 34, "", lambda u: names[u.unit][0]),
        ("类别", 12, "", lambda u: names[u.unit][1]),
        ("名次", 6, "0", lambda u: u.rank),
        ("中位名次", 7, "0", lambda u: u.median),
        ("区间下限", 7, "0", lambda u: u.low),
        ("区间上限", 7, "0", lambda u: u.high),
        ("名次变动的次数占比", 10, _PERCENT, lambda u: _part(u.moved, u.draws) if u.rank else None),
        ("等级", 8, "", lambda u: u.grade or "未评价"),
        ("等级稳定度", 9, _PERCENT, lambda u: u.kept),
        *((full_width(f"得“{g}”的占比"), 9, _PERCENT, share(g)) for g in found.grades),
    ]


def _part(count: int, whole: int) -> Decimal:
    return (Decimal(count) / whole).quantize(Decimal("0.0001"))


def _factor_columns() -> list[_Column]:
    return [
        ("变动的因素", 30, "", lambda f: full_width(f.name)),
        ("解释的名次变异（一阶指数）", 14, _PERCENT, lambda f: f.first_order),
        ("单独变动时名次平均变动", 14, "0.0000", lambda f: f.rank_shift),
    ]


def _charted_columns(names: Mapping[str, tuple[str, str]], shown: int, body: str) -> list[_Column]:
    def told(u: UnitFirmness) -> str:
        name = names[u.unit][0] if shown <= _NAMED else ""
        return f"{u.unit} {name if len(name) <= _SHORT else name[: _SHORT - 1] + '…'}".strip()

    return [
        (f"图中{body}", 34, "", told),
        ("图中名次", 15, "0", lambda u: u.rank),
        ("图中中位名次", 15, "0", lambda u: u.median),
        ("至区间下限", 9, "0", lambda u: u.median - u.low),
        ("至区间上限", 9, "0", lambda u: u.high - u.median),
    ]


def _table(
    book: Book, sheet: Any, row: int, column: int, columns: Sequence[_Column], items: Sequence[Any]
) -> None:
    head = book.format(font_name="黑体", bg_color="#DDE6F0", border=1, align="center", text_wrap=True)
    sheet.set_row(row - 1, 44)
    for number, (text, _, style, value) in enumerate(columns, column):
        book.put(sheet, row, number, text, head)
        shown = {"border": 1, **({"num_format": style, "align": "center"} if style else {"shrink": True})}
        for at, item in enumerate(items, row + 1):
            book.put(sheet, at, number, value(item), book.format(**shown))


def _chart(
    book: Book, sheet: Any, row: int, data: tuple[int, int], shown: Sequence[UnitFirmness], ranked: int
) -> None:
    """Draw medians with the interval as error bars, and the rank that was given.

    ``data``: row and column of the head of the table of what is shown.
    """
    name, first, column = sheet.get_name(), data[0], data[1] - 1
    last = first + len(shown) - 1

    def cells(offset: int) -> list[Any]:
        return [name, first, column + offset, last, column + offset]

    def reference(offset: int) -> str:
        from xlsxwriter.utility import xl_range_abs

        return f"='{name}'!{xl_range_abs(first, column + offset, last, column + offset)}"

    blue, red = {"color": "#2E75B6"}, {"color": "#E60012"}
    chart = book.workbook.add_chart({"type": "line"})
    chart.add_series(
        {
            "name": "中位名次与名次区间",
            "categories": cells(0),
            "values": cells(2),
            "line": {"none": True},
            "marker": {"type": "square", "size": 6, "fill": blue, "border": {"none": True}},
            "y_error_bars": {
                "type": "custom",
                "plus_values": reference(4),
                "minus_values": reference(3),
                "line": {**blue, "width": 1.75},
            },
        }
    )
    chart.add_series(
        {
            "name": "本次名次",
            "categories": cells(0),
            "values": cells(1),
            "line": {"none": True},
            "marker": {"type": "diamond", "size": 7, "fill": red, "border": {"none": True}},
        }
    )
    font = {"name": "宋体", "size": 9}
    some = "" if len(shown) == ranked else _which(len(shown), ranked)
    chart.set_title(
        {
            "name": f"名次区间{some}",
            "name_font": {"name": "黑体", "size": 12, "bold": False},
            "overlay": False,
        }
    )
    chart.set_x_axis(
        {"label_position": "high", "num_font": {**font, "rotation": -45}, "line": {"color": "#808080"}}
    )
    highest = max(u.high or 1 for u in shown)
    chart.set_y_axis(
        {
            "name": "名次",
            "name_font": {**font, "bold": False},
            "num_font": font,
            "num_format": "0;;",  # no rank 0, though the axis begins there
            "reverse": True,
            "min": 0,
            "max": highest + 1,
            "major_gridlines": {"visible": True, "line": {"color": "#E0E0E0"}},
            **({"major_unit": 1} if highest <= _NAMED else {}),
        }
    )
    chart.set_legend({"position": "bottom", "font": font})
    chart.set_size({"width": 1_080, "height": _CHART_ROWS * _ROW_POINTS * 4 // 3 - 8})
    sheet.insert_chart(row - 1, 0, chart, {"object_position": 2, "description": "名次区间图", "x_offset": 4})


def _which(shown: int, ranked: int) -> str:
    best = CHARTED // 2
    return full_width(f"（{ranked}家中的前{best}名，及其余中等级最不稳的{shown - best}家）")
