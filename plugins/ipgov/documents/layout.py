"""What the layouts print of a document, as plain data: no renderer composes wording of its own.

``printed`` is all that a layout is given. It is archived beside the document, and so is the layout: together
they make the same bytes again after model, wording and layouts have moved on (`documents/register.py`).
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import canonical_json, sha256_hex, short_code
from ipgov.core.settings import settings
from ipgov.documents import sandbox
from ipgov.documents.model import Attachment, Heading, OfficialDocument, date_zh
from ipgov.documents.titles import title_lines
from ipgov.documents.typography import full_width, width_ems

if TYPE_CHECKING:
    from jinja2 import Environment

LAYOUTS = "layouts"

# The grid: 22 lines of 28 characters fill the type area of 156 by 225 mm (5.2.1, 5.2.3).
LINE_CHARACTERS, PAGE_LINES = 28, 22
# Lines of a first page that head, number, gaps and the first line of text leave to title and recipients.
_ROOM = {"file": 9, "letter": 15}
# Lines of the text before the signature that stand on one page with it whatever sets the page.
_BEFORE_SIGNATURE = 14

Layouts = dict[str, str]  # file name → text


def layouts() -> Layouts:
    """Return the layouts of this installation: names below ``layouts/`` and texts."""
    folder = settings().templates / LAYOUTS
    stamps = tuple((str(f), f.stat().st_mtime_ns) for f in sorted(folder.rglob("*")) if f.is_file())
    return _read(folder, stamps)


@cache
def _read(folder: Path, stamps: tuple[tuple[str, int], ...]) -> Layouts:
    return {Path(f).relative_to(folder).as_posix(): Path(f).read_text(encoding="utf-8") for f, _ in stamps}


@cache
def environment(sources: tuple[tuple[str, str], ...]) -> Environment:
    """Return compiled templates (name, text) for markup; named by content, a changed one is compiled anew."""
    from jinja2 import DictLoader

    return sandbox.environment(
        "layout",
        {"css_string": _css_string},
        loader=DictLoader(dict(sources)),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _css_string(text: str) -> Any:
    """Return text as a string of a style sheet: every character as its code, so that none is syntax."""
    from markupsafe import Markup

    return Markup('"' + "".join(f"\\{ord(c):06x}" for c in text) + '"')  # noqa: S704 (codes only)


@cache
def _bundled(names: tuple[str, ...], texts: tuple[str, ...]) -> tuple[bytes, str]:
    data = canonical_json(dict(zip(names, texts, strict=True)))
    return data, sha256_hex(data)


def bundle(of: Layouts) -> tuple[bytes, str]:
    """Return layouts as the one text that is archived, and its hash."""
    return _bundled(tuple(of), tuple(of.values()))


# Marks without a shape that make the punctuation and digits beside them run from right to left (UAX 9).
_TURNING = dict.fromkeys((0x200F, 0x061C))


def _in_order(value: Any) -> Any:
    """Return what is printed without the marks that would show its characters in another order."""
    if isinstance(value, str):
        return value if value.isascii() else value.translate(_TURNING)
    if isinstance(value, dict):
        return {k: _in_order(v) for k, v in value.items()}
    return [_in_order(v) for v in value] if isinstance(value, list) else value


def printed(document: OfficialDocument) -> dict[str, Any]:
    """Return everything that the layouts print of a document, in the order in which it is written."""
    return _in_order(_printed(document))


def _printed(document: OfficialDocument) -> dict[str, Any]:
    lines = _title(document.title, document)
    # a comma parts those that name several offices themselves: 各省、自治区、直辖市…… (7.3.2)
    within = any("、" in name for name in document.recipients)
    recipients = ("\uff0c" if within else "、").join(document.recipients)
    # recipients that would push all text off the first page stand in the imprint (7.3.2)
    in_imprint = _lines(recipients) > _ROOM[document.form] - len(lines)
    return {
        "form": document.form,
        "issuer": document.issuer,
        "mark": document.mark or document.issuer + ("文件" if document.form == "file" else ""),
        "number": document.number,
        "title": document.title,
        "title_lines": lines,
        "recipients": "" if in_imprint else recipients,
        "paragraphs": _paragraphs(document.paragraphs),
        "attachments": [_attachment(document, i, a) for i, a in enumerate(document.attachments)],
        "day": document.signature_date.isoformat(),
        "date": date_zh(document.signature_date),
        "sealed": document.sealed,
        "signature": _signature(document),
        "note": f"（{document.note}）" if document.note else "",
        "imprint": _imprint(document, recipients if in_imprint else ""),
        "verification": verification_line(document),
        "banner": document.banner,
    }


def require_words_where_it_is_signed(document: OfficialDocument) -> None:
    """Refuse a text before the signature so long that a word processor may leave the signature a page alone.

    A word processor keeps a paragraph whole with the next one, or not at all where no page holds both; the
    PDF has no such limit. Raises RefusedError that names the text, its lines and what would be accepted.
    """
    last = document.paragraphs[-1]
    before = [("最后一段", "　　" + (last if isinstance(last, str) else last.text), LINE_CHARACTERS, "分段")]
    if document.attachments:
        before.append(("最后一个附件的名称", document.attachments[-1].title, LINE_CHARACTERS - 7, "缩短"))
    for what, text, room, remedy in before:
        if (lines := _lines(text, room)) > _BEFORE_SIGNATURE:
            raise RefusedError(
                f"《{document.title[:60]}》{what}“{text.strip()[:20]}……”约 {lines} 行，落款所在页可能没有正文"
                f"；应为：不超过 {_BEFORE_SIGNATURE} 行，请{remedy}"
            )


def _lines(text: str, room: int = LINE_CHARACTERS) -> int:
    return math.ceil(width_ems(text) / room)


def _title(title: str, document: OfficialDocument) -> list[str]:
    parts = document.title_parts if title == document.title else ()
    terms = (*document.title_terms, document.issuer, *document.recipients)
    return list(title_lines(title, parts, terms))


def _paragraphs(paragraphs: tuple[str | Heading, ...]) -> list[dict[str, Any]]:
    return [
        {"level": 0, "text": p} if isinstance(p, str) else {"level": p.level, "text": p.text}
        for p in paragraphs
    ]


def attachment_label(document: OfficialDocument, index: int) -> str:
    """Return ``附件`` of the only attachment, else ``附件1``, ``附件2``…; ``index`` counts from 0 (7.3.7)."""
    return "附件" if len(document.attachments) == 1 else f"附件{index + 1}"


def _attachment(document: OfficialDocument, index: int, attachment: Attachment) -> dict[str, Any]:
    return {
        "label": attachment_label(document, index),
        "serial": f"{index + 1}." if len(document.attachments) > 1 else "",
        "title": attachment.title,
        "title_lines": _title(attachment.title, document),
        "paragraphs": _paragraphs(attachment.paragraphs),
        "columns": list(attachment.columns),
        "rows": [list(row) for row in attachment.rows],
        "widths": list(attachment.widths or (1,) * len(attachment.columns)),
        "notes": list(attachment.notes),
        "landscape": attachment.orientation == "landscape",
    }


def _signature(document: OfficialDocument) -> dict[str, int]:
    """Return how far issuer and date stand from the right and how wide they are, in quarters of a character.

    With a seal the date stands four from the right and the issuer centred above it; an issuer too long for
    that ends at the right edge and the date stands centred below it (7.3.5.1). Without one the issuer stands
    two from the right and the date begins two after the issuer's beginning; a date longer than the issuer
    stands two from the right and the issuer moves left accordingly (7.3.5.2).
    """
    issuer, date = (
        min(width_ems(document.issuer), LINE_CHARACTERS),
        width_ems(date_zh(document.signature_date)),
    )
    if document.sealed:
        date_right, issuer_right = 4.0, 4.0 + (date - issuer) / 2
        if issuer_right < 0:
            date_right, issuer_right = date_right - issuer_right, 0.0
    elif date > issuer:
        date_right, issuer_right = 2.0, 2.0 + date + 2.0 - issuer
    else:
        date_right, issuer_right = issuer - date, 2.0
    places = {"issuer": issuer, "date": date, "issuer_right": issuer_right, "date_right": date_right}
    return {name: int(place * 4) for name, place in places.items()}


def _imprint(document: OfficialDocument, recipients: str) -> list[dict[str, str]]:
    """Return the imprint's rows: 主送, 抄送, in a file the printing office and date (7.4.2, 7.4.3)."""
    rows = []
    if recipients:
        rows.append({"label": full_width("主送："), "text": f"{recipients}。", "right": ""})
    if document.copies_to:
        copies = full_width(",").join(document.copies_to)
        rows.append({"label": full_width("抄送："), "text": f"{copies}。", "right": ""})
    if document.form == "file":
        day = date_zh(document.printed_on or document.signature_date)
        rows.append({"label": "", "text": document.printer or document.issuer, "right": f"{day}印发"})
    return rows


def verification_line(document: OfficialDocument) -> str:
    """Return the imprint's line that leads from paper to record: the seal's and the results' short codes."""
    parts = []
    if document.seal_code:
        parts.append(full_width("封存码：") + document.seal_code)
    if document.trace:
        parts.append(full_width("结果指纹：") + short_code(document.trace))
    return "\u3000".join(parts)
