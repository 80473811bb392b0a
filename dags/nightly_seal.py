"""夜间封存：每夜封存当日新增的一切，再核验整条封存链。"""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import by_the_clock

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
    tags=["封存", "每日"],
    **by_the_clock("0 3 * * *", task_minutes=60, run_minutes=180, example="2026-03-20"),
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
