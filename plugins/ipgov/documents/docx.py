"""Word (.docx, what offices edit and seal) of an official document.

The parts of the package stand in ``reports/templates/layouts/docx``: those that are the same for every
document as they are, those with the suffix ``.j2`` as templates with autoescape. They are written out rather
than prepared by python-docx, whose styles name Western fonts and bring parts that a letter has no use for.
Members are stored, not deflated, in fixed order with fixed times: the bytes depend on no zlib.
"""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipgov.core.settings import settings
from ipgov.documents.model import OfficialDocument, layout_context
from ipgov.documents.typography import width_ems

if TYPE_CHECKING:
    from jinja2 import Environment

LAYOUT = "layouts/docx"
_FIRST = "[Content_Types].xml"
_MACROS = "_macros.j2"
_EPOCH = (1980, 1, 1, 0, 0, 0)

# One character of the grid, in twentieths of a point: 156 mm / 28.
CHARACTER = 156 / 25.4 * 1440 / 28


@cache
def _environment(folder: Path, parts: tuple[tuple[str, bytes], ...]) -> Environment:
    """Return the compiled parts; they are named by content, so that a changed layout is compiled anew."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    sources = {name: data.decode() for name, data in parts if name.endswith(".j2")}
    return Environment(
        loader=DictLoader(sources),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def layout_parts() -> tuple[tuple[str, bytes], ...]:
    """Return names and contents of the layout's parts, the list of content types first."""
    folder = settings().templates / LAYOUT
    names = sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())
    names.sort(key=lambda name: not name.startswith(_FIRST))
    return tuple((name, (folder / name).read_bytes()) for name in names)


def _measures(context: dict[str, Any]) -> dict[str, Any]:
    """Return what depends on the length of texts, in twentieths of a point unless named otherwise."""
    issuer, date = width_ems(context["issuer"]) * CHARACTER, width_ems(context["date"]) * CHARACTER
    date_right = (
        4 * CHARACTER
    )  # the date four characters from the right, the issuer centred above it (7.3.5.1)
    issuer_right = date_right + (date - issuer) / 2
    if issuer_right < 0:
        date_right, issuer_right = date_right - issuer_right, 0
    widest = 42 if context["form"] == "letter" else 48
    mark = min(widest, 150 / 25.4 * 72 / max(width_ems(context["mark"]), 1))
    mark_points = int(mark * 2) / 2
    # 30 mm to the mark's top (10.1), glyphs standing 0.06 em inside their line; 4 mm below, the red line
    line_top = 30 / 25.4 * 72 + 0.88 * mark_points + 4 / 25.4 * 72
    number_top = line_top + 4.5 + 0.875 * 16
    return {
        "issuer_right": round(issuer_right),
        "date_right": round(date_right),
        "mark_size": int(mark_points * 2),
        "mark_line": round(mark_points * 20),
        "mark_y": round((30 / 25.4 * 72 - 0.06 * mark_points) * 20),
        "line_y": round(line_top * 20),
        "number_before": round((number_top - 37 / 25.4 * 72 - (28.95 - 16) / 2) * 20),
        "tables": [_columns(a["widths"]) for a in context["attachments"]],
    }


def _columns(widths: list[int], total: int = 8844) -> list[int]:
    """Return the widths of a table's columns; together the type area of 156 mm."""
    ends = [round(total * sum(widths[: i + 1]) / sum(widths)) for i in range(len(widths))]
    return [b - a for a, b in zip([0, *ends], ends, strict=False)]


def render_docx(document: OfficialDocument) -> bytes:
    """Return the .docx of a document: the same document and layout give the same bytes."""
    context = layout_context(document)
    values = {"d": context, "m": _measures(context), "day": document.signature_date.isoformat()}
    parts = layout_parts()
    environment = _environment(settings().templates / LAYOUT, parts)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        for name, data in parts:
            if Path(name).name == _MACROS:
                continue
            if name.endswith(".j2"):
                data = environment.get_template(name).render(values).encode()
            member = zipfile.ZipInfo(name.removesuffix(".j2"), _EPOCH)
            member.create_system = 0
            package.writestr(member, data)
    return buffer.getvalue()
