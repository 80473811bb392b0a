"""What an Airflow run means: which period, as of which day, knowing what, to what purpose.

The only place where a DAG run's dates are read. ``{{ ds }}`` is never used: for a year that begins in
Shanghai it is the last day of the year before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import RefusedError
from ipgov.core.steps import SHANGHAI, Cycle, Mode, resolve_moment


def moment(context: Mapping[str, Any]) -> tuple[dt.date, dt.datetime]:
    """Return (as_of, known_at) of a run: from its conf, else now. The one clock reading of a task."""
    conf = context["dag_run"].conf or {}
    with reading() as connection:
        simulation = is_simulation(connection)
    return resolve_moment(
        dt.datetime.now(dt.UTC), simulation, as_of=_day(conf, "as_of"), known_at=_instant(conf, "known_at")
    )


def cycle(context: Mapping[str, Any], programme: str) -> Cycle:
    """Return the cycle of a yearly run. A backfill recalculates, as of the day its period was due."""
    run = context["dag_run"]
    if run.data_interval_end is None:
        raise RefusedError("本流程按年度运行，本次运行没有数据区间；请以逻辑日期触发")
    end = run.data_interval_end.astimezone(SHANGHAI) - dt.timedelta(seconds=1)
    as_of, known_at = moment(context)
    mode = Mode.LIVE
    if str(getattr(run.run_type, "value", run.run_type)) == "backfill":
        mode = Mode.RECALCULATE
        as_of = run.run_after.astimezone(SHANGHAI).date()
    return Cycle(programme, str(end.year), as_of, known_at, mode)


def _day(conf: Mapping[str, Any], key: str) -> dt.date | None:
    value = conf.get(key)
    if not value:
        return None
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise RefusedError(f"运行参数 {key}=“{value}”不是日期，应为 2026-04-15 的形式") from None


def _instant(conf: Mapping[str, Any], key: str) -> dt.datetime | None:
    value = conf.get(key)
    if not value:
        return None
    try:
        instant = dt.datetime.fromisoformat(str(value))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise RefusedError(f"运行参数 {key}=“{value}”不是带时区的时刻，应为 2026-04-15T18:00:00+08:00 的形式")
    return instant
