"""Alerts: what needs a person is recorded once, sent once, sent again while it lasts, and ended by itself.

Nobody closes an alert: it is over when what it tells of is. One that could not be sent is tried again at the
next look; sent and killed before that was recorded, it is sent a second time under the same name.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text

from ipgov.core.database import engine, is_simulation, reading, transaction
from ipgov.core.errors import EnvironmentProblemError, GovernanceError
from ipgov.core.faults import fault
from ipgov.core.settings import settings
from ipgov.core.steps import StepResult
from ipgov.core.tables import alert, alert_end, alert_notice
from ipgov.operations import alert_channels, conditions
from ipgov.operations.conditions import KINDS, Need

_LOG = logging.getLogger(__name__)

_OPEN = """
SELECT a.id, a.key, a.kind, a.subject, a.message, a.known_at
FROM alert a WHERE NOT EXISTS (SELECT 1 FROM alert_end e WHERE e.alert_id = a.id) ORDER BY a.id
"""
_NOTICES = """
SELECT channel, coalesce(max(number) FILTER (WHERE succeeded), 0) AS sent,
       max(known_at) FILTER (WHERE succeeded) AS sent_at,
       (array_agg(detail ORDER BY id DESC))[1] AS last, (array_agg(succeeded ORDER BY id DESC))[1] AS well
FROM alert_notice WHERE alert_id = :id GROUP BY channel
"""


def sweep(as_of: dt.date, now: dt.datetime) -> StepResult:
    """Look, record what is new and what is over, and send what is due. One look at a time.

    Raises EnvironmentProblemError, after everything else is done, where a channel took nothing.
    """
    with _alone():
        found = conditions.find(as_of, now)
        with transaction() as connection:
            raised, ended = _record(connection, found, now)
        for need in raised:
            _LOG.warning("告警：%s：%s（%s）", KINDS[need.kind], need.subject, need.message)
        sent, failures = _send(now)
    if failures:
        raise EnvironmentProblemError("；".join(failures))
    return StepResult(
        read=len(found),
        written=len(raised),
        found=len(found),
        output={"raised": [n.key for n in raised], "ended": ended, "sent": sent},
    )


@contextmanager
def _alone() -> Iterator[None]:
    """Let no other look go on meanwhile; a lock of the session: no transaction waits for a server."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtextextended('alerts', 0))"))
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtextextended('alerts', 0))"))


def _record(connection: Connection, found: list[Need], now: dt.datetime) -> tuple[list[Need], list[str]]:
    there = {row["key"]: row for row in connection.execute(text(_OPEN)).mappings()}
    new = [need for need in found if need.key not in there]
    for need in new:
        connection.execute(
            alert.insert().values(
                key=need.key, kind=need.kind, subject=need.subject, message=need.message, known_at=now
            )
        )
    # what could not be looked at is not over
    blind = any(need.kind == "check_failed" for need in found)
    keys = {need.key for need in found}
    over = [row for key, row in there.items() if key not in keys]
    if blind:
        over = [row for row in over if row["kind"] == "check_failed"]
    for row in over:
        connection.execute(alert_end.insert().values(alert_id=row["id"], known_at=now))
    return new, [row["key"] for row in over]


def _send(now: dt.datetime) -> tuple[int, list[str]]:
    """Send what is due on every channel, a message each; return how many alerts were, and what failed."""
    sent = 0
    failures: list[str] = []
    for channel, deliver in alert_channels.configured().items():
        with reading() as connection:
            simulation = is_simulation(connection)
            due = list(_due(connection, channel, now))
        if not due:
            continue
        try:
            detail, succeeded = deliver(due, now, simulation), True
            sent += len(due)
        except Exception as error:
            told = fault(error) or (error if isinstance(error, GovernanceError) else None)
            if told is None:
                raise
            detail, succeeded = told.message, False
            failures.append(told.message)
        with transaction() as connection:
            for each in due:
                if succeeded or each["last_failure"] != detail:  # the same failure again is no news
                    connection.execute(
                        alert_notice.insert().values(
                            alert_id=each["id"],
                            channel=channel,
                            number=each["number"],
                            succeeded=succeeded,
                            detail=detail,
                            known_at=now,
                        )
                    )
    return sent, failures


def _due(connection: Connection, channel: str, now: dt.datetime) -> Iterable[dict[str, Any]]:
    pause = dt.timedelta(hours=settings().alert_repeat)
    for row in connection.execute(text(_OPEN)).mappings().all():
        notices = connection.execute(text(_NOTICES), {"id": row["id"]}).mappings()
        told = next((n for n in notices if n["channel"] == channel), None)
        number = told["sent"] if told else 0
        if number and (not pause or now - told["sent_at"] < pause):  # type: ignore[index]
            continue
        yield {
            "id": row["id"],
            "number": number + 1,
            "key": row["key"],
            "kind": row["kind"],
            "kind_name": KINDS[row["kind"]],
            "subject": row["subject"],
            "message": row["message"],
            "since": row["known_at"].isoformat(),
            "last_failure": told["last"] if told and not told["well"] else None,
        }


def listing() -> list[dict[str, Any]]:
    """Return the open alerts with how they were sent."""
    with reading() as connection:
        rows = [dict(r) for r in connection.execute(text(_OPEN)).mappings()]
        for row in rows:
            row["kind_name"] = KINDS[row["kind"]]
            row["notices"] = [
                dict(n) for n in connection.execute(text(_NOTICES), {"id": row["id"]}).mappings()
            ]
    return rows


def sample(now: dt.datetime) -> dict[str, str]:
    """Send a sample on every channel; return what each answered. Nothing is recorded.

    Raises EnvironmentProblemError where there is no channel, or with everything that failed.
    """
    with reading() as connection:
        simulation = is_simulation(connection)
    one = {
        "id": 0,
        "number": 1,
        "key": f"sample/{now.isoformat()}",
        "kind": "sample",
        "kind_name": "试发",
        "subject": "告警渠道试发，无须处理",
        "message": "由 ipgov alert test 发出",
        "since": now.isoformat(),
    }
    channels = alert_channels.configured()
    if not channels:
        raise EnvironmentProblemError(
            "没有告警渠道：请设置 IPGOV_ALERT_WEBHOOK，或 IPGOV_ALERT_MAIL 与 IPGOV_SMTP_…"
        )
    told, failures = {}, []
    for channel, deliver in channels.items():
        try:
            told[channel] = deliver([one], now, simulation)
        except GovernanceError as error:
            failures.append(f"{channel}：{error.message}")
    if failures:
        raise EnvironmentProblemError("；".join(failures))
    return told
