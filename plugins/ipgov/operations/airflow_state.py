"""What Airflow's own database tells of its state: components, runs, failures. Read only; backfills apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from ipgov.core.settings import settings

_SILENT = dt.timedelta(seconds=90)  # three times what Airflow itself waits for a heartbeat
COMPONENTS = {"SchedulerJob": "scheduler", "DagProcessorJob": "dag-processor", "TriggererJob": "triggerer"}

_BEATS = """
SELECT job_type, max(latest_heartbeat) AS beat, clock_timestamp() - max(latest_heartbeat) AS age
FROM job
WHERE job_type IN ('SchedulerJob', 'DagProcessorJob', 'TriggererJob') GROUP BY job_type
"""
_RUNS = """
SELECT r.dag_id, r.run_id, r.run_type, r.state, coalesce(r.start_date, r.queued_at) AS since,
       array(SELECT t.task_id FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id
             AND t.state IN ('running', 'queued', 'up_for_retry', 'deferred', 'awaiting_input')
             ORDER BY t.task_id) AS tasks
FROM dag_run r WHERE r.state IN ('running', 'queued') ORDER BY since, r.dag_id
"""
# A failure of a fortnight ago is history, which Airflow's own pages show. A run by the clock that a later one
# of its kind made good is over; any other, when it is run again.
_FAILED = """
SELECT r.dag_id, r.run_id, r.end_date AS since,
       array(SELECT t.task_id FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id
             AND t.state = 'failed' ORDER BY t.task_id) AS tasks
FROM dag_run r
WHERE r.state = 'failed' AND r.run_type <> 'backfill' AND r.backfill_id IS NULL
  AND r.end_date > now() - interval '14 days'
  AND NOT EXISTS (SELECT 1 FROM dag_run later WHERE later.dag_id = r.dag_id AND later.state = 'success'
                  AND r.run_type = 'scheduled' AND later.run_type = 'scheduled'
                  AND later.run_after > r.run_after)
ORDER BY r.end_date, r.dag_id
"""


@dataclass(frozen=True)
class AirflowState:
    """Components with the time of their last heartbeat, runs under way, runs that failed for good.

    ``unknown`` says why nothing could be seen, where that is so.
    """

    components: list[dict[str, Any]]
    running: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    bytes: int = 0
    unknown: str = ""


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    options = {"options": "-c timezone=UTC -c statement_timeout=30s", "connect_timeout": 10}
    engine = create_engine(url, connect_args=options)
    try:
        with engine.connect() as connection:
            yield connection.execution_options(postgresql_readonly=True)
    finally:
        engine.dispose()


def look() -> AirflowState:
    """Return Airflow's state; where its database is not known or does not answer, that."""
    url = settings().airflow_database_url or settings().accounts_database_url
    if not url:
        return AirflowState([], [], [], unknown="未设置 IPGOV_AIRFLOW_DATABASE_URL")
    try:
        with _reading(url) as connection:
            beats = {r["job_type"]: r for r in connection.execute(text(_BEATS)).mappings()}
            running = [dict(r) for r in connection.execute(text(_RUNS)).mappings()]
            failed = [dict(r) for r in connection.execute(text(_FAILED)).mappings()]
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    except (SQLAlchemyError, ValueError) as error:  # the words may hold the address
        return AirflowState([], [], [], unknown=f"Airflow 的数据库无法读取（{type(error).__name__}）")
    components = [
        {
            "component": name,
            "heartbeat": beats[kind]["beat"] if kind in beats else None,
            "healthy": kind in beats and beats[kind]["age"] is not None and beats[kind]["age"] < _SILENT,
        }
        for kind, name in COMPONENTS.items()
    ]
    return AirflowState(components, running, failed, int(size))
