"""What a kind of document demands before it is proposed and issued, and what its issue does.

One row a kind. ``check`` is asked when the document is proposed and again when it is issued; ``take`` runs in
the transaction of the issue ``round_id``, after the document is filed, and says in words what it did. A kind
without a row demands nothing beyond its own content (``paper_subjects``) and does nothing but go out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import tables
from ipgov.core.errors import RefusedError
from ipgov.core.steps import Cycle
from ipgov.decisions import paper_rounds
from ipgov.documents import papers
from ipgov.documents.paper_subjects import Interview, Recognition, Subject
from ipgov.policy.papers import Paper, paper
from ipgov.procedures import objection_effects, publicity_effects
from ipgov.procedures.notices import Filed
from ipgov.registry.titles import life, record_title_event, standings


@dataclass(frozen=True)
class About:
    """A document in question: what it says, in which programme, seen on a day."""

    programme: str
    paper: Paper
    subject: Subject
    names: Mapping[str, tuple[str, ...]]  # of the parties
    day: dt.date
    known_at: dt.datetime


def _demands_nothing(connection: Connection, about: About) -> None:
    """Every content that its model takes may go out."""


def _does_nothing(
    connection: Connection, cycle: Cycle, about: About, filed: Filed, round_id: int
) -> list[str]:
    return []


def _tells_nobody(connection: Connection, about: About) -> None:
    """Nobody else is told."""


@dataclass(frozen=True)
class Effect:
    """What one kind demands and does; ``said``: to those who decide, in one sentence.

    ``tells``: what the document of the policy's ``tells`` says, which goes out with it; None: nothing does.
    """

    said: str
    check: Callable[[Connection, About], None] = _demands_nothing
    take: Callable[[Connection, Cycle, About, Filed, int], list[str]] = _does_nothing
    tells: Callable[[Connection, About], Mapping[str, object] | None] = _tells_nobody


def issued(
    connection: Connection, kind: str, programme: str, known_at: dt.datetime
) -> list[tuple[RowMapping, Subject]]:
    """Return every document of a kind that was proposed and issued and not taken back: row and content."""
    document, round_ = tables.document, tables.paper_round
    back = document.alias("back")
    query = (
        select(document, round_.c.subject_sha256)
        .join(round_, round_.c.round_id == document.c.round_id)
        .join(tables.issue, tables.issue.c.round_id == document.c.round_id)
        .where(
            document.c.kind == kind,
            document.c.programme == programme,
            document.c.known_at <= known_at,
            ~select(back.c.id).where(back.c.withdraws == document.c.id).exists(),
        )
        .order_by(document.c.id)
    )
    return [
        (row, papers.subject(kind, paper_rounds.content(row["subject_sha256"])["content"]))
        for row in connection.execute(query).mappings()
    ]


def _named_before(connection: Connection, about: About, bodies: set[str]) -> None:
    """Refuse bodies that no issued document of the kind ``after`` names (2024-1155#33)."""
    if not about.paper.after:
        return
    before = paper(about.paper.after, about.programme)
    there: set[str] = set()
    for _, said in issued(connection, before.kind, about.programme, about.known_at):
        there |= {b.name for b in getattr(said, "bodies", ())}
    if missing := sorted(bodies - there):
        raise RefusedError(
            f"{'、'.join(missing)}没有列入已发的{before.name}，不能列入{about.paper.name}"
            f"（{'、'.join(about.paper.clause)}）"
        )


def _may_be_recognised(connection: Connection, about: About) -> None:
    """Refuse bodies that were not announced, are not registered or hold the title already."""
    said = about.subject
    if not isinstance(said, Recognition):
        return
    _named_before(connection, about, {b.name for b in said.bodies})
    recognised = life(about.programme).event("recognised")
    on = said.recognised_on or about.day
    now = standings(connection, about.programme, on, about.known_at)
    for body in said.bodies:
        if body.unit not in now:
            raise RefusedError(f"{body.name}（{body.unit}）尚未登记为“{about.programme}”的单位，应先登记")
        if now[body.unit].code not in recognised.from_:
            raise RefusedError(
                f"{body.name}（{body.unit}）现为“{now[body.unit].name}”，不能{recognised.name}"
            )
    if "notice_expired" in recognised.needs:
        named = {str(b.unit): b.name for b in said.bodies}
        publicity_effects.demand_of_recognition(connection, about, named, on)


def _confer(connection: Connection, cycle: Cycle, about: About, filed: Filed, round_id: int) -> list[str]:
    """Confer the title on every body of the list."""
    said = about.subject
    if not isinstance(said, Recognition):
        return []
    for body in said.bodies:
        record_title_event(
            connection,
            about.programme,
            str(body.unit),
            "recognised",
            said.recognised_on or cycle.as_of,
            about.paper.basis or "operator",
            f"{about.paper.name}{filed.number}",
            cycle.known_at,
            by="issuer",
            round_id=round_id,
            document_number=filed.number or None,
            document_id=filed.document_id,
        )
    return [f"{body.unit}:recognised" for body in said.bodies]


def _names_the_party(connection: Connection, about: About) -> None:
    """Refuse an interview of another than whom it is written to."""
    said = about.subject
    if isinstance(said, Interview) and (said.subject,) != about.names.get("subject"):
        raise RefusedError(
            f"约谈的单位写作“{said.subject}”，而主送为“{'、'.join(about.names.get('subject', ()))}”"
        )


EFFECTS: Mapping[str, Effect] = {
    "public_notice": Effect(
        "签发后所列单位进入公示，公示期按所载起止日计，未载明的自印发之日起按规定推算",
        publicity_effects.demand_of_notice,
        publicity_effects.announce,
    ),
    "public_notice_outcome": Effect("签发后所列单位公示无异议", publicity_effects.tells_of_a_notice),
    "objection_reply": Effect(
        "签发后送达；写明公示异议编号的，异议自此办结，成立的不予认定",
        objection_effects.demand_of_reply,
        objection_effects.decide,
        objection_effects.outcome_of,
    ),
    "recognition_notice": Effect("签发后所列单位自所载之日起获得称号（资格）", _may_be_recognised, _confer),
    "interview_invitation": Effect("签发后送达", _names_the_party),
}
_OTHERS = Effect("签发后送达，不另产生效力")


def of(kind: str) -> Effect:
    """Return what a kind demands and does."""
    return EFFECTS.get(kind, _OTHERS)
