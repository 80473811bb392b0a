"""Filters of the document templates: how values, clauses and other documents are written in wording."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.steps import SHANGHAI
from ipgov.documents.model import date_zh, plain_text
from ipgov.documents.typography import full_width
from ipgov.policy.title_words import title_words

if TYPE_CHECKING:
    from ipgov.documents.paper_subjects import Earlier
    from ipgov.policy.scoring import Indicator, Scoring

_CLAUSE_ID = re.compile(r"\d{4}-\d+#\d{2}")
_DIGITS = ("", *"一二三四五六七八九")


def shown(value: Any) -> Any:
    """Return what a value looks like in a document; a float or a nothing is a mistake of the template."""
    from jinja2 import Undefined

    if isinstance(value, Undefined):
        return str(value)  # raises, naming what the context lacks
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        raise GovernanceError("模板直接输出了时刻：请用 moment 写明")
    if isinstance(value, dt.date):
        return date_zh(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise GovernanceError(f"模板输出了 {type(value).__name__} 类型的值：只能是文字、整数、小数或日期")


def _moment(value: dt.datetime) -> str:
    """Return a moment in the office's time, to the minute: 2026年4月20日 9:05."""
    local = value.astimezone(SHANGHAI)
    return f"{date_zh(local.date())}{local.hour}:{local.minute:02d}"


def _points(value: Decimal | None, decimals: int) -> str:
    """Return a score with the rule's decimals; 缺 where there is none."""
    return "缺" if value is None else format(value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), "f")


def _number(value: Decimal | None, decimals: int = 6) -> str:
    """Return a number to at most ``decimals`` places, without trailing zeros; 缺 where there is none."""
    if value is None:
        return "缺"
    text = format(value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _measured(value: Decimal | None, unit: str, decimals: int = 6) -> str:
    """Return a value with its unit, a share of 1 in percent; 缺 where there is none."""
    from ipgov.evaluation.wording import measured

    return "缺" if value is None else measured(value, unit, decimals)


def _grouped(digest: str) -> str:
    """Return a hash in groups of eight, so that it breaks over lines and can be compared by eye.

    Between them are en spaces: a line that is set to full width leaves those as they are.
    """
    return "\N{EN SPACE}".join(digest[i : i + 8] for i in range(0, len(digest), 8))


def cite(clause_id: str) -> str:
    """Return how a document names a clause: title, number and section; ``operator`` is 运行方自定."""
    if clause_id == "operator":
        return "运行方自定"
    row = _clause(clause_id)
    return full_width(f"《{row['doc_title']}》({row['doc_no']}){_section(row)}")


def _clause(clause_id: str) -> Mapping[str, str]:
    from ipgov.policy.store import clauses

    row = clauses().get(clause_id)
    if row is None:
        raise UnknownError(f"没有条款“{clause_id}”；应为 policies/clauses.csv 中的编号")
    return row


def _section(row: Mapping[str, str]) -> str:
    if article := re.match(r"第[一二三四五六七八九十]+条", row["section"]):
        return article[0]
    section = re.match(r"[一二三四五六七八九十]+", row["section"])
    return f"第{section[0]}部分" if section else ""


def _cited(clause_ids: Sequence[str]) -> str:
    """Return several clauses in one phrase; sections of one document are named together."""
    sections: dict[tuple[str, str], list[str]] = {}
    for row in map(_clause, clause_ids):
        known = sections.setdefault((row["doc_title"], row["doc_no"]), [])
        if (section := _section(row)) not in known and section:
            known.append(section)
    return "、".join(
        full_width(f"《{title}》({number}){'、'.join(sorted(found, key=_order))}")
        for (title, number), found in sections.items()
    )


def _order(section: str) -> int:
    """Return where a section stands: 一 to 九十九, as 第十一条 or 第二部分 write it."""
    tens, ten, ones = re.sub("第|条|部分", "", section).rpartition("十")
    digits = "零一二三四五六七八九"
    return (digits.find(tens or "一") * 10 if ten else 0) + digits.find(ones or "零")


def _quoted(clause_id: str) -> str:
    """Return the clause's own words in quotation marks; an omission is a full ellipsis."""
    words = _clause(clause_id)["key_zh"]
    return full_width("“" + re.sub("…+", "……", words) + "”")


def _readable(text: str) -> str:
    """Return a sentence of the engine for those outside the office: clauses by number and section.

    It may quote what a body wrote: what only looks like a clause stays as it is.
    """
    from ipgov.policy.store import clauses

    def named(found: re.Match[str]) -> str:
        row = clauses().get(found[0])
        return found[0] if row is None else row["doc_no"] + _section(row)

    return full_width(_CLAUSE_ID.sub(named, text))


def _visible(text: str) -> str:
    """Return a sender's own text (a file name) with whatever cannot be printed written as its code."""
    from ipgov.documents.fonts import missing_characters

    missing = missing_characters([text])
    return "".join(f"〔U+{ord(c):04X}〕" if c in missing or not _printable(c) else c for c in text)


def _printable(character: str) -> bool:
    try:
        plain_text(character)
    except GovernanceError:
        return False
    return True


def _indicator_basis(indicator: Indicator, scoring: Scoring) -> str:
    """Return under what an indicator stands: clauses by number and section, or 运行方自定."""
    from ipgov.evaluation.basis import in_chinese, indicator_basis

    return _readable(in_chinese(indicator_basis(scoring, indicator)))


def _ordinal(number: int) -> str:
    """Return the number of a level in Chinese, 1 to 99: 一, 十, 十一, 二十, 九十九 (7.3.3)."""
    tens, ones = divmod(number, 10)
    if not 0 < number < 100:
        raise GovernanceError(f"层次序数只到九十九，却是 {number}")
    return f"{_DIGITS[tens] if tens > 1 else ''}{'十' if tens else ''}{_DIGITS[ones]}"


def _book_title(title: str) -> str:
    """Return a title in book marks; those within become single ones (GB/T 15834, 4.13)."""
    return f"《{title.translate({ord('《'): '〈', ord('》'): '〉'})}》"


def _reference(earlier: Earlier) -> str:
    """Return how a document names an earlier one: title, number where it has one, and day."""
    number = f"{earlier.number}\uff0c" if earlier.number else ""
    return f"{_book_title(earlier.title)}\uff08{number}{date_zh(earlier.issued_on)}印发\uff09"


def _adjusting(indicators: Sequence[Indicator], scores: Mapping[str, Mapping[str, Any]]) -> list[Indicator]:
    """Return the bonus and deduction items that changed a total."""
    return [
        i
        for i in indicators
        if i.role in ("bonus", "deduction") and i.code in scores and scores[i.code]["contribution"]
    ]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "moment": _moment,
    "points": _points,
    "number": _number,
    "measured": _measured,
    "grouped": _grouped,
    "cite": cite,
    "cited": _cited,
    "quoted": _quoted,
    "readable": _readable,
    "visible": _visible,
    "indicator_basis": _indicator_basis,
    "adjusting": _adjusting,
    "full_width": full_width,
    "reference": _reference,
    "ordinal": _ordinal,
    "book_title": _book_title,
    "title_words": title_words,
}
