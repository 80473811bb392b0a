"""A year on the whole stack, whose processes are killed while it runs; what is left, compared."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import laboratory
import psutil
from ipgov.launcher import airflow, guard, postgres, processes
from laboratory import Contents

SCRIPT = Path(__file__).with_name("run_story.py")
COMPONENTS = ("scheduler", "api-server", "dag-processor", "triggerer")
VICTIMS = ("task", "worker", *COMPONENTS, "postmaster", "backend")
LIMIT = 900.0  # seconds for one year
# Airflow's own time of a person's answer; of all that we store, the only moment that no run's conf gives.
ANSWERED = (
    "IF TG_TABLE_NAME IN ('decision', 'refused_decision') THEN NEW.answered_at := NEW.known_at; END IF;"
)


@dataclass
class Killed:
    """What became of a year: what was killed when, and what it left."""

    kills: list[str] = field(default_factory=list)
    told: Contents | None = None
    problem: str = ""
    output: str = ""
    seconds: float = 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepared(state: Path) -> None:
    """Make an installation, ready and stopped, whose database has a laboratory's clock."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(state), str(free_port()), "--prepare"],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    data = state / "pg"
    postgres.start(data, survive=True)
    try:
        laboratory.still_clock(data, airflow.GOVERNANCE_DATABASE, also=ANSWERED)
    finally:
        postgres.stop(data)


def year(prepared_state: Path, state: Path, kills: Sequence[tuple[float, str]], seed: int) -> Killed:
    """Play a year from a copy of an installation; ``kills``: seconds since the kill before, and a victim."""
    subprocess.run(["cp", "-a", str(prepared_state), str(state)], check=True)
    killed, begun = Killed(), time.monotonic()
    with (state / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(state), str(free_port())],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _kill_all(process, state, kills, killed, random.Random(seed))  # noqa: S311
        process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        killed.problem = f"did not end within {LIMIT} s"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        guard.clear(state)
    killed.seconds = time.monotonic() - begun
    killed.output = (state / "output").read_text(encoding="utf-8")
    if process.returncode and not killed.problem:
        killed.problem = f"ended with {process.returncode}"
    if not killed.problem:
        killed.told = contents(state)
        shutil.rmtree(state)
    return killed


def contents(state: Path) -> Contents:
    """Read what a stopped installation has stored."""
    data = state / "pg"
    postgres.start(data, survive=True)
    try:
        return laboratory.contents(data, airflow.GOVERNANCE_DATABASE, state / "objects")
    finally:
        postgres.stop(data)


def _kill_all(
    process: subprocess.Popen[bytes],
    state: Path,
    kills: Sequence[tuple[float, str]],
    killed: Killed,
    draw: random.Random,
) -> None:
    begun = time.monotonic()
    while process.poll() is None and b"PLAYING" not in (state / "output").read_bytes():
        assert time.monotonic() - begun < 300, (state / "output").read_text()
        time.sleep(0.1)
    begun = time.monotonic()
    for wait, victim in kills:
        until = time.monotonic() + wait
        while time.monotonic() < until:
            time.sleep(0.02)
        limit = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < limit:
            found = victims(state, victim)
            if found:
                chosen = draw.choice(sorted(found, key=lambda p: p.pid))
                try:
                    title = " ".join(chosen.cmdline())[-60:]
                    chosen.kill()
                except psutil.NoSuchProcess:
                    continue
                killed.kills.append(f"{time.monotonic() - begun:6.2f} s {victim}: {title}")
                break
            time.sleep(0.01)


def victims(state: Path, what: str) -> list[psutil.Process]:
    """Return the running processes of an installation that are of a kind."""
    try:
        if what in ("postmaster", "backend"):
            first = postgres.postmaster(state / "pg")
            if first is None:
                return []
            return [first] if what == "postmaster" else first.children()
        record = processes.load(state)
        if record is None:
            return []
        if what in COMPONENTS:
            identity = record.components.get(what)
            return [psutil.Process(identity.pid)] if identity and identity.alive() else []
        scheduler = record.components.get("scheduler")
        workers = psutil.Process(scheduler.pid).children() if scheduler and scheduler.alive() else []
        if what == "worker":
            return workers
        return [task for worker in workers for task in worker.children()]
    except (psutil.NoSuchProcess, OSError):
        return []


def campaign(folder: Path, count: int, seed: int, each: int = 5, window: float = 30) -> list[str]:
    """Kill ``count`` times at random instants, ``each`` times a year; tell every difference and problem."""
    draw = random.Random(seed)  # noqa: S311
    prepared(folder / "p")
    undisturbed = year(folder / "p", folder / "u", (), seed)
    assert undisturbed.told is not None, undisturbed.problem + undisturbed.output
    print(f"undisturbed: {undisturbed.seconds:.0f} s", flush=True)
    order = [VICTIMS[n % len(VICTIMS)] for n in range(count)]
    draw.shuffle(order)
    found: list[str] = []
    done = 0
    while done < count:
        part = order[done : done + each]
        instants = sorted(draw.uniform(0, window) for _ in part)
        waits = [b - a for a, b in zip([0.0, *instants], instants, strict=False)]
        told = year(folder / "p", folder / f"y{done}", list(zip(waits, part, strict=True)), seed + done)
        done += len(part)
        left = told.told or Contents({}, {})
        wrong = [told.problem] if told.problem else undisturbed.told.differences(left)
        print(f"{done}/{count}: {told.seconds:.0f} s, {len(wrong)} differences", *told.kills, sep="\n  ")
        if wrong:
            print(*wrong[:20], told.output, sep="\n  ")
        sys.stdout.flush()
        found += wrong
    return found
