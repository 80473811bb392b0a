"""Reading the registry in its two times: valid on a day, as known at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Column, Subquery, Table, select
from sqlalchemy.dialects.postgresql import distinct_on


def newest(table: Table, keys: Sequence[Column[str]], on: dt.date, known_at: dt.datetime) -> Subquery:
    """Return per key the row with the latest ``valid_from`` up to ``on``; of equal ones the latest known."""
    return (
        select(table)
        .ext(distinct_on(*keys))
        .where(table.c.valid_from <= on, table.c.known_at <= known_at)
        .order_by(*keys, table.c.valid_from.desc(), table.c.known_at.desc(), table.c.id.desc())
        .subquery()
    )


def listed(codes: Sequence[str], limit: int = 20) -> str:
    """Name the codes that exist, for a message: all of them, or the first few and how many."""
    shown = "、".join(codes[:limit]) or "无"
    return f"{shown} 等 {len(codes)} 个" if len(codes) > limit else shown
