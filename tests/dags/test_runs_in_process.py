"""The DAG files run for one year in one process, the approvals given through the API's routes."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("in_process.py")


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """An installation without its processes: PostgreSQL, both databases migrated, roles and people."""
    from ipgov.launcher import airflow, postgres

    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        state = Path(folder)
        data = state / "pg"
        server = postgres.start(data)
        postgres.ensure_database(data, airflow.AIRFLOW_DATABASE, owner=postgres.AIRFLOW)
        postgres.ensure_database(data, airflow.GOVERNANCE_DATABASE, owner=postgres.OWNER)
        variables = airflow.child_environment(airflow.environment(state, 1))
        airflow.write_login_page_settings(Path(variables["AIRFLOW_HOME"]))
        owner = postgres.url(data, airflow.GOVERNANCE_DATABASE, postgres.OWNER)
        for arguments in (
            ["-c", "from ipgov.cli import main; main()", "migrate", "--kind", "simulation"],
            ["-m", "ipgov.launcher.prepare", "simulation"],
            ["-c", "from ipgov.launcher import accounts as a; a.register_officers(a.DEMO_PEOPLE)"],
        ):
            done = subprocess.run(
                [sys.executable, *arguments],
                env={**variables, "IPGOV_OWNER_DATABASE_URL": owner},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        yield variables
        server.cleanup()


def _query(environment: dict[str, str], statement: str) -> list[tuple[object, ...]]:
    from sqlalchemy import create_engine, text

    engine = create_engine(environment["IPGOV_DATABASE_URL"])
    with engine.connect() as connection:
        rows = [tuple(r) for r in connection.execute(text(statement))]
    engine.dispose()
    return rows


@pytest.mark.clause("2023-156#19", "2023-156#20")
def test_a_year_runs_through_the_dag_files(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    came = json.loads(done.stdout.strip().splitlines()[-1])
    # a run without tasks is called a success too: count them
    assert {name: (run["state"], len(run["tasks"])) for name, run in came.items()} == {
        "calendar": ("success", 4),
        "intake": ("success", 3),
        "evaluation": ("success", 7),
        "forced": ("failed", 6),
        "approval": ("success", 6),
        "follow_up": ("success", 5),
        "follow_up_again": ("success", 5),
    }
    assert came["forced"]["tasks"]["issue"] == "failed"  # both approvals were marked successful by hand
    assert came["forced"]["issued"] == 0
    # evaluation and issue each announce their period, from which its follow-up starts
    announced = [["platform_performance", "2023"], ["issued", "functional_platform:2023"]]
    assert came["approval"]["announced"] == announced
    duties = _query(
        environment, "SELECT duty, unit FROM obligation WHERE unit IS NOT NULL ORDER BY duty, unit"
    )
    assert duties == [
        ("warned_rectification", "FP08"),
        ("warned_rectification", "FP09"),
        ("warned_rectification_plan", "FP08"),
        ("warned_rectification_plan", "FP09"),
        ("warned_rectification_progress", "FP08"),
        ("warned_rectification_progress", "FP09"),
    ]
    told = _query(environment, "SELECT count(*), count(DISTINCT key) FROM document WHERE kind = 'reminder'")
    assert told[0][0] == told[0][1] > 0
    decisions = _query(environment, "SELECT step, actor, answer, entry FROM decision ORDER BY id")
    assert decisions == [
        ("audit", "reviewer1", "approve", "airflow"),
        ("sign", "issuer1", "approve", "airflow"),
    ]
    refused = _query(environment, "SELECT step, actor FROM refused_decision ORDER BY id")
    assert refused == [("sign", "reviewer1")]  # the person of the first step tried the second
    assert _query(environment, "SELECT count(*) FROM issue") == [(1,)]
    known = _query(environment, "SELECT DISTINCT known_at::date FROM result")
    assert known == [(dt.date(2024, 4, 16),)]  # as of its own day, not of today


def test_a_live_run_has_a_deadline_and_a_backfill_has_none(environment: dict[str, str]) -> None:
    from ipgov.wiring.timetables import evaluation_day

    done = subprocess.run(
        [sys.executable, str(PROGRAM.with_name("deadlines_in_process.py"))],
        env={**os.environ, **environment, "IPGOV_BY_THE_CLOCK": "true"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    came = json.loads(done.stdout.strip().splitlines()[-1])
    midnight = evaluation_day("functional_platform", 2030) + dt.timedelta(days=1)
    assert came == {"scheduled": [f"{midnight}T00:00:00+08:00"], "backfill": []}
