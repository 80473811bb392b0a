"""What the processes of the numbering test do; imports little, so that they start quickly."""

import datetime as dt
import os
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from multiprocessing.connection import Connection as Pipe

from ipgov.core import database as db
from ipgov.core.objects import put_content
from ipgov.documents import numbering, register
from ipgov.documents.model import OfficialDocument
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


# Where an issue is killed: with the number written and not committed; committed; with files
# stored and no row; with rows written and not committed; committed, but nobody was told.
BOUNDARIES = ("reserving", "reserved", "storing", "filing", "filed")
WORKERS = 4


def issue(key: str, reached: Callable[[str], None]) -> int:
    """Issue one document: reserve its number, render it, file it; return its id."""
    number = reserve(SERIES, 2026, key, KNOWN_AT)
    reached("reserved")
    with db.transaction() as connection:
        document_id = register.file_document(
            connection,
            key=key,
            kind="result_to_unit",
            programme="functional_platform",
            period="2025",
            unit=key,
            recipient=key,
            document=_document(key, number.text),
            template_sha256=put_content(b"template"),
            number=number,
            round_id=None,
            known_at=KNOWN_AT,
            formats=("docx", "html", "pdf") if key.endswith("0") else ("docx", "html"),
            filename=key,
        )
        reached("filing")
    reached("filed")
    return document_id


def _document(key: str, number: str) -> OfficialDocument:
    return OfficialDocument(
        kind="result_to_unit",
        form="letter",
        issuer="国家知识产权局",
        number=number,
        title=f"关于{key}的通知",
        recipients=(key,),
        paragraphs=("特此通知。",),
        signature_date=KNOWN_AT.date(),
    )


def _work(keys: list[str], boundary: str, after: int) -> None:
    """Issue every document; be killed at the boundary of the document that is ``after`` places on."""
    left = iter(range(after))
    stored = register.put_content
    transaction = numbering.transaction

    def reached(here: str) -> None:
        if here == boundary and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    def storing(data: bytes) -> str:
        sha256 = stored(data)
        reached("storing")
        return sha256

    @contextmanager
    def reserving() -> Iterator[Connection]:
        with transaction() as connection:
            yield connection
            reached("reserving")

    numbering.transaction, register.put_content = reserving, storing
    for key in keys:
        issue(key, reached)


def campaign(keys: list[str], seed: int, told: Pipe) -> None:
    """Issue ``keys`` in processes that are killed at each boundary and at random, and begun again.

    Neighbours share keys, so that two issue one document at once. Sends the boundaries at which one was
    killed, how many were at random, and how many failed.
    """
    chance = random.Random(seed)  # noqa: S311 (no secret)
    share = len(keys) // WORKERS
    lanes = [(keys[i * share :] + keys[: i * share])[: share + share // 4] for i in range(WORKERS)]
    boundaries = list(BOUNDARIES * 2)
    running: dict[int, tuple[list[str], str]] = {}

    def begin(lane: list[str]) -> None:
        boundary = boundaries.pop() if boundaries else ""
        running[_begin(lane, boundary, chance.randrange(5))] = (lane, boundary)

    for lane in lanes:
        begin(lane)
    met: list[str] = []
    at_random = failed = 0
    while running:
        time.sleep(chance.uniform(0.01, 0.05))
        free = sorted(pid for pid, (_, boundary) in running.items() if not boundary)
        if free and at_random < len(BOUNDARIES) * 2 and chance.random() < 0.2:
            os.kill(chance.choice(free), signal.SIGKILL)
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            continue
        lane, boundary = running.pop(pid)
        if os.WIFSIGNALED(status):
            met += [boundary] if boundary else []
            at_random += not boundary
            begin(lane)
        elif status:
            failed += 1
    told.send((met, at_random, failed))


def _begin(keys: list[str], boundary: str, after: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        _work(keys, boundary, after)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
