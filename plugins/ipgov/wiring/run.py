"""What an Airflow run means: which period, as of which day, knowing what, to what purpose.

The only place where a DAG run's dates are read. ``{{ ds }}`` is never used: for a year that begins in
Shanghai it is the last day of the year before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ipgov.core import clock
from ipgov.core.database import reading
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, RefusedError
from ipgov.core.faults import fault
from ipgov.core.steps import SHANGHAI, Cycle, Mode, resolve_moment


@contextmanager
def refusals() -> Iterator[None]:
    """Let a task that is refused fail at once with the reason; what the installation lacks is tried again.

    Also a decorator of a task's function, under ``@task``.
    """
    try:
        yield
    except EnvironmentProblemError:
        raise
    except GovernanceError as error:
        from airflow.sdk.exceptions import AirflowFailException

        raise AirflowFailException("\n".join([error.message, *map(str, error.problems)])) from None
    except Exception as error:
        found = fault(error)
        if found is None:
            raise
        raise found from error


def moment(context: Mapping[str, Any]) -> tuple[dt.date, dt.datetime]:
    """Return (as_of, known_at) of a run: from its conf, else now. The one clock reading of a task."""
    conf = context["dag_run"].conf or {}
    with reading() as connection:
        now, simulation = clock.read(connection)
    return resolve_moment(now, simulation, as_of=_day(conf, "as_of"), known_at=_instant(conf, "known_at"))


def cycle(context: Mapping[str, Any], programme: str) -> Cycle:
    """Return the cycle of a yearly run. A backfill recalculates, as of the day its period was evaluated on.

    Raises RefusedError for a run without a year, and for a backfill told to be as of one day for all years;
    UnknownError for the backfill of a year before the first rules.
    """
    run = context["dag_run"]
    if run.data_interval_end is None:
        raise RefusedError("本流程按年度运行，本次运行没有数据区间；请以逻辑日期触发")
    period = str((run.data_interval_end.astimezone(SHANGHAI) - dt.timedelta(seconds=1)).year)
    as_of, known_at = moment(context)
    if str(getattr(run.run_type, "value", run.run_type)) != "backfill":
        return Cycle(programme, period, as_of, known_at)
    if (run.conf or {}).get("as_of"):
        raise RefusedError(
            f"回填以各年度的评价日为基准日，不接受运行参数 as_of（{run.conf['as_of']}）；"
            "请以不含 as_of 的运行参数（如 {}）重新回填"
        )
    from ipgov.procedures.cycles import evaluated_on

    # not run_after: that of a run by hand, which a backfill took over, is the day on which it was started
    return Cycle(programme, period, evaluated_on(programme, int(period)), known_at, Mode.RECALCULATE)


def hand_over(outlet: Any, period: tuple[str, str], as_of: dt.date, known_at: dt.datetime) -> None:
    """Announce a period of a programme on an asset, with the day and the knowledge that it was done with."""
    outlet.add_partitions(":".join(period))
    outlet.extra.update(as_of=as_of.isoformat(), known_at=known_at.isoformat())


def handed_over(context: Mapping[str, Any]) -> tuple[dt.date, dt.datetime]:
    """Return (as_of, known_at) of a run that an asset started: of the newest event, else as ``moment``.

    Several events of one period make one run. In an installation that goes by the clock it is now.
    """
    events = [e for listed in (context.get("triggering_asset_events") or {}).values() for e in listed]
    with reading() as connection:
        now, simulation = clock.read(connection)
    told = [e.extra for e in events if (e.extra or {}).get("as_of")]
    if not simulation or not told:
        return moment(context)
    newest = max(told, key=lambda extra: (extra["as_of"], extra["known_at"]))
    return resolve_moment(now, simulation, as_of=_day(newest, "as_of"), known_at=_instant(newest, "known_at"))


def own_request(context: Mapping[str, Any], login: str) -> str:
    """Return the login that a run's conf claims to act for; RefusedError unless this account triggered it.

    Airflow notes who triggered a run; nobody asks for something in another's name.
    """
    account = getattr(context["dag_run"], "triggering_user_name", None)
    if account != login:
        raise RefusedError(
            f"提出人“{login}”须为触发本次运行的账号本人，本次运行由“{account or '（无账号）'}”触发；"
            f"请由“{login}”登录后自行触发，或不填提出人、只作比较"
        )
    return login


def never_in_backfill(context: Mapping[str, Any]) -> None:
    """Refuse a step that speaks to anybody where the run is a backfill: RefusedError."""
    run_type = context["dag_run"].run_type
    if str(getattr(run_type, "value", run_type)) == "backfill":
        raise RefusedError("回填不寄发任何文书")


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
