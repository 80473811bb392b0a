"""Dispatch: an outbox with one row per document, recipient and channel; a row is sent once.

What fails for now is tried again after growing pauses (``dispatch_pauses``), attempt by attempt on record.
What will never arrive, and what may have arrived although nobody confirmed it, waits for a person
(``settle``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select, text

from ipgov.core.database import is_simulation, lock, reading, transaction, try_lock
from ipgov.core.errors import GovernanceError, RefusedError, TemporaryProblemError, UnknownError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.settings import settings
from ipgov.core.tables import (
    dispatch,
    dispatch_attempt,
    dispatch_begun,
    dispatch_failure,
    dispatch_settlement,
)
from ipgov.documents import letters, register
from ipgov.documents.channels import (
    Channel,
    ChannelDownError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    open_channel,
)

# What a person may decide of a row, and the words for each state.
ANSWERS = {"again": "重新寄发", "arrived": "已送达", "given_up": "不再寄发"}
STATES = {
    "sent": "已寄发",
    "waiting": "待寄发",
    "retry": "待重试",
    "exhausted": "多次失败，待处理",
    "failed": "无法送达，待处理",
    "uncertain": "是否送达不明，待核实",
    "given_up": "不再寄发",
}
FOR_A_PERSON = ("exhausted", "failed", "uncertain")


def queue(
    connection: Connection, document_id: int, recipient: str, channel: str, known_at: dt.datetime
) -> int:
    """Put a document into the outbox for a recipient and channel; return the row, the same one when repeated.

    The Message-ID derives from what is sent to whom, so that a mail server and a reader know a repetition.
    """
    if not recipient or "/" in recipient or "\\" in recipient or recipient.startswith("."):
        raise RefusedError(f"收件单位“{recipient}”无效：应为单位代码或省份代码")
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


_ROWS = """
WITH attempt AS (
    SELECT a.*, f.kind, s.answer,
           row_number() OVER (PARTITION BY a.dispatch_id ORDER BY a.id DESC) AS from_last,
           max(a.id) FILTER (WHERE s.id IS NOT NULL) OVER (PARTITION BY a.dispatch_id) AS settled
    FROM dispatch_attempt a
    LEFT JOIN dispatch_failure f ON f.attempt_id = a.id
    LEFT JOIN dispatch_settlement s ON s.attempt_id = a.id
), story AS (
    SELECT dispatch_id, count(*) AS attempts, bool_or(succeeded) AS sent,
           count(*) FILTER (WHERE NOT succeeded AND (settled IS NULL OR id > settled)) AS failures
    FROM attempt GROUP BY dispatch_id
), begun AS (
    SELECT dispatch_id, max(number) AS number FROM dispatch_begun GROUP BY dispatch_id
)
SELECT d.id, d.document_id, d.recipient, d.channel, d.message_id, d.known_at AS queued_at,
       p.programme, p.period, p.kind AS document_kind, p.title, p.number,
       coalesce(y.attempts, 0) AS attempts, coalesce(y.sent, false) AS sent,
       coalesce(y.failures, 0) AS failures,
       coalesce(b.number, 0) > coalesce(y.attempts, 0) AS broken_off,
       l.known_at AS tried_at, l.detail, l.kind, l.answer
FROM dispatch d
JOIN document p ON p.id = d.document_id
LEFT JOIN story y ON y.dispatch_id = d.id
LEFT JOIN begun b ON b.dispatch_id = d.id
LEFT JOIN attempt l ON l.dispatch_id = d.id AND l.from_last = 1
"""
_UNSENT = " WHERE NOT coalesce(y.sent, false) ORDER BY d.id"


@dataclass(frozen=True)
class Standing:
    """A row of the outbox, where it stands (a key of STATES), and when it is tried by itself, if at all."""

    row: RowMapping
    state: str
    due_at: dt.datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what people and machines are shown of it."""
        shown = ("id", "programme", "period", "number", "title", "recipient", "channel", "message_id")
        broken = "寄发中断，没有记下结果" if self.row["broken_off"] else None
        return {k: self.row[k] for k in shown} | {
            "state": self.state,
            "attempts": self.row["attempts"],
            "tried_at": self.row["tried_at"],
            "due_at": self.due_at,
            "detail": broken or self.row["detail"],
        }


def standing(row: RowMapping, pauses: Sequence[int]) -> Standing:
    """Judge a row; ``pauses`` are the minutes after the first, second, … failure in a row."""
    if row["sent"]:
        return Standing(row, "sent")
    if row["broken_off"]:  # killed between the last word of it and our record
        return Standing(row, "uncertain")
    if row["attempts"] == 0 or row["answer"] == "again":
        return Standing(row, "waiting", row["queued_at"])
    if row["answer"] == "given_up":
        return Standing(row, "given_up")
    if row["kind"] == "permanent":
        return Standing(row, "failed")
    if row["kind"] == "uncertain":
        return Standing(row, "uncertain")
    if row["failures"] > len(pauses):
        return Standing(row, "exhausted")
    return Standing(row, "retry", row["tried_at"] + dt.timedelta(minutes=pauses[row["failures"] - 1]))


def unsent(connection: Connection) -> list[Standing]:
    """Return every row that was not sent yet, oldest first."""
    pauses = settings().dispatch_pauses
    return [standing(row, pauses) for row in connection.execute(text(_ROWS + _UNSENT)).mappings()]


def counts(connection: Connection) -> list[dict[str, Any]]:
    """Return how many rows were sent on each channel."""
    query = """
        SELECT d.channel, count(*) AS sent FROM dispatch d
        WHERE EXISTS (SELECT FROM dispatch_attempt a WHERE a.dispatch_id = d.id AND a.succeeded)
        GROUP BY d.channel ORDER BY d.channel"""
    return [dict(row) for row in connection.execute(text(query)).mappings()]


def _one(connection: Connection, dispatch_id: int) -> Standing:
    row = connection.execute(text(_ROWS + " WHERE d.id = :id"), {"id": dispatch_id}).mappings().first()
    if row is None:
        raise UnknownError(f"没有序号为 {dispatch_id} 的寄发记录；见 ipgov dispatch list")
    return standing(row, settings().dispatch_pauses)


def _due(standing: Standing, known_at: dt.datetime) -> bool:
    return standing.due_at is not None and standing.due_at <= known_at


def send_pending(known_at: dt.datetime) -> int:
    """Send what is due on every channel; return how many rows were sent.

    A row is worked on by one sender at a time. One killed in between leaves either files that the next puts
    again unchanged, or (mail) a row that a person has to settle. A row that fails keeps its attempt and
    stands in no other's way; a channel that is down is left alone for this run. Then TemporaryProblemError,
    or GovernanceError where a person has to act, names all that failed.
    """
    with reading() as connection:
        simulation = is_simulation(connection)
        due = [s.row for s in unsent(connection) if _due(s, known_at)]
    sender = _Sender(simulation, known_at)
    try:
        for row in due:
            if row["channel"] not in sender.down:
                sender.send(row["id"], row["channel"])
    finally:
        sender.close()
    if sender.failed:
        kind = TemporaryProblemError if sender.may_pass else GovernanceError
        raise kind(f"{len(sender.failed)} 件文书未能发出：" + "；".join(sender.failed))
    return sender.sent


class _Sender:
    """One run: its open channels, and what became of the rows."""

    def __init__(self, simulation: bool, known_at: dt.datetime):
        self.simulation, self.known_at = simulation, known_at
        self.channels: dict[str, Channel] = {}
        self.down: set[str] = set()
        self.sent = 0
        self.failed: list[str] = []
        self.may_pass = True

    def send(self, dispatch_id: int, channel: str) -> None:
        with reading() as guard:  # holds the row's lock, and nothing that a seal waits for
            if not try_lock(guard, "send", dispatch_id):
                return
            with reading() as connection:
                found = _one(connection, dispatch_id)
                if not _due(found, self.known_at):
                    return
            self._attempt(found.row, channel)

    def _attempt(self, row: RowMapping, channel: str) -> None:
        left = False

        def begun(target: str) -> None:
            nonlocal left
            values = {"dispatch_id": row["id"], "number": row["attempts"] + 1, "target": target}
            with transaction() as connection:
                connection.execute(dispatch_begun.insert().values(**values, known_at=self.known_at))
            left = True

        try:
            way = self._open(channel)
            with reading() as connection:
                letter = letters.letter(connection, row, self.known_at)
            detail = way.deliver(letter, begun)
        except Exception as error:  # whatever the channel answers, the attempt is on record
            kind = _kind(error, left)
            if isinstance(error, ChannelDownError):
                self.down.add(channel)
            self.may_pass &= kind == "temporary"
            self.failed.append(f"{row['recipient']}《{row['title']}》{error}")
            self._record(row, False, str(error), kind)
        else:
            self.sent += 1
            self._record(row, True, detail)

    def _open(self, channel: str) -> Channel:
        if channel not in self.channels:
            try:
                self.channels[channel] = open_channel(channel, self.simulation)
            except GovernanceError as error:
                raise ChannelDownError(error.message) from error
        return self.channels[channel]

    def _record(self, row: RowMapping, succeeded: bool, detail: str, kind: str = "") -> None:
        with transaction() as connection:
            _add_attempt(connection, row["id"], succeeded, detail, self.known_at, kind)

    def close(self) -> None:
        for channel in self.channels.values():
            channel.close()


def _kind(error: Exception, left: bool) -> str:
    """Say of a failure whether it is tried again; after the point of no return only an answer is certain."""
    if isinstance(error, DeliveryRefusedError):
        return "permanent"
    if isinstance(error, DeliveryUncertainError) or (left and not isinstance(error, TemporaryProblemError)):
        return "uncertain"
    return "temporary"


def settle(
    connection: Connection, dispatch_id: int, answer: str, settled_by: str, reason: str, known_at: dt.datetime
) -> None:
    """Record what a person decided of a row that is not sent: ``again``, ``arrived`` or ``given_up``.

    Raises RefusedError for a row that was sent or is tried again by itself, and without a reason.
    """
    if answer not in ANSWERS:
        raise UnknownError(f"答复“{answer}”无效；可用：{'、'.join(ANSWERS)}")
    if not reason.strip():
        raise RefusedError("须说明依据：向谁核实、结果如何，或何以重寄")
    if not try_lock(connection, "send", dispatch_id):
        raise RefusedError(f"第 {dispatch_id} 件正在寄发，请稍后再登记")
    found = _one(connection, dispatch_id)
    if found.state not in (*FOR_A_PERSON, "given_up"):
        raise RefusedError(f"第 {dispatch_id} 件{STATES[found.state]}，无须由人处理")
    arrived = answer == "arrived"
    kind = "" if arrived else "temporary" if answer == "again" else "permanent"
    detail = f"由 {settled_by} 登记“{ANSWERS[answer]}”：{reason.strip()}"
    attempt = _add_attempt(connection, dispatch_id, arrived, detail, known_at, kind)
    connection.execute(
        dispatch_settlement.insert().values(
            attempt_id=attempt,
            answer=answer,
            settled_by=settled_by,
            reason=reason.strip(),
            known_at=known_at,
        )
    )


def _add_attempt(
    connection: Connection,
    dispatch_id: int,
    succeeded: bool,
    detail: str,
    known_at: dt.datetime,
    kind: str,
) -> int:
    values = {"dispatch_id": dispatch_id, "succeeded": succeeded, "detail": detail, "known_at": known_at}
    attempt: int = connection.execute(
        dispatch_attempt.insert().values(**values).returning(dispatch_attempt.c.id)
    ).scalar_one()
    if kind:
        connection.execute(dispatch_failure.insert().values(attempt_id=attempt, kind=kind, known_at=known_at))
    return attempt
