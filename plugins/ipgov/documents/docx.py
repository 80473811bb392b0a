"""Word (.docx, what offices edit and seal) of an official document.

The parts of the package stand in ``reports/templates/layouts/docx``: those that are the same for every
document as they are, those with the suffix ``.j2`` as templates with autoescape. They are written out rather
than prepared by python-docx, whose styles name Western fonts and bring parts that a letter has no use for.
Members are stored, not deflated, in fixed order with fixed times: the bytes depend on no zlib.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ipgov.documents.layout import LINE_CHARACTERS, PAGE_LINES, Layouts, environment, layouts, printed
from ipgov.documents.model import OfficialDocument
from ipgov.documents.sandbox import guarded
from ipgov.documents.typography import width_ems

_FOLDER = "docx/"
_FIRST = "[Content_Types].xml"
_MACROS = "_macros.j2"
_EPOCH = (1980, 1, 1, 0, 0, 0)

# Twentieths of a point, the unit of the format: a millimetre, the type area of 156 mm, one of its characters.
MILLIMETRE = 1440 / 25.4
TYPE_AREA = 8844
CHARACTER = 156 * MILLIMETRE / LINE_CHARACTERS
# A page that lies across has a type area of 225 mm.
LANDSCAPE_AREA = round(225 * MILLIMETRE)


def _measures(what: Mapping[str, Any]) -> dict[str, Any]:
    """Return places and sizes in twentieths of a point, unless named otherwise.

    Layouts that were archived with issued documents ask for these by name: one is added, never taken away.
    """
    widest = 42 if what["form"] == "letter" else 48
    points = int(2 * min(widest, 150 / 25.4 * 72 / max(width_ems(what["mark"]), 1))) / 2
    # 30 mm to the mark's top (10.1), glyphs standing 0.06 em inside their line; 4 mm below, the red line
    line_top = 30 * MILLIMETRE + 0.88 * points * 20 + 4 * MILLIMETRE
    number_top = line_top + 4.5 * 20 + 0.875 * 320
    wide = [LANDSCAPE_AREA if a["landscape"] else TYPE_AREA for a in what["attachments"]]
    return {
        "issuer_right": round(what["signature"]["issuer_right"] * CHARACTER / 4),
        "date_right": round(what["signature"]["date_right"] * CHARACTER / 4),
        "mark_size": int(points * 2),  # half-points
        "mark_line": round(points * 20),
        "mark_y": round(30 * MILLIMETRE - 0.06 * points * 20),
        "mark_before": round(35 * MILLIMETRE - 0.06 * points * 20),
        "line_y": round(line_top),
        "number_before": round(number_top - 37 * MILLIMETRE - (579 - 320) / 2),
        "free_entries": _free_entries(what),
        "closing_stays": _closing_stays(what),
        "tables": [_columns(a["widths"], w) for a, w in zip(what["attachments"], wide, strict=True)],
        "wide": wide,
    }


def _free_entries(what: Mapping[str, Any]) -> range:
    """Return which entries of the attachment note need not stand with the next line; mostly none.

    The page that is signed bears words of what is signed: the last paragraph, the note and the signature are
    kept together. A note too long for one page with both is held to the paragraph by its first entry and to
    the signature by its last two. ``templates.render`` refuses a single text too long for that.
    """

    def lines(text: str, room: int = LINE_CHARACTERS) -> int:
        return math.ceil(width_ems(text) / room)

    entries = [lines(a["title"], LINE_CHARACTERS - 7) for a in what["attachments"]]
    signature = (2 if what["sealed"] else 1) + lines(what["issuer"]) + 1 + lines(what["note"])
    closing = lines(what["paragraphs"][-1]["text"])
    if not entries or closing + 1 + sum(entries) + signature < PAGE_LINES:
        return range(0)
    return range(1, len(entries) - 2)


def _closing_stays(what: Mapping[str, Any]) -> bool:
    """Say whether the last paragraph and all after it fit: layouts archived at revision 0003 ask so."""

    def lines(text: str, room: int = LINE_CHARACTERS) -> int:
        return math.ceil(width_ems(text) / room)

    entries = [lines(a["title"], LINE_CHARACTERS - 7) for a in what["attachments"]]
    signature = (2 if what["sealed"] else 1) + 2 + lines(what["note"])
    return lines(what["paragraphs"][-1]["text"]) + bool(entries) + sum(entries) + signature < PAGE_LINES - 3


def _columns(widths: list[int], total: int) -> list[int]:
    """Return the widths of a table's columns; together the type area."""
    ends = [round(total * sum(widths[: i + 1]) / sum(widths)) for i in range(len(widths))]
    return [b - a for a, b in zip([0, *ends], ends, strict=False)]


def render(what: Mapping[str, Any], layout: Layouts) -> bytes:
    """Return the .docx of what ``layout.printed`` gave: the same text and layout give the same bytes."""
    parts = {name.removeprefix(_FOLDER): text for name, text in layout.items() if name.startswith(_FOLDER)}
    templates = environment(tuple((n, t) for n, t in parts.items() if n.endswith(".j2")))
    values = {"d": what, "m": _measures(what)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        for name in sorted(parts, key=lambda n: (not n.startswith(_FIRST), n)):
            if PurePosixPath(name).name == _MACROS:
                continue
            with guarded(name):
                text = templates.get_template(name).render(values) if name.endswith(".j2") else parts[name]
            member = zipfile.ZipInfo(name.removesuffix(".j2"), _EPOCH)
            member.create_system = 0
            package.writestr(member, text.encode())
    return buffer.getvalue()


def render_docx(document: OfficialDocument) -> bytes:
    """Return the .docx of a document with the layout of this installation."""
    return render(printed(document), layouts())
