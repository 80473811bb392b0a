"""The SQL of ``sql/evaluation``, filled in for one scoring rule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipgov.core.settings import settings

if TYPE_CHECKING:
    import jinja2


class Templates:
    """The templates with the context of one plan."""

    def __init__(self, context: Mapping[str, Any]):
        self._environment = _environment(settings().sql / "evaluation")
        self._context = dict(context)

    def add(self, **more: Any) -> None:
        """Add to the context of every template rendered from now on."""
        self._context |= more

    def render(self, name: str, **more: Any) -> str:
        """Return the SQL of a file."""
        return self._environment.get_template(name).render(self._context | more)


@cache
def _environment(folder: Path) -> jinja2.Environment:
    """Return the templates of a folder, compiled once a process."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - SQL, not HTML; texts go through the filter "text"
        loader=jinja2.FileSystemLoader(folder), undefined=jinja2.StrictUndefined
    )
    environment.filters["text"] = sql_text
    environment.filters["smallest"] = lambda s: format(Decimal(1).scaleb(-s), "f")
    return environment


def sql_text(value: object) -> str:
    """Return a text as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def open_json(value: Mapping[str, Any]) -> str:
    """Return a JSON object without its closing brace: the SQL adds what differs from unit to unit."""
    return json.dumps(value, ensure_ascii=False).removesuffix("}")
