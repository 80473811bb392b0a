"""Charts as plain geometry, drawn by our own templates as inline SVG: no script, no library, no network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from ipgov.procedures.collection import Day
from ipgov.quality.history import RuleHistory, Year
from ipgov.quality.suite import SEVERITIES

WIDTH, HEIGHT = 760, 220
LEFT, RIGHT, TOP, BOTTOM = 48, 40, 30, 26  # room for the axes
SPARK_HEIGHT, SPARK_STEP = 26, 16


@dataclass(frozen=True)
class Rect:
    """A bar, with the class that colours it and what is told of it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    told: str


@dataclass(frozen=True)
class Mark:
    """A word at a place: a tick of an axis, a name."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Line:
    """A line of several points (an SVG path), or a named place across the chart."""

    path: str
    kind: str
    name: str


@dataclass(frozen=True)
class Chart:
    """A drawing of ``width`` × ``height``; the first ``ticks`` belong to the upright axis."""

    width: int
    height: int
    ticks: Sequence[Mark]
    names: Sequence[Mark]
    rects: Sequence[Rect] = ()
    lines: Sequence[Line] = ()
    bands: Sequence[Rect] = ()
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def axis(highest: int) -> list[int]:
    """Return at most six even ticks from nought to at least ``highest``."""
    step = next(n * 10**power for power in count() for n in (1, 2, 5) if n * 10**power * 5 >= highest)
    return [step * n for n in range(max(1, -(-highest // step)) + 1)]


def upright(values: Sequence[int]) -> tuple[list[Mark], float]:
    """Return the ticks of the upright axis and how many units of the drawing one is worth."""
    ticks = axis(max(values, default=0))
    scale = (HEIGHT - TOP - BOTTOM) / ticks[-1]
    return [Mark(LEFT - 6, round(HEIGHT - BOTTOM - t * scale, 1), f"{t:,}") for t in ticks], scale


def years(checked: Sequence[Year]) -> Chart:
    """Draw findings per period, one bar each, stacked by severity."""
    totals = [sum(y.severities.values()) for y in checked]
    ticks, scale = upright(totals)
    room = (WIDTH - LEFT - RIGHT) / max(1, len(checked))
    rects, names = [], []
    for number, year in enumerate(checked):
        x, y = LEFT + room * (number + 0.5), float(HEIGHT - BOTTOM)
        for severity in reversed(SEVERITIES):
            tall = year.severities[severity] * scale
            y -= tall
            if tall:
                told = f"{year.period} 年度：{year.severities[severity]} 处"
                wide = min(60.0, room * 0.6)
                rects.append(Rect(round(x - wide / 2, 1), round(y, 1), wide, round(tall, 1), severity, told))
        names.append(Mark(round(x, 1), HEIGHT - BOTTOM + 17, year.period))
    return Chart(WIDTH, HEIGHT, ticks, names, rects)


def spark(rule: RuleHistory, periods: Sequence[str]) -> list[Rect]:
    """Draw a small bar per period: a dash where the rule found nothing, none where it did not stand."""
    highest = max((s.found for s in rule.periods.values()), default=0) or 1
    rects = []
    for number, period in enumerate(periods):
        seen = rule.periods.get(period)
        if seen is None:
            continue
        tall = max(1.0, round((SPARK_HEIGHT - 2) * seen.found / highest, 1))
        kind = rule.severity if seen.found else "none"
        told = f"{period} 年度：{seen.found} 处，{seen.bodies} 个单位"
        rects.append(Rect(number * SPARK_STEP + 2, SPARK_HEIGHT - tall, SPARK_STEP - 4, tall, kind, told))
    return rects


_CURVES = {"received": "已报", "accepted": "已受理（含逾期受理）", "returned": "已退回、已拒收，尚未更正"}


def days(told: Sequence[Day], due_on: dt.date, late_until: dt.date, evaluate_on: dt.date) -> Chart:
    """Draw the bodies in three states at the end of each day, as steps, over the days that are not worked."""
    counts = {
        "received": [d.received for d in told],
        "accepted": [d.accepted + d.accepted_late for d in told],
        "returned": [d.returned + d.refused for d in told],
    }
    highest = max(d.received + d.missing for d in told)
    ticks, scale = upright([highest])
    wide = (WIDTH - LEFT - RIGHT) / len(told)
    floor = HEIGHT - BOTTOM
    first = told[0].day

    def across(day: dt.date) -> float:
        return round(LEFT + (day - first).days * wide, 1)

    lines = []
    for kind, name in _CURVES.items():
        path = f"M{LEFT} {floor}" + "".join(
            f"V{round(floor - value * scale, 1)}H{round(LEFT + (number + 1) * wide, 1)}"
            for number, value in enumerate(counts[kind])
        )
        lines.append(Line(path, kind, name))
    names = [Mark(LEFT, floor + 17, f"{first:%m-%d}")]
    days_named = (
        ("due", due_on, "截止", 4),
        ("grace", late_until, "宽限", 17),
        ("grace", evaluate_on, "评价", 4),
    )
    for kind, day, name, above in days_named:
        if first < day <= told[-1].day:
            x = across(day + dt.timedelta(days=1))  # the day itself still counts
            lines.append(Line(f"M{x} {TOP - above + 3}V{floor}", kind, f"{name} {day}"))
            names.append(Mark(x, TOP - above, f"{name} {day:%m-%d}"))
    month = [d.day for d in told if d.day.day == 1]
    names += [Mark(across(d), floor + 17, f"{d:%m-%d}") for d in month if (d - first).days * wide > 40]
    bands = [
        Rect(across(d.day), TOP, round(wide, 1), floor - TOP, "closed", f"{d.day} 非工作日")
        for d in told
        if not d.working
    ]
    return Chart(WIDTH, HEIGHT, ticks, names, lines=lines, bands=bands)
