"""Started by years_stack.py as a process of its own: everything up, until it is stopped."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from ipgov.core.errors import GovernanceError
from ipgov.launcher import supervisor
from ipgov.simulation import fictitious_holidays


def main(state: Path, port: int) -> int:
    def ready() -> None:
        print("READY", flush=True)
        while True:
            signal.pause()

    try:
        supervisor.up(state, port, ready, furnish=fictitious_holidays.supply)
    except GovernanceError as error:
        print(error.message, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
