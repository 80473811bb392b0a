"""What stands where on the pages of a PDF, in millimetres from the page's top left corner."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pdfminer.high_level import extract_pages
from pdfminer.layout import LTChar, LTCurve, LTPage

POINT = 25.4 / 72


@dataclass(frozen=True)
class Glyph:
    """A character: its edges and baseline, size in points, font, colour, and whether it is turned."""

    text: str
    left: float
    right: float
    baseline: float
    size: float
    font: str
    colour: tuple[float, ...]
    turned: bool
    top: float
    bottom: float
    left_of_baseline: float  # of a turned glyph: where its baseline stands


@dataclass(frozen=True)
class Line:
    """A run of glyphs on one baseline."""

    glyphs: tuple[Glyph, ...]

    @property
    def text(self) -> str:
        return "".join(g.text for g in self.glyphs if g.text not in "\u2060\u200b")

    @property
    def left(self) -> float:
        return self.glyphs[0].left

    @property
    def right(self) -> float:
        return max(g.right for g in self.glyphs)

    @property
    def baseline(self) -> float:
        return self.glyphs[0].baseline

    @property
    def size(self) -> float:
        return self.glyphs[0].size

    @property
    def font(self) -> str:
        return self.glyphs[0].font

    @property
    def colour(self) -> tuple[float, ...]:
        return self.glyphs[0].colour


@dataclass(frozen=True)
class Stroke:
    """A horizontal line or bar: from left to right, its middle, its thickness, its colour."""

    left: float
    right: float
    middle: float
    thickness: float
    colour: tuple[float, ...]


def _colour(value: Any) -> tuple[float, ...]:
    return tuple(round(float(v), 3) for v in (value if isinstance(value, tuple | list) else [value]))


def _all(item: Any) -> Iterator[Any]:
    yield item
    if hasattr(item, "__iter__"):
        for inner in item:
            yield from _all(inner)


class Page:
    """A page's glyphs, lines of text and horizontal strokes."""

    def __init__(self, page: LTPage):
        self._page = page
        self.width, self.height = page.width * POINT, page.height * POINT

    @cached_property
    def glyphs(self) -> tuple[Glyph, ...]:
        found = []
        for c in _all(self._page):
            if isinstance(c, LTChar):
                a, b, _, _, across, baseline = c.matrix
                turned = abs(b) > abs(a)
                font = c.fontname.partition("+")[2].partition("-")[0]
                colour = _colour(c.graphicstate.ncolor)
                size = c.width if turned else c.height
                found.append(
                    Glyph(
                        c.get_text(),
                        c.x0 * POINT,
                        c.x1 * POINT,
                        self.height - baseline * POINT,
                        round(size, 2),
                        font,
                        colour,
                        turned,
                        self.height - c.y1 * POINT,
                        self.height - c.y0 * POINT,
                        across * POINT,
                    )
                )
        return tuple(found)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        rows: dict[tuple[float, float], list[Glyph]] = {}
        for g in self.glyphs:
            if not g.turned:
                rows.setdefault((round(g.baseline, 1), g.size), []).append(g)
        ordered = sorted(rows.items())
        return tuple(Line(tuple(sorted(glyphs, key=lambda g: g.left))) for _, glyphs in ordered)

    def line(self, start: str) -> Line:
        """Return the first line that begins so."""
        for line in self.lines:
            if line.text.startswith(start):
                return line
        raise AssertionError((start, [line.text for line in self.lines]))

    @property
    def text(self) -> str:
        return "".join(line.text for line in self.lines)

    @cached_property
    def strokes(self) -> tuple[Stroke, ...]:
        found = []
        for s in _all(self._page):
            if not isinstance(s, LTCurve) or s.width < 100 / POINT:
                continue
            filled = bool(s.fill)
            colour = s.non_stroking_color if filled else s.stroking_color
            thickness = s.height if filled else s.linewidth
            found.append(
                Stroke(
                    s.x0 * POINT,
                    s.x1 * POINT,
                    self.height - (s.y0 + s.y1) / 2 * POINT,
                    thickness * POINT,
                    _colour(colour),
                )
            )
        return tuple(sorted(found, key=lambda s: s.middle))


def read(data: bytes) -> list[Page]:
    """Return the pages of a PDF."""
    return [Page(page) for page in extract_pages(io.BytesIO(data))]
