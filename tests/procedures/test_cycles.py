"""Opening a period: what is frozen, when, and what is refused."""

from __future__ import annotations

import datetime as dt

import pytest
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import Mode


def test_only_what_is_due_and_not_too_old_opens_by_itself(nation, monkeypatch):
    from ipgov.core.settings import settings
    from ipgov.procedures import cycles

    monkeypatch.setattr(settings(), "automatic_from", 2024)
    assert cycles.to_open(dt.date(2025, 1, 9)) == []  # opens on 2025-01-10
    assert cycles.to_open(dt.date(2025, 1, 10)) == [["functional_platform", "2024"]]
    nation.open(2024)
    assert cycles.to_open(dt.date(2025, 1, 10)) == []
    assert cycles.to_open(dt.date(2025, 1, 10), "2023") == [["functional_platform", "2023"]]


@pytest.mark.parametrize("asked", ["24", "二〇二四", "2024年", "-2024", "２０２４"])
def test_a_period_that_is_no_year_is_refused(nation, asked):
    from ipgov.procedures import cycles

    with pytest.raises(UnknownError, match="应为四位年份"):
        cycles.to_open(dt.date(2025, 1, 10), asked)


def test_a_period_opens_neither_early_nor_before_the_first_nor_without_rules(nation):
    from ipgov.procedures import cycles

    with pytest.raises(RefusedError, match="自 2024-01-10 起开启"):
        cycles.open_cycle(nation.cycle(2023, dt.date(2024, 1, 9)))
    with pytest.raises(UnknownError, match="2023-09-05"):
        cycles.open_cycle(nation.cycle(2022, dt.date(2024, 1, 9)))


def test_an_opened_period_keeps_its_rules_whatever_the_files_say_later(nation, monkeypatch):
    from ipgov.core.database import reading
    from ipgov.policy import store
    from ipgov.procedures import cycles

    frozen = nation.open(2023).output["rule_sha256"]

    def changed(programme, year):
        raise AssertionError("the files were asked")

    monkeypatch.setattr(store, "governing", changed)
    with reading() as connection:
        loaded = cycles.rules_of(connection, nation.cycle(2023, dt.date(2024, 4, 16)))
    assert loaded.sha256 == frozen


def test_a_live_cycle_that_was_never_opened_is_refused(nation):
    from ipgov.core.database import reading
    from ipgov.procedures import cycles

    with reading() as connection:
        with pytest.raises(UnknownError, match="尚未开启"):
            cycles.rules_of(connection, nation.cycle(2023, dt.date(2024, 4, 16)))
        recalculated = nation.cycle(2023, dt.date(2024, 4, 16), Mode.RECALCULATE)
        assert cycles.rules_of(connection, recalculated).rules.version == "2023-09-05"


def test_an_evaluation_before_its_day_is_refused(nation):
    from ipgov.procedures import evaluation_cycle

    nation.open(2023)
    with pytest.raises(RefusedError, match="自 2024-04-16 起评价"):
        evaluation_cycle.freeze(nation.cycle(2023, dt.date(2024, 4, 15)))
