"""A real stack (scheduler, API server, PostgreSQL) and what its people do in it."""

from __future__ import annotations

import datetime as dt
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ipgov.launcher import accounts, airflow, guard
from ipgov.launcher.api import ApiClient, ApiError

PROGRAMME = "functional_platform"
PATIENCE = 3  # what takes so many seconds on a quiet machine, may take more on a busy one
EVALUATION, APPROVAL = "platform_performance", "approval_and_issue"
SCRIPT = Path(__file__).with_name("run_stack.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(done: Callable[[], Any], seconds: float, what: str) -> Any:
    end = time.monotonic() + PATIENCE * seconds
    while not (found := done()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.2)
    return found


@dataclass
class YearsStack:
    state: Path
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, state: Path) -> YearsStack:
        state.mkdir(parents=True)
        port = free_port()
        with (state / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(SCRIPT), str(state), str(port)],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        stack = cls(state, port, process)
        wait_until(lambda: "READY" in stack.output or process.poll() is not None, 240, "ready")
        assert "READY" in stack.output, stack.output
        return stack

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        guard.clear(self.state)

    @property
    def output(self) -> str:
        return (self.state / "output").read_text(encoding="utf-8")

    def settings(self) -> dict[str, str]:
        """What a process needs to work with this installation's governance database."""
        found = {}
        for line in (self.state / "env").read_text(encoding="utf-8").splitlines():
            name, value = re.fullmatch(r"export (\w+)=(.*)", line).groups()
            found[name] = value.strip("'")
        return found

    def client(self, login: str) -> ApiClient:
        password = accounts.read_passwords(self.state)[login]
        return ApiClient(f"http://127.0.0.1:{self.port}", login, password)

    def airflow(self, *arguments: str) -> str:
        """Run Airflow's own command line; return what it prints."""
        environment = airflow.child_environment(airflow.environment(self.state, self.port))
        program = Path(sys.executable).with_name("airflow")
        done = subprocess.run(
            [str(program), *arguments], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout


@dataclass
class Runs:
    """What the operator sees and does of runs, through the API."""

    client: ApiClient

    def of(self, dag_id: str) -> list[dict[str, Any]]:
        return self.client.get(f"/api/v2/dags/{dag_id}/dagRuns", limit=100)["dag_runs"]

    def tasks(self, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances"
        return {t["task_id"]: t for t in self.client.get(path)["task_instances"]}

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any], **more: Any) -> str:
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf, **more}
        return self.client.post(f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"]

    def finished(self, dag_id: str, run_id: str, seconds: float = 120) -> str:
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
        ended = lambda: (s := self.client.get(path)["state"]) in ("success", "failed") and s  # noqa: E731
        return wait_until(ended, seconds, run_id)

    def reason(self, dag_id: str, run_id: str, task: str) -> str:
        """What a task's log says why it failed."""
        run = quote(run_id, safe="")
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run}/taskInstances/{task}/logs/1"
        lines = self.client.get(path)["content"]
        return "\n".join(e["exc_value"] for line in lines for e in line.get("error_detail") or ())

    def dry(self, first: str, last: str, **more: Any) -> list[int]:
        """The years that the form says it would run."""
        found = self.backfill(first, last, dry=True, **more)["backfills"]
        return [year_of(r["logical_date"]) for r in found]

    def backfill(self, first: str, last: str, dry: bool = False, **more: Any) -> Any:
        body = {"dag_id": EVALUATION, "from_date": first, "to_date": last, **more}
        return self.client.post("/api/v2/backfills" + ("/dry_run" if dry else ""), body)

    def all_ended(
        self, years: list[int], seconds: float, dag_id: str = EVALUATION
    ) -> dict[int, dict[str, Any]]:
        """Wait until the backfilled runs of these years ended; return them by year."""

        def ended() -> dict[int, dict[str, Any]] | None:
            found = {year_of(r["logical_date"]): r for r in self.of(dag_id) if r["run_type"] == "backfill"}
            chosen = {y: found[y] for y in years if y in found}
            done = len(chosen) == len(years) and all(
                r["state"] in ("success", "failed") for r in chosen.values()
            )
            return chosen if done else None

        return wait_until(ended, seconds, f"backfill of {years}")

    def close(self, number: int) -> None:
        """End a backfill whose runs have all ended (Airflow does so by itself within half a minute)."""
        try:
            self.client._call("PUT", f"/api/v2/backfills/{number}/cancel")
        except ApiError as error:
            if error.status != 409:
                raise


def year_of(logical_date: str) -> int:
    moment = dt.datetime.fromisoformat(logical_date)
    return moment.astimezone(dt.timezone(dt.timedelta(hours=8))).year


def rows() -> dict[str, int]:
    """How many rows every table has."""
    from ipgov.core.database import reading
    from ipgov.core.tables import metadata
    from sqlalchemy import func, select

    with reading() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def outbox() -> dict[str, bytes]:
    """What lies in the outbox."""
    from ipgov.core.objects import store

    return {found.key: store().get(found.key) for found in store().list("outbox/")}


def task_path(run_id: str, task: str) -> str:
    return f"/api/v2/dags/{APPROVAL}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task}"


def parked(client: ApiClient, run_id: str, task: str) -> bool:
    try:
        return bool(client.get(task_path(run_id, task))["state"] == "awaiting_input")
    except ApiError as error:
        if error.status != 404:
            raise
        return False


def answer(client: ApiClient, run_id: str, task: str, option: str = "同意", comment: str = "") -> None:
    body = {"chosen_options": [option], "params_input": {"comment": comment or None}}
    client.patch(f"{task_path(run_id, task)}/-1/hitlDetails", body)
