"""Measures of Chinese typesetting that every layout needs: widths in ems, titles broken by sense."""

from __future__ import annotations

import re
import unicodedata
from itertools import combinations, pairwise

# A title is size 2 (22 pt) on a type area of 156 mm = 442.2 pt: twenty characters (7.3.1, 5.2.1).
TITLE_EMS = 20.0

# A break after these reads well; one inside a word does not. No dictionary: these are the words of notices.
_GOOD_AFTER = (
    "关于",
    "的",
    "年度",
    "和",
    "与",
    "及",
    "、",
    "》",
    "”",
    ")",
    ",",
    "平台",
    "中心",
    "结果",
    "绩效评价",
)
_GOOD_BEFORE = ("关于", "《", "“", "(", "的通知", "的函", "的决定", "的公告", "年度")
# Terms that a line's end must not cut.
_WHOLE = re.compile(
    "知识产权|运营|服务|平台|绩效|评价|功能性|国家|中心|称号|通知|\\d+(?:年度?|月|日|号)?|第.节|[A-Za-z0-9.]+"
)
# Names that read better in one line.
_COMPOUND = re.compile("知识产权运营服务平台|运营服务平台|绩效评价")
_NEVER_BEFORE = "、,。;:)》”〉〕】!?%的\uff0c\uff1b\uff1a\uff09"
_NEVER_AFTER = "(《“〈〔【第\uff08"

# Punctuation of Chinese text is full-width (GB/T 15834), however it was typed; written as escapes on purpose.
_FULL_WIDTH = {
    ",": "\uff0c", ":": "\uff1a", ";": "\uff1b", "(": "\uff08", ")": "\uff09", "?": "\uff1f", "!": "\uff01",
}  # fmt: skip
_NARROW_PUNCTUATION = re.compile(r"(?<![0-9A-Za-z])[,:;?!()]|[,:;?!()](?![0-9A-Za-z])")


def full_width(text: str) -> str:
    """Return wording of our own with full-width punctuation; between Latin letters or digits it stays narrow.

    Never applied to what others wrote: a name stands as it was given.
    """
    return _NARROW_PUNCTUATION.sub(lambda found: _FULL_WIDTH[found[0]], text)


def width_ems(text: str) -> float:
    """Return the width of ``text`` in ems: half an em for narrow characters, one for all others."""
    return sum(
        0.0
        if unicodedata.combining(c) or unicodedata.category(c) == "Cf"
        else 1.0
        if unicodedata.east_asian_width(c) in "WFA"
        else 0.5
        for c in text
    )


def _break_cost(text: str, at: int) -> float | None:
    """Return how badly a line breaks before position ``at``; None where it must not."""
    before, after = text[:at], text[at:]
    if after[0] in _NEVER_BEFORE and not after.startswith(("的通知", "的函")):
        return None
    if before[-1] in _NEVER_AFTER or (before[-1].isascii() and after[0].isascii()):
        return None
    if before.endswith(_GOOD_AFTER) or after.startswith(_GOOD_BEFORE):
        return 0.0
    return 3.0


def title_lines(title: str, ems: float = TITLE_EMS) -> tuple[str, ...]:
    """Break a title into the fewest lines of at most ``ems``, at words' ends where the lines allow it.

    Lines of like length, none much shorter than its neighbours (梯形或菱形, 7.3.1). A title longer than three
    lines is broken where the width ends.
    """
    if width_ems(title) <= ems:
        return (title,)
    inside, within = (
        {at for m in pattern.finditer(title) for at in range(m.start() + 1, m.end())}
        for pattern in (_WHOLE, _COMPOUND)
    )
    costs = {
        at: cost + (2.0 if at in within else 0.0)
        for at in range(1, len(title))
        if at not in inside and (cost := _break_cost(title, at)) is not None
    }
    for count in (2, 3):
        best: tuple[float, tuple[str, ...]] | None = None
        for cuts in combinations(sorted(costs), count - 1):
            ends = (0, *cuts, len(title))
            lines = tuple(title[a:b] for a, b in pairwise(ends))
            widths = [width_ems(line) for line in lines]
            if max(widths) > ems:
                continue
            cost = sum(costs[c] for c in cuts) + (max(widths) - min(widths)) / 2
            if best is None or cost < best[0]:
                best = (cost, lines)
        if best is not None:
            return best[1]
    return _filled_lines(title, ems)


def _filled_lines(title: str, ems: float) -> tuple[str, ...]:
    lines, line = [], ""
    for character in title:
        if line and width_ems(line + character) > ems:
            lines.append(line)
            line = ""
        line += character
    return (*lines, line)
