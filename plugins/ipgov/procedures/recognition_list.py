"""The list of a round of recognition, as it was issued: what is publicised, and then recognised."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core.tables import recognition_list, recognition_proposal, result_set, snapshot_unit
from ipgov.decisions import rounds
from ipgov.decisions.rounds import Round
from ipgov.evaluation.eligibility import PROPOSALS
from ipgov.registry.codes import province_name
from ipgov.registry.organisations import organisation


@dataclass(frozen=True)
class Listed:
    """A body of an issued list. ``place``: among those listed; ``industry``: as the body names it."""

    unit: str
    name: str
    kind: str
    industry: str
    province: str
    province_name: str
    route: str
    host_code: str
    host: str
    operator_code: str
    place: int


def proposals(connection: Connection, round_: Round) -> list[Mapping[str, Any]]:
    """Return what a round proposes of each applicant: the columns of ``recognition_proposal`` and its body.

    Those for the title by place, then the refused, then those that did not come before the office; empty for
    a round about something else.
    """
    own, proposal, body = recognition_list, recognition_proposal, snapshot_unit
    list_id = connection.execute(
        select(own.c.id)
        .where(own.c.result_set_id == round_.result_set_id, own.c.list_sha256 == round_.rating_list_sha256)
        .order_by(own.c.id.desc())
        .limit(1)
    ).scalar()
    rows = connection.execute(
        select(
            proposal,
            body.c.name.label("registered_name"),
            *(body.c[n] for n in ("kind", "province", "route", "host_code", "operator_code", "state")),
        )
        .join(own, own.c.id == proposal.c.list_id)
        .join(result_set, result_set.c.id == own.c.result_set_id)
        .join(body, (body.c.snapshot_id == result_set.c.snapshot_id) & (body.c.unit == proposal.c.unit))
        .where(proposal.c.list_id == list_id)
        .order_by(proposal.c.place.asc().nulls_last(), proposal.c.proposal == "absent", proposal.c.unit)
    ).mappings()
    return [dict(row) for row in rows]


def overview(connection: Connection, round_id: int) -> list[Mapping[str, Any]]:
    """Return what a round proposes of each applicant, in words; empty for a round about something else."""
    round_ = rounds.get_round(connection, round_id)
    if round_.result_set_id is None:
        return []
    return [{**row, "proposed": PROPOSALS[row["proposal"]]} for row in proposals(connection, round_)]


def approved(connection: Connection, programme: str, period: str, known_at: dt.datetime) -> list[Listed]:
    """Return the bodies of the list of a period that was approved and issued, as known at a moment, by place.

    Empty where none was issued by then. Organisations are named as on the day of ``known_at``.
    """
    round_ = rounds.issued_round(connection, programme, period, known_at)
    if round_ is None:
        return []
    return [
        Listed(
            unit=row["unit"],
            name=row["name"],
            kind=row["kind"],
            industry=row["industry"],
            province=row["province"],
            province_name=province_name(row["province"]),
            route=row["route"],
            host_code=row["host_code"],
            host=organisation(connection, row["host_code"], known_at.date(), known_at).name,
            operator_code=row["operator_code"],
            place=row["place"],
        )
        for row in proposals(connection, round_)
        if row["proposal"] == "list"
    ]
