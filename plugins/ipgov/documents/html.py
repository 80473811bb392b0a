"""HTML of an official document: one file, no other resource, for the screen, the phone and the printer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipgov.documents.layout import Layouts, environment, layouts, printed
from ipgov.documents.model import OfficialDocument
from ipgov.documents.sandbox import guarded

LAYOUT = "official.html.j2"


def render(what: Mapping[str, Any], layout: Layouts) -> bytes:
    """Return the page of what ``layout.printed`` gave: the same text and layout give the same bytes."""
    with guarded(LAYOUT):
        template = environment(((LAYOUT, layout[LAYOUT]),)).get_template(LAYOUT)
        return template.render(d=what).encode()


def render_html(document: OfficialDocument) -> bytes:
    """Return the page of a document with the layout of this installation."""
    return render(printed(document), layouts())
