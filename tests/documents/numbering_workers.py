"""What the processes of the numbering test do; imports little, so that they start quickly."""

import datetime as dt
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat

from ipgov.documents import numbering
from ipgov.documents.numbering import reserve
from sqlalchemy import Connection

SERIES = "国知平评函"
KNOWN_AT = dt.datetime(2026, 4, 20, 1, 0, tzinfo=dt.UTC)


def reserve_many(keys: list[str]) -> list[tuple[int, str]]:
    """Reserve every key twice, in two threads."""
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(reserve, repeat(SERIES), repeat(2026), keys * 2, repeat(KNOWN_AT)))
    assert found[: len(keys)] == found[len(keys) :]
    return [(r.id, r.text) for r in found[: len(keys)]]


def reserve_and_die(key: str) -> None:
    """Be killed when the number is written and not yet committed."""
    transaction = numbering.transaction

    @contextmanager
    def dying() -> Iterator[Connection]:
        with transaction() as connection:
            yield connection
            os.kill(os.getpid(), signal.SIGKILL)

    numbering.transaction = dying
    reserve(SERIES, 2026, key, KNOWN_AT)
