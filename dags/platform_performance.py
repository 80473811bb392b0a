"""功能性平台年度绩效评价：冻结数据 → 质量检查 → 评价 → 评级表 → 提交审核；回填则重算、比较。"""

from __future__ import annotations

from airflow.sdk import dag
from ipgov.wiring.evaluation_tasks import Evaluation

steps = Evaluation.of("functional_platform", results="platform_performance")
DOCS = """
### 功能性平台年度绩效评价

每年在规则规定的评价日（工作日）运行；以该年度最后一日有效的规则评价。

1. **冻结数据**：取按期（或获准延期）收到、已通过检查、各平台最新的一份；
2. **质量检查**：Great Expectations；严重问题中止，警示列入评级表；
3. **评价**：得分、名次、等级；连续两次未通过的，拟办“取消称号”；
4. **评级表**：交评审人员标注；
5. **提交审核**：开启一轮审核、签发（由“审核与签发”流程办理）。

**回填**以各年度的评价日为基准日、按现在所知重算，与当时已发布的结果比较（“与已发布的比较”）：不送审、不通知、
不编号、不改变称号。首版规则施行前的年度拒绝办理，原因见“冻结数据”的日志；其余年度照常。

评价日当天未办结的，次日零时向承办部门告警；回填不告警。

依据：2023-156#20、#21、#22。
"""


@dag(
    dag_display_name="功能性平台年度绩效评价",
    description="冻结 → 检查 → 评价 → 评级表 → 提交审核",
    doc_md=DOCS,
    tags=["功能性平台", "每年"],
    **steps.run_by_period(),
)
def platform_performance():
    frozen = steps.freeze()
    checked = steps.check(frozen)
    evaluated = steps.evaluate(frozen, checked)
    steps.compare(evaluated)
    listed = steps.rating_list(evaluated)
    steps.put_up(evaluated, listed)


platform_performance()
