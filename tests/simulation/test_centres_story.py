"""The centres of the synthetic nation live from application to their fates by the procedures of every day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from ipgov.core.settings import settings
from ipgov.simulation import actors
from ipgov.simulation.centres import Centres

FATES = {
    "IC01": "recognised", "IC02": "recognised", "IC03": "not_recognised", "IC04": "recognised",
    "IC05": "cancelled", "IC06": "not_recognised", "IC07": "cancelled",
}  # fmt: skip


class Cast(Centres):
    """The centres' people, and whoever publishes the filing data month by month."""

    def acts_on(self, day: dt.date) -> bool:
        return day.day == 8 or super().acts_on(day)

    def morning(self, day: dt.date, known_at: dt.datetime) -> list[str]:
        monthly = actors.script()["monthly"]
        if day.day == monthly["day"]:
            actors.ACTS["report"](monthly, day, known_at)
        return super().morning(day, known_at)


@pytest.fixture(scope="module")
def told() -> dict[dt.date, str]:
    return {}


@pytest.fixture
def lived(
    database: Path, monkeypatch: pytest.MonkeyPatch, told: dict[dt.date, str], capsys
) -> Iterator[Path]:
    """A simulation with the fictitious notices, after the whole story."""
    from ipgov.launcher import accounts
    from ipgov.simulation import centre_summary, centres, fast_forward, fictitious_holidays

    monkeypatch.setenv("IPGOV_CALENDARS", str(fictitious_holidays.supply(database)))
    settings.cache_clear()
    accounts.register_officers(accounts.DEMO_PEOPLE)
    first, last = centres.script()["begins"], centres.script()["ends"]
    days = (last - first).days + 1
    for played in fast_forward.forward(first, days, Cast(), evaluate=centres.PROGRAMMES):
        told[played.day] = "；".join(played.told)
    with capsys.disabled():
        print("\n".join(centre_summary.centre_summary(last, fast_forward.end_of(last))))
    yield database
    settings.cache_clear()


def test_each_fate(lived: Path, told: dict[dt.date, str]) -> None:
    from ipgov.core.database import reading
    from ipgov.registry.titles import standings
    from ipgov.simulation import centres, fast_forward

    last = centres.script()["ends"]
    with reading() as connection:
        found = standings(connection, centres.TITLE, last, fast_forward.end_of(last))
    assert {u: s.code for u, s in found.items()} == FATES
