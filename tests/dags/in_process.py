"""Runs 2023 through the DAG files in one process, without a scheduler; prints what came of it as JSON.

A program of its own, since Airflow reads its settings once per process. Called by test_runs_in_process.py
with the environment of an installation.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
import time
import warnings
from urllib.parse import quote

warnings.simplefilter("ignore")

import pendulum  # noqa: E402
from airflow.dag_processing.dagbag import DagBag  # noqa: E402
from ipgov.core.database import reading  # noqa: E402
from ipgov.core.settings import settings  # noqa: E402
from ipgov.core.tables import issue  # noqa: E402
from ipgov.procedures import follow_up  # noqa: E402
from ipgov.simulation import fast_forward, story  # noqa: E402
from sqlalchemy import func, select  # noqa: E402

PERIOD = 2023


def _run(dag, day: dt.date, mark_success_pattern: str | None = None, **conf: object) -> dict:
    dag.deadline = None  # dag.test() takes its definition for its id; see deadlines_in_process.py
    moment = pendulum.datetime(day.year, day.month, day.day, 10, tz="Asia/Shanghai")
    run = dag.test(
        logical_date=moment,
        run_conf={"as_of": day.isoformat(), **conf},
        mark_success_pattern=mark_success_pattern,
    )
    return {
        "state": str(getattr(run.state, "value", run.state)),
        "tasks": {t.task_id: str(getattr(t.state, "value", t.state)) for t in run.get_task_instances()},
    }


def _answer(answers: list[tuple[str, str]]) -> None:
    """Answer the parked tasks in turn through the API server's own route, each as that person."""
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from fastapi.testclient import TestClient

    client = TestClient(create_app(apps="core"))
    manager = get_auth_manager()
    for login, task_id in answers:
        user = manager.security_manager.find_user(username=login)
        header = {"Authorization": f"Bearer {manager.generate_jwt(user)}"}
        url = _waiting(client, header, task_id)
        body = {"chosen_options": ["同意"], "params_input": {"comment": "同意"}}
        client.patch(url, headers=header, json=body).raise_for_status()


def _waiting(client, header: dict[str, str], task_id: str) -> str:
    for _ in range(1200):
        time.sleep(0.1)
        listed = client.get(
            "/api/v2/dags/approval_and_issue/dagRuns/~/hitlDetails?response_received=false", headers=header
        ).json()["hitl_details"]
        for ti in (h["task_instance"] for h in listed):
            if ti["task_id"] == task_id and ti["state"] == "awaiting_input":
                run = quote(ti["dag_run_id"], safe="")
                return f"/api/v2/dags/approval_and_issue/dagRuns/{run}/taskInstances/{task_id}/-1/hitlDetails"
    raise TimeoutError(task_id)


def _announced() -> list[list[str | None]]:
    """Return what the issue told Airflow: asset and partition of every event."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    with create_session() as session:
        events = session.scalars(select(AssetEvent).order_by(AssetEvent.id))
        return [[e.asset.name, e.partition_key] for e in events]


def main() -> None:
    dags = DagBag(str(settings().root / "dags")).dags
    days = story.cycle_days(story.store.governing("functional_platform", PERIOD).rules.cycle, PERIOD)

    class Quiet:
        def say(self, text: str) -> None:
            print(text, file=sys.stderr)

    story._register(Quiet())
    came = {"calendar": _run(dags["cycle_calendar"], days.opens.date, period=str(PERIOD))}
    story._send_in(PERIOD)
    came["intake"] = _run(dags["submission_intake"], days.late_until.date)
    came["evaluation"] = _run(dags["platform_performance"], days.evaluate_on.date)
    approval = dags["approval_and_issue"]
    came["forced"] = _run(approval, days.evaluate_on.date, mark_success_pattern="audit|sign", round_id="1")
    with reading() as connection:
        came["forced"]["issued"] = connection.execute(select(func.count()).select_from(issue)).scalar()
    # the reviewer tries the second step too: it does not count, and the task asks again
    people = threading.Thread(
        target=_answer,
        args=([("reviewer1", "audit"), ("reviewer1", "sign"), ("issuer1", "sign")],),
        daemon=True,
    )
    people.start()
    came["approval"] = _run(approval, days.evaluate_on.date + dt.timedelta(days=1), round_id="1")
    came["approval"]["announced"] = _announced()
    # what the issue brought about is opened on the day after it became known
    come = days.evaluate_on.date + dt.timedelta(days=2)
    follow_up.advance(
        days.evaluate_on.date, fast_forward.end_of(days.evaluate_on.date), days.evaluate_on.date
    )
    came["follow_up"] = _run(dags["rectification_followup"], come)
    came["follow_up_again"] = _run(dags["rectification_followup"], come)
    print(json.dumps(came))


if __name__ == "__main__":
    main()
