"""产业知识产权运营中心综合评价：冻结数据 → 质量检查（齐备）→ 评价 → 评级表 → 提交审核；回填则重算、比较。"""

from __future__ import annotations

from airflow.sdk import dag
from ipgov.policy.programmes import Programme, of_procedure
from ipgov.wiring.evaluation_tasks import Evaluation

DOCS = """
### 产业知识产权运营中心综合评价

每三年一次（周期的起点见规则），在规则规定的评价日运行；以周期最后一日有效的规则评价。

1. **冻结数据**：各中心的综合评价表，以及周期内各年度自评当年有效的一份；认定不满规定年限的不参加；
2. **质量检查**：缺任何一个年度的自评、缺综合评价表的，中止评价，直至补齐，或以豁免批准例外
   （何人、理由、至何日，列入评级表）；
3. **评价**：各年度数据按规则合成，得分、名次，优秀、合格、不合格三个等次；
4. **评级表**：交评审人员标注；
5. **提交审核**：开启一轮审核、签发（由“审核与签发”流程办理）。签发后登记等次；不合格的由后续流程限期整改，
   整改后仍不合格的取消资格；优秀的拟办表扬通报与案例材料。

**回填**按现在所知重算，与已发布的结果比较：不送审、不通知、不编号、不改变资格。规则施行（2024-12-31）以前的年度
拒绝办理，原因见“冻结数据”的日志。

每个有综合评价规则的业务各一个流程；地方增设自己的规则文件夹即有自己的流程。

依据：2024-1155#36、#41、#42、#43、#44、#45、#48。
"""


def procedure(programme: Programme) -> None:
    steps = Evaluation.of(programme.code)

    @dag(
        dag_id=programme.code,
        dag_display_name=programme.title,
        description="冻结 → 检查（齐备）→ 评价 → 评级表 → 提交审核",
        doc_md=DOCS,
        tags=["产业知识产权运营中心", "每三年"],
        **steps.run_by_period(),
    )
    def center_comprehensive_evaluation():
        frozen = steps.freeze()
        checked = steps.check(frozen)
        evaluated = steps.evaluate(frozen, checked)
        steps.compare(evaluated)
        listed = steps.rating_list(evaluated)
        steps.put_up(evaluated, listed)

    center_comprehensive_evaluation()


for found in of_procedure("comprehensive_evaluation"):
    procedure(found)
