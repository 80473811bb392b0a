"""Which columns a quality view has and a rule's SQL names, read from their text: no database is needed.

It rests on a house rule for ``sql/views/*_quality_*.sql``: the outermost SELECT stands last and lists every
column by name. A test holds what is read here against the database's own catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from ipgov.core.errors import GovernanceError
from ipgov.core.settings import settings

BATCH = "{batch}"
_TOKEN = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<batch>\{batch\})"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*|"[^"]+")|(?P<number>\d[\d.]*)|(?P<sign>::|->>|->|\S)""",
    re.DOTALL,
)
# beside the words that SQL reserves: those that stand where a column could
_WORDS = frozenset({
    "between", "by", "date", "day", "double", "epoch", "escape", "exists", "extract", "filter", "first",
    "following", "hour", "ilike", "interval", "is", "isnull", "last", "like", "month", "notnull", "nulls",
    "numeric", "of", "over", "partition", "preceding", "precision", "range", "recursive", "row", "rows",
    "set", "similar", "text", "timestamp", "unbounded", "values", "within", "without", "year", "zone",
    "at", "time",
})  # fmt: skip


def tokens(sql: str) -> list[str]:
    """Return the words and signs of SQL text: no comments, no spaces; names in lower case."""
    found = []
    for match in _TOKEN.finditer(sql):
        if match.lastgroup == "name":
            found.append(match.group().lower())
        elif match.lastgroup != "skip":
            found.append(match.group())
    return found


def quality_views() -> dict[str, Path]:
    """Return the files of the views that rules may look at, by the view's name."""
    files = sorted((settings().sql / "views").glob("*_quality_*.sql"))
    return {f.stem.partition("_")[2]: f for f in files}


def view_columns(view: str) -> frozenset[str]:
    """Return the columns of a quality view; GovernanceError where its text breaks the house rule."""
    return _read(quality_views()[view])


@lru_cache(maxsize=64)
def _read(file: Path) -> frozenset[str]:
    chosen = selected(tokens(file.read_text(encoding="utf-8")))
    if None in chosen:
        raise GovernanceError(f"视图文件 {file.name} 的最外层 SELECT 须逐列写明列名，不能用 *")
    return frozenset(c for c in chosen if c is not None)


def selected(words: Sequence[str]) -> list[str | None]:
    """Return the names of the columns that the last outermost SELECT gives; None for ``*``."""
    starts = [i for i, word, depth in _at_depth(words) if depth == 0 and word == "select"]
    if not starts:
        return []
    items: list[list[str]] = [[]]
    for _, word, depth in _at_depth(words[starts[-1] + 1 :]):
        if depth == 0 and word == "from":
            break
        if depth == 0 and word == ",":
            items.append([])
        else:
            items[-1].append(word)
    return [None if item[-1] == "*" else item[-1].strip('"') for item in items if item]


def _at_depth(words: Sequence[str]) -> Iterator[tuple[int, str, int]]:
    depth = 0
    for i, word in enumerate(words):
        depth -= word == ")"
        yield i, word, depth
        depth += word == "("


def given_by(query: str, view: str) -> frozenset[str]:
    """Return the columns of the rows that a rule's query gives."""
    columns: set[str] = set()
    for name in selected(tokens(query)):
        columns |= view_columns(view) if name is None else {name}
    return frozenset(columns)


def unknown_names(query: str, view: str) -> list[str]:
    """Return the names in a rule's query that are neither columns of its view nor declared in the query."""
    from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

    words = tokens(query)
    known = set(view_columns(view))
    for other in quality_views().keys() & set(words):
        known |= view_columns(other) | {other}
    used = []
    for i, word in enumerate(words):
        before = words[i - 1] if i else ""
        after = words[i + 1] if i + 1 < len(words) else ""
        if not re.match(r'[a-z_"]', word) or word in RESERVED_WORDS or word in _WORDS:
            continue
        if before == "as" or (after == "as" and before in ("with", ",")) or before in (BATCH, ")"):
            known.add(word.strip('"'))  # an alias, or a part named by WITH
        elif before not in ("::", "'") and after not in ("(", "."):
            used.append(word.strip('"'))
    return sorted(set(used) - known)
