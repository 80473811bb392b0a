"""Rounds about something else than results: a person proposes it, and its own table says what it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.decisions import rounds
from ipgov.decisions.rounds import Round


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What somebody puts before the reviewers; ``fingerprint``: of all of it."""

    programme: str
    period: str
    fingerprint: str
    paper_sha256: str
    rule_sha256: str
    opened_by: str
    reason: str


def open_about(
    connection: Connection,
    table: Table,
    proposal: Proposal,
    same: ColumnElement[bool],
    own: Mapping[str, Any],
    known_at: dt.datetime,
) -> Round:
    """Open a round with its row of ``table`` (``own``: its columns); the same again returns what it has.

    ``same``: which rows of the table, joined with their rounds, are about the same matter. RefusedError
    while the last of those rounds is open. Whether the person may is for the caller to check.
    """
    lock(connection, "rounds", proposal.programme, proposal.period)
    given = {
        "result_set_id": None,
        "fingerprint": proposal.fingerprint,
        "rating_list_sha256": proposal.paper_sha256,
        "rule_sha256": proposal.rule_sha256,
    }
    of_table = select(table.c.round_id).join(
        tables.review_round, tables.review_round.c.id == table.c.round_id
    )
    ids = connection.execute(of_table.where(same).order_by(table.c.id)).scalars()
    earlier = [rounds.get_round(connection, i) for i in ids]
    opened = rounds.enter(connection, proposal.programme, proposal.period, earlier, given, known_at)
    there = select(table.c.id).where(table.c.round_id == opened.id)
    if connection.execute(there).first() is None:
        connection.execute(
            table.insert().values(
                round_id=opened.id,
                opened_by=proposal.opened_by,
                reason=proposal.reason,
                known_at=known_at,
                **own,
            )
        )
    return opened
