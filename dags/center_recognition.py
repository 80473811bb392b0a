"""产业知识产权运营中心申报与认定：复核、专家评审、确定名单、提交审核；回填则重算、比较。"""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task
from ipgov.policy.programmes import Programme, of_procedure
from ipgov.wiring.evaluation_tasks import Evaluation
from ipgov.wiring.run import refusals

DOCS = """
### 产业知识产权运营中心申报与认定

每批一次，在规则规定的评审日（工作日）运行；以该年度最后一日有效的规则办理。申报书、证明材料、省级审核推荐、直接
申报的备案、申报条件复核表、专家评分表，均在此前收齐。

1. **登记申报进展**：申报、省级推荐或退回、直接申报的备案，逐家记入资格周期；本批没有单位申报的，到此为止；
2. **冻结数据**：只取按期收到、经省级推荐（或已备案）的最新一份，连同专家评分；
3. **质量检查**：Great Expectations；严重问题中止，警示列入名单；
4. **专家评审得分**：各指标去掉最高、最低后取平均，按权重合成；
5. **拟定名单**：逐家核对申报条件（计算的与复核人判断的），提出拟认定、不予认定及理由；
6. **提交审核**：开启一轮审核、签发；签发后列入名单。

名单签发之后的公示、异议、认定，各为另一轮审批，见“公示、异议与认定”。

**回填**按现在所知重算，与已签发的比较：不登记进展、不送审、不改变资格。规则施行（2024-12-31）以前的年度拒绝办理，
原因见首个任务的日志。

依据：2024-1155#15 至 #31。
"""


def procedure(programme: Programme) -> None:
    steps = Evaluation.of(programme.code)

    @task(task_display_name="登记申报进展")
    @refusals()
    def catch_up() -> dict:
        from airflow.sdk.exceptions import AirflowSkipException
        from ipgov.procedures import applications
        from ipgov.wiring.run import cycle

        done = applications.catch_up(cycle(get_current_context(), programme.code)).as_dict()
        if not done["output"]["applicants"]:
            raise AirflowSkipException("本批没有单位申报，不进行评审")
        return done

    @task(task_display_name="拟定名单")
    @refusals()
    def recognition_list(evaluated: dict) -> dict:
        from ipgov.procedures import recognition
        from ipgov.wiring.run import cycle

        this = cycle(get_current_context(), programme.code)
        return recognition.make_list(this, evaluated["output"]["result_set_id"]).as_dict()

    @dag(
        dag_id=programme.code,
        dag_display_name=programme.title,
        description="登记进展 → 冻结 → 检查 → 评审得分 → 拟定名单 → 提交审核",
        doc_md=DOCS,
        tags=["产业知识产权运营中心", "每批"],
        **steps.run_by_period(),
    )
    def center_recognition():
        caught_up = catch_up()
        frozen = steps.freeze()
        caught_up >> frozen
        checked = steps.check(frozen)
        evaluated = steps.evaluate(frozen, checked)
        steps.compare(evaluated)
        listed = recognition_list(evaluated)
        steps.put_up(evaluated, listed)

    center_recognition()


for found in of_procedure("recognition"):
    procedure(found)
