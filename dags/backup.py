"""每日备份与清理：备份数据库与对象库，删除过期的日志。"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag, get_current_context, task
from ipgov.core.settings import settings
from ipgov.wiring.run import refusals

DOCS = """
### 每日备份与清理

每天 4 时（夜间封存之后）运行。

1. **备份**：设置了 `IPGOV_BACKUP_DESTINATION` 的，备份治理数据库、对象库（同一时刻）与 Airflow 的数据库；
   已有的内容不再复制。未设置的，跳过。有缺漏的备份仍然写成，任务失败，由运行巡检告警；
2. **清理**：删除超过 `IPGOV_LOG_KEEP_DAYS` 天的日志文件。业务记录从不删除。

恢复与演练：`ipgov backup restore`、`ipgov backup rehearse`，见 docs/backup.md、docs/retention.md。
"""


@dag(
    dag_display_name="每日备份与清理",
    description="备份 → 清理日志",
    doc_md=DOCS,
    schedule="0 4 * * *" if settings().by_the_clock else None,
    start_date=pendulum.datetime(2024, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    tags=["运行", "每日"],
    default_args={
        "owner": "运行组",
        "retries": 2,
        "retry_delay": pendulum.duration(minutes=5),
        "execution_timeout": pendulum.duration(hours=6),
    },
    dagrun_timeout=pendulum.duration(hours=12),
    params={
        "as_of": Param(None, type=["null", "string"], title="基准日", description="如 2026-03-20；空为今天")
    },
)
def backup():
    @task(task_display_name="备份")
    @refusals()
    def create() -> dict:
        from ipgov.operations import backups
        from ipgov.wiring.run import moment, never_in_backfill

        context = get_current_context()
        never_in_backfill(context)
        return backups.daily(moment(context)[1])

    @task(task_display_name="清理日志", trigger_rule="all_done")
    @refusals()
    def clean() -> dict:
        from ipgov.operations import housekeeping
        from ipgov.wiring.run import moment

        return housekeeping.clean(moment(get_current_context())[1]).as_dict()

    create() >> clean()


backup()
