"""The answer to what somebody sent: a letter without number and round, filed and queued at once.

Receipts, correction workbooks, answers about attachments, the case's and the province's workbooks: whatever
comes in is answered the same way, once per content, place and time of receipt.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ipgov.core.database import is_simulation
from ipgov.core.fingerprint import sha256_hex
from ipgov.documents import dispatch, register, templates
from ipgov.documents.model import SIMULATION_BANNER


@dataclass(frozen=True)
class Answer:
    """To whom (code and name) what kind of letter goes, in whose name, under which clauses.

    ``filename``: what its files are called, before the mark; ``unit``: the body that it is about, if it is
    about one. Without a name it is for everybody.
    """

    kind: str
    template: str
    issuer: str
    basis: Sequence[str]
    channels: Sequence[str]
    programme: str
    period: str
    unit: str | None
    recipient: str
    recipient_name: str
    filename: str


def mark_of(object_key: str, sha256: str, received_at: dt.datetime) -> str:
    """Return by what an answer is told from every other: the same content sent again is answered again."""
    return sha256_hex(f"{object_key}|{sha256}|{received_at.isoformat()}".encode())


def file_answer(
    connection: Connection,
    answer: Answer,
    context: Mapping[str, Any],
    mark: str,
    day: dt.date,
    known_at: dt.datetime,
    files: Mapping[str, bytes] | None = None,
) -> str:
    """File a letter and queue it; return the hash of what it consists in: its workbook, else its PDF.

    ``context``: what its template is filled in with; ``files``: what comes ready made, by format. Again with
    the same ``mark`` it is the same letter. Raises as ``templates.render`` and ``register.file_document``.
    """
    letter, template_sha256 = templates.render(
        answer.template,
        context,
        kind=answer.kind,
        issuer=answer.issuer,
        recipients=(answer.recipient_name,) if answer.recipient_name else (),
        date=day,
        basis=answer.basis,
        banner=SIMULATION_BANNER if is_simulation(connection) else "",
    )
    document = register.file_document(
        connection,
        key=f"{answer.programme}/{answer.period}/{answer.recipient}/{answer.kind}/{mark}",
        kind=answer.kind,
        programme=answer.programme,
        period=answer.period,
        unit=answer.unit,
        recipient=answer.recipient,
        document=letter,
        template_sha256=template_sha256,
        number=None,
        round_id=None,
        known_at=known_at,
        formats=("pdf",),
        files=files,
        filename=f"{answer.filename}-{mark[:8]}",
    )
    for channel in answer.channels:
        dispatch.queue(connection, document, answer.recipient, channel, known_at)
    return register.file_sha256(connection, document, "xlsx" if files else "pdf")
