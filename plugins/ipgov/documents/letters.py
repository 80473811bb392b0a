"""A row of the outbox made into the letter that a channel delivers."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Connection, RowMapping

from ipgov.core.objects import get_content
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI
from ipgov.documents import register, sandbox
from ipgov.documents.channels import Letter, Sent
from ipgov.documents.model import OfficialDocument, date_zh, parse_document
from ipgov.registry import contacts

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["Letter", "letter"]

_SUMMARY = 5  # paragraphs of the document that stand in a mail


def letter(connection: Connection, row: RowMapping, known_at: dt.datetime) -> Letter:
    """Return the letter of a row (see dispatch), with its files as archived, each proved against its hash.

    Raises UnknownError or EnvironmentProblemError where archived content is missing or does not match.
    """
    filed = register.get(connection, row["document_id"])
    document = parse_document(get_content(filed["data_sha256"]))
    files = register.files(connection, row["document_id"])
    contact = None
    if row["channel"] == "mail":
        contact = contacts.find(connection, row["recipient"], known_at.astimezone(SHANGHAI).date(), known_at)
    address = (contact["name"], contact["address"]) if contact and contact["address"] else None
    name = contact["name"] if contact else "、".join(document.recipients) or row["recipient"]
    return Letter(
        message_id=row["message_id"],
        programme=row["programme"],
        period=row["period"],
        recipient=row["recipient"],
        address=address,
        title=row["title"],
        issuer=document.issuer,
        number=row["number"] or "",
        queued_at=row["queued_at"],
        text=_text(document, name, [f["filename"] for f in files]),
        banner=document.banner,
        files=tuple(Sent(f["filename"], f["format"], get_content(f["sha256"])) for f in files),
    )


def _text(document: OfficialDocument, recipient: str, files: list[str]) -> str:
    paragraphs = [p if isinstance(p, str) else p.text for p in document.paragraphs]
    return _template().render(
        recipient=recipient,
        issuer=document.issuer,
        title=document.title,
        number=document.number or "",
        banner=document.banner,
        paragraphs=[*paragraphs[:_SUMMARY], *(["……"] if len(paragraphs) > _SUMMARY else [])],
        files=files,
        date=date_zh(document.signature_date),
    )


@cache
def _template() -> Template:
    source = (settings().templates / "mail" / "message.txt").read_text(encoding="utf-8")
    return sandbox.environment("layout", {}, autoescape=False).from_string(source)
