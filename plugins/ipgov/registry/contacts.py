"""To which address a recipient is written: bodies by their code, provinces by theirs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from ipgov.core import tables
from ipgov.core.database import lock
from ipgov.core.errors import UnknownError
from ipgov.registry.asof import newest
from ipgov.registry.codes import PROVINCES


@dataclass(frozen=True)
class Contact:
    """A recipient's name as it is addressed and its address; no address says that there is none any more."""

    recipient: str
    name: str
    address: str | None


def record(
    connection: Connection,
    contact: Contact,
    valid_from: dt.date,
    source: str,
    entered_by: str,
    known_at: dt.datetime,
) -> bool:
    """Record a contact, valid from a day on; return whether a row was written (the same again is none).

    Raises UnknownError for a recipient that is neither a titled body nor a province.
    """
    if contact.recipient not in PROVINCES:
        body = tables.titled_body
        known = select(body.c.unit).where(body.c.unit == contact.recipient).limit(1)
        if connection.execute(known).first() is None:
            raise UnknownError(f"没有代码为“{contact.recipient}”的收件单位；应为单位代码或两位省份代码")
    lock(connection, "contact", contact.recipient)
    there = find(connection, contact.recipient, valid_from, known_at)
    if there is not None and (there["name"], there["address"]) == (contact.name, contact.address):
        return False
    connection.execute(
        tables.contact.insert().values(
            recipient=contact.recipient,
            name=contact.name,
            address=contact.address,
            valid_from=valid_from,
            source=source,
            entered_by=entered_by,
            known_at=known_at,
        )
    )
    return True


def find(connection: Connection, recipient: str, on: dt.date, known_at: dt.datetime) -> RowMapping | None:
    """Return the contact of a recipient as valid on a day, as known at a moment; None where there is none."""
    table = newest(tables.contact, [tables.contact.c.recipient], on, known_at)
    return connection.execute(select(table).where(table.c.recipient == recipient)).mappings().first()


def everyone(connection: Connection, on: dt.date, known_at: dt.datetime) -> list[RowMapping]:
    """Return every recipient's contact as valid on a day, by recipient."""
    table = newest(tables.contact, [tables.contact.c.recipient], on, known_at)
    return list(connection.execute(select(table).order_by(table.c.recipient)).mappings())
