"""各省按月数据：每月结束之后，向已开通查看的各省导出本省的数据。"""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import by_the_clock

DOCS = """
### 各省按月数据

每天 7 时 30 分运行：上一月尚未导出的省份，逐一导出；都已导出的，什么也不做，没有一个运行停在那里等月底。

1. **导出**：以该省自己的数据库角色读取，只有本省的平台（中心）；基准日为上月最后一日，知悉截止到该日结束；
2. **寄发**：数据函与工作簿放入该省的发件目录，同目录另有 CSV 与 JSON。

月中变更所属省份的平台，以当月最后一日为准。同一月份重做，内容相同，不重复寄发。回填不导出、不寄发。
开通与停用见 `ipgov province`。依据：2022-985#24。
"""


@dag(
    dag_display_name="各省按月数据",
    description="各省只见本省：导出 → 寄发",
    doc_md=DOCS,
    tags=["各省", "每月"],
    **by_the_clock("30 7 * * *", task_minutes=60, run_minutes=180, example="2026-11-01"),
)
def province_export():
    @task(task_display_name="导出")
    @refusals()
    def export() -> dict:
        from ipgov.procedures import province_exports
        from ipgov.wiring.run import moment, never_in_backfill

        context = get_current_context()
        never_in_backfill(context)
        return province_exports.export_due(*moment(context)).as_dict()

    @task(task_display_name="寄发")
    @refusals()
    def send() -> dict:
        from ipgov.procedures import dispatching
        from ipgov.wiring.run import moment, never_in_backfill

        context = get_current_context()
        never_in_backfill(context)
        return dispatching.send(moment(context)[1]).as_dict()

    export() >> send()


province_export()
