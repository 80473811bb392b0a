"""Starts, watches and stops everything that one machine needs: PostgreSQL and Airflow's four components.

Not ``airflow standalone``: that one leaves its children behind when it is ended, forces an auth manager
without passwords worth the name, and opens log servers to the network.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import IO

from ipgov.core import logs
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.fingerprint import fingerprint, sha256_hex
from ipgov.core.settings import settings
from ipgov.launcher import accounts, airflow, component, guard, port_check, postgres, processes, watch
from ipgov.launcher.airflow import Kind
from ipgov.launcher.processes import Identity
from ipgov.launcher.site import LOCAL_COMPONENTS
from ipgov.launcher.watch import RESTARTS
from ipgov.wiring.roles import load_roles

HEALTH_PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
START_LIMIT, STOP_PATIENCE = 240.0, 20.0
LOG_LIMIT, ROTATE_EVERY = 20_000_000, 60.0

Say = Callable[[str], None]


class Stopped(BaseException):
    """Someone asked for the end: Ctrl-C, a signal, a closed terminal (no error, so not an Exception)."""


def progress() -> Say:
    """Return a function that prints a line with the seconds since now, even to a closed terminal."""
    begin = time.monotonic()

    def say(text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            print(f"[{time.monotonic() - begin:6.1f} 秒] {text}", flush=True)

    return say


def up(
    state: Path,
    port: int,
    ready: Callable[[], None],
    *,
    kind: Kind = "simulation",
    say: Say | None = None,
    dags: Path | None = None,
    furnish: Callable[[Path], object] | None = None,
) -> bool:
    """Start everything, call ``ready`` once all is healthy, and stop everything when it returns.

    Call it in the main thread. Returns False where Ctrl-C or a signal ended it before ``ready`` returned.
    ``state`` is the folder of all that is written; ``kind`` says what database a new one becomes; ``furnish``
    lays into the folder what a simulation brings along, before anything is started. Raises
    EnvironmentProblemError where another instance runs, the port is taken, or a component will not stay up;
    GovernanceError where policies/roles.yaml is wrong.
    """
    say = say or progress()
    state = state.absolute()
    load_roles(settings().policies)  # refused before anything is started
    airflow.public_url()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        _signals(),
        _only_instance(state, say) as lock,
        logs.also(state / "logs" / "ipgov.jsonl", say) as say,
    ):
        port_check.require_free(port)
        if furnish is not None:
            furnish(state)
        instance = _Instance(state, port, kind, say, dags, lock)
        try:
            instance.start()
            ready()
        except Stopped:
            if instance.failure:
                raise EnvironmentProblemError(instance.failure) from None
            return False
        finally:
            _ignore_signals()
            instance.stop()
    return True


def _raise_stopped(number: int, frame: FrameType | None) -> None:
    raise Stopped


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    before = {number: signal.signal(number, _raise_stopped) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """Let nothing interrupt the stopping; the guard ends what is left if this process is killed meanwhile."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def _only_instance(state: Path, say: Say) -> Iterator[IO[str]]:
    """Hold the folder's lock, after clearing up behind an instance that was killed."""
    with open(state / "lock", "w", encoding="utf-8") as lock:
        waited = False
        limit = time.monotonic() + 2 * STOP_PATIENCE + 10
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                record = processes.load(state)
                if (record and record.supervisor.alive()) or time.monotonic() > limit:
                    raise EnvironmentProblemError(_running_already(state, record)) from None
                if not waited:
                    say("上一次运行正在收尾，请稍候…")
                waited = True
                time.sleep(0.3)
        record = processes.load(state)
        if record is not None:
            ended = guard.clear(state)
            say(f"上一次运行（进程 {record.supervisor.pid}）被强行终止，已清理其遗留的 {ended} 个组件")
        yield lock


def _running_already(state: Path, record: processes.Record | None) -> str:
    if record is None:
        return f"状态文件夹 {state} 正被另一个进程使用，请稍后再试"
    return (
        f"已有一个实例在运行：进程 {record.supervisor.pid}，地址 http://127.0.0.1:{record.port}/，"
        f"状态文件夹 {state}；请先停止它（Ctrl-C 或 kill {record.supervisor.pid}），或用 STATE= 另指定文件夹"
    )


class _Instance:
    """One running installation: PostgreSQL, the guard, the components and the thread that watches them."""

    def __init__(
        self, state: Path, port: int, kind: Kind, say: Say, dags: Path | None, lock: IO[str]
    ) -> None:
        self.state, self.port, self.kind, self.say, self.dags, self.lock = state, port, kind, say, dags, lock
        self.failure = ""
        self._environment: dict[str, str] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._identities: dict[str, Identity] = {}
        self._guard: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._ending = threading.Event()
        self._watch: threading.Thread | None = None

    def start(self) -> None:
        """Bring everything up and wait until all components are healthy."""
        self._record()
        self._start_guard()
        data = self.state / "pg"
        postgres.start(data, survive=True)
        for name, owner in (
            (airflow.AIRFLOW_DATABASE, postgres.AIRFLOW),
            (airflow.GOVERNANCE_DATABASE, postgres.OWNER),
        ):
            postgres.ensure_database(data, name, owner=owner)
        postgres.allow_only(data, airflow.AIRFLOW_DATABASE, postgres.BACKUP)
        postgres.allow_only(data, airflow.GOVERNANCE_DATABASE, postgres.APPLICATION, postgres.BACKUP)
        self.say("内置 PostgreSQL 已启动")
        variables = airflow.environment(self.state, self.port, kind=self.kind, dags=self.dags)
        self._environment = airflow.child_environment(variables)
        (self.state / "logs").mkdir(mode=0o700, exist_ok=True)
        preparation = self._start_preparation(data)
        self._open_governance(variables)
        if preparation:
            self._finish_preparation(data, preparation)
        self.say("正在启动 Airflow 各组件…")
        begun = dt.datetime.now(dt.UTC)
        self._watch = threading.Thread(target=self._keep_alive, name="watch", daemon=True)
        for name in LOCAL_COMPONENTS:
            if name != "scheduler":
                self._launch(name)
        self._watch.start()
        # a task that starts before the API server answers fails
        self._wait_for(("metadatabase",), begun)
        self._launch("scheduler")
        self._wait_for(HEALTH_PARTS, begun)
        self.say(f"Airflow 已就绪：http://127.0.0.1:{self.port}/")

    def stop(self) -> None:
        """End every component, then PostgreSQL, then let the guard go."""
        self._ending.set()
        if self._watch:
            self._watch.join(40)  # it may be starting PostgreSQL, which has to be stopped after that
        if self._children:
            self.say("正在停止各组件，等待运行中的任务收尾（最多 25 秒）…")
        processes.end_components(self._identities, STOP_PATIENCE)
        for child in self._children.values():
            child.wait()
        postgres.stop(self.state / "pg", STOP_PATIENCE)
        processes.record_file(self.state).unlink(missing_ok=True)
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            self._guard.wait()
        self.say("已全部停止")

    def _record(self) -> None:
        record = processes.Record(Identity.of(os.getpid()), self.port, dict(self._identities))
        processes.save(self.state, record)

    def _start_guard(self) -> None:
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "ipgov.launcher.guard", str(self.state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(self.lock.fileno(),),
        )

    def _log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    def _open_log(self, name: str) -> IO[bytes]:
        path = self._log(name)
        logs.rotate(path, LOG_LIMIT)
        return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

    def _run(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with self._open_log(name) as log:
            child = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with self._changing:
            self._identities[name] = Identity.of(child.pid)
            self._children[name] = child
            self._record()
        return child

    def _preparation_mark(self) -> str:
        """Return what Airflow's database and accounts were made from: the same again needs no work."""
        sources = (Path(accounts.__file__), settings().policies / "roles.yaml")
        return fingerprint(
            {
                "airflow": version("apache-airflow"),
                "fab": version("apache-airflow-providers-fab"),
                "files": [sha256_hex(p.read_bytes()) for p in sources],
                "kind": self.kind,
            }
        )

    def _start_preparation(self, data: Path) -> subprocess.Popen[bytes] | None:
        home = Path(self._environment["AIRFLOW_HOME"])
        airflow.write_login_page_settings(home)
        passwords = self.kind != "simulation" or accounts.passwords_file(self.state).exists()
        if passwords and postgres.marker(data, airflow.AIRFLOW_DATABASE) == self._preparation_mark():
            return None
        self.say("正在准备 Airflow 数据库、角色与账户…")
        return self._run("prepare", [sys.executable, "-m", "ipgov.launcher.prepare", self.kind])

    def _finish_preparation(self, data: Path, child: subprocess.Popen[bytes]) -> None:
        code = child.wait()
        del self._children["prepare"], self._identities["prepare"]
        if code:
            raise EnvironmentProblemError(
                f"Airflow 数据库准备失败（退出码 {code}），详见 {self._log('prepare')}"
            )
        postgres.mark(data, airflow.AIRFLOW_DATABASE, self._preparation_mark())

    def _open_governance(self, variables: dict[str, str]) -> None:
        """Migrate the governance database, and let this process work with it as Airflow's tasks do."""
        from ipgov.core import database
        from ipgov.procedures import policy_changes

        ours = {name: value for name, value in variables.items() if name.startswith("IPGOV_")}
        owner = postgres.url(self.state / "pg", airflow.GOVERNANCE_DATABASE, postgres.OWNER)
        _use(ours | {"IPGOV_OWNER_DATABASE_URL": owner})
        note = "单机模拟" if self.kind == "simulation" else "单机安装"
        policy_changes.migrate(self.kind, note, dt.datetime.now(dt.UTC), database.account())
        del os.environ["IPGOV_OWNER_DATABASE_URL"]
        _use(ours)
        airflow.write_command_line_settings(self.state, ours)
        if self.kind == "simulation":
            accounts.register_officers(accounts.DEMO_PEOPLE)
        self.say("治理数据库已就绪")

    def _launch(self, name: str) -> None:
        self._run(name, component.command(name))

    def _keep_alive(self) -> None:
        ends = watch.Ends()
        looked = time.monotonic()
        while not self._ending.wait(0.3):
            if time.monotonic() - looked > ROTATE_EVERY:
                looked = time.monotonic()
                for name in list(self._children):
                    logs.rotate(self._log(name), LOG_LIMIT)
            if postgres.postmaster(self.state / "pg") is None and not self._revive_database(ends):
                return
            for name, child in list(self._children.items()):
                code = child.poll()
                if code is None:
                    continue
                if (count := ends.note(name)) > RESTARTS:
                    self._give_up(name)
                    return
                self.say(f"组件 {name} 意外退出（退出码 {code}），第 {count} 次重启")
                processes.end([self._identities[name]], 5)  # workers that it left
                if self._ending.wait(min(2.0 ** (count - 1), 8)):
                    return
                self._launch(name)

    def _revive_database(self, ends: watch.Ends) -> bool:
        """Start PostgreSQL again; nothing else can go on before. False where it will not stay up."""
        if (count := ends.note("postgresql")) > RESTARTS:
            self._give_up("postgresql", self.state / "pg" / "log")
            return False
        self.say(f"内置 PostgreSQL 意外退出，第 {count} 次重启")
        try:
            postgres.start(self.state / "pg", survive=True, quiet=True)
        except Exception as error:  # the next look tells whether it only took its time to recover
            self.say(
                f"内置 PostgreSQL 未能立即启动（{type(error).__name__}），日志见 {self.state / 'pg' / 'log'}"
            )
        return True

    def _give_up(self, name: str, log: Path | None = None) -> None:
        self.failure = (
            f"组件 {name} 一分钟内退出超过 {RESTARTS} 次，不再重启；原因见日志文件 {log or self._log(name)}"
        )
        os.kill(os.getpid(), signal.SIGTERM)  # wakes the main thread, whatever it does

    def _wait_for(self, parts: tuple[str, ...], begun: dt.datetime) -> None:
        """Wait until these parts report themselves healthy; EnvironmentProblemError after the limit."""
        import requests

        session = requests.Session()
        session.trust_env = False
        missing = list(parts)
        limit = time.monotonic() + START_LIMIT
        while time.monotonic() < limit:
            with contextlib.suppress(requests.RequestException, ValueError):
                answer = session.get(f"http://127.0.0.1:{self.port}/api/v2/monitor/health", timeout=5).json()
                missing = [part for part in parts if not watch.healthy(answer[part], part, begun)]
                if not missing:
                    return
            time.sleep(0.3)
        raise EnvironmentProblemError(
            f"{START_LIMIT:.0f} 秒内未就绪：{'、'.join(missing)}；日志在 {self.state / 'logs'}"
        )


def _use(variables: dict[str, str]) -> None:
    """Make this process work with these settings, whatever it read before."""
    from ipgov.core import database, objects
    from ipgov.core import settings as settings_module

    os.environ.update(variables)
    if database.engine.cache_info().currsize:
        database.engine().dispose()
    for cached in (settings_module.settings, database.engine, objects.store):
        cached.cache_clear()
