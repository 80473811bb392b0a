"""Outlives a supervisor that was killed outright, just long enough to stop what it had started.

``python -m ipgov.launcher.guard STATE``: its standard input is a pipe that only the supervisor holds open,
and it shares the supervisor's lock, so that no new instance starts before it is done.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from ipgov.launcher import postgres, processes


def clear(state: Path, patience: float = 20) -> int:
    """End every process that a killed instance left behind; return how many components still ran."""
    record = processes.load(state)
    if record is None:
        return 0
    running = processes.end_components(record.components, patience)
    postgres.stop(state / "pg", patience)
    processes.record_file(state).unlink(missing_ok=True)
    return running


def main(arguments: list[str]) -> int:
    """Wait until the supervisor is gone, then clear up unless it did so itself."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    clear(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
