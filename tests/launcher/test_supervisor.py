"""What the supervisor does when things go wrong, and the demo's frame around a play."""

from __future__ import annotations

import datetime as dt
import io
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ipgov.core.errors import EnvironmentProblemError, RefusedError
from ipgov.launcher import demo, port_check, postgres, processes, supervisor, watch
from ipgov.launcher.demo import Demo


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> supervisor._Instance:
    monkeypatch.setattr(postgres, "postmaster", lambda folder: "runs")
    (tmp_path / "logs").mkdir()
    found = supervisor._Instance(tmp_path, 1, "simulation", lambda _: None, None, io.StringIO())
    found._environment = dict(os.environ)
    return found


def then_wait(act: Callable[[], object]) -> None:
    """Act, and give the signal's handler time to run."""
    act()
    time.sleep(5)


def test_a_component_that_keeps_dying_is_given_up(
    instance: supervisor._Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    instance.say = said.append
    monkeypatch.setattr(supervisor, "RESTARTS", 2)
    instance._launch = lambda name: instance._run(name, [sys.executable, "-c", "print('why'); exit(3)"])
    with supervisor._signals():
        instance._launch("triggerer")
        with pytest.raises(supervisor.Stopped):
            then_wait(instance._keep_alive)
    assert instance.failure == (
        f"组件 triggerer 一分钟内退出超过 2 次，不再重启；原因见日志文件 {instance.state}/logs/triggerer.log"
    )
    assert [s for s in said if "第" in s] == [
        f"组件 triggerer 意外退出（退出码 3），第 {n} 次重启" for n in (1, 2)
    ]
    log = instance.state / "logs" / "triggerer.log"
    assert log.read_text() == "why\n" * 3
    assert log.stat().st_mode & 0o777 == 0o600


def test_restarts_wait_longer_each_time(
    instance: supervisor._Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    class Ending:
        def wait(self, seconds: float) -> bool:
            if seconds != 0.3:
                waits.append(seconds)
            else:
                time.sleep(0.05)
            return False

    instance._ending = Ending()  # type: ignore[assignment]
    monkeypatch.setattr(instance, "_give_up", lambda name: None)
    instance._launch = lambda name: instance._run(name, ["false"])
    instance._launch("scheduler")
    instance._keep_alive()
    assert waits == [1, 2, 4, 8, 8]


def test_a_database_that_keeps_dying_is_given_up(
    instance: supervisor._Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    instance.say = said.append

    def start(folder: Path, **_: bool) -> None:
        raise OSError

    monkeypatch.setattr(postgres, "postmaster", lambda folder: None)
    monkeypatch.setattr(postgres, "start", start)
    monkeypatch.setattr(supervisor, "RESTARTS", 2)
    with supervisor._signals(), pytest.raises(supervisor.Stopped):
        then_wait(instance._keep_alive)
    assert instance.failure.startswith("组件 postgresql 一分钟内退出超过 2 次")
    assert [s for s in said if "第" in s] == [f"内置 PostgreSQL 意外退出，第 {n} 次重启" for n in (1, 2)]


def test_a_large_log_is_put_aside(instance: supervisor._Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_LIMIT", 10)
    (instance.state / "logs" / "triggerer.log").write_text("x" * 11)
    instance._open_log("triggerer").close()
    assert (instance.state / "logs" / "triggerer.log").read_text() == ""
    assert (instance.state / "logs" / "triggerer.log.1").read_text() == "x" * 11


def test_a_former_runs_heartbeat_is_not_health() -> None:
    begun = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
    answer = {"status": "healthy", "latest_scheduler_heartbeat": "2024-01-01T23:59:59.9+00:00"}
    assert not watch.healthy(answer, "scheduler", begun)
    answer["latest_scheduler_heartbeat"] = "2024-01-02T00:00:00.1+00:00"
    assert watch.healthy(answer, "scheduler", begun)
    assert not watch.healthy(answer | {"status": "unhealthy"}, "scheduler", begun)
    assert not watch.healthy({"status": "healthy"}, "scheduler", begun)


def test_a_taken_port_is_named_with_who_holds_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentProblemError, match=f"端口 {port} 不可用.*由进程 {os.getpid()}"):
            port_check.require_free(port)
    port_check.require_free(port)


@pytest.mark.parametrize("number", supervisor._SIGNALS)
def test_every_way_to_ask_for_the_end_is_heard(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(supervisor.Stopped), supervisor._signals():
        then_wait(lambda: os.kill(os.getpid(), number))
    assert signal.getsignal(number) is before


def test_a_closed_terminal_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    supervisor.progress()("text")


def test_a_folder_with_a_space_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblemError, match="路径不能含空格"):
        supervisor.up(tmp_path / "a b", 1, lambda: None, say=lambda _: None)
    assert processes.load(tmp_path / "a b") is None


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo without Airflow: up() only calls ready, all DAGs are there."""

    def up(
        state: Path,
        port: int,
        ready: Callable[[], None],
        *,
        say: supervisor.Say,
        furnish: Callable[[Path], object] | None,
    ) -> bool:
        if furnish is not None:
            furnish(state)
        try:
            ready()
        except supervisor.Stopped:
            return False
        return True

    monkeypatch.setattr(supervisor, "up", up)
    monkeypatch.setattr(Demo, "wait_for_dags", lambda self, *ids: self.say("流程：" + " ".join(sorted(ids))))


def arguments(tmp_path: Path) -> list[str]:
    return ["--no-wait", "--port", "18080", "--state", str(tmp_path)]


@pytest.mark.usefixtures("staged")
def test_demo_plays_and_tells_where_to_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Demo] = []

    def play(stage: Demo) -> str:
        seen.append(stage)
        return "三年结果"

    assert demo.main(play, arguments(tmp_path)) == 0
    out = capsys.readouterr().out
    assert "三年结果" in out
    assert "界面：http://127.0.0.1:18080/" in out
    assert f"账户与密码：{tmp_path}/passwords.json" in out
    assert "流程：approval_and_issue backup center_publicity correction cycle_calendar" in out
    assert (seen[0].base_url, seen[0].state) == ("http://127.0.0.1:18080", tmp_path)


@pytest.mark.usefixtures("staged")
def test_the_play_finds_its_holidays_in_the_state_folder(tmp_path: Path) -> None:
    from ipgov.launcher import airflow
    from ipgov.simulation import fictitious_holidays

    def play(stage: Demo) -> str:
        assert airflow.environment(stage.state, 1)["IPGOV_CALENDARS"] == str(tmp_path / "calendars")
        assert "IPGOV_CALENDARS" not in airflow.environment(stage.state, 1, kind="production")
        return "已见"

    assert "IPGOV_CALENDARS" not in airflow.environment(tmp_path, 1)
    assert demo.main(play, arguments(tmp_path), fictitious_holidays.supply) == 0


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (EnvironmentProblemError("磁盘已满"), 2, "磁盘已满"),
        (RefusedError("不允许"), 1, "不允许"),
        (supervisor.Stopped(), 130, ""),
    ],
)
def test_demo_ends_with_a_message_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, message: str
) -> None:
    def play(stage: Demo) -> str:
        raise error

    assert demo.main(play, arguments(tmp_path)) == code
    assert capsys.readouterr().err.strip() == message


def test_wait_for_dags_names_what_is_missing_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ipgov.launcher.api import ApiError

    class Client:
        def get(self, path: str) -> dict[str, object]:
            if path.endswith("/here"):
                return {}
            if path.endswith("importErrors"):
                return {"import_errors": [{"stack_trace": "SyntaxError: 第 3 行"}]}
            raise ApiError(404, "no")

    stage = Demo("http://127.0.0.1:1", tmp_path, lambda _: None)
    monkeypatch.setattr(stage, "client", lambda login: Client())
    stage.wait_for_dags("here", limit=0)
    with pytest.raises(EnvironmentProblemError, match="未读到流程 gone\nSyntaxError: 第 3 行"):
        stage.wait_for_dags("here", "gone", limit=0)
