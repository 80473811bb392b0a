"""What the supervisor looks for while everything runs: what ended, how often, and which worker is gone."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict, deque

import psutil

RESTARTS, RESTART_WINDOW = 5, 60.0
_WORKER = "airflow worker -- LocalExecutor"


class Ends:
    """Counts how often each part ended within the last minute."""

    def __init__(self) -> None:
        self._ends: dict[str, deque[float]] = defaultdict(deque)

    def note(self, name: str) -> int:
        """Note an end of now; return how many there were within the window."""
        now, recent = time.monotonic(), self._ends[name]
        recent.append(now)
        while recent and recent[0] < now - RESTART_WINDOW:
            recent.popleft()
        return len(recent)


class Workers:
    """The scheduler's worker processes, which live as long as it does.

    One that is killed while it waits keeps the lock of the queue from which all of them take their tasks: no
    task would ever start again. One that is killed at work leaves a task that nobody watches. Either way the
    scheduler is started anew.
    """

    def __init__(self) -> None:
        self._scheduler, self._known = 0, set[psutil.Process]()

    def lost(self, scheduler: int) -> bool:
        """Tell whether a worker that this scheduler had is gone."""
        if scheduler != self._scheduler:
            self._scheduler, self._known = scheduler, set()
        self._known |= {p for p in _children(scheduler) if _is_worker(p)}
        return not all(_alive(p) for p in self._known)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return []


def _is_worker(process: psutil.Process) -> bool:
    try:
        return " ".join(process.cmdline()).startswith(_WORKER)
    except psutil.Error:
        return False


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def healthy(answer: dict[str, str], part: str, begun: dt.datetime) -> bool:
    """Tell whether a component is healthy since ``begun``, not by a former run's last heartbeat."""
    if answer["status"] != "healthy":
        return False
    beat = answer.get(f"latest_{part}_heartbeat")
    return part == "metadatabase" or (beat is not None and dt.datetime.fromisoformat(beat) >= begun)
