"""Something that can be back-filled."""

from __future__ import annotations

import pendulum
from airflow.sdk import dag, task


@dag(schedule="@yearly", start_date=pendulum.datetime(2020, 1, 1, tz="Asia/Shanghai"), catchup=False)
def yearly():
    @task
    def work() -> None: ...

    work()


yearly()
