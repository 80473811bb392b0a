"""Rounds about cases: what is proposed to make of a rectification, and who asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.decisions import proposals
from ipgov.decisions.rounds import Round


@dataclass(frozen=True)
class CaseRound:
    """What a round proposes to make of a case (``obligation_id``)."""

    round_id: int
    obligation_id: int
    outcome: str
    opened_by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Proposal(proposals.Proposal):
    """What somebody puts before the reviewers about a case."""

    obligation_id: int
    outcome: str


def open_case_round(connection: Connection, proposal: Proposal, known_at: dt.datetime) -> Round:
    """Open a round about a case; the same proposal again returns the round that it has.

    Raises RefusedError while another round of the same case is open. Whether the person may is for the
    caller to check.
    """
    table = tables.case_round
    own = {"obligation_id": proposal.obligation_id, "outcome": proposal.outcome}
    same = table.c.obligation_id == proposal.obligation_id
    return proposals.open_about(connection, table, proposal, same, own, known_at)


def of_round(connection: Connection, round_id: int) -> CaseRound | None:
    """Return what a round proposes of which case; None for a round about something else."""
    table = tables.case_round
    columns = [table.c[name] for name in CaseRound.__dataclass_fields__]
    row = connection.execute(select(*columns).where(table.c.round_id == round_id)).mappings().first()
    return None if row is None else CaseRound(**row)
