"""周期日历：每日开启到期的年度（冻结规则、推算期限、发放空白报送表）。"""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import asked, by_the_clock

DOCS = """
### 周期日历

每天 8 时运行。凡已到开启日、且不早于“自动办理起始年度”的年度，逐一开启：

1. 冻结当时有效的规则版本（按内容指纹）；
2. 推算报送截止日、评价日（工作日，暂定日另行标明）；
3. 为每个平台生成空白报送表。

由省级审核的年度，随报送逐日向各省发出审核工作簿：所审核的材料与上次发出时相同的省份不再发（2024-1155#30、#38）。

更早的年度由人员开启：触发时填写 `period`。依据：2023-156#19、#20。
"""


@dag(
    dag_display_name="周期日历",
    description="每日开启到期的年度",
    doc_md=DOCS,
    tags=["功能性平台", "产业知识产权运营中心", "每日"],
    **by_the_clock(
        "0 8 * * *",
        task_minutes=30,
        run_minutes=60,
        example="2026-01-12",
        more=asked("period", "年度", "由人员开启的年度；空为自动"),
    ),
)
def cycle_calendar():
    @task(task_display_name="列出应开启的年度")
    @refusals()
    def list_due() -> list[list[str]]:
        from ipgov.procedures import cycles
        from ipgov.wiring.run import moment

        context = get_current_context()
        as_of, _ = moment(context)
        asked = (context["dag_run"].conf or {}).get("period")
        return cycles.to_open(as_of, asked)

    @task(task_display_name="开启年度", map_index_template="{{ opened }}")
    @refusals()
    def open_cycle(programme_and_period: list[str]) -> dict:
        from ipgov.core.steps import Cycle
        from ipgov.procedures import cycles
        from ipgov.wiring.run import moment

        context = get_current_context()
        programme, period = programme_and_period
        context["opened"] = f"{programme} {period}"
        return cycles.open_cycle(Cycle(programme, period, *moment(context))).as_dict()

    @task(task_display_name="列出由省级审核的年度", trigger_rule="none_failed")
    @refusals()
    def list_audits() -> list[list[str]]:
        from ipgov.procedures import province_audits
        from ipgov.wiring.run import moment

        return province_audits.open_audits(*moment(get_current_context()))

    @task(task_display_name="发出审核工作簿", map_index_template="{{ audited }}")
    @refusals()
    def send_audits(programme_and_period: list[str]) -> dict:
        from ipgov.core.steps import Cycle
        from ipgov.procedures import province_audits
        from ipgov.wiring.run import moment

        context = get_current_context()
        programme, period = programme_and_period
        context["audited"] = f"{programme} {period}"
        return province_audits.send(Cycle(programme, period, *moment(context))).as_dict()

    audits = list_audits()
    open_cycle.expand(programme_and_period=list_due()) >> audits
    send_audits.expand(programme_and_period=audits)


cycle_calendar()
