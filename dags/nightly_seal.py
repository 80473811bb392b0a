"""夜间封存：每夜封存当日新增的一切，再核验整条封存链。"""

from __future__ import annotations

import pendulum
from airflow.sdk import Param, dag, get_current_context, task
from ipgov.core.settings import settings
from ipgov.wiring.run import refusals

DOCS = """
### 夜间封存

每夜 3 时运行。

1. **封存**：上次封存以来新增的行与文件列成清单，接在封存链之后；没有新增则不封存，重复运行不会重复封存；
2. **核验**：逐行、逐件与历次封存的清单比对。发现被改动、删除、插入、调换的，任务失败，日志逐一列出。

链头可另处保存：`ipgov audit head`；以后用 `ipgov audit verify --head 序号:链值` 核对。
"""


@dag(
    dag_display_name="夜间封存",
    description="封存新增，核验全链",
    doc_md=DOCS,
    schedule="0 3 * * *" if settings().by_the_clock else None,
    start_date=pendulum.datetime(2024, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    tags=["封存", "每日"],
    default_args={
        "owner": "运行组",
        # a kill costs seconds; together five minutes, in which PostgreSQL and the API server are back
        "retries": 6,
        "retry_delay": pendulum.duration(seconds=5),
        "retry_exponential_backoff": 2,
        "execution_timeout": pendulum.duration(hours=1),
    },
    dagrun_timeout=pendulum.duration(hours=3),
    params={
        "as_of": Param(None, type=["null", "string"], title="基准日", description="如 2026-03-20；空为今天")
    },
)
def nightly_seal():
    @task(task_display_name="封存")
    @refusals()
    def seal() -> dict:
        from ipgov.procedures import nightly_seal as procedure
        from ipgov.wiring.run import moment

        return procedure.seal(*moment(get_current_context())).as_dict()

    @task(task_display_name="核验")
    @refusals()
    def verify() -> dict:
        from ipgov.procedures import nightly_seal as procedure

        return procedure.verify().as_dict()

    seal() >> verify()


nightly_seal()
