"""An occurrence that was recorded by mistake is taken back: a fact of its own, with who and why.

What it opened and has not ended is withdrawn the day after, with the reason; whoever had a letter about it is
told. What was met stays met.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from ipgov.core import tables as t
from ipgov.core.database import lock, transaction
from ipgov.core.errors import RefusedError, UnknownError


def retract(
    programme: str, party: str, kind: str, subject: str, by: str, reason: str, known_at: dt.datetime
) -> bool:
    """Take an occurrence back; return False where it was taken back before.

    Raises UnknownError where it was not recorded (naming those of the party), RefusedError without person or
    reason.
    """
    for text, what in ((by, "经办人"), (reason, "理由")):
        if not text.strip():
            raise RefusedError(f"须写明{what}")
    made, back = t.occurrence, t.occurrence_retraction
    mine = (made.c.programme == programme) & (made.c.party == party) & (made.c.known_at <= known_at)
    with transaction() as connection:
        lock(connection, "occurrence", programme, party, kind, subject)
        own = select(made.c.id).where(mine, made.c.kind == kind, made.c.subject == subject)
        found = connection.execute(own).scalar()
        if found is None:
            there = connection.execute(select(made.c.kind, made.c.subject).where(mine).order_by(made.c.id))
            listed = "、".join(f"{r.kind} {r.subject}" for r in there) or "无"
            raise UnknownError(f"{party} 没有登记过“{kind}”事项“{subject}”；已登记：{listed}")
        done = select(back.c.id).where(back.c.occurrence_id == found)
        if connection.execute(done).first() is not None:
            return False
        values = {"occurrence_id": found, "retracted_by": by.strip(), "reason": reason.strip()}
        connection.execute(back.insert().values(**values, known_at=known_at))
    return True
