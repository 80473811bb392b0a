"""What the reply to an objection demands and does, and who is told of what (2024-1155#33).

Rows of ``paper_effects``. Who objected is handed to the reply alone: nothing that others read may name them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.core.errors import RefusedError
from ipgov.core.steps import Cycle
from ipgov.decisions import paper_rounds, publicities
from ipgov.documents.objection_subjects import ObjectionReply
from ipgov.procedures.notices import Filed
from ipgov.procedures.parties import Parties
from ipgov.registry.titles import life, record_title_event, standings

if TYPE_CHECKING:
    from ipgov.procedures.paper_effects import About

UPHELD = "objection_upheld"


def demand_of_reply(connection: Connection, about: About) -> None:
    """Refuse a reply to an objection that is not there, was answered, or is told otherwise than recorded."""
    said = about.subject
    if not isinstance(said, ObjectionReply) or said.objection is None:
        return
    row = publicities.objection(connection, said.objection, about.known_at)
    if row["outcome"] is not None:
        raise RefusedError(f"异议 {said.objection} 已于 {row['answered_on']} 答复")
    notice = publicities.get(connection, row["publicity_id"], about.known_at)
    told = (said.earlier.title, said.earlier.issued_on, said.received_on)
    if told != (notice.title, notice.issued_on, row["received_on"]):
        raise RefusedError(
            f"异议 {said.objection} 是 {row['received_on']} 收到的对《{notice.title}》"
            f"（{notice.issued_on} 印发）的异议，与答复所写不一致"
        )
    name = objector(connection, said.objection)
    if about.names.get("objector") != (name,):
        raise RefusedError(f"异议 {said.objection} 的答复须主送提出异议者本人（本单位）")
    if any(c.holds for c in said.claims):
        happens = life(about.programme).event(UPHELD)
        now = standings(connection, about.programme, about.day, about.known_at)[row["unit"]]
        if now.code not in (*happens.from_, happens.to):
            raise RefusedError(f"{row['unit']} 现为“{now.name}”，不能“{happens.name}”")


def outcome_of(connection: Connection, about: About) -> dict[str, object] | None:
    """Return what the body is told where an objection to its public notice holds; None: nothing.

    Of the claims only what was found of them goes to it: who objected could be read from their words.
    """
    said = about.subject
    if not isinstance(said, ObjectionReply) or said.objection is None or said.remedy is None:
        return None
    row = publicities.objection(connection, said.objection, about.known_at)
    unit = str(row["unit"])
    body = Parties.read(connection, about.day, about.known_at).bodies[about.programme, unit]
    return {
        "content": {
            "earlier": row["document_id"],
            "name": publicities.units(connection, row["publicity_id"])[unit],
            "findings": [c.finding for c in said.claims if c.holds],
            "remedy": said.remedy,
            "objection": said.objection,
        },
        "parties": {"body": [unit], "province": [body["province"]]},
    }


def names_an_objector(connection: Connection, publicity_id: int, *texts: str) -> str:
    """Return the name of an objector to a notice that stands in texts which others read; else empty."""
    own, objection = tables.objector, tables.objection
    names = connection.execute(
        select(own.c.name)
        .join(objection, objection.c.id == own.c.objection_id)
        .where(objection.c.publicity_id == publicity_id)
    ).scalars()
    return next((name for name in names if any(name in text for text in texts)), "")


def objector(connection: Connection, objection_id: int) -> str:
    """Return who objected: for the reply alone."""
    own = tables.objector
    return str(connection.execute(select(own.c.name).where(own.c.objection_id == objection_id)).scalar_one())


def decide(connection: Connection, cycle: Cycle, about: About, filed: Filed, round_id: int) -> list[str]:
    """Record what the reply says of the objection; one that is upheld ends the candidature."""
    said = about.subject
    if not isinstance(said, ObjectionReply) or said.objection is None:
        return []
    upheld = any(c.holds for c in said.claims)
    proposed = paper_rounds.of_round(connection, round_id)
    connection.execute(
        tables.objection_answer.insert().values(
            objection_id=said.objection,
            outcome="upheld" if upheld else "rejected",
            reason="；".join(c.finding for c in said.claims),
            answered_by=proposed.opened_by if proposed else about.paper.name,
            answered_on=cycle.as_of,
            round_id=round_id,
            document_id=filed.document_id,
            known_at=cycle.known_at,
        )
    )
    done = [f"异议{said.objection}:{'upheld' if upheld else 'rejected'}"]
    row = publicities.objection(connection, said.objection, cycle.known_at)
    happens = life(about.programme).event(UPHELD)
    now = standings(connection, about.programme, cycle.as_of, cycle.known_at)[row["unit"]]
    if upheld and now.code in happens.from_:  # another one may have ended the candidature before
        record_title_event(
            connection,
            about.programme,
            row["unit"],
            UPHELD,
            cycle.as_of,
            happens.basis or "operator",
            f"异议 {said.objection} 经核查成立，答复 {filed.number}",
            cycle.known_at,
            by="issuer",
            document_number=filed.number or None,
            document_id=filed.document_id,
            round_id=round_id,
        )
        done.append(f"{row['unit']}:{UPHELD}")
    return done
