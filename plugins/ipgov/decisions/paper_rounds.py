"""Rounds about one document of ``policies/papers.yaml``: what is proposed, and who asked."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core import objects, tables
from ipgov.decisions import proposals
from ipgov.decisions.rounds import Round


@dataclass(frozen=True)
class PaperRound:
    """What a round proposes to say, and of which document (``earlier_id``; None: of none).

    ``draft_sha256``: the PDF that the reviewers see; None: a round of a time that kept none.
    """

    round_id: int
    kind: str
    subject_sha256: str
    earlier_id: int | None
    draft_sha256: str | None
    opened_by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Proposal(proposals.Proposal):
    """What somebody puts before the reviewers about a document."""

    kind: str
    subject_sha256: str
    earlier_id: int | None
    draft_sha256: str


def open_paper_round(connection: Connection, proposal: Proposal, known_at: dt.datetime) -> Round:
    """Open a round; the same proposal again returns the round that it has.

    Raises RefusedError while another round about the same earlier document is open; documents about none wait
    for nothing but themselves. Whether the person may is for the caller to check.
    """
    table, rows = tables.paper_round, tables.review_round
    same = table.c.earlier_id == proposal.earlier_id
    if proposal.earlier_id is None:
        in_period = (rows.c.programme == proposal.programme) & (rows.c.period == proposal.period)
        same = in_period & (rows.c.fingerprint == proposal.fingerprint)
    own = {name: getattr(proposal, name) for name in ("kind", "subject_sha256", "earlier_id", "draft_sha256")}
    return proposals.open_about(connection, table, proposal, same, own, known_at)


def of_round(connection: Connection, round_id: int) -> PaperRound | None:
    """Return what a round proposes; None for a round about something else."""
    table = tables.paper_round
    columns = [table.c[name] for name in PaperRound.__dataclass_fields__]
    row = connection.execute(select(*columns).where(table.c.round_id == round_id)).mappings().first()
    return None if row is None else PaperRound(**row)


def content(subject_sha256: str) -> dict[str, Any]:
    """Return what was given for a round, as it was stored."""
    given: dict[str, Any] = json.loads(objects.get_content(subject_sha256))
    return given
