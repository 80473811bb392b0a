"""A task is killed at a step boundary and run again: what is left is what an undisturbed year leaves.

Here one boundary of every kind; ``make faults`` tries every one.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "procedures"))

import laboratory
import trials
from trials import Cut, Laboratory, Played

SLOW, MORE, SEED = ("correct",), 4, 20260415  # that act alone would take as long as all others
STAGES = ("before put", "temporary file made", "temporary file written", "name given", "after put")
COMMITTED = (
    "document_number", "seal", "step_run", "decision", "issue", "dispatch_attempt", "submission",
)  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        found = Laboratory(Path(folder))
        yield found
        found.close()


@pytest.fixture(scope="module")
def played(lab: Laboratory) -> Played:
    return lab.play()


def test_an_undisturbed_year_is_the_same_every_time(lab: Laboratory, played: Played) -> None:
    """Nothing but what a kill does can make a difference below; and the comparison sees one."""
    for act in ("freeze", "sign"):
        place = lab.fresh(played.before[act])
        before = place.contents()
        assert lab.run(place, act, played.told[act])[0] == 0
        assert played.after[act].differences(place.contents()) == []
        assert played.after[act].differences(before)  # what the act did


def test_the_year_has_every_kind_of_boundary(played: Played) -> None:
    names = {name for found in played.boundaries.values() for name in found}
    for kind in ("content", "outbox", "seals", "seal-marks", "reports"):
        for stage in (
            "before put",
            "temporary file made",
            "temporary file written",
            "name given",
            "after put",
        ):
            assert f"{stage} of {kind}" in names
    for table in (
        "document_number",
        "seal",
        "step_run",
        "decision",
        "issue",
        "dispatch_attempt",
        "submission",
    ):
        assert [n for n in names if n.startswith("after commit") and table in n.split()[-1].split("+")], table
    assert len(list(trials.every_cut(played))) > 1000
    assert len(laboratory.numbers(played.after["night"])) > 30


def test_a_task_killed_at_any_kind_of_boundary(lab: Laboratory, played: Played) -> None:
    cuts = trials.chosen_cuts(played, SLOW, MORE, SEED)
    assert len(cuts) > 30
    assert [told for cut in cuts for told in lab.trial(played, cut)] == []


def test_a_retry_is_killed_as_well(lab: Laboratory, played: Played) -> None:
    last = len(played.boundaries["sign"]) - 1
    assert lab.trial(played, Cut("sign", (2, last - 3, 1))) == []


@pytest.mark.parametrize("victim", ["backend", "postmaster"])
@pytest.mark.parametrize("when", ["before commit", "after commit"])
def test_postgresql_is_killed(lab: Laboratory, played: Played, victim: str, when: str) -> None:
    for act, table in (("freeze", "snapshot"), ("sign", "seal")):
        names = played.boundaries[act]
        at = next(n for n, name in enumerate(names) if name.startswith(when) and table in name)
        assert lab.trial(played, Cut(act, (at,), victim)) == []
