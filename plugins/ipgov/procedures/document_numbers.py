"""Numbers of documents that an office keeps in a register of its own: what waits for one, and entering it."""

from __future__ import annotations

import datetime as dt

from ipgov.core.database import reading
from ipgov.documents import numbering
from ipgov.documents.numbering import Awaited


def awaited() -> list[Awaited]:
    """Return the documents that wait for a number, in the order in which they asked for it."""
    with reading() as connection:
        return numbering.waiting(connection)


def enter(key: str, number: str, actor: str, as_of: dt.date, known_at: dt.datetime) -> bool:
    """Take the number that the office gave a document; raises as ``numbering.enter``, which it is."""
    return numbering.enter(key, number, actor, as_of, known_at)
