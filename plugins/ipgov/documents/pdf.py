"""PDF (PDF/A-2b, archive and publication) of an official document, by Typst."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ipgov.core.errors import EnvironmentProblemError, RefusedError
from ipgov.core.steps import SHANGHAI
from ipgov.documents import fonts
from ipgov.documents.layout import Layouts, layouts, printed
from ipgov.documents.model import OfficialDocument

LAYOUT = "official.typ"


@cache
def _compiler(
    files: tuple[fonts.FontFile, ...], process: int
) -> tuple[Any, dict[str, Any], dict[str, tuple[Path, int]]]:
    """Return one compiler per set of fonts and per process: its threads do not survive a fork."""
    import typst

    # Typst takes folders: one of links, in the order of search, holds these files and no others
    with tempfile.TemporaryDirectory(prefix="ipgov-fonts-") as folder:
        for index, file in enumerate(files):
            (Path(folder) / f"{index:04d}-{file.path.name}").symlink_to(file.path.resolve())
        found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
        compiler = typst.Compiler(font_paths=found, ignore_system_fonts=True)
        infos = found.fonts()
        chosen: dict[str, Any] = fonts.faces(i.family for i in infos)
        places = {i.family: (Path(str(i.path)), i.index) for i in reversed(infos)}
    return compiler, chosen, {face: places[chosen[face]["families"][0]] for face in chosen}


def render(what: Mapping[str, Any], layout: Layouts, files: Sequence[fonts.FontFile]) -> bytes:
    """Return the PDF of what ``layout.printed`` gave: the same inputs and Typst give the same bytes."""
    compiler, faces, places = _compiler(tuple(files), os.getpid())
    # what the standard measures from is ink, not boxes: the red mark's edges, the page number's dash
    rise, sink = fonts.ink(*places["mark"], what["mark"])
    above, below = fonts.ink(*places["number"], "—")
    ink = {"rise": rise, "sink": sink, "dash": (above - below) / 2}
    day = dt.date.fromisoformat(what["day"])
    try:
        data, warnings = compiler.compile_with_warnings(
            input=layout[LAYOUT].encode(),
            format="pdf",
            pdf_standards=["a-2b"],
            timestamp=int(dt.datetime.combine(day, dt.time(), tzinfo=SHANGHAI).timestamp()),
            sys_inputs={
                "document": json.dumps(what, ensure_ascii=False),
                "fonts": json.dumps(faces | {"ink": ink}),
            },
        )
    except BaseException as error:
        # Typst 0.15 gives up on the tags of a table with a cell that runs over several pages
        if type(error).__name__ != "PanicException":
            raise
        _compiler.cache_clear()
        raise RefusedError(f"《{what['title']}》的表格中有长达数页的文字，无法排版，应予缩短") from None
    if warnings:
        found = "；".join(str(w.message) for w in warnings)
        raise EnvironmentProblemError(f"《{what['title']}》排版有警告，不予采用：{found}")
    return bytes(data)


def render_pdf(document: OfficialDocument) -> bytes:
    """Return the PDF of a document with the layout and fonts of this installation.

    Raises GovernanceError that names every character for which the fonts have no glyph, and its place.
    """
    fonts.require_glyphs(document.texts(), document.title)
    return render(printed(document), layouts(), fonts.font_files())
