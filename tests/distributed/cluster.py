"""The processes of docker-compose.yml, run natively: its commands and environments, other addresses."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import compose_file
import psutil
import requests
from ipgov.launcher import processes, watch
from ipgov.launcher.processes import Identity
from ipgov.launcher.supervisor import HEALTH_PARTS
from servers import Postgres, Redis, free_port

HERE = Path(__file__).parent
START_LIMIT = 300.0
# What a site writes into .env; a simulation plays other days than today's.
VARIABLES = {"INSTALLATION_KIND": "simulation", "BY_THE_CLOCK": "false", "WORKER_SLOTS": "2"}


class Cluster:
    """PostgreSQL, Redis and the processes; ``s3`` is the address of an S3 service."""

    def __init__(self, folder: Path, s3: str):
        self.folder, self.secrets = folder, folder / "secrets"
        self.state, self.port = folder / "state", free_port()
        self.compose: dict[str, Any] = compose_file.read(compose_file.example() | VARIABLES)
        script = compose_file.ROOT / "deploy" / "make-secrets.sh"
        subprocess.run(["sh", str(script), str(self.secrets)], check=True, stdout=subprocess.DEVNULL)
        self.state.mkdir(mode=0o700)
        (folder / "logs").mkdir()
        self.postgres = Postgres(folder / "pg", (self.secrets / "postgres_password").read_text())
        redis = self.compose["services"]["redis"]["command"][-1]
        self.redis = Redis(folder / "redis", redis, self.secrets)
        self.places = {
            "postgres:5432": f"127.0.0.1:{self.postgres.port}",
            "redis:6379": f"127.0.0.1:{self.redis.port}",
            "http://objects:8333": s3,
            "http://api-server:8080": f"http://127.0.0.1:{self.port}",
            "0.0.0.0": "127.0.0.1",  # noqa: S104  it is what is replaced
            "/run/secrets": str(self.secrets),
        }
        self.replicas = {
            f"{name}-{n}" if service["deploy"].get("replicas") else name: name
            for name, service in self.compose["services"].items()
            if compose_file.component(service) not in ("", "prepare")
            for n in range(1, service["deploy"].get("replicas", 1) + 1)
        }
        self.seen_command_lines: dict[str, set[str]] = defaultdict(set)  # by replica
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._ending = threading.Event()
        self._watch: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, service: str, name: str = "") -> dict[str, str]:
        """Return a service's environment as the file gives it, with this machine's addresses."""
        found = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "IPGOV_STATE": str(self.state)}
        for key, value in self.compose["services"][service]["environment"].items():
            found[key] = str(value)
            for place, here in self.places.items():
                found[key] = found[key].replace(place, here)
        if name != service and name:
            found["IPGOV_WORKER_NAME"] = name  # two of them on one machine
        return found

    def run(self, words: list[str], service: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command with a service's environment until its end."""
        return subprocess.run(
            [sys.executable, *words],
            env=self.environment(service),
            capture_output=True,
            text=True,
            check=False,
            **options,
        )

    def prepare(self) -> str:
        """Run the one-shot service; return what it says."""
        done = self.run(self.compose["services"]["prepare"]["command"][1:], "prepare", timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        """Start all processes and wait until every one is healthy."""
        begun = dt.datetime.now(dt.UTC)
        self._ending.clear()
        self._watch = threading.Thread(target=self._keep_alive, daemon=True)
        self._launch("api-server")
        self._wait(("metadatabase",), begun)
        for name in self.replicas:
            if name != "api-server":
                self._launch(name)
        self._watch.start()
        self._wait(HEALTH_PARTS, begun)
        self._look()

    def end_processes(self) -> None:
        """End the processes, by their numbers; PostgreSQL and Redis stay."""
        self._ending.set()
        if self._watch and self._watch.is_alive():
            self._watch.join(30)
        processes.end_components({n: Identity.of(c.pid) for n, c in self._alive().items()}, 15)
        for child in self._children.values():
            child.wait()
        self._children = {}

    def stop(self) -> None:
        """End everything that was started here."""
        self.end_processes()
        self.redis.stop()
        self.postgres.stop()

    def health(self, name: str) -> str:
        """Return what the health check of a process finds wrong; empty: nothing."""
        service = self.replicas[name]
        words = self.compose["services"][service]["healthcheck"]["test"][2:]
        done = subprocess.run(
            [sys.executable, *words],
            env=self.environment(service, name),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr if done.returncode else ""

    def log(self, name: str) -> str:
        return (self.folder / "logs" / name).read_text(encoding="utf-8", errors="replace")

    def asked(self, statement: str, *values: object) -> list[Any]:
        """Return rows of Airflow's own database."""
        from ipgov.launcher import postgres

        with postgres.connect(self.folder / "pg", "airflow") as connection:
            return connection.execute(statement, values).fetchall()

    def wait_for_task(self, dag: str, task: str | None, limit: float) -> int:
        """Wait until a task (any of the DAG where none is named) runs; return its process."""
        statement = (
            "SELECT pid FROM task_instance WHERE dag_id = %s AND coalesce(task_id = %s, true)"
            " AND state = 'running' AND pid IS NOT NULL"
        )
        end = time.monotonic() + limit
        while time.monotonic() < end:
            for (pid,) in self.asked(statement, dag, task):
                if psutil.pid_exists(pid):
                    return int(pid)
            time.sleep(0.02)
        raise AssertionError(f"{dag} {task or ''} did not run within {limit} s")

    def attempts(self, dag: str, task: str) -> int:
        """Return how often a task was tried."""
        [(tries,)] = self.asked(
            "SELECT max(try_number) FROM task_instance WHERE dag_id = %s AND task_id = %s", dag, task
        )
        return int(tries)

    def kill_worker_of(self, pid: int) -> str:
        """Kill the worker, with all its processes, that this process belongs to; return its name."""
        leader = os.getsid(pid)
        name = next(n for n, c in self._children.items() if c.pid == leader)
        assert name.startswith("worker"), name
        members = processes.members(Identity.of(leader))
        for member in [m for m in members if m.pid == leader] + [m for m in members if m.pid != leader]:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        return name

    def redeliver(self, limit: float = 120) -> int:
        """Hand every task that was never taken from the queue out again, as Redis does after its timeout.

        Returns how many there were, once the workers have dealt with them.
        """
        from kombu import Connection

        password = (self.secrets / "redis_password").read_text(encoding="utf-8")
        with Connection(f"redis://:{password}@127.0.0.1:{self.redis.port}/0") as connection:
            channel = connection.default_channel
            tags = [tag.decode() for tag in channel.client.hkeys("unacked")]
            for tag in tags:
                channel.qos.restore_by_tag(tag)
            end = time.monotonic() + limit
            while channel.client.llen("default") or channel.client.hlen("unacked"):
                assert time.monotonic() < end, "redelivered tasks are not dealt with"
                time.sleep(0.5)
        return len(tags)

    def _alive(self) -> dict[str, subprocess.Popen[bytes]]:
        return {n: c for n, c in self._children.items() if c.poll() is None}

    def _look(self) -> None:
        """Note how every process shows itself to all accounts of the machine."""
        for name, child in list(self._children.items()):
            for member in processes.members(Identity.of(child.pid)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    self.seen_command_lines[name].add(" ".join(member.cmdline()))
        self.seen_command_lines["redis"].add(self.redis.command_line())

    def _launch(self, name: str) -> None:
        service = self.replicas[name]
        words = self.compose["services"][service]["command"]
        with (self.folder / "logs" / name).open("ab") as log:
            self._children[name] = subprocess.Popen(
                [sys.executable, *words[1:]],
                env=self.environment(service, name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _keep_alive(self) -> None:
        """Start anew what ended, as ``restart: unless-stopped`` does."""
        while not self._ending.wait(0.5):
            for name, child in list(self._children.items()):
                if child.poll() is not None and not self._ending.wait(1):
                    self._launch(name)

    def _wait(self, parts: tuple[str, ...], begun: dt.datetime) -> None:
        limit = time.monotonic() + START_LIMIT
        missing: list[str] = list(parts)
        while time.monotonic() < limit:
            try:
                answer = requests.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
                missing = [p for p in parts if not watch.healthy(answer[p], p, begun)]
            except (requests.RequestException, ValueError):
                pass
            if not missing:
                return
            time.sleep(0.3)
        raise AssertionError(f"not healthy: {missing}; {self.log('api-server')[-3000:]}")
