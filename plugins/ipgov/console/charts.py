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
FLAGS, FLAG_ROW = 90, 13  # room for a flag beside the last day, and between the rows of flags
DIGIT, GAP = 6.5, 8  # of the drawing: at most so wide is a digit, and so much room between names
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
    """A drawing of ``width`` × ``height``: ``ticks`` of the upright axis, ``names`` below the floor.

    ``flags`` are words that begin beside the line that they name.
    """

    width: int
    height: int
    ticks: Sequence[Mark]
    names: Sequence[Mark]
    rects: Sequence[Rect] = ()
    lines: Sequence[Line] = ()
    bands: Sequence[Rect] = ()
    flags: Sequence[Mark] = ()
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def axis(highest: int) -> list[int]:
    """Return at most six even ticks from nought to at least ``highest``."""
    step = next(n * 10**power for power in count() for n in (1, 2, 5) if n * 10**power * 5 >= highest)
    return [step * n for n in range(max(1, -(-highest // step)) + 1)]


def upright(values: Sequence[int], top: int = TOP) -> tuple[list[Mark], float]:
    """Return the ticks of the upright axis and how many units of the drawing one is worth."""
    ticks = axis(max(values, default=0))
    scale = (HEIGHT - top - BOTTOM) / ticks[-1]
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


def spaced(names: Sequence[Mark]) -> list[Mark]:
    """Return the names, from left to right, of which each has room beside those before it."""
    found: list[Mark] = []
    for name in names:
        if not found or name.x - found[-1].x >= DIGIT * (len(name.text) + len(found[-1].text)) / 2 + GAP:
            found.append(name)
    return found


_CURVES = {"received": "已报", "accepted": "已受理（含逾期受理）", "returned": "已退回、已拒收，尚未更正"}


def days(
    told: Sequence[Day], due_on: dt.date, late_until: dt.date, evaluate_on: dt.date, evaluation: str = "评价"
) -> Chart:
    """Draw the bodies in three states at the end of each day, as steps, over the days that are not worked.

    The days that count are flagged, the earliest highest: no line runs through another's words, however near
    to one another a long time brings them.
    """
    counts = {
        "received": [d.received for d in told],
        "accepted": [d.accepted + d.accepted_late for d in told],
        "returned": [d.returned + d.refused for d in told],
    }
    highest = max(d.received + d.missing for d in told)
    top, right = TOP + FLAG_ROW, WIDTH - FLAGS
    ticks, scale = upright([highest], top)
    wide = (right - LEFT) / len(told)
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
    flags = []
    named = sorted(
        ((due_on, "due", "截止"), (late_until, "grace", "宽限"), (evaluate_on, "grace", evaluation)),
        key=lambda n: n[0],
    )
    for row, (day, kind, name) in enumerate(named):
        if first < day <= told[-1].day:
            x = across(day + dt.timedelta(days=1))  # the day itself still counts
            above = top - 4 - FLAG_ROW * (len(named) - 1 - row)
            lines.append(Line(f"M{x} {above - 9}V{floor}", kind, f"{name} {day}"))
            flags.append(Mark(round(x + 3, 1), above, f"{name} {day:%m-%d}"))
    months = [d.day for d in told if d.day.day == 1 and d.day != first]
    under = {d: Mark(across(d), floor + 17, f"{d}" if d.month == 1 else f"{d:%m-%d}") for d in months}
    every = ([mark for d, mark in under.items() if d.month % step == 1 % step] for step in (1, 2, 3, 6, 12))
    names = [Mark(LEFT, floor + 17, f"{first}"), *next((m for m in every if spaced(m) == m), ())]
    bands = [
        Rect(across(d.day), top, round(wide, 1), floor - top, "closed", f"{d.day} 非工作日")
        for d in told
        if not d.working
    ]
    return Chart(WIDTH, HEIGHT, ticks, spaced(names), flags=flags, lines=lines, bands=bands, right=right)
