"""运行巡检：每十分钟看一遍有没有需要人处理的事项，新的发出告警，过去的解除。"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag, get_current_context, task
from ipgov.core.settings import settings
from ipgov.wiring.run import refusals

DOCS = """
### 运行巡检

每十分钟运行。任务失败、评价逾期、寄发待处理、备份过旧或有缺漏、恢复演练过期、磁盘将满、审批久候、组件停止、
封存链核验失败：每一项登记一次、告警一次，仍未解决的按 `IPGOV_ALERT_REPEAT`（小时）再提醒，过去了自行解除。

告警渠道：`IPGOV_ALERT_WEBHOOK`、`IPGOV_ALERT_MAIL`；都未设置时只登记，见 `ipgov status`、`ipgov alert list`。
回填往年不告警。渠道不通时本任务失败，下次再发。
"""


@dag(
    dag_display_name="运行巡检",
    description="找出需要人处理的事项，告警一次",
    doc_md=DOCS,
    schedule="*/10 * * * *" if settings().by_the_clock else None,
    start_date=pendulum.datetime(2024, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    tags=["运行", "每十分钟"],
    default_args={
        "owner": "运行组",
        "retries": 1,
        "retry_delay": pendulum.duration(minutes=1),
        "execution_timeout": pendulum.duration(minutes=10),
    },
    dagrun_timeout=pendulum.duration(minutes=30),
    params={
        "as_of": Param(None, type=["null", "string"], title="基准日", description="如 2026-03-20；空为今天")
    },
)
def operations_watch():
    @task(task_display_name="巡检与告警")
    @refusals()
    def watch() -> dict:
        from ipgov.operations import alerts
        from ipgov.wiring.run import moment, never_in_backfill

        context = get_current_context()
        never_in_backfill(context)
        return alerts.sweep(*moment(context)).as_dict()

    watch()


operations_watch()
