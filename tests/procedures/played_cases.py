"""What tests of rectification cases share: a pilot platform in need of one, files, the daily follow-up."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ipgov.core.database import reading, transaction
from ipgov.core.tables import titled_body
from ipgov.decisions.officers import Officer, register_officer
from ipgov.procedures import case_opening, follow_up
from ipgov.procedures.case_evidence import Sent
from played_nation import PROGRAMME, Nation, at
from sqlalchemy import select

START = dt.date(2023, 9, 5)
PILOT = "=虚构<试点>../平台"
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< >>\nstartxref\n9\n%%EOF\n"


def rows(statement: Any) -> list[Any]:
    with reading() as connection:
        return list(connection.execute(statement).mappings())


def pdf(name: str, mark: str = "") -> Sent:
    return Sent(name, PDF.replace(b"%%EOF", f"% {mark or name}\n%%EOF".encode()))


def follow(nation: Nation, on: dt.date, since: dt.date | None = None) -> Any:
    follow_up.advance(on, nation.at(on), since)
    return case_opening.open_cases(on, nation.at(on)).output


def add_pilot(nation: Nation) -> int:
    """Register a pilot platform, its name as hostile as can be; return its case, still to be notified."""
    from ipgov.registry.platforms import add_titled_body

    with transaction() as connection:
        known = connection.execute(select(titled_body).limit(1)).mappings().one()
        hosts = known["host_code"], known["operator_code"]
        source = "模拟数据（虚构）"
        add_titled_body(
            connection,
            PROGRAMME,
            "PP01",
            PILOT,
            "trading",
            "44",
            "province",
            *hosts,
            START,
            source,
            at(START, 18),
        )
        for login, code in (("insider", known["host_code"]), ("gone", None)):
            person = Officer(login, login, ("reviewer", "issuer"), code, login != "gone")
            register_officer(connection, person, at(START))
    (case_id,) = follow(nation, dt.date(2023, 9, 7), START)["waiting"]
    return int(case_id)
