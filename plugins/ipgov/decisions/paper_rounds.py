"""Rounds about one document of ``policies/papers.yaml``: what is proposed, and who asked."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core import objects, tables
from ipgov.core.database import lock
from ipgov.decisions import rounds
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


@dataclass(frozen=True)
class Proposal:
    """What somebody puts before the reviewers; ``fingerprint``: of all of it."""

    programme: str
    period: str
    kind: str
    subject_sha256: str
    earlier_id: int | None
    draft_sha256: str
    fingerprint: str
    paper_sha256: str
    rule_sha256: str
    opened_by: str
    reason: str


def open_paper_round(connection: Connection, proposal: Proposal, known_at: dt.datetime) -> Round:
    """Open a round; the same proposal again returns the round that it has.

    Raises RefusedError while another round about the same earlier document is open; documents about none wait
    for nothing but themselves. Whether the person may is for the caller to check.
    """
    lock(connection, "rounds", proposal.programme, proposal.period)
    given = {
        "result_set_id": None,
        "fingerprint": proposal.fingerprint,
        "rating_list_sha256": proposal.paper_sha256,
        "rule_sha256": proposal.rule_sha256,
    }
    table = tables.paper_round
    rows = tables.review_round
    same = (
        rows.c.fingerprint == proposal.fingerprint
        if proposal.earlier_id is None
        else table.c.earlier_id == proposal.earlier_id
    )
    of_matter = select(table.c.round_id).join(rows, rows.c.id == table.c.round_id)
    ids = connection.execute(
        of_matter.where(
            rows.c.programme == proposal.programme, rows.c.period == proposal.period, same
        ).order_by(table.c.id)
    )
    earlier = [rounds.get_round(connection, i) for i in ids.scalars()]
    opened = rounds.enter(connection, proposal.programme, proposal.period, earlier, given, known_at)
    if of_round(connection, opened.id) is None:
        connection.execute(
            table.insert().values(
                round_id=opened.id,
                kind=proposal.kind,
                subject_sha256=proposal.subject_sha256,
                earlier_id=proposal.earlier_id,
                draft_sha256=proposal.draft_sha256,
                opened_by=proposal.opened_by,
                reason=proposal.reason,
                known_at=known_at,
            )
        )
    return opened


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
