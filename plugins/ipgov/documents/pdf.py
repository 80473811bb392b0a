"""PDF (PDF/A-2b, archive and publication) of an official document, by Typst."""

from __future__ import annotations

import datetime as dt
import json
import os
from functools import cache
from typing import Any

from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI
from ipgov.documents import fonts
from ipgov.documents.model import OfficialDocument, layout_context

LAYOUT = "layouts/official.typ"


@cache
def _compiler(folders: tuple[str, ...], process: int) -> tuple[Any, dict[str, Any]]:
    """Return one compiler per set of fonts and per process: its threads do not survive a fork."""
    import typst

    found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders))
    chosen = fonts.faces(found.families())
    return typst.Compiler(font_paths=found, ignore_system_fonts=True), chosen


def render_pdf(document: OfficialDocument) -> bytes:
    """Return the PDF of a document: the same document, layout, fonts and Typst give the same bytes.

    Raises GovernanceError that names every character for which the fonts have no glyph.
    """
    context = layout_context(document)
    fonts.require_glyphs((*document.texts(), context["verification"]), document.title)
    layout = (settings().templates / LAYOUT).read_bytes()
    compiler, faces = _compiler(tuple(str(f) for f in fonts.font_folders()), os.getpid())
    day = document.signature_date
    data, warnings = compiler.compile_with_warnings(
        input=layout,
        format="pdf",
        pdf_standards=["a-2b"],
        timestamp=int(dt.datetime.combine(day, dt.time(), tzinfo=SHANGHAI).timestamp()),
        sys_inputs={
            "document": json.dumps(context, ensure_ascii=False),
            "fonts": json.dumps(faces),
            "date": json.dumps([day.year, day.month, day.day]),
        },
    )
    if warnings:
        found = "；".join(str(w.message) for w in warnings)
        raise EnvironmentProblemError(f"《{document.title}》排版有警告，不予采用：{found}")
    return bytes(data)
