"""A question and what hangs on its answer."""

from __future__ import annotations

import pendulum
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import dag, task


@dag(schedule=None, start_date=pendulum.datetime(2020, 1, 1, tz="Asia/Shanghai"), catchup=False)
def asks():
    @task
    def after() -> str:
        return "done"

    HITLOperator(task_id="ask", subject="同意吗？", options=["同意", "退回修改"]) >> after()


asks()
