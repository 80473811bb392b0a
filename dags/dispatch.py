"""文书寄发：每十五分钟寄发到期的文书；暂时失败的按递增的间隔重试。"""

from __future__ import annotations

import pendulum
from airflow.sdk import dag, get_current_context, task
from ipgov.core.settings import settings
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import as_of

DOCS = """
### 文书寄发

每十五分钟运行。寄件箱中到期的每一件（邮件、共享文件夹、公开发布、发件目录）寄发一次：

- **暂时失败**（服务器繁忙、连接不上）：按设定的间隔（`IPGOV_DISPATCH_PAUSES`）重试，每次都有记录；
- **无法送达**（没有地址、地址被拒）：不再重试，由人员处理；
- **是否送达不明**（对方收完而没有应答）：不自动重寄，由人员核实后登记。

待处理的见 `ipgov status`、`ipgov dispatch list`，用 `ipgov dispatch settle` 登记。回填不寄发任何文书。
"""


@dag(
    dag_display_name="文书寄发",
    description="寄发到期的文书，按间隔重试",
    doc_md=DOCS,
    schedule="*/15 * * * *" if settings().by_the_clock else None,
    start_date=pendulum.datetime(2024, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    tags=["文书", "每刻钟"],
    default_args={
        "owner": "运行组",
        "retries": 1,
        "retry_delay": pendulum.duration(minutes=2),
        "execution_timeout": pendulum.duration(hours=2),
    },
    dagrun_timeout=pendulum.duration(hours=5),
    params=as_of("2026-03-20"),
)
def dispatch():
    @task(task_display_name="寄发")
    @refusals()
    def send() -> dict:
        from ipgov.procedures import dispatching
        from ipgov.wiring.run import moment, never_in_backfill

        context = get_current_context()
        never_in_backfill(context)
        _, known_at = moment(context)
        return dispatching.send(known_at).as_dict()

    send()


dispatch()
