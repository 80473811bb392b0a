"""报送接收：收件目录中的每个新文件都读取一次，合格发回执，不合格发更正工作簿。"""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import by_the_clock

DOCS = """
### 报送接收

每小时运行。收件目录 `inbox/<业务>/<年度>/<省份>/<平台>/` 中的每个新文件：

- **合格**：入库并发回执；同一平台同一年度再次报送的，新件取代旧件，两件都保留；
- **不合格**：发更正工作簿，一次列出全部问题（表、单元格、发现、应为、依据），改好发回即可；
- **附件**（盖章扫描件、佐证材料）：按内容辨认类型，限定大小，与附件清单对应；拒收的和后补的另发告知；
- **恶意代码扫描**（设有 `IPGOV_SCANNER` 时）：染毒的隔离并告知；扫描不出结论的不接收，任务报错，重试时再扫；
- **无法认领**：列入清单，不丢弃。

依据：2023-156#19。
"""
BATCH = 50


@dag(
    dag_display_name="报送接收",
    description="读取、检查、回执或更正",
    doc_md=DOCS,
    tags=["功能性平台", "产业知识产权运营中心", "每小时"],
    **by_the_clock("@hourly", task_minutes=30, run_minutes=120, example="2026-03-20"),
)
def submission_intake():
    @task(task_display_name="列出新文件")
    @refusals()
    def list_new() -> list[list[str]]:
        from ipgov.procedures import submission_intake as procedure
        from ipgov.wiring.run import moment

        _, known_at = moment(get_current_context())
        keys = procedure.new_objects(known_at)
        return [keys[i : i + BATCH] for i in range(0, len(keys), BATCH)]

    @task(task_display_name="读取并答复")
    @refusals()
    def receive(keys: list[str]) -> dict:
        from ipgov.procedures import submission_intake as procedure
        from ipgov.wiring.run import moment

        return procedure.receive(keys, *moment(get_current_context())).as_dict()

    @task(task_display_name="寄发答复", trigger_rule="all_done")
    @refusals()
    def send() -> dict:
        from ipgov.procedures import approval
        from ipgov.wiring.run import moment

        _, known_at = moment(get_current_context())
        return approval.send(known_at).as_dict()

    receive.expand(keys=list_new()) >> send()


submission_intake()
