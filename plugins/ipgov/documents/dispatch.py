"""Dispatch: an outbox with one row per document, recipient and channel; a row is sent once."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, RowMapping, exists, select

from ipgov.core.database import lock, reading, transaction
from ipgov.core.errors import GovernanceError, RefusedError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.objects import get_content, store
from ipgov.core.tables import dispatch, dispatch_attempt
from ipgov.core.tables import document as paper
from ipgov.documents import register


def queue(
    connection: Connection, document_id: int, recipient: str, channel: str, known_at: dt.datetime
) -> int:
    """Put a document into the outbox for a recipient and channel; return the row, the same one when repeated.

    The Message-ID derives from what is sent to whom, so that a mail server and a reader know a repetition.
    """
    if not recipient or "/" in recipient or "\\" in recipient or recipient.startswith("."):
        raise RefusedError(f"收件单位“{recipient}”无效：应为平台代码或省份代码")
    lock(connection, "dispatch", document_id, recipient, channel)
    there = connection.execute(
        select(dispatch.c.id).where(
            dispatch.c.document_id == document_id,
            dispatch.c.recipient == recipient,
            dispatch.c.channel == channel,
        )
    ).scalar()
    if there is not None:
        return int(there)
    row = register.get(connection, document_id)
    sent = {f["format"]: f["sha256"] for f in register.files(connection, document_id)}
    digest = fingerprint([row["key"], row["data_sha256"], sent, recipient, channel])
    return int(
        connection.execute(
            dispatch.insert()
            .values(
                document_id=document_id,
                recipient=recipient,
                channel=channel,
                message_id=f"<{digest[:40]}@ipgov.invalid>",
                known_at=known_at,
            )
            .returning(dispatch.c.id)
        ).scalar_one()
    )


def pending(connection: Connection, channel: str) -> list[int]:
    """Return the rows of a channel that were not yet sent, oldest first."""
    succeeded = exists().where(dispatch_attempt.c.dispatch_id == dispatch.c.id, dispatch_attempt.c.succeeded)
    rows = connection.execute(
        select(dispatch.c.id).where(dispatch.c.channel == channel, ~succeeded).order_by(dispatch.c.id)
    )
    return list(rows.scalars())


def send_pending(known_at: dt.datetime) -> int:
    """Send what waits in the channel ``outbox``; return how many rows were sent.

    Each row is its own transaction, holding the row's lock: two senders never send one twice, and one killed
    in between leaves files that the next puts again unchanged. A row that fails keeps its attempt and stands
    in no other's way; then GovernanceError names all that failed.
    """
    with reading() as connection:
        waiting = pending(connection, "outbox")
    sent, failed = 0, []
    for dispatch_id in waiting:
        with transaction() as connection:
            lock(connection, "send", dispatch_id)
            if _is_sent(connection, dispatch_id):
                continue
            try:
                keys = _put_files(connection, dispatch_id)
            except Exception as error:  # whatever the store answers, the attempt is on record
                failed.append(str(error))
                _record(connection, dispatch_id, False, str(error), known_at)
            else:
                sent += 1
                _record(connection, dispatch_id, True, "\n".join(keys), known_at)
    if failed:
        raise GovernanceError(f"{len(failed)} 件文书未能发出：" + "；".join(failed))
    return sent


def _is_sent(connection: Connection, dispatch_id: int) -> bool:
    succeeded = select(dispatch_attempt.c.id).where(
        dispatch_attempt.c.dispatch_id == dispatch_id, dispatch_attempt.c.succeeded
    )
    return connection.execute(succeeded).first() is not None


def _put_files(connection: Connection, dispatch_id: int) -> list[str]:
    """Put a row's files under the recipient's keys, once; return the keys."""
    row: RowMapping = (
        connection.execute(
            select(paper.c.id, paper.c.programme, paper.c.period, dispatch.c.recipient)
            .join(paper, paper.c.id == dispatch.c.document_id)
            .where(dispatch.c.id == dispatch_id)
        )
        .mappings()
        .one()
    )
    keys = []
    for file in register.files(connection, row["id"]):
        key = f"outbox/{row['programme']}/{row['period']}/{row['recipient']}/{file['filename']}"
        store().put(key, get_content(file["sha256"]), once=True)
        keys.append(key)
    return keys


def _record(
    connection: Connection, dispatch_id: int, succeeded: bool, detail: str, known_at: dt.datetime
) -> None:
    connection.execute(
        dispatch_attempt.insert().values(
            dispatch_id=dispatch_id, succeeded=succeeded, detail=detail, known_at=known_at
        )
    )
