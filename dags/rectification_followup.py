"""整改与期限跟踪：每日推进全部事项，发出提醒、催报、通报，核对年度评价是否按期办结。"""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import by_the_clock

DOCS = """
### 整改与期限跟踪

每天 8 时 30 分运行。谁对谁、因何、在何时之前须办何事，由 `policies/duties/` 规定。

1. **推进**：开启、推算期限、提醒、逾期、升级、办结，逐日进行；停运期间缺的日子一次补齐，结果与逐日运行相同；
2. **整改立案**：列出评价发现的问题，发出整改通知；
3. **文书**：提醒函、催报通知、逾期通报、期限变更通知、报送通知，每个收件单位每件事一次；
   已经办结的、另有其后文书待发的，不发，并记明原因；
4. **核对**：评价日已过而未提交审核的年度，向承办部门告警，每个年度一次；
5. **寄发**：放入各单位的发件目录。

同一天运行几次，结果相同。没有一个运行停在那里等日期。依据：2023-156#15、#19、#23、#30，2024-1155#44。
"""


@dag(
    dag_display_name="整改与期限跟踪",
    description="推进 → 文书 → 寄发",
    doc_md=DOCS,
    tags=["功能性平台", "产业知识产权运营中心", "每日"],
    **by_the_clock("30 8 * * *", task_minutes=30, run_minutes=120, example="2026-04-16"),
)
def rectification_followup():
    @task(task_display_name="推进")
    @refusals()
    def advance() -> dict:
        from ipgov.procedures import follow_up
        from ipgov.wiring.run import moment

        return follow_up.advance(*moment(get_current_context())).as_dict()

    @task(task_display_name="整改立案")
    @refusals()
    def open_cases() -> dict:
        from ipgov.procedures import case_opening
        from ipgov.wiring.run import moment

        return case_opening.open_cases(*moment(get_current_context())).as_dict()

    @task(task_display_name="文书")
    @refusals()
    def write_papers() -> dict:
        from ipgov.procedures import follow_up_papers
        from ipgov.wiring.run import moment

        return follow_up_papers.write(*moment(get_current_context())).as_dict()

    @task(task_display_name="核对评价是否按期办结")
    @refusals()
    def check_runs() -> dict:
        from ipgov.procedures import run_alerts
        from ipgov.wiring.run import moment

        return run_alerts.alert(*moment(get_current_context())).as_dict()

    @task(task_display_name="寄发", trigger_rule="all_done")
    @refusals()
    def send() -> dict:
        from ipgov.procedures import approval
        from ipgov.wiring.run import moment

        _, known_at = moment(get_current_context())
        return approval.send(known_at).as_dict()

    advance() >> open_cases() >> write_papers() >> check_runs() >> send()


rectification_followup()
