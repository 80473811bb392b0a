"""Runs acts in processes of their own, kills them, does them again, and compares what is left.

Every trial starts from a copy of what lay before its act, so that it lasts no longer than the act itself. The
processes are forked from one that has imported everything and opened nothing.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import acts
import laboratory
from laboratory import Contents

MIGRATE = """
import datetime as dt
from ipgov.procedures import policy_changes
policy_changes.migrate("simulation", "laboratory", dt.datetime(2023, 1, 2, tzinfo=dt.UTC), "tester")
"""


@dataclass(frozen=True)
class Place:
    """A database and an object store."""

    server: Path  # the folder of the PostgreSQL cluster
    database: str
    objects: Path

    def contents(self) -> Contents:
        return laboratory.contents(self.server, self.database, self.objects)

    def copy(self, database: str, folder: Path) -> Place:
        from ipgov.launcher import postgres

        postgres.ensure_database(self.server, database, owner=postgres.OWNER, template=self.database)
        laboratory.copy_objects(self.objects, folder / "objects")
        return Place(self.server, database, folder / "objects")

    def remove(self) -> None:
        from ipgov.launcher import postgres

        postgres.drop_database(self.server, self.database)
        shutil.rmtree(self.objects)


class Zygote:
    """The process from which acts are forked (``zygote.py``): all is imported, nothing opened."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **asked: Any) -> int:
        """Have an act done; return how its process ended (as ``subprocess`` tells it)."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        return int(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


@dataclass
class Played:
    """The undisturbed year: what lay before each act, what each handed on, where each can be cut."""

    before: dict[str, Place]
    told: dict[str, dict[str, Any]]  # before each act
    handed: dict[str, dict[str, Any]]  # after it
    boundaries: dict[str, list[str]]
    seconds: dict[str, float]
    after: dict[str, Contents] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Cut:
    """One trial: at which boundaries of an act, one after the other, which victim is killed."""

    act: str
    at: tuple[int, ...]
    victim: str = "task"


class Laboratory:
    """A server of its own, in which the year was played once without a fault."""

    def __init__(self, folder: Path, *, tidy: bool = False) -> None:
        """``tidy`` drops every database after its trial: half a second and ten megabytes each."""
        from ipgov.launcher import postgres

        self.folder, self.server, self.count, self.tidy = folder, folder / "pg", 0, tidy
        postgres.start(self.server, survive=True)
        laboratory.careless(self.server)
        self.zygote = Zygote()

    def empty(self) -> Place:
        """Return a migrated database of which the clock stands still."""
        from ipgov.launcher import postgres

        postgres.ensure_database(self.server, "template", owner=postgres.OWNER)
        variables = {
            "IPGOV_OWNER_DATABASE_URL": postgres.url(self.server, "template", postgres.OWNER),
            "IPGOV_STATE": str(self.folder),
        }
        subprocess.run([sys.executable, "-c", MIGRATE], env={**os.environ, **variables}, check=True)
        laboratory.still_clock(self.server, "template")
        return Place(self.server, "template", self.folder / "objects")

    def run(
        self, place: Place, name: str, told: dict[str, Any], at: int | None = None, victim: str = "task",
        after: float | None = None,
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        """Do an act in a child; return how it ended and what it handed on; kill it ``after`` seconds."""
        answer = place.objects.parent / "answer.json"
        answer.unlink(missing_ok=True)
        code = self.zygote.ask(
            server=str(place.server),
            database=place.database,
            objects=str(place.objects),
            act=name,
            told=told,
            answer=str(answer),
            at=at,
            victim=victim,
            after=after,
        )
        return code, json.loads(answer.read_text()) if answer.exists() else {}

    def close(self) -> None:
        """Stop the server; the databases lie in the laboratory's folder."""
        from ipgov.launcher import postgres

        self.zygote.close()
        postgres.stop(self.server)

    def fresh(self, source: Place) -> Place:
        self.count += 1
        folder = self.folder / f"t{self.count}"
        folder.mkdir()
        return source.copy(f"t{self.count}", folder)

    def play(self) -> Played:
        """Play the year without a fault, keeping what lay before every act."""
        played = Played({}, {}, {}, {}, {})
        place = self.fresh(self.empty())
        assert self.run(place, "setting", {})[0] == 0
        told: dict[str, Any] = {}
        for name in acts.ACTS:
            played.before[name], played.told[name] = place, told
            place = self.fresh(place)
            begun = time.monotonic()
            code, got = self.run(place, name, told)
            assert code == 0, name
            played.seconds[name] = time.monotonic() - begun
            told = played.handed[name] = got["told"]
            played.boundaries[name] = got["boundaries"]
            played.after[name] = place.contents()
        return played

    def trial(self, played: Played, cut: Cut) -> list[str]:
        """Cut an act, do it again as a retry would, and tell what differs from the undisturbed year."""
        place = self.fresh(played.before[cut.act])
        for at in cut.at:
            code, _ = self.run(place, cut.act, played.told[cut.act], at, cut.victim)
            if cut.victim == "task":
                if code != -signal.SIGKILL:
                    assert code == 0, f"{cut}: ended with {code}"
                    break  # a retry has fewer boundaries than the whole act
            else:
                revive(self.server)
        return self._retried(played, cut.act, place, str(cut))

    def trial_at_random(self, played: Played, act: str, after: float) -> list[str]:
        """The same, killed after some seconds, wherever it then is."""
        place = self.fresh(played.before[act])
        self.run(place, act, played.told[act], after=after)
        return self._retried(played, act, place, f"{act} after {after:.3f} s")

    def _retried(self, played: Played, act: str, place: Place, what: str) -> list[str]:
        code, got = self.run(place, act, played.told[act])
        if code != 0:
            return [f"{what}: the retry ended with {code}"]
        told = played.after[act].differences(place.contents())
        if got["told"] != played.handed[act]:
            told.append(f"handed on {got['told']} instead of {played.handed[act]}")
        if self.tidy:
            place.remove()
        return [f"{what}: {t}" for t in told]


def revive(server: Path) -> None:
    """Start the server again if it was killed, and wait until it answers, as it is whole again."""
    from ipgov.launcher import postgres

    limit = time.monotonic() + 60
    while True:
        try:
            postgres.start(server, survive=True)
            with postgres.connect(server) as connection:
                connection.execute("SELECT 1")
            return
        except Exception:
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


def every_cut(played: Played) -> Iterator[Cut]:
    """Every boundary of every act of ours."""
    for name, found in played.boundaries.items():
        if name not in acts.WORLD:
            yield from (Cut(name, (at,)) for at in range(len(found)))


def kinds(played: Played) -> list[list[Cut]]:
    """All boundaries, those that are alike (one act, one name) together."""
    alike: dict[tuple[str, str], list[Cut]] = {}
    for cut in every_cut(played):
        alike.setdefault((cut.act, played.boundaries[cut.act][cut.at[0]]), []).append(cut)
    return list(alike.values())


def chosen_cuts(played: Played, without: Collection[str], more: int, seed: int) -> list[Cut]:
    """One boundary of every kind of all acts but some, and ``more`` of any act.

    A boundary is tried in the quickest act that has one of its name; what follows a commit, in every act:
    there a retry finds part of its work done.
    """
    draw = random.Random(seed)  # noqa: S311
    chosen: dict[str, Cut] = {}
    for alike in sorted(kinds(played), key=lambda cuts: played.seconds[cuts[0].act]):
        act, name = alike[0].act, played.boundaries[alike[0].act][alike[0].at[0]]
        if act not in without:
            kind = f"{act} {name}" if name.startswith("after commit") else name
            chosen.setdefault(kind, draw.choice(alike))
    return list(chosen.values()) + draw.sample(list(every_cut(played)), more)
