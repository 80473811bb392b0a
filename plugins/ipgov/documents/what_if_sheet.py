"""The policy maker's workbook on a draft: one page to read in a minute, then every detail behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ipgov.core.fingerprint import short_code
from ipgov.documents.sheets import TITLE_ROWS, Book, Column, Line, fixed
from ipgov.documents.typography import full_width
from ipgov.evaluation.basis import in_chinese
from ipgov.evaluation.comparison.what_if import MARK, NOT_EVALUATED, TitleChange, UnitYear, WhatIf, Year

_HEAD = TITLE_ROWS + 1
_WORSE, _BETTER = "#FCE4D6", "#E2F0D9"
_CHART = ("#548235", "#A9D18E", "#FFE699", "#F4B183", "#BFBFBF", "#8FAADC", "#D9D9D9")


def write(w: WhatIf, draft_sha256: str, trace: str, banner: str = "") -> bytes:
    """Return the .xlsx; every sheet and printed page says that it is a trial of no effect."""
    marked = "；".join(p for p in (MARK, banner) if p)
    title = f"{w.draft.title}规则草案试算"
    book = Book(title, w.draft.issuer.name, marked, f"试算指纹：{short_code(trace)}")
    _summary(book, w, title)
    _matrix(book, w, title)
    _units(book, w, title)
    _titles(book, w, title)
    _effects(book, w, title)
    _rules(book, w, title)
    _notes(book, w, title, draft_sha256, trace)
    return book.close()


def grades_of(w: WhatIf) -> list[str]:
    """Return every grade that occurs, best first as the draft has them; those not evaluated last."""
    known = [g.name for g in w.draft.scoring.grades]
    there = {g for y in w.years for pair in y.transitions for g in pair}
    older = sorted(there - {*known, NOT_EVALUATED})
    return [*known, *older, *([NOT_EVALUATED] if NOT_EVALUATED in there else [])]


def headlines(w: WhatIf) -> Iterator[str]:
    """Yield what there is to know in a few sentences."""
    periods = "、".join(str(y.period) for y in w.years)
    cases = sum(len(y.units) for y in w.years)
    changed = [u for _, u in w.regraded()]
    failed = [u for u in changed if u.before.passed and u.after.passed is False]
    passed = [u for u in changed if u.before.passed is False and u.after.passed]
    yield f"以草案 {w.draft.version} 试算 {periods} 年度，共 {cases} 家次。"
    if not changed:
        yield "没有一家的等级会有不同。"
    else:
        yield (
            f"等级不同的 {len(changed)} 家次（占 {(200 * len(changed) + cases) // (2 * cases)}%）："
            f"由通过变为未通过 {len(failed)} 家次，由未通过变为通过 {len(passed)} 家次。"
        )
    lost = [t for t in w.titles if t.before is None]
    kept = [t for t in w.titles if t.after is None]
    moved = [t for t in w.titles if t.before is not None and t.after is not None]
    if not w.titles:
        yield "称号的去留没有不同。"
    for what, found in (("将失去称号", lost), ("可保留称号", kept), ("失去称号的年度不同", moved)):
        if found:
            yield f"按草案{what}的 {len(found)} 家：{'、'.join(t.name for t in found)}。"
    if gaps := sum(len(y.gaps) for y in w.years):
        yield f"有 {gaps} 处数据为往年所无，不可比之处见“说明”。"


def _summary(book: Book, w: WhatIf, title: str) -> None:
    sheet = book.sheet(
        "摘要", title, "以往年冻结的数据，按草案重新评价，与当年结果比较；不改变任何已有结果。"
    )
    columns = (Column("年度", 16), *(Column(h, 13) for h in _COUNTS))
    sheet.fit_to_pages(1, 1)
    row = _HEAD
    for text in headlines(w):
        book.put(sheet, row, 1, full_width(text), book.format(font_size=12))
        sheet.set_row(row - 1, 22)
        row += 1
    lines = [Line((f"{y.period} 年度", *_counts(w, y))) for y in w.years]
    lines.append(Line(("合计", *map(sum, zip(*(_counts(w, y) for y in w.years), strict=True))), bold=True))
    row = book.table(sheet, row + 1, columns, lines)
    grades = grades_of(w)
    spread = [
        Line((f"{y.period} {what}", *(_graded(y, g, after=after) for g in grades)))
        for y in w.years
        for what, after in (("当年", False), ("草案", True))
    ]
    heads = (Column("等级分布", 16), *(Column(g, 13) for g in grades))
    below = book.table(sheet, row + 1, heads, spread, main=False)
    _chart(book, sheet, row + 1, below - 1, grades, below + 1)


_COUNTS = ("名单", "等级不同", "升级", "降级", "变为未通过", "变为通过", "当年拟取消称号", "草案拟取消称号")


def _counts(w: WhatIf, y: Year) -> tuple[int, ...]:
    changed = [u for u in y.units if u.regraded]
    ended = {o.name for o in w.draft.outcomes if o.event}
    return (
        len(y.units),
        len(changed),
        sum(_better(w, u) > 0 for u in changed),
        sum(_better(w, u) < 0 for u in changed),
        sum(bool(u.before.passed) and u.after.passed is False for u in changed),
        sum(u.before.passed is False and bool(u.after.passed) for u in changed),
        sum(u.consequence_before in ended for u in y.units),
        sum(u.consequence_after in ended for u in y.units),
    )


def _better(w: WhatIf, u: UnitYear) -> int:
    """Return by how many grades of the draft the body would be better; 0 where that cannot be said."""
    order = [g.name for g in w.draft.scoring.grades]
    if u.before.grade not in order or u.after.grade not in order:
        return 0
    return order.index(u.before.grade) - order.index(u.after.grade)


def _graded(y: Year, grade: str, *, after: bool) -> int:
    return sum(n for pair, n in y.transitions.items() if pair[after] == grade)


def _chart(book: Book, sheet: Any, head: int, last: int, grades: list[str], at: int) -> None:
    chart = book.workbook.add_chart({"type": "bar", "subtype": "percent_stacked"})
    for number, _ in enumerate(grades):
        colour = _CHART[number % len(_CHART)]
        chart.add_series(
            {
                "name": ["摘要", head - 1, number + 1],
                "categories": ["摘要", head, 0, last - 1, 0],
                "values": ["摘要", head, number + 1, last - 1, number + 1],
                "fill": {"color": colour},
                "border": {"color": "#FFFFFF", "width": 0.5},
                "gap": 40,
            }
        )
    chart.set_title({"name": "等级分布：当年与草案", "name_font": {"size": 11, "bold": False}})
    chart.set_y_axis({"reverse": True})
    chart.set_x_axis({"num_format": "0%", "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 900, "height": 90 + 34 * (last - head)})
    sheet.insert_chart(at - 1, 0, chart)


def _matrix(book: Book, w: WhatIf, title: str) -> None:
    meaning = "行为当年等级，列为草案等级，格内为家数；对角线上为等级未变。"
    sheet = book.sheet("等级转移", f"{title}：等级转移", meaning)
    grades = grades_of(w)
    columns = (
        Column("年度", 10),
        Column("当年等级", 12),
        *(Column(g, 12) for g in grades),
        Column("合计", 10),
    )
    lines = []
    for y in w.years:
        for before in grades:
            cells = [y.transitions.get((before, after), 0) or None for after in grades]
            if whole := sum(c or 0 for c in cells):
                lines.append(Line((str(y.period), before, *cells, whole)))
        sums = [_graded(y, g, after=True) for g in grades]
        lines.append(Line((str(y.period), "合计", *sums, sum(sums)), bold=True, colour="#DDE6F0"))
    book.table(sheet, _HEAD, columns, lines)


def _units(book: Book, w: WhatIf, title: str) -> None:
    sheet = book.sheet(
        "逐家结果", f"{title}：逐家结果", "橙色为等级下降，绿色为等级上升；名次变动为负即上升。"
    )
    total = fixed(w.draft.scoring.rounding.total)
    columns = (
        Column("年度", 8),
        Column("单位", 10),
        Column("名称", 32, wrap=True),
        Column("类别", 14),
        Column("当年总分", 10, number=total),
        Column("草案总分", 10, number=total),
        Column("当年名次", 10),
        Column("草案名次", 10),
        Column("变动", 7, number="+0;-0;0"),
        Column("当年等级", 10, align="center"),
        Column("草案等级", 10, align="center"),
        Column("当年拟办", 12, wrap=True),
        Column("草案拟办", 12, wrap=True),
        Column("说明", 46, wrap=True),
    )
    book.table(sheet, _HEAD, columns, [_unit(w, y, u) for y in w.years for u in y.units])


def _unit(w: WhatIf, y: Year, u: UnitYear) -> Line:
    b, a = u.before, u.after
    moved = a.rank - b.rank if a.rank is not None and b.rank is not None else None
    kinds = w.draft.kinds
    notes = [*a.reasons, *(["按草案此前年度已失去称号，此后仅供参考"] if u.lost_earlier else [])]
    better = _better(w, u)
    return Line(
        (
            str(y.period), u.unit, u.name, kinds[u.group].name if u.group in kinds else u.group,
            b.total, a.total, b.rank, a.rank, moved, b.grade or NOT_EVALUATED, a.grade or NOT_EVALUATED,
            u.consequence_before, u.consequence_after, full_width("；".join(notes)),
        ),
        colour=_BETTER if better > 0 else _WORSE if better < 0 else "#FFF2CC" if u.regraded else "",
    )  # fmt: skip


def _titles(book: Book, w: WhatIf, title: str) -> None:
    meaning = "按草案，称号的去留或其年度与当年所拟不同者；当年以发文时所拟为准。"
    sheet = book.sheet("称号去留", f"{title}：称号去留", meaning)
    columns = (
        Column("单位", 10),
        Column("名称", 34, wrap=True),
        Column("当年拟取消", 14),
        Column("草案拟取消", 14),
        Column("结论", 22, wrap=True),
        Column("依草案的理由", 70, wrap=True),
    )
    lines = [
        Line(
            (t.unit, t.name, _in(t.before), _in(t.after), _verdict(t), full_width(t.explanation)),
            colour=_WORSE if t.before is None else _BETTER if t.after is None else "",
        )
        for t in w.titles
    ]
    below = book.table(sheet, _HEAD, columns, lines)
    if not lines:
        book.put(sheet, below, 1, "没有不同", book.format())


def _in(period: int | None) -> str:
    return "未取消" if period is None else f"{period} 年度"


def _verdict(t: TitleChange) -> str:
    if t.before is None:
        return "按草案将失去称号"
    return "按草案可保留称号" if t.after is None else "失去称号的年度不同"


def _effects(book: Book, w: WhatIf, title: str) -> None:
    meaning = (
        "区分度：各项使同类单位之间总分拉开差距的份额（%），各项合计 100；"
        "接近零的项（黄色）几乎不影响谁先谁后，负数为拉近差距。"
    )
    sheet = book.sheet("指标区分度", f"{title}：指标区分度", meaning)
    pairs = [Column(f"{y.period} {what}", 12, number="0.00") for y in w.years for what in ("当年", "草案")]
    columns = (Column("代码", 14), Column("指标", 40, wrap=True), *pairs)
    by_year = [{e.node: e for e in y.effects} for y in w.years]
    names = {e.node: e.name for y in w.years for e in y.effects}
    lines = []
    for node, name in names.items():
        found = [e.get(node) for e in by_year]
        cells = [v for e in found for v in ((e.before, e.after) if e else (None, None))]
        idle = all(c is not None and abs(c) < 1 for c in cells[1::2])
        lines.append(Line((node, name, *cells), colour="#FFF2CC" if idle else ""))
    book.table(sheet, _HEAD, columns, lines)


def _rules(book: Book, w: WhatIf, title: str) -> None:
    meaning = f"草案与最近一个年度（{w.years[-1].period}，规则版本 {w.years[-1].version}）所用规则逐项比较。"
    sheet = book.sheet("规则差异", f"{title}：规则差异", meaning)
    columns = (
        Column("项目", 46, wrap=True),
        Column("当年", 34, wrap=True),
        Column("草案", 34, wrap=True),
        Column("当年依据", 20, wrap=True),
        Column("草案依据", 20, wrap=True),
    )
    lines = [
        Line((
            d.label, d.old or "（没有此项）", d.new or "（没有此项）", in_chinese(d.old_basis),
            in_chinese(d.new_basis),
        ))
        for d in w.rules
    ]  # fmt: skip
    below = book.table(sheet, _HEAD, columns, lines)
    if not lines:
        book.put(sheet, below, 1, "没有不同", book.format())


def _notes(book: Book, w: WhatIf, title: str, sha256: str, trace: str) -> None:
    sheet = book.sheet("说明", f"{title}：说明", "试算的依据、方法与不可比之处。")
    lines = [
        Line(("效力", f"{MARK}；未写入任何正式记录。")),
        Line(("草案", f"{w.draft.version}（{w.draft.effective} 起，SHA-256 {sha256}）")),
        Line(("草案说明", full_width(w.draft.note))),
        Line(("试算指纹", trace)),
        Line(("数据", "各年度评价时冻结的名单与数值；未报送等的处理按草案。")),
        Line((
            "称号",
            "“连续”按草案试算的各年结果推算，更早年度用已发文的结果；实际已失去称号的，其后年度没有数据，不能试算；"
            "按草案先失去称号的，其后年度仍留在名单中参与排名，仅供参考。",
        )),
    ]  # fmt: skip
    for y in w.years:
        lines.append(Line((f"{y.period} 年度", f"{y.source}，规则版本 {y.version}，结果指纹 {y.trace}")))
        for g in y.gaps:
            handled = g.covered or "按要求该年度不计该项，权重分给同级其余各项"
            lines.append(
                Line(
                    (
                        f"{y.period} 年度不可比",
                        full_width(f"指标 {g.indicator} 所用 {g.field}：{g.found}；{handled}"),
                    )
                )
            )
    book.table(sheet, _HEAD, (Column("项目", 20), Column("内容", 110, wrap=True)), lines)
