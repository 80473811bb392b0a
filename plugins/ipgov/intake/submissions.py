"""What was received, in the record: submissions and their values, extensions, objects that nobody claims."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on, insert

from ipgov.core.database import lock
from ipgov.core.errors import RefusedError
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import (
    attachment,
    case_workbook,
    extension,
    province_audit_return,
    submission,
    submitted_value,
    unclaimed_object,
)
from ipgov.intake.inbox import InboxKey
from ipgov.intake.reading import Outcome, Reading
from ipgov.policy.store import Loaded

Row = Mapping[str, Any]  # a submission by column name
KeyAndTime = tuple[str, dt.datetime]  # object key, time of receipt (with zone)


def is_late(received_at: dt.datetime, due_on: dt.date, extension_until: dt.date | None = None) -> bool:
    """Tell whether a moment lies after the due day, or the extended one, by the calendar day in Shanghai."""
    day = received_at.astimezone(SHANGHAI).date()
    return day > max(due_on, extension_until or due_on)


def seen(connection: Connection, objects: Iterable[KeyAndTime]) -> set[KeyAndTime]:
    """Return those objects, by key and time of receipt, that were read before, in whatever way."""
    wanted = list(objects)
    if not wanted:
        return set()
    found: set[KeyAndTime] = set()
    for table in (submission, attachment, case_workbook, province_audit_return, unclaimed_object):
        columns = table.c.object_key, table.c.received_at
        rows = connection.execute(select(*columns).where(tuple_(*columns).in_(wanted)))
        found |= {(key, received_at) for key, received_at in rows}
    return found


def recorded(connection: Connection, key: str, data_sha256: str | None, received_at: dt.datetime) -> bool:
    """Tell whether this content (None: not read), come under this key at this time, was recorded before."""
    known_by = {
        submission: submission.c.sha256,
        attachment: attachment.c.digest,
        case_workbook: case_workbook.c.sha256,
        province_audit_return: province_audit_return.c.sha256,
        unclaimed_object: unclaimed_object.c.sha256,
    }
    return any(
        connection.execute(
            select(table.c.id).where(
                table.c.object_key == key,
                digest.is_not_distinct_from(data_sha256),
                table.c.received_at == received_at,
            )
        ).scalar()
        is not None
        for table, digest in known_by.items()
    )


def record(
    connection: Connection,
    *,
    key: str,
    data_sha256: str,
    inbox: InboxKey,
    reading: Reading,
    outcome: Outcome,
    rules: Loaded,
    received_at: dt.datetime,
    due_on: dt.date,
    late: bool,
    answer_sha256: str,
    known_at: dt.datetime,
) -> int:
    """Add a submission with its values and return its id; of an object already recorded, the id it has.

    It supersedes the newest one that came before it for the same unit and period and was accepted or
    returned; one that was refused supersedes nothing. Both hashes name kept content.
    """
    lock(connection, "submission", inbox.programme, inbox.period, inbox.unit)
    there = connection.execute(
        select(submission.c.id).where(
            submission.c.object_key == key,
            submission.c.sha256 == data_sha256,
            submission.c.received_at == received_at,
        )
    ).scalar()
    if there is not None:
        return int(there)
    identity = reading.identity or {}
    version = identity.get("form_version", "")
    row_id = connection.execute(
        submission.insert()
        .values(
            object_key=key,
            sha256=data_sha256,
            programme=inbox.programme,
            period=inbox.period,
            unit=inbox.unit,
            form=identity.get("form"),
            form_version=int(version) if version.isdecimal() and len(version) < 10 else None,
            rule_sha256=rules.sha256,
            received_at=received_at,
            due_on=due_on,
            late=late,
            outcome=outcome,
            supersedes=None if outcome == "refused" else _before(connection, inbox, received_at),
            problems=[p.as_dict() for p in reading.problems],
            answer_sha256=answer_sha256,
            known_at=known_at,
        )
        .returning(submission.c.id)
    ).scalar_one()
    if reading.values:
        connection.execute(
            submitted_value.insert(),
            [
                {
                    "submission_id": row_id,
                    "field": v.field,
                    "value": v.value,
                    "text_value": v.text_value,
                    "raw": v.raw,
                    "sheet": v.sheet,
                    "cell": v.cell,
                    "transforms": list(v.transforms),
                    "known_at": known_at,
                }
                for v in reading.values
            ],
        )
    return int(row_id)


def _before(connection: Connection, inbox: InboxKey, received_at: dt.datetime) -> int | None:
    found = connection.execute(
        select(submission.c.id)
        .where(
            submission.c.programme == inbox.programme,
            submission.c.period == inbox.period,
            submission.c.unit == inbox.unit,
            submission.c.outcome.in_(("accepted", "returned")),
            submission.c.received_at <= received_at,
        )
        .order_by(submission.c.received_at.desc(), submission.c.id.desc())
        .limit(1)
    ).scalar()
    return None if found is None else int(found)


def record_unclaimed(
    connection: Connection,
    key: str,
    data_sha256: str | None,
    reason: str,
    received_at: dt.datetime,
    known_at: dt.datetime,
) -> None:
    """Keep an object whose sender cannot be told, with the reason (Chinese); twice changes nothing.

    ``data_sha256`` is None where nothing of it is kept.
    """
    connection.execute(
        insert(unclaimed_object)
        .values(object_key=key, sha256=data_sha256, reason=reason, received_at=received_at, known_at=known_at)
        .on_conflict_do_nothing()
    )


def grant_extension(
    connection: Connection,
    programme: str,
    period: str,
    unit: str,
    until: dt.date,
    granted_by: str,
    reason: str,
    known_at: dt.datetime,
) -> None:
    """Give a unit more time. The newest grant counts.

    Raises RefusedError where nobody answers for it or no reason is given.
    """
    if not granted_by.strip() or not reason.strip():
        raise RefusedError(f"为单位“{unit}”延期须写明批准人和理由")
    connection.execute(
        extension.insert().values(
            programme=programme,
            period=period,
            unit=unit,
            until=until,
            granted_by=granted_by,
            reason=reason,
            known_at=known_at,
        )
    )


def extension_until(
    connection: Connection, programme: str, period: str, unit: str, known_at: dt.datetime
) -> dt.date | None:
    """Return the day until which a unit's time was extended, as known at a moment; None where it was not."""
    return connection.execute(
        select(extension.c.until)
        .where(
            extension.c.programme == programme,
            extension.c.period == period,
            extension.c.unit == unit,
            extension.c.known_at <= known_at,
        )
        .order_by(extension.c.known_at.desc(), extension.c.id.desc())
        .limit(1)
    ).scalar()


def newest_accepted(
    connection: Connection, programme: str, period: str, known_at: dt.datetime
) -> dict[str, Row]:
    """Return, by unit, the accepted submission that came last, as known at a moment."""
    return _by_unit(
        connection, _newest(programme, period, known_at).where(submission.c.outcome == "accepted")
    )


def accepted_in_time(
    connection: Connection, programme: str, period: str, known_at: dt.datetime, until: dt.date
) -> dict[str, Row]:
    """Return, by unit, the last accepted submission that counts: received by ``until`` or not late at all.

    ``until`` is the last day for late ones (a calendar day in Shanghai); what came after it leaves in force
    what came in time. Within an extension nothing is late.
    """
    end = dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), tzinfo=SHANGHAI)
    counts = or_(submission.c.received_at < end, submission.c.late.is_(False))
    query = _newest(programme, period, known_at).where(submission.c.outcome == "accepted", counts)
    return _by_unit(connection, query)


def newest_of(
    connection: Connection, programme: str, period: str, unit: str, known_at: dt.datetime
) -> Row | None:
    """Return a unit's submission that came last and was not refused, as known at a moment; None: none did."""
    query = _newest(programme, period, known_at).where(
        submission.c.unit == unit, submission.c.outcome != "refused"
    )
    return _by_unit(connection, query).get(unit)


def states(connection: Connection, programme: str, period: str, known_at: dt.datetime) -> dict[str, Row]:
    """Return, by unit, the submission that came last, whatever came of it."""
    return _by_unit(connection, _newest(programme, period, known_at))


def _newest(programme: str, period: str, known_at: dt.datetime) -> Select[Any]:
    """Select the newest submission of every unit: by time of receipt, then by order of record."""
    return (
        select(submission)
        .where(
            submission.c.programme == programme,
            submission.c.period == period,
            submission.c.unit.is_not(None),
            submission.c.known_at <= known_at,
        )
        .ext(distinct_on(submission.c.unit))
        .order_by(submission.c.unit, submission.c.received_at.desc(), submission.c.id.desc())
    )


def _by_unit(connection: Connection, query: Select[Any]) -> dict[str, Row]:
    rows = ({str(k): v for k, v in row.items()} for row in connection.execute(query).mappings())
    return {row["unit"]: row for row in rows}
