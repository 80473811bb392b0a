"""Rounds about cases: what is proposed to make of a rectification, and who asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.decisions import rounds
from ipgov.decisions.rounds import Round


@dataclass(frozen=True)
class CaseRound:
    """What a round proposes to make of a case (``obligation_id``)."""

    round_id: int
    obligation_id: int
    outcome: str
    opened_by: str
    reason: str


@dataclass(frozen=True)
class Proposal:
    """What somebody puts before the reviewers; ``fingerprint``: of all of it."""

    programme: str
    period: str
    obligation_id: int
    outcome: str
    fingerprint: str
    paper_sha256: str
    rule_sha256: str
    opened_by: str
    reason: str


def open_case_round(connection: Connection, proposal: Proposal, known_at: dt.datetime) -> Round:
    """Open a round about a case; the same proposal again returns the round that it has.

    Raises RefusedError while another round of the same case is open. Whether the person may is for the
    caller to check.
    """
    lock(connection, "rounds", proposal.programme, proposal.period)
    given = {
        "result_set_id": None,
        "fingerprint": proposal.fingerprint,
        "rating_list_sha256": proposal.paper_sha256,
        "rule_sha256": proposal.rule_sha256,
    }
    earlier = [rounds.get_round(connection, i) for i in _rounds_of(connection, proposal.obligation_id)]
    opened = rounds.enter(connection, proposal.programme, proposal.period, earlier, given, known_at)
    if of_round(connection, opened.id) is None:
        connection.execute(
            tables.case_round.insert().values(
                round_id=opened.id,
                obligation_id=proposal.obligation_id,
                outcome=proposal.outcome,
                opened_by=proposal.opened_by,
                reason=proposal.reason,
                known_at=known_at,
            )
        )
    return opened


def _rounds_of(connection: Connection, obligation_id: int) -> list[int]:
    table = tables.case_round
    query = select(table.c.round_id).where(table.c.obligation_id == obligation_id).order_by(table.c.id)
    return list(connection.execute(query).scalars())


def of_round(connection: Connection, round_id: int) -> CaseRound | None:
    """Return what a round proposes of which case; None for a round about something else."""
    table = tables.case_round
    columns = [table.c[name] for name in CaseRound.__dataclass_fields__]
    row = connection.execute(select(*columns).where(table.c.round_id == round_id)).mappings().first()
    return None if row is None else CaseRound(**row)
