"""Whose process is whose, and that ended means ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ipgov.launcher import guard, processes
from ipgov.launcher.processes import Identity

# A leader with a child in a group of its own (as Airflow's tasks are) that does not heed SIGTERM.
STUBBORN = """
import os, signal, sys, time
if os.fork() == 0:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(1, b"up\\n")
time.sleep(300)
"""


def lead(code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout
    for _ in range(code.count("fork()") + 1):
        assert process.stdout.readline() == b"up\n"
    return process


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    process = lead(STUBBORN)
    yield process
    for left in [p for p in psutil.process_iter() if os.getsid(p.pid) == process.pid]:
        left.kill()
    process.wait()


def test_a_session_ends_with_all_its_groups(leader: subprocess.Popen[bytes]) -> None:
    identity = Identity.of(leader.pid)
    assert len(processes.members(identity)) == 2
    assert processes.end([identity], patience=0.5) == 1
    leader.wait(5)
    assert processes.members(identity) == []
    assert processes.end([identity]) == 0


def test_what_a_dead_leader_left_is_still_its_session(leader: subprocess.Popen[bytes]) -> None:
    identity = Identity.of(leader.pid)
    leader.kill()
    leader.wait()
    assert not identity.alive()
    assert len(processes.members(identity)) == 1
    begun = time.monotonic()
    assert processes.end([identity], patience=0.5) == 1
    assert time.monotonic() - begun < 5
    assert processes.members(identity) == []


def test_a_later_process_with_the_same_number_is_a_stranger(leader: subprocess.Popen[bytes]) -> None:
    earlier = Identity(leader.pid, Identity.of(leader.pid).started - 100)
    assert not earlier.alive()
    assert processes.members(earlier) == []
    assert processes.end([earlier]) == 0
    assert leader.poll() is None


def test_api_server_goes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []

    def end(leaders: list[Identity], patience: float, *, leader_only: bool = False) -> int:
        asked.append([i.pid for i in leaders])
        return len(leaders)

    monkeypatch.setattr(processes, "end", end)
    components = {
        name: Identity(n, 0.0) for n, name in enumerate(("api-server", "scheduler", "triggerer"), start=1)
    }
    assert processes.end_components(components) == 3
    assert asked == [[2, 3], [1]]


def test_record_survives_being_read_again(tmp_path: Path) -> None:
    record = processes.Record(Identity.of(os.getpid()), 8080, {"api-server": Identity(1, 2.5)})
    processes.save(tmp_path, record)
    assert processes.load(tmp_path) == record
    assert record.supervisor.alive()
    assert processes.record_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_after_a_clean_stop_there_is_nothing_to_clear(tmp_path: Path) -> None:
    assert processes.load(tmp_path) is None
    assert guard.clear(tmp_path) == 0


def test_guard_waits_for_its_supervisor_and_then_clears(
    tmp_path: Path, leader: subprocess.Popen[bytes]
) -> None:
    identity = Identity.of(leader.pid)
    processes.save(tmp_path, processes.Record(Identity(1, 1.0), 1, {"scheduler": identity}))
    watching = subprocess.Popen(
        [sys.executable, "-m", "ipgov.launcher.guard", str(tmp_path)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    time.sleep(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        watching.send_signal(number)
    time.sleep(0.5)
    assert watching.poll() is None
    assert leader.poll() is None
    assert watching.stdin
    watching.stdin.close()
    leader.wait(10)  # heeds SIGTERM
    for child in processes.members(identity):
        child.kill()
    assert watching.wait(30) == 0
    assert processes.load(tmp_path) is None
