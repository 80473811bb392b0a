"""Who owes the workbook of a period: those whom the period concerns, by the day of their recognition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from ipgov.followup.facts import Body, Facts, OpenedPeriod, TitleChange
from ipgov.followup.openings import calls, sources
from ipgov.policy import store
from ipgov.policy.duty_store import duties
from ipgov.policy.rules import RuleVersion

OPENED = dt.date(2028, 1, 10)
RULES = store.governing("industry_centre", 2027).rules


def asked(rules: RuleVersion, changes: Sequence[tuple[bool, dt.date, bool]], period: str = "2027") -> bool:
    """Tell whether a centre with these titles (held, from when, by recognition) owes the workbook."""
    before = dt.date(2025, 1, 1)
    facts = Facts(
        since=before,
        bodies=(Body("industry_centre", "IC1", "甲", "31", "province", "H1", "O1", before, before),),
        titles=tuple(
            TitleChange("industry_centre", "IC1", held, on, on, recognises=recognises)
            for held, on, recognises in changes
        ),
        periods=(
            OpenedPeriod(
                1, "industry_centre", period, OPENED, rules.cycle.due, dt.date(2028, 3, 31),
                dt.date(2028, 5, 1), OPENED, rules,
            ),
        ),
    )  # fmt: skip
    day = OPENED + dt.timedelta(days=1)
    mine = [s for s in sources(facts, duties(), day) if s.rule.duty.code == "centre_evaluation"]
    assert len(mine) == 1
    return bool(calls(mine[0], facts, day))


@pytest.mark.parametrize(
    ("recognised", "owes"),
    [
        (dt.date(2025, 6, 30), True),
        (dt.date(2027, 1, 1), True),  # the first of a year: a whole year
        (dt.date(2027, 1, 2), False),
        (dt.date(2028, 1, 5), False),
    ],
)
def test_whoever_is_not_evaluated_yet_is_not_asked(recognised: dt.date, owes: bool) -> None:
    assert asked(RULES, [(True, recognised, True)]) is owes


def test_a_title_given_back_counts_from_its_recognition() -> None:
    lost = (False, dt.date(2027, 3, 1), True)
    assert asked(RULES, [(True, dt.date(2025, 6, 30), True), lost, (True, dt.date(2027, 5, 1), False)])
    assert not asked(RULES, [(True, dt.date(2025, 6, 30), True), lost, (True, dt.date(2027, 5, 1), True)])
    assert not asked(RULES, [(True, dt.date(2025, 6, 30), True), lost])


def test_by_cohort_only_those_whose_three_years_are_full_are_asked() -> None:
    cycle = RULES.cycle.model_copy(update={"anchor": "recognition"})
    rules = RULES.model_copy(update={"cycle": cycle})
    assert asked(rules, [(True, dt.date(2025, 6, 30), True)])
    assert not asked(rules, [(True, dt.date(2026, 1, 1), True)])
