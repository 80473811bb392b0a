"""更正：按现在所知重算已发布的年度 → 比较表 →（经评审人员提出）转审核与签发。"""

from __future__ import annotations

import pendulum
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, dag, get_current_context, task
from ipgov.wiring.run import refusals

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
    schedule=None,
    start_date=pendulum.datetime(2015, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    max_active_runs=1,
    tags=["更正"],
    default_args={
        "owner": "运行组",
        # a kill costs seconds; together five minutes, in which PostgreSQL and the API server are back
        "retries": 6,
        "retry_delay": pendulum.duration(seconds=5),
        "retry_exponential_backoff": 2,
        "execution_timeout": pendulum.duration(minutes=30),
    },
    params={
        "programme": Param("functional_platform", type="string", title="业务"),
        "period": Param("", type="string", title="年度"),
        "by": Param(None, type=["null", "string"], title="提出人", description="评审人员账号；空为只比较"),
        "reason": Param("", type=["null", "string"], title="事由"),
        "as_of": Param(None, type=["null", "string"], title="基准日", description="空为今天"),
    },
)
def correction():
    @task.short_circuit(task_display_name="重算与比较")
    @refusals()
    def prepare() -> dict | None:
        from ipgov.procedures import correction as procedure
        from ipgov.wiring.run import moment, own_request

        context = get_current_context()
        asked = {**context["params"], **(context["dag_run"].conf or {})}
        _, known_at = moment(context)
        by = own_request(context, asked["by"]) if asked.get("by") else None
        done = procedure.prepare(
            asked["programme"], asked["period"], known_at, by, asked.get("reason") or ""
        ).as_dict()
        context["ti"].xcom_push(key="prepared", value=done)
        return done if by else None  # nothing is put up for approval unless somebody asks

    prepare() >> TriggerDagRunOperator(
        task_id="start_approval",
        task_display_name="转审核与签发",
        trigger_dag_id="approval_and_issue",
        trigger_run_id="round__{{ ti.xcom_pull('prepare')['round_id'] }}",
        conf={
            "round_id": "{{ ti.xcom_pull('prepare')['round_id'] }}",
            "as_of": "{{ (dag_run.conf or {}).get('as_of') or '' }}",
        },
        skip_when_already_exists=True,
        wait_for_completion=False,
    )


correction()
