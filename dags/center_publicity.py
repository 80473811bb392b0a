"""公示、异议与认定：名单签发后提请公示，逐日推算公示期，期满且无异议的提请认定。"""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import by_the_clock

DOCS = """
### 公示、异议与认定

每天 8 时 40 分运行。名单、公示、认定三次审批各为一轮，由“待审轮次呈报”转“审核与签发”：

1. **提请公示**：名单已签发而未公示的，提请公示一次；公示期自印发之日起推算，首日不计，满 5 个工作日；
2. **公示期**：公示期间录入放假安排的，截止日重新推算并写明，只延后、不提前；跨越尚未公布放假安排的日期的，
   待公布后再推算；期满的记为公示期满，期满之日与哪天运行无关；
3. **提请认定**：期满且无未决或成立的异议的，提请认定一次，附名单；有异议的待答复后另为一轮，
   异议成立的不予认定。

审核、签发人员退回的，不自动重新提请；由人员以 `ipgov publicity propose`、`ipgov publicity recognise` 提请。
异议以 `ipgov objection record` 登记，以 `ipgov objection answer` 提请答复。

同一天运行几次，结果相同；停运期间缺的日子一次补齐。没有一个运行停在那里等日期。依据：2024-1155#32、#33。
"""


@dag(
    dag_display_name="公示、异议与认定",
    description="提请公示 → 推算公示期 → 提请认定",
    doc_md=DOCS,
    tags=["产业知识产权运营中心", "每日"],
    **by_the_clock("40 8 * * *", task_minutes=10, run_minutes=60, example="2026-05-15"),
)
def center_publicity():
    @task(task_display_name="提请公示")
    @refusals()
    def propose_notices() -> dict:
        from ipgov.procedures import publicity
        from ipgov.wiring.run import moment

        return publicity.propose_notices(*moment(get_current_context())).as_dict()

    @task(task_display_name="推算公示期")
    @refusals()
    def advance() -> dict:
        from ipgov.procedures import publicity
        from ipgov.wiring.run import moment

        return publicity.advance(*moment(get_current_context())).as_dict()

    @task(task_display_name="提请认定")
    @refusals()
    def propose_recognitions() -> dict:
        from ipgov.procedures import publicity
        from ipgov.wiring.run import moment

        return publicity.propose_recognitions(*moment(get_current_context())).as_dict()

    propose_notices()
    advance() >> propose_recognitions()


center_publicity()
