"""The overview counts the bodies of the programme that a cycle of yearly reports is about."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from evaluated_cohort import YEARLY
from ipgov.console import queries
from ipgov.core.database import reading
from self_evaluating_centres import Centres


@pytest.fixture
def centres(database: Path) -> Centres:
    made = Centres(database / "objects")
    made.register()
    made.open(YEARLY, made.year)
    return made


def test_a_year_of_the_centres_expects_the_centres(centres: Centres) -> None:
    centres.send_year("IC01", dt.date(2025, 12, 15))
    with reading() as connection:
        (row,) = [c for c in queries.cycles(connection) if c["programme"] == YEARLY]
    assert (row["expected"], row["accepted"], row["missing"]) == (5, 1, 4)
