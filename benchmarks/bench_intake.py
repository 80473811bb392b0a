"""How long intake takes: 1,000 workbooks to checked values, and 100 of them received, recorded and answered.

    .venv/bin/python benchmarks/bench_intake.py

The measure is openpyxl's time for merely opening the same files and looking at every cell. Rounds alternate,
and the medians are compared, since the machine may have other work. Workbooks and bodies are synthetic.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from ipgov.intake import forms
from ipgov.intake.reading import Expected, read_submission
from ipgov.policy import store
from ipgov.registry.organisations import Organisation
from ipgov.registry.platforms import Unit

PROGRAMME, PERIOD = "functional_platform", "2025"
FILES, ROUNDS, CYCLES = 1_000, 3, 100
HOST = Organisation("91310000MA1FL00000", "示例依托单位", "31", central_enterprise=False)
File = tuple[bytes, str, str]  # content, unit, kind


def unit_of(code: str, kind: str) -> Unit:
    return Unit(code, f"示例{kind}平台", kind, "31", "province", HOST, HOST, dt.date(2023, 9, 5))


def sound(kind: str, chance: random.Random) -> dict[str, forms.Filled]:
    """Some possible answer to every field."""

    def answer(field: Any) -> Decimal | dt.date | str:
        match field.type:
            case "yes_no":
                return "是"
            case "date":
                return dt.date(2026, 3, 1)
            case "text":
                return "张三"
        top = min(field.maximum or Decimal(100), Decimal(100_000))
        return Decimal(chance.randrange(int(top)))

    fields = store.governing(PROGRAMME, int(PERIOD)).rules.form.fields_for(kind)
    return {code: forms.Filled(answer(field)) for code, field in fields.items()}


def workbook(code: str, kind: str, chance: random.Random, **wrong: forms.Filled) -> bytes:
    rules = store.governing(PROGRAMME, int(PERIOD))
    return forms.draw(
        rules.rules, rules.sha256, PERIOD, unit_of(code, kind), "", sound(kind, chance) | wrong, None
    )


def check(files: list[File]) -> int:
    """Read files to checked values; return how many values there are."""
    rules = store.governing(PROGRAMME, int(PERIOD))
    count = 0
    for data, code, kind in files:
        reading = read_submission(
            data, f"{code}.xlsx", Expected(PROGRAMME, PERIOD, unit_of(code, kind)), rules
        )
        assert reading.readable, reading.problems
        count += len(reading.values)
    return count


def merely_read(files: list[File]) -> int:
    """Open files with openpyxl and look at every cell; return how many are filled."""
    import openpyxl

    count = 0
    for data, _, _ in files:
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
        count += sum(c is not None for s in book for row in s.iter_rows(values_only=True) for c in row)
    return count


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def reading() -> None:
    """Compare the two, and one process with two."""
    chance = random.Random(20230905)
    kinds = list(store.governing(PROGRAMME, int(PERIOD)).rules.kinds)
    listed = [(f"FP{n:04}", kinds[n % len(kinds)]) for n in range(FILES)]
    files = [(workbook(code, kind, chance), code, kind) for code, kind in listed]
    halves = files[::2], files[1::2]
    # spawned: forked ones would share nothing that matters, and threads of a library may hold locks
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(check, (files[:20], files[20:40])))
        ways = {
            "to checked values, one process": lambda: check(files),
            "to checked values, two processes": lambda: list(pool.map(check, halves)),
            "openpyxl merely reads": lambda: merely_read(files),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, work in ways.items():
                taken[name].append(timed(work))
    medians = {name: median(times) for name, times in taken.items()}
    for name, seconds in medians.items():
        every = "、".join(f"{t:.2f}" for t in taken[name])
        print(f"{name:<36}{1000 * seconds / FILES:7.2f} ms a file  ({every} s)")
    one, two, other = medians.values()
    print(f"one process / openpyxl {one / other:.2f} (at most 0.5); two / one {two / one:.2f} (near 0.5)")


def cycles() -> None:
    """Receive and answer files of the synthetic nation, every second one with two faults."""
    from ipgov.core.database import transaction
    from ipgov.core.objects import store as objects
    from ipgov.core.steps import SHANGHAI, Cycle
    from ipgov.launcher import postgres as embedded
    from ipgov.procedures import cycles as opening
    from ipgov.procedures import submission_intake as intake
    from ipgov.procedures.policy_changes import migrate
    from ipgov.registry.platforms import roster
    from ipgov.simulation import nation

    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        data = Path(folder) / "pg"
        server = embedded.start(data)
        embedded.ensure_database(data, "ipgov", owner=embedded.OWNER)
        os.environ["IPGOV_DATABASE_URL"] = embedded.url(data, "ipgov", embedded.APPLICATION)
        os.environ["IPGOV_OWNER_DATABASE_URL"] = embedded.url(data, "ipgov", embedded.OWNER)
        os.environ["IPGOV_STATE"] = folder
        _forget()
        migrate("simulation", "benchmark", dt.datetime(2024, 1, 2, tzinfo=dt.UTC), "benchmark")
        day = dt.date(2026, 3, 10)
        moment = dt.datetime.combine(day, dt.time(20), tzinfo=SHANGHAI)
        with transaction() as connection:
            nation.register(connection)
            units = roster(connection, PROGRAMME, day, moment)
        opening.open_cycle(Cycle(PROGRAMME, PERIOD, day, moment))
        chance = random.Random(1)
        faults = {"F08": forms.Filled("很多"), "F10": forms.Filled(Decimal(120))}
        for n in range(CYCLES):
            unit = units[n % len(units)]
            book = workbook(unit.unit, unit.kind, chance, **(faults if n % 2 else {}))
            objects().put(f"inbox/{PROGRAMME}/{PERIOD}/{unit.province}/{unit.unit}/{n:03}.xlsx", book)
        now = dt.datetime.now(dt.UTC)
        start = time.perf_counter()
        result = intake.receive(intake.new_objects(now), day, now)
        taken = time.perf_counter() - start
        outcomes = list(result.output["outcomes"].values())
        assert len(outcomes) == CYCLES, outcomes
        print(
            f"{CYCLES} files received, recorded and answered: {1000 * taken / CYCLES:.0f} ms each, "
            + "、".join(f"{outcomes.count(o)} {o}" for o in sorted(set(outcomes)))
        )
        _forget()
        server.cleanup()


def _forget() -> None:
    """Drop what was cached for other settings."""
    from ipgov.core import database, objects, settings

    if database.engine.cache_info().currsize:
        database.engine().dispose()
    for cached in (database.engine, objects.store, settings.settings):
        cached.cache_clear()


if __name__ == "__main__":
    reading()
    cycles()
