"""What an Airflow run means: which period, as of which day, knowing what, to what purpose.

The only place where a DAG run's dates are read. ``{{ ds }}`` is never used: for a year that begins in
Shanghai it is the last day of the year before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ipgov.core import clock, logs
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
    _tell_logs(context)
    with reading() as connection:
        now, simulation = clock.read(connection)
    return resolve_moment(now, simulation, as_of=_day(conf, "as_of"), known_at=_instant(conf, "known_at"))


def _tell_logs(context: Mapping[str, Any], **facts: str) -> None:
    """Let every later line of the task's log bear its run and, until a step says its own name, its task."""
    run, instance = context.get("run_id"), context.get("ti")
    found = {"run": run, "step": getattr(instance, "task_id", None)}
    logs.bind(**{name: str(value) for name, value in found.items() if value}, **facts)


def cycle(context: Mapping[str, Any], programme: str) -> Cycle:
    """Return the cycle of a run by period: the year of its data interval, or (by hand) the one that it names.

    A backfill, or a run by hand that is told to ``recalculate``, recalculates as of the day its period was
    evaluated on. Raises RefusedError for a run without a year, and for a recalculation told to be as of
    another day; UnknownError for a recalculated year before the first rules.
    """
    found = _cycle(context, programme)
    _tell_logs(context, programme=programme, period=found.period, mode=str(found.mode))
    return found


def _cycle(context: Mapping[str, Any], programme: str) -> Cycle:
    run = context["dag_run"]
    conf = run.conf or {}
    period = _period(run, conf)
    if not (_in_backfill(run) or conf.get("recalculate")):
        return Cycle(programme, period, *moment(context))
    if conf.get("as_of"):
        raise RefusedError(
            f"回填、重算以各年度的评价日为基准日，不接受运行参数 as_of（{conf['as_of']}）；"
            "请以不含 as_of 的运行参数（如 {}）重新办理"
        )
    from ipgov.procedures.cycles import evaluated_on

    # not run_after: that of a run by hand, which a backfill took over, is the day on which it was started
    day = evaluated_on(programme, int(period))
    return Cycle(programme, period, day, _known_by(conf, day), Mode.RECALCULATE)


def _period(run: Any, conf: Mapping[str, Any]) -> str:
    asked = str(conf.get("period") or "")
    if asked and _in_backfill(run):
        raise RefusedError(f"回填逐年办理，不接受运行参数 period（{asked}）；请以起止日期写明年度")
    if asked and not (asked.isdecimal() and len(asked) == 4):
        raise RefusedError(f"运行参数 period=“{asked}”不是年度，应为 2027 的形式")
    if asked:
        return asked
    if run.data_interval_end is None:
        raise RefusedError(
            "本流程按年度运行，本次运行没有数据区间；请以逻辑日期触发，或以运行参数 period 写明年度"
        )
    return str((run.data_interval_end.astimezone(SHANGHAI) - dt.timedelta(seconds=1)).year)


def _known_by(conf: Mapping[str, Any], evaluated: dt.date) -> dt.datetime:
    """Return what a recalculation knows: everything known now.

    A simulation may have lived beyond the clock: there also what was known at the end of the evaluation day.
    """
    with reading() as connection:
        now, simulation = clock.read(connection)
    told = _instant(conf, "known_at")
    known_at = resolve_moment(now, simulation, known_at=told)[1]
    if told is not None or not simulation:
        return known_at
    return max(known_at, resolve_moment(now, simulation, as_of=evaluated)[1])


def _in_backfill(run: Any) -> bool:
    return str(getattr(run.run_type, "value", run.run_type)) == "backfill"


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
    if _in_backfill(context["dag_run"]):
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
