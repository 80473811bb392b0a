"""The tasks that every procedure of evaluation shares; DAG files put them in order.

The work is ``procedures/evaluation_cycle``; here is only what an Airflow run means for it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pendulum
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, Param, get_current_context, task
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert

from ipgov.core.settings import settings
from ipgov.wiring import schedules
from ipgov.wiring.answers import APPROVAL_DAG
from ipgov.wiring.deadlines import LiveRunDue, tell
from ipgov.wiring.run import refusals
from ipgov.wiring.timetables import TIMEZONE, PeriodTimetable


@dataclass(frozen=True)
class Evaluation:
    """The tasks of one programme; ``results``: the asset on which a period's results are announced.

    Each method but ``run_by_period`` makes one task and is called inside a DAG: what it returns is handed to
    the next. Runs of a backfill recalculate: they are compared, and never put up for approval.
    """

    programme: str
    results: Asset

    @classmethod
    def of(cls, programme: str, results: str = "") -> Evaluation:
        """Return the tasks of a programme, its results under their usual name."""
        name = results or f"{programme}_results"
        return cls(programme, Asset(name=name, uri=f"ipgov://results/{programme}"))

    def run_by_period(self) -> dict[str, Any]:
        """Return the arguments of ``@dag`` for one run per period, on its evaluation day."""
        return {
            "schedule": PeriodTimetable(self.programme, automatic_from=settings().automatic_from),
            # early: a backfill of any year finds tasks to run; the timetable starts no past year itself
            "start_date": pendulum.datetime(2015, 1, 1, tz=TIMEZONE),
            "catchup": False,
            "max_active_runs": 1,
            "default_args": schedules.tried_again(30),
            "dagrun_timeout": dt.timedelta(hours=6),
            "deadline": DeadlineAlert(
                name="评价日未办结",
                reference=LiveRunDue(self.programme),
                interval=dt.timedelta(0),
                callback=SyncCallback(tell),
            ),
            "params": {
                **schedules.asked("period", "年度", "由人员办理的年度，如 2027；空为逻辑日期所在的年度"),
                **schedules.as_of("2026-04-16"),
                **schedules.asked("known_at", "已知截至", "带时区的时刻；空为现在"),
                "recalculate": Param(
                    False, type="boolean", title="只重算", description="与回填相同：重算、比较，不送审"
                ),
            },
        }

    def freeze(self) -> Any:
        """Make the task that freezes who is evaluated on what; its result names the snapshot."""

        @task(task_display_name="冻结数据")
        @refusals()
        def freeze() -> dict:
            from ipgov.procedures import evaluation_cycle as procedure
            from ipgov.wiring.run import cycle

            return procedure.freeze(cycle(get_current_context(), self.programme)).as_dict()

        return freeze()

    def check(self, frozen: Any) -> Any:
        """Make the task of the quality gate on what was frozen."""

        @task(task_display_name="质量检查")
        @refusals()
        def check(frozen: dict) -> dict:
            from ipgov.procedures import evaluation_cycle as procedure
            from ipgov.wiring.run import cycle

            snapshot_id = frozen["output"]["snapshot_id"]
            return procedure.check(cycle(get_current_context(), self.programme), snapshot_id).as_dict()

        return check(frozen)

    def evaluate(self, frozen: Any, checked: Any) -> Any:
        """Make the task that scores, ranks and grades what was ``checked``; it announces the period."""

        @task(task_display_name="评价", outlets=[self.results])
        @refusals()
        def evaluate(frozen: dict, *, outlet_events: Any = None) -> dict:
            from ipgov.procedures import evaluation_cycle as procedure
            from ipgov.wiring.run import cycle

            this = cycle(get_current_context(), self.programme)
            result = procedure.evaluate(this, frozen["output"]["snapshot_id"]).as_dict()
            outlet_events[self.results].add_partitions(this.period)
            outlet_events[self.results].extra["mode"] = this.mode.value
            return result

        evaluated = evaluate(frozen)
        checked >> evaluated
        return evaluated

    def rating_list(self, evaluated: Any) -> Any:
        """Make the task that writes the list for the reviewers to mark."""

        @task(task_display_name="评级表")
        @refusals()
        def rating_list(evaluated: dict) -> dict:
            from ipgov.procedures import evaluation_cycle as procedure
            from ipgov.wiring.run import cycle

            this = cycle(get_current_context(), self.programme)
            return procedure.make_rating_list(this, evaluated["output"]["result_set_id"]).as_dict()

        return rating_list(evaluated)

    def compare(self, evaluated: Any) -> Any:
        """Make the task that compares a recalculated period with what was issued; a live run skips it."""

        @task(task_display_name="与已发布的比较")
        @refusals()
        def compare(evaluated: dict) -> dict:
            from airflow.sdk.exceptions import AirflowSkipException

            from ipgov.core.steps import Mode
            from ipgov.procedures import recalculated
            from ipgov.wiring.run import cycle

            this = cycle(get_current_context(), self.programme)
            if this.mode is Mode.LIVE:
                raise AirflowSkipException("办理有效力的评价，不作比较")
            return recalculated.compare(this, evaluated["output"]["result_set_id"]).as_dict()

        return compare(evaluated)

    def put_up(self, evaluated: Any, listed: Any) -> TriggerDagRunOperator:
        """Make the tasks that open a round on the result and hand it to the approval DAG.

        A recalculated result stops here.
        """

        @task.short_circuit(task_display_name="提交审核")
        @refusals()
        def open_round(evaluated: dict, listed: dict) -> dict | None:
            from ipgov.core.steps import Mode
            from ipgov.procedures import evaluation_cycle as procedure
            from ipgov.wiring.run import cycle

            this = cycle(get_current_context(), self.programme)
            if this.mode is not Mode.LIVE:
                return None
            return procedure.open_round(
                this, evaluated["output"]["result_set_id"], listed["output"]["rating_list_sha256"]
            ).as_dict()

        start_approval = approval_of("{{ ti.xcom_pull('open_round')['output']['round_id'] }}")
        open_round(evaluated, listed) >> start_approval
        return start_approval


def approval_of(round_id: str) -> TriggerDagRunOperator:
    """Make the task that hands a round to the approval DAG, once; ``round_id``: a template."""
    return TriggerDagRunOperator(
        task_id="start_approval",
        task_display_name="转审核与签发",
        trigger_dag_id=APPROVAL_DAG,
        trigger_run_id=f"round__{round_id}",
        conf={"round_id": round_id, "as_of": "{{ (dag_run.conf or {}).get('as_of') or '' }}"},
        skip_when_already_exists=True,
        wait_for_completion=False,
    )
