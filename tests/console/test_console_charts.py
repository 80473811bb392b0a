"""The chart of a collection: its words stand beside their lines and over none, early and years later."""

from __future__ import annotations

import datetime as dt
from itertools import combinations

import pytest
from ipgov.console import charts
from ipgov.procedures.collection import Day

FIRST = dt.date(2026, 1, 12)
DUE, LATE, EVALUATE = dt.date(2026, 3, 31), dt.date(2026, 4, 8), dt.date(2026, 4, 15)
HIGH = 11  # of the drawing: the style sheet's size of letters


def drawn(days: int, due: dt.date = DUE, late: dt.date = LATE, evaluate: dt.date = EVALUATE) -> charts.Chart:
    told = [
        Day(FIRST + dt.timedelta(days=n), n % 7 < 5, False, 9, 5, 1, 2, 2, 1, 1, 0, 12) for n in range(days)
    ]
    return charts.days(told, due, late, evaluate)


def width(text: str) -> float:
    return sum(charts.DIGIT if c.isascii() else HIGH for c in text)


@pytest.mark.parametrize("days", [2, 60, 80, 88, 94, 120, 314, 700, 1500])
@pytest.mark.parametrize("late", [LATE, DUE, EVALUATE], ids=["a week", "none", "to the end"])
def test_no_word_of_the_chart_stands_over_another_or_under_a_line(days: int, late: dt.date) -> None:
    chart = drawn(days, late=late)
    assert len(chart.flags) == sum(FIRST < d < FIRST + dt.timedelta(days=days) for d in (DUE, late, EVALUATE))
    boxes = [(f.x, f.x + width(f.text), f.y - HIGH, f.y) for f in chart.flags]
    boxes += [(n.x - width(n.text) / 2, n.x + width(n.text) / 2, n.y - HIGH, n.y) for n in chart.names]
    assert all(left >= 0 and right <= chart.width and top >= 0 for left, right, top, _ in boxes)
    for (left, right, top, bottom), (left2, right2, top2, bottom2) in combinations(boxes, 2):
        assert right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
    upright = [line.path[1:].split("V") for line in chart.lines if line.kind in ("due", "grace")]
    for start, floor in upright:
        x, top = map(float, start.split())
        for left, right, above, below in boxes:
            assert not (left < x < right and top < below and above < float(floor))


def test_the_years_are_told_apart_and_a_long_time_keeps_some_days() -> None:
    names = [n.text for n in drawn(700).names]
    assert names[0] == "2026-01-12"
    assert "2027-01-01" in names
    assert len(names) > 6
    assert [n.text for n in drawn(94).names] == ["2026-01-12", "02-01", "03-01", "04-01"]
