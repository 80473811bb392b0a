"""The clock, read at the edges only, and held against the database's clock and the record.

Facts stand in order: none is known or recorded before an older one. So a production installation refuses
to work while its clock contradicts the record. A simulation plays days of its own choice and is not held to
this.
Durations are measured by ``time.monotonic``, never by this clock.
"""

from __future__ import annotations

import datetime as dt
from functools import cache

from sqlalchemy import Connection, RowMapping, func, select, text

from ipgov.core.database import is_simulation, lock
from ipgov.core.errors import RefusedError, TemporaryProblemError
from ipgov.core.settings import settings
from ipgov.core.tables import clock_correction, metadata


def read(connection: Connection) -> tuple[dt.datetime, bool]:
    """Return now (UTC) and whether this is a simulation; a task, command or page reads it once.

    Raises TemporaryProblemError where the clock differs from the database's, or lies before the newest
    record, by more than ``clock_tolerance``; RefusedError where days other than the policies' would count.
    """
    simulation = is_simulation(connection)
    now = dt.datetime.now(dt.UTC)
    if not simulation:
        _require_own_calendars()
        check(connection, now)
    return now, simulation


def _require_own_calendars() -> None:
    """Refuse holidays from elsewhere: fictitious ones are for simulations, legal effect rests on policies."""
    folder, policies = settings().calendars_folder, settings().policies
    if not folder.resolve().is_relative_to(policies.resolve()):
        raise RefusedError(
            f"本库是业务库，放假安排只能取自 {policies}，"
            f"而 IPGOV_CALENDARS 为 {folder}：只有模拟库可用别处的放假安排"
        )


def check(connection: Connection, now: dt.datetime) -> None:
    """Hold ``now`` against the database's clock and the newest record; raises as ``read``."""
    tolerance = dt.timedelta(seconds=settings().clock_tolerance)
    newest = _newest(connection)
    _compare(now, newest["server"], tolerance)
    moment = newest["moment"]
    if moment is None or moment - now <= tolerance or _accepted(connection, moment):
        return
    raise TemporaryProblemError(
        f"时钟早于已有的记录：现在为 {_said(now)}，而表 {newest['name']} 的最新记录为 {_said(moment)}，"
        f"相差 {_seconds(moment - now)} 秒，超过允许的 {settings().clock_tolerance} 秒"
        "（IPGOV_CLOCK_TOLERANCE）。请校准本机与数据库服务器的时钟后重试；"
        "确属当时的时钟快了、现已校准的，由运行人员登记：ipgov clock accept --reason 原因"
    )


def _compare(now: dt.datetime, server: dt.datetime, tolerance: dt.timedelta) -> None:
    if abs(now - server) > tolerance:
        raise TemporaryProblemError(
            f"本机时钟（{_said(now)}）与数据库服务器的时钟（{_said(server)}）"
            f"相差 {_seconds(now - server)} 秒，"
            f"超过允许的 {settings().clock_tolerance} 秒（IPGOV_CLOCK_TOLERANCE）；请校准时钟后重试"
        )


def accept(connection: Connection, reason: str, accepted_by: str) -> dt.datetime:
    """Record that a clock was fast for a time and is right now; return until when the record says it was.

    What was recorded then stays as it is: it counts as known from the moment that it bears. Raises
    RefusedError where there is nothing to accept or no reason, TemporaryProblemError where the clocks differ.
    """
    if not reason.strip():
        raise RefusedError("须说明原因：时钟何时、为何快了，如何校准")
    lock(connection, "clock")
    now = dt.datetime.now(dt.UTC)
    newest = _newest(connection)
    _compare(now, newest["server"], dt.timedelta(seconds=settings().clock_tolerance))
    moment: dt.datetime | None = newest["moment"]
    if moment is None or moment <= now or _accepted(connection, moment):
        raise RefusedError("没有晚于现在的记录，无须登记时钟校准")
    connection.execute(
        clock_correction.insert().values(
            wrong_until=moment, accepted_by=accepted_by, reason=reason.strip(), known_at=now
        )
    )
    return moment


def _accepted(connection: Connection, moment: dt.datetime) -> bool:
    upto = connection.execute(select(func.max(clock_correction.c.wrong_until))).scalar()
    return upto is not None and moment <= upto


def _newest(connection: Connection) -> RowMapping:
    """Return the server's clock, and the newest moment that a table's last row bears, with the table."""
    return connection.execute(text(_query())).mappings().one()


@cache
def _query() -> str:
    last = " UNION ALL ".join(
        f"(SELECT '{t.name}' AS name, greatest(recorded_at, known_at) AS moment"  # noqa: S608
        f' FROM "{t.name}" ORDER BY id DESC LIMIT 1)'
        for t in metadata.sorted_tables
    )
    return (
        f"SELECT clock_timestamp() AS server, newest.* FROM (VALUES (1)) AS one LEFT JOIN"  # noqa: S608
        f" (SELECT name, moment FROM ({last}) AS last ORDER BY moment DESC LIMIT 1) AS newest ON true"
    )


def _said(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _seconds(difference: dt.timedelta) -> int:
    return abs(round(difference.total_seconds()))
