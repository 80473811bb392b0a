"""Attachments as they come in: kept or refused, and answered where their sender has to know.

Files that came before any workbook are not answered one by one: the workbook's receipt lists them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ipgov.calendars import deadlines
from ipgov.core import objects
from ipgov.core.database import lock
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.steps import Cycle
from ipgov.intake import attachments, content_type, submissions
from ipgov.intake.attachment_list import megabytes, name_key
from ipgov.intake.attachments import Standing
from ipgov.intake.inbox import InboxKey
from ipgov.intake.scanner import Scan
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import Loaded
from ipgov.procedures.answers import Answer, file_answer, mark_of
from ipgov.registry.platforms import Unit

INFECTED = "经恶意代码扫描，文件含有恶意代码，已隔离；应为：清除后重新报送的文件"


@dataclass(frozen=True)
class Arrival:
    """An object of a unit's folder, as far as it was read: ``data`` None where it is too large for that."""

    cycle: Cycle
    place: InboxKey
    sender: Unit
    rules: Loaded
    size: int
    received_at: dt.datetime
    data: bytes | None
    scan: Scan

    @property
    def digest(self) -> str | None:
        """Return the SHA-256 of what came."""
        return None if self.data is None else sha256_hex(self.data)


def quarantine(data: bytes) -> str:
    """Put away what the scanner found infected; nothing serves it. Return its SHA-256."""
    digest = sha256_hex(data)
    objects.store().put(f"quarantine/{digest}", data, once=True)
    return digest


def receive(connection: Connection, arrival: Arrival, reason: str = "") -> str:
    """Record an object that is not read as a workbook and answer it; return its outcome.

    ``reason`` (Chinese) refuses it from the outset.
    """
    cycle, place = arrival.cycle, arrival.place
    lock(connection, "attachment", cycle.programme, cycle.period, place.unit)
    asked = arrival.rules.rules.form.attachments
    media_type, sha256 = None, None
    if arrival.scan.verdict == "infected":
        assert arrival.data is not None  # noqa: S101
        reason = INFECTED
        quarantine(arrival.data)
    elif arrival.data is not None:
        sha256 = objects.put_content(arrival.data)
        media_type = content_type.media_type(arrival.data[: content_type.HEAD_BYTES])
        if not reason and asked is not None:
            media_type, reason = attachments.refusal(arrival.data, place.filename, asked)
            reason = reason or attachments.over_quota(connection, place, arrival.size, asked)
    attachments.record(
        connection,
        inbox=place,
        media_type=media_type,
        size=arrival.size,
        received_at=arrival.received_at,
        reason=reason,
        digest=arrival.digest,
        sha256=sha256,
        scan=arrival.scan,
        rule_sha256=arrival.rules.sha256,
        known_at=cycle.known_at,
    )
    _answer(connection, arrival, reason)
    return "refused" if reason else "kept"


def unreadable(size: int, limit: int) -> str:
    """Say that an object is too large to be looked at."""
    return f"文件大小为 {megabytes(size)}，超过上限，未予读取；应为：不超过 {megabytes(limit)}"


def required_kinds(rules: RuleVersion, body: str) -> dict[str, str]:
    """Return, by code, the names of the attachments without which a body of a kind is not complete."""
    asked = rules.form.attachments
    return {k.code: k.name for k in asked.kinds_for(body).values() if k.required} if asked else {}


def complete_by(rules: RuleVersion, due_on: dt.date, extension_until: dt.date | None) -> dt.date | None:
    """Return the day until which attachments complete a workbook in time; None where none are asked."""
    if rules.form.attachments is None:
        return None
    start = max(due_on, extension_until or due_on)
    return deadlines.due(start, rules.form.attachments.complete_within).date


def told(
    rules: RuleVersion,
    sender: Unit,
    listed: Sequence[Standing],
    received_at: dt.datetime,
    due_on: dt.date,
    extension_until: dt.date | None,
) -> dict[str, Any]:
    """Return what letters say of a workbook's attachments: each, those missing, and when it was complete."""
    asked = rules.form.attachments
    required = required_kinds(rules, sender.kind)
    by = complete_by(rules, due_on, extension_until)
    at = attachments.complete_at(received_at, listed, required) if required else None
    return {
        "attachments": [
            {
                "name": row.name,
                "kind_name": asked.name_of(row.kind) if asked else row.kind,
                "present": row.present,
                "refused": row.refused,
            }
            for row in listed
        ],
        "missing": [row.name for row in listed if not row.present],
        "unlisted": [n for code, n in required.items() if code not in {row.kind for row in listed}],
        "complete_at": at,
        "complete_by": by,
        "late": at is not None and by is not None and submissions.is_late(at, by),
    }


def _answer(connection: Connection, arrival: Arrival, reason: str) -> None:
    """Tell the sender of a refused file, and of one that came after the workbook."""
    cycle, sender, rules = arrival.cycle, arrival.sender, arrival.rules.rules
    newest = submissions.newest_of(connection, cycle.programme, cycle.period, sender.unit, cycle.known_at)
    if not reason and newest is None:
        return
    context: dict[str, Any] = {"state": newest["outcome"] if newest else ""}
    listed: list[Standing] = []
    if newest is not None and newest["outcome"] == "accepted":
        listed = attachments.standing(
            connection, cycle.programme, cycle.period, [newest["id"]], cycle.known_at
        )
        until = submissions.extension_until(
            connection, cycle.programme, cycle.period, sender.unit, cycle.known_at
        )
        context |= told(rules, sender, listed, newest["received_at"], newest["due_on"], until)
    else:
        nothing: Mapping[str, Any] = {"missing": [], "unlisted": [], "complete_at": None, "complete_by": None}
        context |= {**nothing, "late": False}
    own = next((r for r in listed if name_key(r.name) == name_key(arrival.place.filename)), None)
    if own is None or own.first_at != arrival.received_at:
        context["complete_at"] = None  # it was not this file that completed it
    _file_letter(connection, arrival, reason, {**context, "listed": own})


def _file_letter(connection: Connection, arrival: Arrival, reason: str, standing: Mapping[str, Any]) -> None:
    cycle, sender, rules = arrival.cycle, arrival.sender, arrival.rules.rules
    notice = rules.attachment_notice
    context = {
        **standing,
        "unit": sender,
        "period": cycle.period,
        "programme_title": rules.title,
        "filename": arrival.place.filename,
        "received_at": arrival.received_at,
        "kept": not reason,
        "reason": reason,
        "digest": arrival.digest,
    }
    file_answer(
        connection,
        Answer(
            kind="attachment",
            template=notice.template,
            issuer=rules.issuer.name,
            basis=notice.clause or rules.form.clause,
            channels=notice.channels,
            programme=cycle.programme,
            period=cycle.period,
            unit=sender.unit,
            recipient=sender.unit,
            recipient_name=sender.name,
            filename=f"{sender.unit}-{cycle.period}-附件",
        ),
        context,
        mark_of(arrival.place.key, str(arrival.digest), arrival.received_at),
        cycle.as_of,
        cycle.known_at,
    )
