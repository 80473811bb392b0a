"""The tasks that every procedure of evaluation shares, made for one programme; DAG files put them in order.

Each function makes one task and is called inside a DAG: what it returns is handed to the next. The work is
``procedures/evaluation_cycle``; here is only what an Airflow run means for it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pendulum
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, Param, get_current_context, task
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert

from ipgov.core.settings import settings
from ipgov.wiring.deadlines import LiveRunDue, tell
from ipgov.wiring.run import refusals
from ipgov.wiring.timetables import PeriodTimetable


def run_by_period(programme: str) -> dict[str, Any]:
    """Return the arguments of ``@dag`` for a programme that runs once per period, on its evaluation day."""
    return {
        "schedule": PeriodTimetable(programme, automatic_from=settings().automatic_from),
        # early, so that a backfill of any year finds tasks to run; the timetable starts no past year itself
        "start_date": pendulum.datetime(2015, 1, 1, tz="Asia/Shanghai"),
        "catchup": False,
        "max_active_runs": 1,
        "default_args": {
            "owner": "运行组",
            # what is refused fails at once (refusals()); what is tried again was killed, or found something
            # down: together five minutes, in which PostgreSQL and the API server are back
            "retries": 6,
            "retry_delay": pendulum.duration(seconds=5),
            "retry_exponential_backoff": 2,
            "execution_timeout": pendulum.duration(minutes=30),
        },
        "dagrun_timeout": pendulum.duration(hours=6),
        "deadline": DeadlineAlert(
            name="评价日未办结",
            reference=LiveRunDue(programme),
            interval=dt.timedelta(0),
            callback=SyncCallback(tell),
        ),
        "params": {
            "as_of": Param(
                None, type=["null", "string"], title="基准日", description="如 2026-04-16；空为今天"
            ),
            "known_at": Param(
                None, type=["null", "string"], title="已知截至", description="带时区的时刻；空为现在"
            ),
        },
    }


def freeze(programme: str) -> Any:
    """Make the task that freezes who is evaluated on what; its result names the snapshot."""

    @task(task_display_name="冻结数据")
    @refusals()
    def freeze() -> dict:
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        return procedure.freeze(cycle(get_current_context(), programme)).as_dict()

    return freeze()


def check(programme: str, frozen: Any) -> Any:
    """Make the task of the quality gate on what was frozen."""

    @task(task_display_name="质量检查")
    @refusals()
    def check(frozen: dict) -> dict:
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        snapshot_id = frozen["output"]["snapshot_id"]
        return procedure.check(cycle(get_current_context(), programme), snapshot_id).as_dict()

    return check(frozen)


def evaluate(programme: str, results: Asset, frozen: Any) -> Any:
    """Make the task that scores, ranks and grades; it announces the period on ``results``."""

    @task(task_display_name="评价", outlets=[results])
    @refusals()
    def evaluate(frozen: dict, *, outlet_events: Any = None) -> dict:
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        this = cycle(get_current_context(), programme)
        result = procedure.evaluate(this, frozen["output"]["snapshot_id"]).as_dict()
        outlet_events[results].add_partitions(this.period)
        outlet_events[results].extra["mode"] = this.mode.value
        return result

    return evaluate(frozen)


def rating_list(programme: str, evaluated: Any) -> Any:
    """Make the task that writes the list for the reviewers to mark."""

    @task(task_display_name="评级表")
    @refusals()
    def rating_list(evaluated: dict) -> dict:
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        result_set_id = evaluated["output"]["result_set_id"]
        return procedure.make_rating_list(cycle(get_current_context(), programme), result_set_id).as_dict()

    return rating_list(evaluated)


def compare(programme: str, evaluated: Any) -> Any:
    """Make the task that compares a recalculated period with what was issued; a live run skips it."""

    @task(task_display_name="与已发布的比较")
    @refusals()
    def compare(evaluated: dict) -> dict:
        from airflow.sdk.exceptions import AirflowSkipException

        from ipgov.core.steps import Mode
        from ipgov.procedures import recalculated
        from ipgov.wiring.run import cycle

        this = cycle(get_current_context(), programme)
        if this.mode is Mode.LIVE:
            raise AirflowSkipException("办理有效力的评价，不作比较")
        return recalculated.compare(this, evaluated["output"]["result_set_id"]).as_dict()

    return compare(evaluated)


def open_round(programme: str, evaluated: Any, listed: Any) -> Any:
    """Make the task that puts the result before the reviewers; a recalculated one stops here."""

    @task.short_circuit(task_display_name="提交审核")
    @refusals()
    def open_round(evaluated: dict, listed: dict) -> dict | None:
        from ipgov.core.steps import Mode
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        this = cycle(get_current_context(), programme)
        if this.mode is not Mode.LIVE:
            return None  # recalculated results are compared, never put up for approval
        return procedure.open_round(
            this, evaluated["output"]["result_set_id"], listed["output"]["rating_list_sha256"]
        ).as_dict()

    return open_round(evaluated, listed)


def approve() -> TriggerDagRunOperator:
    """Make the task that hands the opened round (task ``open_round``) to the approval DAG."""
    return TriggerDagRunOperator(
        task_id="start_approval",
        task_display_name="转审核与签发",
        trigger_dag_id="approval_and_issue",
        trigger_run_id="round__{{ ti.xcom_pull('open_round')['output']['round_id'] }}",
        conf={
            "round_id": "{{ ti.xcom_pull('open_round')['output']['round_id'] }}",
            "as_of": "{{ (dag_run.conf or {}).get('as_of') or '' }}",
        },
        skip_when_already_exists=True,
        wait_for_completion=False,
    )
