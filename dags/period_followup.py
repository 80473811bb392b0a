"""年度后续事项：一个年度的结果一经发布，即推进由此产生的事项。"""

from __future__ import annotations

import pendulum
from airflow.sdk import Asset, PartitionedAssetTimetable, dag, get_current_context, task
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import tried_again

ISSUED = Asset(name="issued", uri="ipgov://issued")
DOCS = """
### 年度后续事项

由“审核与签发”的发文触发：每个业务、每个年度为一个分区（如 `functional_platform:2025`），只在该年度的结果
生效之后运行。推进全部事项、写出文书、寄发；步骤与“整改与期限跟踪”的每日运行相同，重复运行不会重复办理。

规则规定等次须另拟文书的（如综合评价优秀的表扬通报、案例材料），随即以审核人的名义拟稿送审。

一天之内得知的事实自次日起计（职责的起算如此），所以由发布引起的事项在次日的每日运行中开启；当日运行补齐此前
缺的日子。回填只重算，不发文，所以不触发。
"""


@dag(
    dag_display_name="年度后续事项",
    description="结果发布后推进该年度的后续事项",
    doc_md=DOCS,
    # An event with a partition starts only DAGs that listen for partitions: hence a DAG beside the daily one.
    schedule=PartitionedAssetTimetable(assets=ISSUED),
    start_date=pendulum.datetime(2024, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    tags=["功能性平台", "产业知识产权运营中心", "发布之后"],
    default_args=tried_again(30),
    dagrun_timeout=pendulum.duration(hours=2),
)
def period_followup():
    @task(task_display_name="推进")
    @refusals()
    def advance() -> dict:
        from ipgov.procedures import follow_up
        from ipgov.wiring.run import handed_over

        return follow_up.advance(*handed_over(get_current_context())).as_dict()

    @task(task_display_name="整改立案")
    @refusals()
    def open_cases() -> dict:
        from ipgov.procedures import case_opening
        from ipgov.wiring.run import handed_over

        return case_opening.open_cases(*handed_over(get_current_context())).as_dict()

    @task(task_display_name="文书")
    @refusals()
    def write_papers() -> dict:
        from ipgov.procedures import follow_up_papers
        from ipgov.wiring.run import handed_over

        return follow_up_papers.write(*handed_over(get_current_context())).as_dict()

    @task(task_display_name="拟办表扬与案例")
    @refusals()
    def propose_papers() -> dict:
        from ipgov.procedures import praise
        from ipgov.wiring.run import handed_over

        return praise.propose_due(*handed_over(get_current_context())).as_dict()

    @task(task_display_name="寄发", trigger_rule="all_done")
    @refusals()
    def send() -> dict:
        from ipgov.procedures import approval
        from ipgov.wiring.run import handed_over

        _, known_at = handed_over(get_current_context())
        return approval.send(known_at).as_dict()

    advance() >> open_cases() >> write_papers() >> propose_papers() >> send()


period_followup()
