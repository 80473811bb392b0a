"""Started by test_stack.py as a process of its own: everything up, until it is stopped."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from ipgov.core.errors import GovernanceError
from ipgov.launcher import airflow, supervisor

_environment = airflow.environment


def by_the_clock(*place: Any, **kind: Any) -> dict[str, str]:
    """Return the environment of a simulation, but that its runs have their deadlines."""
    return {**_environment(*place, **kind), "IPGOV_BY_THE_CLOCK": "true"}


def main(state: Path, port: int) -> int:
    def ready() -> None:
        print("READY", flush=True)
        while True:
            signal.pause()

    airflow.environment = by_the_clock
    try:
        supervisor.up(state, port, ready, dags=Path(__file__).parent / "dags")
    except GovernanceError as error:
        print(error.message, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
