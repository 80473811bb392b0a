"""Titles broken by sense: few lines, no word, name, number with unit or 《》 cut, a trapezoid or diamond."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate, combinations, pairwise

from ipgov.documents import typography

# A title is size 2 (22 pt) on a type area of 156 mm = 442.2 pt: twenty characters (7.3.1, 5.2.1).
TITLE_EMS = 20.0
_NARROW = 0.06  # by which digits of the heavy faces are wider than half an em
_MOST_LINES = 4
_EACH_LINE = 3.0  # what a line more costs, against a worse break

# What no line's end cuts, whatever the words: numbers with their units, ordinals, document numbers, runs of
# Latin letters; and what brackets and quotation marks hold.
_UNITS = (
    "年度|年|个月|月|日|号|季度|家|项|件|个|名|位|人|次|批|期|届|分|万元|亿元|元|%|％|省|类|级|条|款|章|节"
)
_NUMERALS = "一二三四五六七八九十百千零〇两0-9"
_WHOLE = re.compile(
    r"[^\s，。、；：（）《》“”]{0,6}?〔\d{4}〕\d+号"
    rf"|第[{_NUMERALS}]+(?:{_UNITS}|部分)?"
    rf"|\d[\d.,/-]*(?:{_UNITS})?"
    rf"|[{_NUMERALS}]+(?:{_UNITS})"
    r"|〔[^〕]*〕|[A-Za-z0-9.&'_-]+"
)
_BRACKETED = re.compile(r"《[^》]*》|“[^”]*”|（[^）]*）|\([^)]*\)")
# The words of such notices; a body's own name comes as a term of the document.
_WORDS = re.compile(
    "知识产权|专利|商标|运营|服务|平台|绩效|评价|功能性|国家|中心|称号|资格|通知|通报|通告|公告|公示|函复|批复|意见|"
    "办法|方案|名单|结果|回执|情况|工作|关于|开展|组织|印发|公布|认定|撤回|取消|更正|整改|复评|复核|申诉|答复|报送|"
    "自评|自查|年度|季度|邀请|约谈|会议|专家|密集型|产品|备案|评审|省级|市级|有关|事项|材料|数据|报告|月报|函|决定|"
    "有限公司|有限责任公司|股份|集团|大学|学院|研究院|研究所|交易所|自治区|直辖市|新区|园区|产业|示范|试点|建设|"
    "交易|转化|运用|导航|高价值|促进|管理|监督|检查|所附|评级表|逾期|提醒|催报|补正|受理|终止|恢复|发展|[京津沪渝]市|"
    "北京|天津|河北|山西|内蒙古|辽宁|吉林|黑龙江|上海|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|广西|"
    "海南|重庆|四川|贵州|云南|西藏|陕西|甘肃|青海|宁夏|新疆|香港|澳门|台湾"
)
# Names that read better in one line, though a long title may part them.
_COMPOUNDS = re.compile(
    "功能性国家知识产权运营服务平台|知识产权运营服务平台|运营服务平台|绩效评价|评价结果|专利密集型产品|"
    "产业知识产权运营中心|运营中心|知识产权局|高价值专利"
)
# The last words say what the document is; they stay with the 的 before them.
_KINDS = re.compile("的(?:通知|通报|通告|公告|公示|函|复函|批复|意见|决定|答复|回执|邀请函|说明|报告)$")
_GOOD_AFTER = (
    "的",
    "年度",
    "和",
    "与",
    "及",
    "、",
    "》",
    "”",
    "）",
    ")",
    "，",
    ",",
    "平台",
    "中心",
    "公司",
    "大学",
)
_GOOD_BEFORE = ("《", "“", "（", "年度", "有关", "开展", "认定", "取消", "撤回")
_NEVER_BEFORE = "、，。；：）》”〉〕】！？·—…,.;:)!?%％的"
_NEVER_AFTER = "（《“〈〔【(第"


def width_ems(text: str) -> float:
    """Return how wide a line of a title is, in ems."""
    return typography.width_ems(text) + _NARROW * sum(c.isascii() for c in text)


def _inside(spans: Iterable[tuple[int, int]]) -> frozenset[int]:
    return frozenset(at for start, end in spans for at in range(start + 1, end))


def _occurrences(title: str, terms: Iterable[str]) -> Iterable[tuple[int, int]]:
    for term in terms:
        at = title.find(term) if len(term) > 1 else -1
        while at >= 0:
            yield at, at + len(term)
            at = title.find(term, at + 1)


def _costs(title: str, parts: Sequence[str], terms: Iterable[str], strict: bool) -> dict[int, float]:
    """Return how badly a line breaks before each position; where it must not, the position is absent.

    ``strict``: nothing that belongs together is cut; else it costs, for titles that leave no other way.
    """
    held = (
        (_inside(m.span() for m in _WHOLE.finditer(title)), 40.0),
        (_inside(m.span() for m in _WORDS.finditer(title)), 20.0),
        (_inside(_occurrences(title, terms)), 10.0),
        (_inside(m.span() for m in _BRACKETED.finditer(title)), 10.0),
    )
    compounds = _inside(m.span() for m in _COMPOUNDS.finditer(title))
    kind = _KINDS.search(title)
    given = set(accumulate(map(len, parts)))
    costs: dict[int, float] = {}
    for at in range(1, len(title)):
        before, after = title[at - 1], title[at]
        letters = before.isascii() and before.isalnum() and after.isascii() and after.isalnum()
        of_kind = kind is not None and kind.start() == at
        if letters or before in _NEVER_AFTER or (after in _NEVER_BEFORE and not of_kind):
            continue
        if kind and kind.start() < at:
            continue
        if at in given:
            costs[at] = -2.0
            continue
        cut = max((cost for inside, cost in held if at in inside), default=0.0)
        if cut and strict:
            continue
        good = title[:at].endswith(_GOOD_AFTER) or title[at:].startswith(_GOOD_BEFORE)
        costs[at] = cut + (0.0 if good or cut else 3.0) + (6.0 if at in compounds else 0.0)
        # 的 with the document's kind stays with what it belongs to, 关于 with what follows, where possible
        costs[at] += (2.0 if of_kind else 0.0) + (4.0 if title[:at].endswith("关于") else 0.0)
    return costs


def _shape(widths: Sequence[float]) -> float:
    """Return how far lines are from a trapezoid or diamond of like lengths (7.3.1); hourglasses are worst."""
    cost = (max(widths) - min(widths)) / 2
    if len(widths) > 2:
        hourglass = any(a > b < c for a, b, c in zip(widths, widths[1:], widths[2:], strict=False))
        cost += 4.0 if hourglass else 0.0
    return cost


def title_lines(
    title: str, parts: Sequence[str] = (), terms: Iterable[str] = (), ems: float = TITLE_EMS
) -> tuple[str, ...]:
    """Break a title into few lines of at most ``ems``, by sense, in a trapezoid or diamond.

    Lines break best between ``parts`` (in order, together the title) and never within one of ``terms`` unless
    it is longer than a line. A title longer than four lines is broken where the width ends.
    """
    return _title_lines(title, tuple(parts), tuple(dict.fromkeys(terms)), ems)


@cache
def _title_lines(title: str, parts: tuple[str, ...], terms: tuple[str, ...], ems: float) -> tuple[str, ...]:
    if width_ems(title) <= ems:
        return (title,)
    for strict in (True, False):
        costs = _costs(title, parts, terms, strict)
        found = [f for count in range(2, _MOST_LINES + 1) if (f := _best(title, costs, count, ems))]
        if found:
            return min(found, key=lambda f: f[0])[1]
    return _filled_lines(title, ems)


def _best(
    title: str, costs: dict[int, float], count: int, ems: float
) -> tuple[float, tuple[str, ...]] | None:
    """Return the best way to break a title into so many lines and how bad it is; None: there is none."""
    ends = [0.0, *accumulate(width_ems(c) for c in title)]
    if ends[-1] > count * ems:
        return None
    best: tuple[float, tuple[int, ...]] | None = None
    for cuts in combinations(sorted(costs), count - 1):
        widths = [ends[b] - ends[a] for a, b in pairwise((0, *cuts, len(title)))]
        if max(widths) > ems:
            continue
        cost = sum(costs[c] for c in cuts) + _shape(widths) + _EACH_LINE * count
        if best is None or cost < best[0]:
            best = (cost, cuts)
    if best is None:
        return None
    return best[0], tuple(title[a:b] for a, b in pairwise((0, *best[1], len(title))))


def _filled_lines(title: str, ems: float) -> tuple[str, ...]:
    lines, line = [], ""
    for character in title:
        if line and width_ems(line + character) > ems:
            lines.append(line)
            line = ""
        line += character
    return (*lines, line)
