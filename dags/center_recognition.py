"""产业知识产权运营中心申报与认定：复核、专家评审、确定名单、提交审核；每项认定业务一个流程。"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, dag, get_current_context, task
from ipgov.policy.programmes import of_procedure
from ipgov.wiring import evaluation_tasks as steps
from ipgov.wiring.run import refusals

DOCS = """
### {title}

每批一次，在规则规定的评审日（工作日）运行；以该年度最后一日有效的规则办理。申报书、证明材料、省级审核推荐、直接
申报的备案、申报条件复核表、专家评分表，均在此前收齐。

1. **登记申报进展**：申报、省级推荐或退回、直接申报的备案，逐家记入资格周期；本批没有单位申报的，到此为止；
2. **冻结数据**：只取按期收到、经省级推荐（或已备案）的最新一份，连同专家评分；
3. **质量检查**：Great Expectations；严重问题中止，警示列入名单；
4. **专家评审得分**：各指标去掉最高、最低后取平均，按权重合成；
5. **拟定名单**：逐家核对申报条件（计算的与复核人判断的），提出拟认定、不予认定及理由；
6. **提交审核**：开启一轮审核、签发；签发后列入名单。

名单签发之后的公示、异议、认定，各为另一轮审批，见“另行拟稿的文书”。

依据：2024-1155#15 至 #31。
"""


def center_recognition(programme: str, title: str) -> None:
    """Make the DAG of one programme of recognition."""
    results = Asset(name=programme, uri=f"ipgov://results/{programme}")

    @task(task_display_name="登记申报进展")
    @refusals()
    def catch_up() -> dict:
        from airflow.sdk.exceptions import AirflowSkipException
        from ipgov.procedures import applications
        from ipgov.wiring.run import cycle

        done = applications.catch_up(cycle(get_current_context(), programme)).as_dict()
        if not done["output"]["applicants"]:
            raise AirflowSkipException("本批没有单位申报，不进行评审")
        return done

    @task(task_display_name="拟定名单")
    @refusals()
    def recognition_list(evaluated: dict) -> dict:
        from ipgov.procedures import recognition
        from ipgov.wiring.run import cycle

        this = cycle(get_current_context(), programme)
        return recognition.make_list(this, evaluated["output"]["result_set_id"]).as_dict()

    @dag(
        dag_id=programme,
        dag_display_name=title,
        description="登记进展 → 冻结 → 检查 → 评审得分 → 拟定名单 → 提交审核",
        doc_md=DOCS.format(title=title),
        tags=["产业知识产权运营中心", "每批"],
        **steps.run_by_period(programme),
    )
    def flow() -> Any:
        caught_up = catch_up()
        frozen = steps.freeze(programme)
        checked = steps.check(programme, frozen)
        evaluated = steps.evaluate(programme, results, frozen)
        listed = recognition_list(evaluated)
        opened = steps.open_round(programme, evaluated, listed)
        caught_up >> frozen
        checked >> evaluated
        opened >> steps.approve()

    flow()


for found in of_procedure("recognition"):
    center_recognition(found.code, found.title)
