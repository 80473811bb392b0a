"""产业知识产权运营中心年度自评的评估：冻结数据 → 质量检查 → 评估 → 评估表 → 提交审核；回填则重算、比较。"""

from __future__ import annotations

from airflow.sdk import dag
from ipgov.policy.programmes import Programme, of_procedure
from ipgov.wiring.evaluation_tasks import Evaluation

DOCS = """
### 产业知识产权运营中心年度自评的评估

每年年底（规则规定的日期），各中心自我评价并提交自评报告；省级知识产权管理部门审核后报送，建设主体为中央企业的可以
直接报送并同步抄送所在地省级部门。年度的开启、空白自评表由“周期日历”办理，报送由“报送接收”办理，审核工作簿由“周期日历”
逐日发出、经报送目录交回。本流程在规则规定的评估日运行：

1. **冻结数据**：按期报送、且经省级按期审核报送（或直接报送）的自评；
   未报送、退回、未转报的列明情况，不作评估；
2. **质量检查**：严重问题中止评估，由人员更正或豁免；
3. **评估**：计算得分；年度自评不评定等次，也没有任何处置（三个等次只属于三年一次的综合评价）；
4. **评估表**：交评审人员标注；
5. **提交审核**：开启一轮审核、签发（由“审核与签发”流程办理）。签发后将评估情况告知各中心和省级部门。

**回填**按现在所知重算，与已发布的结果比较：不送审、不通知、不编号。2025 年度以前没有自评：拒绝办理，
原因见“冻结数据”的日志。

每个有年度自评规则的业务各一个流程；地方增设自己的规则文件夹即有自己的流程。

依据：2024-1155#36、#37、#38、#39、#40、#48。
"""


def procedure(programme: Programme) -> None:
    steps = Evaluation.of(programme.code)

    @dag(
        dag_id=programme.code,
        dag_display_name=programme.title,
        description="冻结 → 检查 → 评估 → 评估表 → 提交审核",
        doc_md=DOCS,
        tags=["产业知识产权运营中心", "每年"],
        **steps.run_by_period(),
    )
    def center_self_evaluation():
        frozen = steps.freeze()
        checked = steps.check(frozen)
        evaluated = steps.evaluate(frozen, checked)
        steps.compare(evaluated)
        listed = steps.rating_list(evaluated)
        steps.put_up(evaluated, listed)

    center_self_evaluation()


for found in of_procedure("self_evaluation"):
    procedure(found)
