"""更正：按现在所知重算已发布的年度 → 比较表 →（经评审人员提出）转审核与签发。"""

from __future__ import annotations

from airflow.sdk import Param, dag, get_current_context, task
from ipgov.wiring.evaluation_tasks import approval_of
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import as_of, asked, when_called

DOCS = """
### 更正

发布以后收到的迟报、更正数据不改变已发布的任何内容。本流程按现在所知重算，写出与已发布结果的逐项比较表。

只有填写了“提出人”（评审人员账号，须为触发本次运行的账号本人）和“事由”，才另开一轮更正，由“审核与签发”办理；
经签发，另文更正并载明所更正的文书，原文书不动。不填即只比较。
"""


@dag(
    dag_display_name="更正",
    description="重算 → 比较 →（提出）转审核与签发",
    doc_md=DOCS,
    tags=["更正"],
    **when_called(task_minutes=30),
    params={
        "programme": Param("functional_platform", type="string", title="业务"),
        "period": Param("", type="string", title="年度"),
        **asked("by", "提出人", "评审人员账号；空为只比较"),
        "reason": Param("", type=["null", "string"], title="事由"),
        **as_of("2026-06-02"),
    },
)
def correction():
    @task.short_circuit(task_display_name="重算与比较")
    @refusals()
    def prepare() -> dict | None:
        from ipgov.procedures import correction as procedure
        from ipgov.wiring.run import moment, own_request

        context = get_current_context()
        given = {**context["params"], **(context["dag_run"].conf or {})}
        _, known_at = moment(context)
        by = own_request(context, given["by"]) if given.get("by") else None
        done = procedure.prepare(
            given["programme"], given["period"], known_at, by, given.get("reason") or ""
        ).as_dict()
        context["ti"].xcom_push(key="prepared", value=done)
        return done if by else None  # nothing is put up for approval unless somebody asks

    prepare() >> approval_of("{{ ti.xcom_pull('prepare')['round_id'] }}")


correction()
