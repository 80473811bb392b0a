"""A run that is late when it is made; paused until a test has laid out the period that it is late for."""

from __future__ import annotations

import datetime as dt

import pendulum
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import dag
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert
from ipgov.wiring.deadlines import LiveRunDue, tell


@dag(
    schedule="@yearly",
    start_date=pendulum.datetime(2020, 1, 1, tz="Asia/Shanghai"),
    catchup=False,
    is_paused_upon_creation=True,
    deadline=DeadlineAlert(
        reference=LiveRunDue("functional_platform"),
        interval=dt.timedelta(0),
        callback=SyncCallback(tell),
    ),
)
def due():
    HITLOperator(task_id="ask", subject="同意吗？", options=["同意", "退回修改"])


due()
