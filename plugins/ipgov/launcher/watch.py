"""What the supervisor looks for while everything runs: what ended how often, and what is healthy."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict, deque

RESTARTS, RESTART_WINDOW = 5, 60.0


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


def healthy(answer: dict[str, str], part: str, begun: dt.datetime) -> bool:
    """Tell whether a component is healthy since ``begun``, not by a former run's last heartbeat."""
    if answer["status"] != "healthy":
        return False
    beat = answer.get(f"latest_{part}_heartbeat")
    return part == "metadatabase" or (beat is not None and dt.datetime.fromisoformat(beat) >= begun)
