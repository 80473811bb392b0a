"""Forks one process for each act that is asked for on standard input, and tells how it ended.

Everything that acts import is imported once, here; nothing is opened: no child shares anything with another.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "procedures"))
os.environ["GX_ANALYTICS_ENABLED"] = "false"
os.environ["TQDM_DISABLE"] = "1"
LIMIT = 120.0  # seconds for one act


def warm() -> None:
    """Import what acts import, read the rules."""
    import duckdb  # noqa: F401
    import great_expectations  # noqa: F401
    import lxml.etree  # noqa: F401
    import openpyxl  # noqa: F401
    import psycopg  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import python_calamine  # noqa: F401
    import typst  # noqa: F401
    import xlsxwriter  # noqa: F401
    from ipgov.documents import sheets  # noqa: F401
    from ipgov.policy import store
    from ipgov.procedures import (  # noqa: F401
        approval,
        correction,
        cycles,
        evaluation_cycle,
        extensions,
        nightly_seal,
        submission_intake,
    )
    from ipgov.simulation import returned_list  # noqa: F401

    for programme in store.programmes():
        store.versions(programme)
    store.clauses()


def main() -> None:
    warm()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _child(asked)
        print(_ended(child, asked["after"]), flush=True)


def _ended(child: int, after: float | None) -> int:
    """Wait for a child and return how it ended; kill it ``after`` seconds if it still runs then."""
    begun = time.monotonic()
    killed = False
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if not killed and time.monotonic() - begun > (LIMIT if after is None else after):
            os.kill(child, signal.SIGKILL)
            killed = True
        time.sleep(0.002)


def _child(asked: dict[str, Any]) -> None:
    code = 1
    try:
        _act(asked)
        code = 0
    except BaseException:
        if asked["at"] is None:  # a victim's complaint is no news
            import traceback

            traceback.print_exc()
    finally:
        os._exit(code)  # nothing of the parent's is to be closed


def _act(asked: dict[str, Any]) -> None:
    """Do an act; at boundary number ``at`` the victim is killed."""
    import acts
    import boundaries
    from ipgov.core import database, objects, settings
    from ipgov.launcher import postgres
    from played_nation import Nation

    server, folder, answer = Path(asked["server"]), Path(asked["objects"]), Path(asked["answer"])
    os.environ["IPGOV_DATABASE_URL"] = postgres.url(server, asked["database"], postgres.APPLICATION)
    os.environ["IPGOV_STATE"] = str(folder.parent)
    for cached in (database.engine, objects.store, settings.settings):
        cached.cache_clear()
    reached: list[str] = []

    def boundary(what: str) -> None:
        if len(reached) == asked["at"]:
            _kill(asked["victim"], server, asked["database"])
        reached.append(what)

    boundaries.watch(boundary)
    nation, handed = Nation(folder), {}
    if asked["act"] == "setting":
        acts.setting(nation)
    else:
        handed = acts.ACTS[asked["act"]](nation, asked["told"])
    answer.write_text(json.dumps({"told": {**asked["told"], **handed}, "boundaries": reached}))


def _kill(victim: str, server: Path, database: str) -> None:
    if victim == "task":
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    postmaster = psutil.Process(int((server / "postmaster.pid").read_text().split()[0]))
    if victim == "postmaster":
        postmaster.kill()
        return
    for process in postmaster.children():  # the backends of this act
        if f" {database} " in " ".join(process.cmdline()):
            process.kill()


if __name__ == "__main__":
    main()
