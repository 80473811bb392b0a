"""Log lines that say what they are about: programme, period, step, mode and run, whoever writes them.

Airflow writes the logs of tasks, and of its components where ``json_logs`` is on, as JSON lines that bear
what is bound here (structlog's context). ``JsonLines`` does the same for processes of our own.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

KEPT, LARGEST = 5, 20_000_000  # files beside the newest one, and bytes of each


@contextmanager
def about(**facts: str) -> Iterator[None]:
    """Let every log line written inside bear these facts; a run that is not known is this process."""
    from structlog.contextvars import bound_contextvars, get_contextvars

    run = get_contextvars().get("run", f"process-{os.getpid()}")
    with bound_contextvars(**({"run": run} | facts)):
        yield


def bind(**facts: str) -> None:
    """Let every later log line of this process (a task has one of its own) bear these facts."""
    from structlog.contextvars import bind_contextvars

    bind_contextvars(**facts)


class JsonLines(logging.Formatter):
    """One JSON object a line: timestamp (UTC), level, logger, event, what it is about, and the error."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        from structlog.contextvars import get_contextvars

        told = {
            "timestamp": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **get_contextvars(),
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def to_file(path: Path) -> logging.Handler:
    """Write what ipgov tells into a private, rotated file; return the handler, to be removed at the end."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    handler = RotatingFileHandler(path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
    handler.setFormatter(JsonLines())
    logging.getLogger("ipgov").addHandler(handler)
    return handler


@contextmanager
def also(path: Path, say: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
    """Give a function that tells as ``say`` and into a file of JSON lines, as all of ipgov does then."""
    logger = logging.getLogger("ipgov")
    before, handler = logger.level, to_file(path)
    logger.setLevel(logging.INFO)

    def both(said: str) -> None:
        logger.info(said)
        say(said)

    try:
        yield both
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()


def rotate(path: Path, largest: int = LARGEST) -> bool:
    """Begin a log anew that another process appends to: its content goes to ``.1``, older ones move on.

    The writer keeps its file; a line written in the instant between copy and cut is lost.
    """
    if not path.exists() or path.stat().st_size <= largest:
        return False
    numbered = [path.with_name(f"{path.name}.{n}") for n in range(1, KEPT + 1)]
    for older, newer in zip(reversed(numbered), reversed(numbered[:-1]), strict=False):
        if newer.exists():
            newer.replace(older)
    handle = os.open(numbered[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as to, path.open("rb") as content:
        while chunk := content.read(1 << 20):
            to.write(chunk)
    os.truncate(path, 0)
    return True
