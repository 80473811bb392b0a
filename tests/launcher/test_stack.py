"""The whole stack, really running: who may do what, who hears it, and what is left when it is killed."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from ipgov.launcher import accounts, guard, processes
from ipgov.launcher.api import ApiClient, ApiError

pytestmark = pytest.mark.scheduler

SCRIPT = Path(__file__).with_name("run_stack.py")
LOGINS = {role: f"{role}1" for role in ("viewer", "reviewer", "issuer", "operator", "auditor")}
LOGINS["administrator"] = "admin1"
EVERYBODY = frozenset(LOGINS)
ANSWER = "/api/v2/dags/asks/dagRuns/first/taskInstances/ask/-1/hitlDetails"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(done: Callable[[], Any], seconds: float, what: str) -> Any:
    end = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.2)
    return found


@dataclass
class Stack:
    state: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        return (self.state / "output").read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, role: str) -> ApiClient:
        login = LOGINS[role]
        return ApiClient(self.url, login, accounts.read_passwords(self.state)[login])

    def record(self) -> processes.Record:
        record = processes.load(self.state)
        assert record is not None
        return record

    def running(self) -> list[psutil.Process]:
        """Everything of this stack except the supervisor and its guard."""
        record = self.record()
        found = [p for identity in record.components.values() for p in processes.members(identity)]
        postmaster = psutil.Process(int((self.state / "pg" / "postmaster.pid").read_text().split()[0]))
        return [*found, postmaster]


def start(state: Path, port: int) -> Stack:
    state.mkdir(parents=True, exist_ok=True)
    with (state / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(state), str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Stack(state, port, process)


def started(state: Path, port: int) -> Stack:
    stack = start(state, port)
    wait_until(lambda: "READY" in stack.output or stack.process.poll() is not None, 240, "ready")
    assert "READY" in stack.output, stack.output
    return stack


def refused(call: Callable[[], Any]) -> int:
    try:
        call()
    except ApiError as error:
        return error.status
    return 200


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        stack = started(Path(folder) / "state", free_port())
        yield stack
        if stack.process.poll() is None:
            stack.process.send_signal(signal.SIGTERM)
            stack.process.wait(60)
        guard.clear(stack.state)


@pytest.fixture(scope="module")
def clients(stack: Stack) -> dict[str, ApiClient]:
    return {role: stack.client(role) for role in LOGINS}


@pytest.fixture(scope="module")
def waiting(clients: dict[str, ApiClient]) -> None:
    """A run that waits for an answer."""
    operator = clients["operator"]
    wait_until(lambda: refused(lambda: operator.get("/api/v2/dags/asks")) == 200, 60, "DAG read")
    operator.post("/api/v2/dags/asks/dagRuns", {"dag_run_id": "first", "logical_date": None})
    task = "/api/v2/dags/asks/dagRuns/first/taskInstances/ask"
    wait_until(lambda: operator.get(task)["state"] == "awaiting_input", 60, "task waits for an answer")


READS = {
    "/api/v2/dags": EVERYBODY,
    "/api/v2/dags/~/dagRuns": EVERYBODY,
    "/api/v2/dags/~/dagRuns/~/taskInstances": EVERYBODY,
    "/api/v2/dags/~/dagRuns/~/hitlDetails": EVERYBODY,
    "/ui/dags": EVERYBODY,
    "/api/v2/plugins": EVERYBODY,
    "/api/v2/importErrors": EVERYBODY,
    "/api/v2/eventLogs": {"auditor", "administrator"},
    "/api/v2/dags/~/dagRuns/~/taskInstances/~/xcomEntries": {"auditor", "administrator"},
    "/api/v2/dags/asks/dagRuns/first/taskInstances/ask/logs/1": EVERYBODY - {"viewer"},
    "/api/v2/connections": {"administrator"},
    "/api/v2/variables": {"administrator"},
}


@pytest.mark.parametrize("path", READS)
def test_who_reads_what(path: str, clients: dict[str, ApiClient], waiting: None, stack: Stack) -> None:
    assert requests.get(stack.url + path, timeout=30).status_code == 401
    allowed = {role for role, client in clients.items() if refused(lambda c=client: c.get(path)) == 200}
    assert allowed == READS[path]


RUNS = {"operator", "administrator"}
ANSWERS = {"reviewer", "issuer", "administrator"}
# Each harmless to those who may do it: a dry run, an answer that is no option, the state it already has.
WRITES: dict[str, tuple[str, str, dict[str, Any], set[str]]] = {
    "pause": ("PATCH", "/api/v2/dags/asks", {"is_paused": False}, RUNS),
    "trigger": ("POST", "/api/v2/dags/yearly/dagRuns", {"logical_date": None}, RUNS),
    "clear": ("POST", "/api/v2/dags/asks/clearTaskInstances", {"dry_run": True, "dag_run_id": "first"}, RUNS),
    "mark success": (
        "PATCH",
        "/api/v2/dags/asks/dagRuns/first/taskInstances/ask/dry_run",
        {"new_state": "success"},
        RUNS,
    ),
    "end a run": ("PATCH", "/api/v2/dags/asks/dagRuns/none", {"state": "failed"}, RUNS),
    "backfill": (
        "POST",
        "/api/v2/backfills/dry_run",
        {"dag_id": "yearly", "from_date": "2021-01-01T00:00:00Z", "to_date": "2023-01-01T00:00:00Z"},
        RUNS,
    ),
    "answer": ("PATCH", ANSWER, {"chosen_options": ["也许"], "params_input": {}}, ANSWERS),
    "write an XCom": (
        "POST",
        "/api/v2/dags/asks/dagRuns/first/taskInstances/none/xcomEntries",
        {"key": "return_value", "value": "x"},
        {"administrator"},
    ),
    "set a variable": ("POST", "/api/v2/variables", {"key": "k", "value": "v"}, {"administrator"}),
    "make a user": ("POST", "/auth/fab/v1/users", {}, {"administrator"}),
    "hand in a rating list": ("POST", "/governance/round/0", {}, ANSWERS),
}


@pytest.mark.parametrize("what", WRITES)
def test_who_changes_what(what: str, clients: dict[str, ApiClient], waiting: None, stack: Stack) -> None:
    method, path, body, allowed = WRITES[what]
    assert requests.request(method, stack.url + path, json=body, timeout=30).status_code in (401, 403)
    statuses = {role: refused(lambda c=c: c._call(method, path, json=body)) for role, c in clients.items()}
    assert {role for role, status in statuses.items() if status not in (401, 403)} == allowed, statuses
    assert not {s for s in statuses.values() if s >= 500}, statuses


def test_console_is_open_to_every_role_only(clients: dict[str, ApiClient], stack: Stack) -> None:
    for client in clients.values():
        assert "<html" in client.download("/governance/").decode()
    assert requests.get(f"{stack.url}/governance/", timeout=30, allow_redirects=False).status_code in (
        302,
        401,
    )


def test_wrong_password_and_unknown_login_get_no_token(stack: Stack) -> None:
    for login in ("reviewer1", "nobody"):
        with pytest.raises(ApiError, match="登录失败") as refusal:
            ApiClient(stack.url, login, "x").get("/api/v2/dags")
        assert refusal.value.status == 401


def test_login_page_is_chinese(stack: Stack) -> None:
    assert "用户名" in requests.get(f"{stack.url}/auth/login/", timeout=30).text


def test_reviewer_answers_and_the_run_goes_on(clients: dict[str, ApiClient], waiting: None) -> None:
    reviewer = clients["reviewer"]
    yes = {"chosen_options": ["同意"], "params_input": {}}
    assert reviewer.patch(ANSWER, yes)["responded_by"]["name"] == "reviewer1"
    assert refused(lambda: clients["issuer"].patch(ANSWER, yes)) == 409
    wait_until(
        lambda: reviewer.get("/api/v2/dags/asks/dagRuns/first")["state"] == "success", 60, "run has gone on"
    )


def test_nothing_listens_beyond_this_machine(stack: Stack) -> None:
    listening = []
    for process in stack.running():
        with suppress(psutil.NoSuchProcess):  # a task, a DAG file being read: ended since it was listed
            for each in [process, *process.children(recursive=True)]:
                listening += [c.laddr for c in each.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert (  # the one port that was asked for, and what a process opens for its own child
        "127.0.0.1",
        stack.port,
    ) in listening
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_secrets_stay_in_their_files(stack: Stack) -> None:
    private = [stack.state / "passwords.json", *(stack.state / "secrets").iterdir()]
    assert len(private) == 4
    assert {f.stat().st_mode & 0o777 for f in private} == {0o600}
    hidden = [*accounts.read_passwords(stack.state).values()]
    hidden += [f.read_text() for f in private[1:]]
    assert len(set(hidden)) == len(accounts.DEMO_PEOPLE) + 3
    written = [f.read_bytes() for f in (stack.state / "logs").rglob("*") if f.is_file()]
    written += [stack.output.encode(), (stack.state / "processes.json").read_bytes()]
    written += [" ".join(p.info["cmdline"] or ()).encode() for p in psutil.process_iter(["cmdline"])]
    assert len(written) > 20
    assert not [s for s in hidden if any(s.encode() in text for text in written)]


def test_airflow_cannot_open_the_governance_database(stack: Stack) -> None:
    import psycopg

    data = str(stack.state / "pg")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(host=data, user="airflow", dbname="governance")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(host=data, user="ipgov_app", dbname="airflow")
    with (
        psycopg.connect(host=data, user="ipgov_app", dbname="governance") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM officer")


def test_command_line_of_another_terminal_finds_the_database(stack: Stack) -> None:
    command = f". {stack.state}/env && {Path(sys.executable).with_name('ipgov')} status --json"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["cycles"] == []


def test_a_late_live_run_is_told_to_the_office_and_a_backfill_never(
    stack: Stack, clients: dict[str, ApiClient]
) -> None:
    import psycopg

    def asked(database: str, user: str, statement: str) -> list[Any]:
        with psycopg.connect(host=str(stack.state / "pg"), user=user, dbname=database) as connection:
            answer = connection.execute(statement)
            return answer.fetchall() if answer.description else []

    asked("governance", "ipgov_app", LATE_PERIOD)
    operator = clients["operator"]
    wait_until(lambda: refused(lambda: operator.get("/api/v2/dags/due")) == 200, 60, "DAG read")
    operator.patch("/api/v2/dags/due", {"is_paused": False})
    span = {"from_date": "2021-06-01T00:00:00Z", "to_date": "2022-06-01T00:00:00Z"}
    operator.post("/api/v2/backfills", {"dag_id": "due", **span})
    letters = wait_until(
        lambda: asked("governance", "ipgov_app", "SELECT period FROM document WHERE kind = 'run_overdue'"),
        60,
        "the office is told",
    )
    assert letters == [("2023",)]

    def deadlines() -> dict[str, tuple[bool, str]]:
        return {kind: (missed, state) for kind, missed, state in asked("airflow", "airflow", DEADLINES)}

    wait_until(lambda: "backfill" in deadlines(), 30, "backfill")
    wait_until(lambda: deadlines()["scheduled"] == (True, "success"), 30, "alert has run")
    assert deadlines()["backfill"] == (None, None)  # it never has one
    operator.patch("/api/v2/dags/due", {"is_paused": True})


LATE_PERIOD = """
WITH rules AS (
    INSERT INTO rule_version (programme, version, sha256, known_at)
    SELECT programme, version, sha256, known_at FROM policy_change
    WHERE programme = 'functional_platform' ORDER BY effective LIMIT 1
    RETURNING id, programme, known_at
)
INSERT INTO cycle (programme, period, rule_version_id, opened_on, due_on, evaluate_on, due_provisional,
                   calendar_version, known_at)
SELECT programme, '2023', id, '2024-01-02', '2024-03-31', '2024-04-15', false, 'x', known_at FROM rules
"""
DEADLINES = """
SELECT r.run_type, d.missed, c.state FROM dag_run r
LEFT JOIN deadline d ON d.dagrun_id = r.id LEFT JOIN callback c ON c.id = d.callback_id
WHERE r.dag_id = 'due'
"""


def test_second_instance_and_taken_port_are_named(stack: Stack, tmp_path: Path) -> None:
    second = start_and_end(stack.state, free_port())
    assert f"已有一个实例在运行：进程 {stack.process.pid}，地址 {stack.url}/" in second
    other = start_and_end(tmp_path / "s", stack.port)
    assert f"端口 {stack.port} 不可用" in other
    assert "PORT=" in other
    assert not (tmp_path / "s" / "pg").exists()


def start_and_end(state: Path, port: int) -> str:
    """The output of a start that fails (not through Stack: its output file is the running one's)."""
    command = [sys.executable, str(SCRIPT), str(state), str(port)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2, result.stdout + result.stderr
    return result.stdout


def test_dead_component_is_restarted_with_its_workers(stack: Stack) -> None:
    before = stack.record().components["scheduler"]
    workers = processes.members(before)
    assert len(workers) == 5  # itself and core.parallelism
    os.kill(before.pid, signal.SIGKILL)
    wait_until(lambda: stack.record().components["scheduler"] != before, 30, "restarted")
    assert not [w for w in workers if w.is_running() and w.status() != psutil.STATUS_ZOMBIE]
    assert "组件 scheduler 意外退出（退出码 -9），第 1 次重启" in stack.output
    runs_again(stack)


def test_a_worker_lost_while_it_waits_stops_nothing(stack: Stack) -> None:
    """Killed at once after its fork, before anybody else has seen it: the queue's lock goes with it."""
    before = stack.record().components["scheduler"]
    wait_until(lambda: len(processes.members(before)) == 5, 30, "workers")
    min(psutil.Process(before.pid).children(), key=lambda p: p.pid).kill()
    wait_until(lambda: stack.record().components["scheduler"] != before, 30, "restarted")
    assert "组件 scheduler 意外退出（退出码 70）" in stack.output
    runs_again(stack)


def runs_again(stack: Stack) -> None:
    run_id = f"again-{secrets.token_hex(3)}"
    operator = stack.client("operator")
    operator.post("/api/v2/dags/yearly/dagRuns", {"dag_run_id": run_id, "logical_date": None})
    wait_until(
        lambda: operator.get(f"/api/v2/dags/yearly/dagRuns/{run_id}")["state"] == "success", 60, "runs again"
    )


def test_killed_supervisor_leaves_nothing_and_next_start_is_clean(stack: Stack) -> None:
    there = stack.running()
    assert len(there) > 8
    stack.process.kill()
    stack.process.wait()
    _, alive = psutil.wait_procs(there, 45)
    assert not alive
    wait_until(lambda: processes.load(stack.state) is None, 10, "record removed")

    # the terminal is closed: SIGHUP; nothing has to be prepared a second time
    again = started(stack.state, stack.port)
    assert "正在准备" not in again.output
    there = again.running()
    again.process.send_signal(signal.SIGHUP)
    assert again.process.wait(60) == 0
    assert not [p for p in there if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert processes.load(stack.state) is None
    assert "已全部停止" in again.output


def test_next_start_ends_what_a_killed_supervisor_and_guard_left(stack: Stack) -> None:
    left = subprocess.Popen(["sleep", "300"], start_new_session=True)
    stranger = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        me = processes.Identity.of(left.pid)
        gone = processes.Identity(stack.process.pid, 1.0)
        # the stranger has a number that the record knows from an earlier process
        earlier = processes.Identity(stranger.pid, processes.Identity.of(stranger.pid).started - 1000)
        processes.save(stack.state, processes.Record(gone, 1, {"triggerer": me, "scheduler": earlier}))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            output = start_and_end(stack.state, taken.getsockname()[1])
        assert f"上一次运行（进程 {gone.pid}）被强行终止，已清理其遗留的 1 个组件" in output
        assert left.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None
    finally:
        left.kill()
        stranger.kill()
        stranger.wait()
