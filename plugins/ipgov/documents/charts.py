"""The pages of charts beside a rating list, as PDF: distribution, profile of every body, movement of ranks.

Drawn so that they can be read in black and white and by the colour-blind: everything told by a colour is told
by a shape, a place or a number as well (colours: Okabe and Ito, Color Universal Design, 2008). The same list
gives the same bytes.
"""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ipgov.core.fingerprint import short_code
from ipgov.documents.fonts import SANS, font_files, require_glyphs
from ipgov.documents.model import printable
from ipgov.documents.rating_layout import RatingList, Row, full_marks, movement, top_dimensions
from ipgov.documents.typography import full_width, width_ems
from ipgov.policy.title_words import title_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BODIES_A_PAGE = 30  # in the profile
PROFILES_SHOWN = 300  # bodies, by rank: drawing takes a second for some twenty, the list has them all
LINES_SHOWN = 40  # bodies whose movement is drawn; above, those that moved furthest
_A4 = (11.69, 8.27)  # inches, landscape
_BLUE, _ORANGE, _GREY, _RED = "#0072B2", "#E69F00", "#808080", "#B00020"
_MARKERS = "osD^vP*X"
_BINS = 20
_NAME_EMS = 17


def write(listed: RatingList, banner: str) -> bytes:
    """Return the PDF of the charts of a list; ``banner`` (of a simulation) stands on every page.

    Raises EnvironmentProblemError where no font is installed; GovernanceError that names every character for
    which no font has a glyph, and its place: nothing is drawn then.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import PdfPages

    require_glyphs(_texts(listed, banner), f"{listed.title}图页")
    # a $ of a name is a $, and what is drawn does not depend on anybody's own settings
    settings: Any = {**_defaults(), "text.parse_math": False, "font.family": _families(), "font.size": 9}
    settings |= {"pdf.fonttype": 3, "axes.unicode_minus": False, "path.simplify": False}
    buffer = io.BytesIO()
    metadata: dict[str, str | None] = {"Title": f"{listed.title}图页", "Author": listed.rules.issuer.name}
    metadata |= dict.fromkeys(("Creator", "Producer", "CreationDate"))
    with rc_context(settings), PdfPages(buffer, metadata=metadata) as pages:
        drawn = itertools.chain(_distribution(listed), _profiles(listed), _movement(listed))
        number = 0
        for number, figure in enumerate(drawn, 1):  # one at a time: a thousand bodies are many pages
            _frame(figure, listed, banner, f"第 {number} 页")
            pages.savefig(figure)
        if not number:
            nothing = _nothing()
            _frame(nothing, listed, banner, "第 1 页")
            pages.savefig(nothing)
    return buffer.getvalue()


def _texts(listed: RatingList, banner: str) -> Iterator[tuple[str, str]]:
    """Yield what the pages say of the rules and of the bodies, each with its place."""
    yield from (("标题", listed.rules.title), ("模拟标识", banner), ("规则版本", listed.rules.version))
    yield from (("维度", printable(d.name)) for d in top_dimensions(listed.rules))
    yield from (("等级", printable(g.name)) for g in listed.rules.scoring.grades)
    for row in listed.rows:
        yield f"{printable(row.unit)}的名称", printable(f"{row.unit} {row.name}")
        yield f"{printable(row.unit)}的类别", printable(row.kind)


def _defaults() -> dict[str, Any]:
    from matplotlib import rcParamsDefault

    return {k: v for k, v in rcParamsDefault.items() if not k.startswith("backend")}


def _families() -> list[str]:
    """Make the installed font files known to the library; return their families, sans-serif first."""
    from matplotlib import font_manager

    names: dict[str, None] = {}
    known = {f.fname for f in font_manager.fontManager.ttflist}
    for file in sorted(font_files(), key=lambda f: SANS not in f.families):
        if str(file.path) not in known:
            font_manager.fontManager.addfont(str(file.path))
        names |= {f.name: None for f in font_manager.fontManager.ttflist if f.fname == str(file.path)}
    return list(names)


def _page() -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=_A4)


def _nothing() -> Figure:
    figure = _page()
    figure.text(0.5, 0.5, "没有一家有总分，无图可画。", ha="center", fontsize=12)
    return figure


def _frame(figure: Figure, listed: RatingList, banner: str, page: str) -> None:
    """Write what stands on every page: title, banner, fingerprint, number of the page."""
    figure.text(0.05, 0.955, full_width(f"{listed.rules.title}图页（{listed.period}年度）"), fontsize=13)
    if banner:
        figure.text(0.95, 0.957, banner, ha="right", color=_RED)
    code = short_code(listed.fingerprint)
    rules = f"规则版本：{listed.rules.version}；结果指纹：{code}；随评级表供评审参考"
    figure.text(0.05, 0.025, full_width(rules), fontsize=8, color="#404040")
    figure.text(0.95, 0.025, page, fontsize=8, ha="right", color="#404040")


def _head(axes: Axes, title: str) -> None:
    axes.set_title(full_width(title), loc="left", fontsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _named(row: Row, longest: float = _NAME_EMS) -> str:
    """Return a body's code and name, cut to so many ems."""
    text = printable(f"{row.unit} {row.name}")
    if width_ems(text) <= longest:
        return text
    while width_ems(text) > longest - 1:
        text = text[:-1]
    return f"{text}…"


def _ranked(listed: RatingList) -> list[Row]:
    return [r for r in listed.rows if r.total is not None]


def _distribution(listed: RatingList) -> Iterator[Figure]:
    """Draw how many bodies have which total, and each body's total by kind, with the floors of the grades."""
    rows, top = _ranked(listed), float(full_marks(listed.rules))
    if not rows:
        return
    figure = _page()
    above, under = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3, 2)})
    figure.subplots_adjust(left=0.14, right=0.95, top=0.89, bottom=0.13, hspace=0.2)
    highest = max(top, *(float(r.total or 0) for r in rows))
    width = math.ceil(highest / _BINS)
    counts = [0] * (math.floor(highest / width) + 1)
    for row in rows:
        counts[max(0, math.floor(float(row.total or 0) / width))] += 1
    lefts = [n * width for n in range(len(counts))]
    bars = above.bar(lefts, counts, width, align="edge", color=_BLUE, edgecolor="white", alpha=0.85)
    above.bar_label(bars, [str(c) if c else "" for c in counts], fontsize=9)
    above.set_ylabel("家数")
    above.margins(y=0.18)
    above.yaxis.get_major_locator().set_params(integer=True)
    _head(above, f"总分分布（{len(rows)}家，每 {width} 分一组，含下限）")
    _floors(listed, (above, under))
    kinds = list(dict.fromkeys(r.kind for r in rows))
    for place, kind in enumerate(kinds):
        totals = [float(r.total or 0) for r in rows if r.kind == kind]
        marker = _MARKERS[place % len(_MARKERS)]
        under.plot(totals, [place] * len(totals), marker, ms=6, mfc="none", mec=_BLUE, mew=1.2, ls="none")
        mean = sum(totals) / len(totals)
        under.plot([mean, mean], [place - 0.3, place + 0.3], color="black", lw=2.2)
    shown = [f"{printable(k)}（{sum(r.kind == k for r in rows)}家）" for k in kinds]
    under.set_yticks(range(len(kinds)), shown)
    under.set_ylim(len(kinds) - 0.4, -0.6)
    under.set_xlim(_lowest(rows, width), width * len(counts))
    under.set_xlabel("总分")
    _head(under, f"各类{title_words(listed.rules.programme).body}的总分（每个图形一家，竖线为该类平均分）")
    yield figure


def _lowest(rows: Sequence[Row], width: int) -> float:
    """Return where the axis of totals begins: a group below the lowest, on the border of groups."""
    return max(0, math.floor(min(float(r.total or 0) for r in rows) / width - 1) * width)


def _floors(listed: RatingList, axes: Sequence[Axes]) -> None:
    for grade in listed.rules.scoring.grades:
        if grade.floor is not None:
            for each in axes:
                each.axvline(float(grade.floor), color=_GREY, lw=1, ls="--")
            axes[0].text(
                float(grade.floor), 0.97, f" {grade.name} ≥ {grade.floor}", fontsize=8.5, va="top",
                transform=axes[0].get_xaxis_transform(),
            )  # fmt: skip


def _profiles(listed: RatingList) -> Iterator[Figure]:
    """Draw the score of every body in every dimension: a row each, so many on a page."""
    rows = _ranked(listed)
    averages = {d.code: _average(rows, d.code) for d in top_dimensions(listed.rules)}
    for first in range(0, min(len(rows), PROFILES_SHOWN), BODIES_A_PAGE):
        some = rows[first : min(first + BODIES_A_PAGE, PROFILES_SHOWN)]
        yield _profile(listed, some, averages, first, len(rows))


def _profile(
    listed: RatingList, rows: Sequence[Row], averages: Mapping[str, Decimal | None], first: int, count: int
) -> Figure:
    dimensions = top_dimensions(listed.rules)
    full = float(listed.rules.scoring.full_score)
    step = 1.45  # from a dimension to the next, in lengths of a full bar
    figure = _page()
    axes = figure.add_axes((0.25, 0.08, 0.7, 0.78))
    for n, d in enumerate(dimensions):
        scores = [r.scores.get(d.code) for r in rows]
        lengths = [0.0 if s is None else max(0.0, float(s) / full) for s in scores]
        _bars(axes, n * step, [1.0] * len(rows), "#F2F2F2")
        _bars(axes, n * step, lengths, _BLUE)
        for at, score in enumerate(scores):
            text = "不适用" if score is None else _short(score)
            axes.text(n * step + 1.03, at, text, va="center", fontsize=7.5)
        average = averages[d.code]
        if average is not None:
            place = n * step + float(average) / full
            axes.plot([place, place], [-0.5, len(rows) - 0.5], color=_ORANGE, lw=1.4, ls=(0, (4, 2)))
        mean = "" if average is None else f"\n平均 {_short(average)}"
        axes.text(n * step, -0.75, f"{printable(d.name)}{mean}", fontsize=9, va="bottom")
    axes.set_xlim(-0.02, len(dimensions) * step)
    axes.set_ylim(BODIES_A_PAGE - 0.5 if count > BODIES_A_PAGE else max(len(rows), 12) - 0.5, -0.7)
    axes.set_yticks(range(len(rows)), [f"{_named(r)}  第 {r.rank} 名" if r.rank else _named(r) for r in rows])
    axes.tick_params(length=0)
    axes.set_xticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    part = f"，第 {first + 1} 至 {first + len(rows)} 家" if count > len(rows) else ""
    part += f"，共 {count} 家，其余见评级表" if count > PROFILES_SHOWN else ""
    body = title_words(listed.rules.programme).body
    note = f"各{body}的维度得分（满分 {listed.rules.scoring.full_score}，虚线为全部{body}平均分{part}）"
    figure.text(0.05, 0.915, full_width(note), fontsize=11)
    return figure


def _bars(axes: Axes, left: float, lengths: Sequence[float], colour: str) -> None:
    """Draw a bar a row; all of them as one collection: that is much faster than one by one."""
    from matplotlib.collections import PolyCollection

    half = 0.31  # of a row
    corners = [
        [(left, at - half), (left + x, at - half), (left + x, at + half), (left, at + half)]
        for at, x in enumerate(lengths)
    ]
    axes.add_collection(PolyCollection(corners, facecolors=colour, alpha=0.85, linewidths=0))


def _average(rows: Sequence[Row], node: str) -> Decimal | None:
    found = [s for r in rows if (s := r.scores.get(node)) is not None]
    return sum(found, Decimal(0)) / len(found) if found else None


def _short(number: Decimal) -> str:
    return f"{number:.1f}"


def _movement(listed: RatingList) -> Iterator[Figure]:
    """Draw the ranks of the published periods and of this one, a line for each body that has both."""
    periods = [*listed.earlier, int(listed.period)] if listed.earlier else []
    known = [(r, _ranks(r, listed)) for r in listed.rows if r.rank is not None]
    known = [(r, ranks) for r, ranks in known if len(ranks) > 1]
    if not periods or not known:
        return
    some = sorted(known, key=lambda k: (-_moved(k[1]), k[0].rank, k[0].unit))[:LINES_SHOWN]
    some.sort(key=lambda k: (k[0].rank, k[0].unit))
    figure = _page()
    axes = figure.add_axes((0.08, 0.1, 0.57, 0.78))
    for _, ranks in some:
        moved = _moved(ranks, signed=True)
        colour, style = (_BLUE, "-") if moved > 0 else (_ORANGE, "--") if moved < 0 else (_GREY, ":")
        marker = "^" if moved > 0 else "v" if moved < 0 else "o"
        years = sorted(ranks)
        axes.plot(years, [ranks[y] for y in years], color=colour, ls=style, lw=1.6, marker=marker, ms=6)
    axes.set_xticks(periods, [f"{p} 年度" for p in periods])
    axes.set_xlim(periods[0] - 0.12, periods[-1] + 0.06)
    deepest = max(rank for _, ranks in some for rank in ranks.values())
    axes.set_ylim(deepest + 0.7, 0.3)
    axes.set_ylabel("名次")
    if deepest <= LINES_SHOWN:
        axes.set_yticks(range(1, deepest + 1))
    _labels(axes, [r for r, _ in some], periods[-1], deepest)
    which = "" if len(some) == len(known) else f"；{len(known)}家中变动最大的{len(some)}家"
    words = (
        f"名次变动（实线、▲上升，虚线、▼下降，点线、●未变，以最早至本年比较；名称后为较上年的变动{which}）"
    )
    _head(axes, words)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    yield figure


def _ranks(row: Row, listed: RatingList) -> dict[int, int]:
    found = {y.period: y.rank for y in row.history if y.rank is not None and y.period in listed.earlier}
    return found if row.rank is None else {**found, int(listed.period): row.rank}


def _moved(ranks: dict[int, int], *, signed: bool = False) -> int:
    """Return by how many places a body rose (below zero: fell) from the first to the last period."""
    moved = ranks[min(ranks)] - ranks[max(ranks)]
    return moved if signed else abs(moved)


def _labels(axes: Axes, rows: Sequence[Row], last: int, deepest: int) -> None:
    """Name the bodies beside their last ranks, apart from each other where ranks are close or equal."""
    gap = (deepest + 0.4) / max(38, len(rows))
    places: list[float] = []
    for row in rows:
        places.append(max(float(row.rank or 0), places[-1] + gap if places else 0.3))
    lowest = deepest + 0.4
    for at in reversed(range(len(rows))):
        places[at] = lowest = min(places[at], lowest)
        lowest -= gap
    for row, place in zip(rows, places, strict=True):
        text = f"{row.rank} {_named(row)} {movement(row)}".rstrip()
        axes.annotate(
            text, (last, float(row.rank or 0)), (last + 0.12, place), textcoords="data", va="center",
            fontsize=8, annotation_clip=False, arrowprops={"arrowstyle": "-", "color": "#BFBFBF", "lw": 0.6},
        )  # fmt: skip
