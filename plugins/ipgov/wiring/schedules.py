"""What DAGs say alike: when they run by the clock, how long they may take, how a task is tried again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pendulum
from airflow.sdk import Param

from ipgov.core.settings import settings

TIMEZONE = "Asia/Shanghai"


def tried_again(minutes: int | None) -> dict[str, Any]:
    """Return ``default_args`` of tasks that may be run again at any time; ``minutes``: the limit of each.

    What is refused fails at once (``run.refusals``). What is tried again was killed, or found something down:
    a kill costs seconds; together five minutes, in which PostgreSQL and the API server are back.
    """
    limit = {} if minutes is None else {"execution_timeout": dt.timedelta(minutes=minutes)}
    again = {"retries": 6, "retry_delay": dt.timedelta(seconds=5), "retry_exponential_backoff": 2}
    return {"owner": "运行组", **again, **limit}


def asked(name: str, title: str, description: str) -> dict[str, Param]:
    """Return a text that a person may give a run, as ``params``; nothing by default."""
    return {name: Param(None, type=["null", "string"], title=title, description=description)}


def as_of(example: str) -> dict[str, Param]:
    """Return the day as of which a run works, as ``params``."""
    return asked("as_of", "基准日", f"如 {example}；空为今天")


def by_the_clock(
    cron: str, *, task_minutes: int, run_minutes: int, example: str, more: Mapping[str, Param] | None = None
) -> dict[str, Any]:
    """Return the arguments of ``@dag`` for what runs by the clock, one run at a time.

    A simulation does not: its days are not the clock's. Days that were missed are made up by the next run
    itself, so nothing is caught up. ``example``: a day, for the form; ``more``: what else it asks.
    """
    return {
        "schedule": cron if settings().by_the_clock else None,
        "start_date": pendulum.datetime(2024, 1, 1, tz=TIMEZONE),
        "catchup": False,
        "max_active_runs": 1,
        "default_args": tried_again(task_minutes),
        "dagrun_timeout": dt.timedelta(minutes=run_minutes),
        "params": {**as_of(example), **(more or {})},
    }


def when_called(*, task_minutes: int | None, runs: int = 1) -> dict[str, Any]:
    """Return the arguments of ``@dag`` for what people or other DAGs start; ``runs``: how many at a time."""
    return {
        "schedule": None,
        "start_date": pendulum.datetime(2015, 1, 1, tz=TIMEZONE),
        "catchup": False,
        "max_active_runs": runs,
        "default_args": tried_again(task_minutes),
    }
