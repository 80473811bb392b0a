"""The long campaign of ``make faults``: every boundary of every step, then instants on the whole stack.

``python campaign.py [--count 50] [--seed N] [--boundaries every|kinds|none] [--instants 200]``
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "procedures"))

import stacks
import trials
from trials import Cut, Laboratory, Played


def boundaries(folder: Path, which: str, instants: int, seed: int) -> list[str]:
    """Kill a task at boundaries, PostgreSQL at some of them, and a task at random instants."""
    lab = Laboratory(folder, tidy=True)
    try:
        played = lab.play()
        draw = random.Random(seed)  # noqa: S311
        every = list(trials.every_cut(played))
        cuts = every if which == "every" else [draw.choice(alike) for alike in trials.kinds(played)]
        cuts = cuts if which != "none" else []
        victims = [Cut(c.act, c.at, draw.choice(("backend", "postmaster"))) for c in draw.sample(every, 50)]
        found: list[str] = []
        for number, cut in enumerate(cuts + victims):
            found += _tell(lab.trial(played, cut), f"{number}/{len(cuts) + 50} {cut} {_name(played, cut)}")
        acts = sorted({c.act for c in every})
        for _ in range(instants):
            act = draw.choice(acts)
            found += _tell(lab.trial_at_random(played, act, draw.uniform(0, played.seconds[act])), act)
        told = Counter(c.victim for c in cuts + victims)
        print(f"{len(every)} boundaries; tried {dict(told)}, {instants} random instants", flush=True)
        return found
    finally:
        lab.close()


def _name(played: Played, cut: Cut) -> str:
    return played.boundaries[cut.act][cut.at[0]]


def _tell(found: list[str], what: str) -> list[str]:
    if found:
        print(what, *found[:10], sep="\n   ", flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=50, help="instants on the whole stack")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--boundaries", choices=("every", "kinds", "none"), default="every")
    parser.add_argument("--instants", type=int, default=200, help="random instants within a task")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    home = Path(tempfile.mkdtemp(prefix="ipg"))
    found: list[str] = []
    if options.boundaries != "none" or options.instants:
        (home / "b").mkdir()
        found += boundaries(home / "b", options.boundaries, options.instants, options.seed)
    if options.count:
        (home / "s").mkdir()
        found += stacks.campaign(home / "s", options.count, options.seed)
    print(f"{len(found)} differences" + (f"; what is left lies in {home}" if found else ""), flush=True)
    if not found:
        shutil.rmtree(home)
    return int(bool(found))


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.exit(main())
