"""功能性平台年度绩效评价：冻结数据 → 质量检查 → 评价 → 评级表 → 提交审核；回填则重算、比较。"""

from __future__ import annotations

import datetime as dt

import pendulum
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, DeadlineAlert, Param, SyncCallback, dag, get_current_context, task
from ipgov.core.settings import settings
from ipgov.wiring.deadlines import LiveRunDue, tell
from ipgov.wiring.run import refusals
from ipgov.wiring.timetables import PeriodTimetable

PROGRAMME = "functional_platform"
RESULTS = Asset(name="platform_performance", uri="ipgov://results/functional_platform")
DOCS = """
### 功能性平台年度绩效评价

每年在规则规定的评价日（工作日）运行；以该年度最后一日有效的规则评价。

1. **冻结数据**：取按期（或获准延期）收到、已通过检查、各平台最新的一份；
2. **质量检查**：Great Expectations；严重问题中止，警示列入评级表；
3. **评价**：得分、名次、等级；连续两次未通过的，拟办“取消称号”；
4. **评级表**：交评审人员标注；
5. **提交审核**：开启一轮审核、签发（由“审核与签发”流程办理）。

**回填**以各年度的评价日为基准日、按现在所知重算，与当时已发布的结果比较（“与已发布的比较”）：不送审、不通知、
不编号、不改变称号。首版规则施行前的年度拒绝办理，原因见“冻结数据”的日志；其余年度照常。

评价日当天未办结的，次日零时向承办部门告警；回填不告警。

依据：2023-156#20、#21、#22。
"""


@dag(
    dag_display_name="功能性平台年度绩效评价",
    description="冻结 → 检查 → 评价 → 评级表 → 提交审核",
    doc_md=DOCS,
    schedule=PeriodTimetable(PROGRAMME, automatic_from=settings().automatic_from),
    # Early, so that a backfill of any year finds tasks to run; the timetable starts no past year by itself.
    start_date=pendulum.datetime(2015, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    tags=["功能性平台", "每年"],
    default_args={
        "owner": "运行组",
        # what is refused fails at once (refusals()); what is tried again was killed, or found something down
        # a kill costs seconds; together five minutes, in which PostgreSQL and the API server are back
        "retries": 6,
        "retry_delay": pendulum.duration(seconds=5),
        "retry_exponential_backoff": 2,
        "execution_timeout": pendulum.duration(minutes=30),
    },
    dagrun_timeout=pendulum.duration(hours=6),
    deadline=DeadlineAlert(
        name="评价日未办结",
        reference=LiveRunDue(PROGRAMME),
        interval=dt.timedelta(0),
        callback=SyncCallback(tell),
    ),
    params={
        "as_of": Param(None, type=["null", "string"], title="基准日", description="如 2026-04-16；空为今天"),
        "known_at": Param(
            None, type=["null", "string"], title="已知截至", description="带时区的时刻；空为现在"
        ),
    },
)
def platform_performance():
    @task(task_display_name="冻结数据")
    @refusals()
    def freeze() -> dict:
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        return procedure.freeze(cycle(get_current_context(), PROGRAMME)).as_dict()

    @task(task_display_name="质量检查")
    @refusals()
    def check(frozen: dict) -> dict:
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        snapshot_id = frozen["output"]["snapshot_id"]
        return procedure.check(cycle(get_current_context(), PROGRAMME), snapshot_id).as_dict()

    @task(task_display_name="评价", outlets=[RESULTS])
    @refusals()
    def evaluate(frozen: dict, *, outlet_events) -> dict:
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        this = cycle(get_current_context(), PROGRAMME)
        result = procedure.evaluate(this, frozen["output"]["snapshot_id"]).as_dict()
        outlet_events[RESULTS].add_partitions(this.period)
        outlet_events[RESULTS].extra["mode"] = this.mode.value
        return result

    @task(task_display_name="评级表")
    @refusals()
    def rating_list(evaluated: dict) -> dict:
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        result_set_id = evaluated["output"]["result_set_id"]
        return procedure.make_rating_list(cycle(get_current_context(), PROGRAMME), result_set_id).as_dict()

    @task(task_display_name="与已发布的比较")
    @refusals()
    def compare(evaluated: dict) -> dict:
        from airflow.sdk.exceptions import AirflowSkipException
        from ipgov.core.steps import Mode
        from ipgov.procedures import recalculated
        from ipgov.wiring.run import cycle

        this = cycle(get_current_context(), PROGRAMME)
        if this.mode is Mode.LIVE:
            raise AirflowSkipException("办理有效力的评价，不作比较")
        return recalculated.compare(this, evaluated["output"]["result_set_id"]).as_dict()

    @task.short_circuit(task_display_name="提交审核")
    @refusals()
    def open_round(evaluated: dict, listed: dict) -> dict | None:
        from ipgov.core.steps import Mode
        from ipgov.procedures import evaluation_cycle as procedure
        from ipgov.wiring.run import cycle

        this = cycle(get_current_context(), PROGRAMME)
        if this.mode is not Mode.LIVE:
            return None  # recalculated results are compared, never put up for approval
        return procedure.open_round(
            this, evaluated["output"]["result_set_id"], listed["output"]["rating_list_sha256"]
        ).as_dict()

    frozen = freeze()
    checked = check(frozen)
    evaluated = evaluate(frozen)
    listed = rating_list(evaluated)
    compare(evaluated)
    round_opened = open_round(evaluated, listed)
    approve = TriggerDagRunOperator(
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
    checked >> evaluated
    round_opened >> approve


platform_performance()
