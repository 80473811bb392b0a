"""待审轮次呈报：凡已开启而未办结的审核轮次，都有一次“审核与签发”运行。"""

from __future__ import annotations

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag, get_current_context, task
from ipgov.wiring.answers import APPROVAL_DAG
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import by_the_clock

DOCS = """
### 待审轮次呈报

评价、更正流程开启一轮后随即转“审核与签发”。以命令开启的（`ipgov correction prepare`、
`ipgov document propose` 等），或转办时被中断的，由本流程补办：
每十分钟列出未办结的轮次，尚无“审核与签发”运行的即予转办；已有的不重复（显示为“跳过”）。

可随时手工触发；模拟库不按钟点运行，须手工触发。
"""


@dag(
    dag_display_name="待审轮次呈报",
    description="未办结的轮次 → 审核与签发",
    doc_md=DOCS,
    tags=["审批", "每十分钟"],
    **by_the_clock("*/10 * * * *", task_minutes=5, run_minutes=30, example="2026-03-20"),
)
def present_rounds():
    @task(task_display_name="列出未办结的轮次")
    @refusals()
    def list_open() -> list[dict]:
        from ipgov.procedures import approval

        as_of = (get_current_context()["dag_run"].conf or {}).get("as_of") or ""
        return [
            {"trigger_run_id": f"round__{number}", "conf": {"round_id": str(number), "as_of": as_of}}
            for number in approval.unfinished()
        ]

    TriggerDagRunOperator.partial(
        task_id="start_approval",
        task_display_name="转审核与签发",
        trigger_dag_id=APPROVAL_DAG,
        skip_when_already_exists=True,
        wait_for_completion=False,
    ).expand_kwargs(list_open())


present_rounds()
