"""Which processes are ours, and how they end: a component is the session that its first process leads."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from ipgov.core import private


@dataclass(frozen=True)
class Identity:
    """A process, not to be mistaken for a later one with the same number."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Identify a running process; raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    def alive(self) -> bool:
        """Tell whether this very process still runs (one that only waits to be collected does not)."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True)
class Record:
    """What a running instance leaves on disk, so that the next one can name it and clear up after it."""

    supervisor: Identity
    port: int
    components: dict[str, Identity]


def record_file(state: Path) -> Path:
    """Return the file that lists the processes of a running instance."""
    return state / "processes.json"


def save(state: Path, record: Record) -> None:
    """Write the record, whole or not at all."""
    private.write(
        record_file(state),
        json.dumps(
            {
                "supervisor": vars(record.supervisor),
                "port": record.port,
                "components": {name: vars(identity) for name, identity in record.components.items()},
            },
            indent=1,
        ),
    )


def load(state: Path) -> Record | None:
    """Read the record of the instance that runs or was killed; None after a clean stop."""
    try:
        data = json.loads(record_file(state).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Record(
        Identity(**data["supervisor"]),
        data["port"],
        {name: Identity(**identity) for name, identity in data["components"].items()},
    )


def members(leader: Identity) -> list[psutil.Process]:
    """Return the running processes of the session that ``leader`` led, also after the leader's own end."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) != leader.pid:
                continue
            if process.pid == leader.pid and process.create_time() != leader.started:
                return []  # the number was given to a stranger, whose session this is
            if process.status() != psutil.STATUS_ZOMBIE and process.create_time() >= leader.started:
                found.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue
    return found


def end_components(components: dict[str, Identity], patience: float = 20) -> int:
    """End an installation's components; return how many were running.

    The API server goes last: the tasks that are running need it to come to their end. Those that take longer
    than ``patience`` seconds are killed and run again later. The API server itself keeps nothing.
    """
    first = [identity for name, identity in components.items() if name != "api-server"]
    last = [identity for name, identity in components.items() if name == "api-server"]
    return end(first, patience, leader_only=True) + end(last, patience / 4)


def end(leaders: Iterable[Identity], patience: float = 20, *, leader_only: bool = False) -> int:
    """Ask sessions to end, and after ``patience`` seconds kill what is left; return how many were running.

    ``leader_only`` asks the first process of each session and leaves the others to it.
    """
    running = [leader for leader in leaders if members(leader)]
    for leader in running:
        if leader_only and leader.alive():
            os.kill(leader.pid, signal.SIGTERM)
        else:
            _signal(members(leader), signal.SIGTERM)
    for leader in _left(running, patience):
        _signal(members(leader), signal.SIGKILL)
    _left(running, 5)
    return len(running)


def _left(leaders: Iterable[Identity], patience: float) -> list[Identity]:
    """Wait until the sessions are empty; return those that are not after ``patience`` seconds."""
    limit = time.monotonic() + patience
    while (left := [leader for leader in leaders if members(leader)]) and time.monotonic() < limit:
        time.sleep(0.1)
    return left


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue
