"""What a case is to put right says its figures as people read them."""

from __future__ import annotations

from decimal import Decimal

from ipgov.evaluation.explain import Explanation, Step
from ipgov.followup.case_problems import from_evaluation
from ipgov.policy.cases import Problems
from ipgov.policy.store import governing

RULES = governing("industry_centre", 2027).rules


def test_a_rate_is_said_in_percent_and_a_count_with_its_unit() -> None:
    units = {"I04": "0.333333333333", "I11": "0.1", "I05": "45.5"}
    steps = tuple(
        Step(i.code, i.name, "score", "operator", Decimal(units[i.code]), i.unit, normalised=Decimal(12))
        for i in RULES.scoring.indicators
        if i.code in units
    )
    explained = Explanation(
        "IC01", "all", "", Decimal(12), 1, 1, "", "operator", None, None, "", "operator", (),
        Step("total", "总分", "total", "operator", children=steps),
    )  # fmt: skip
    found = from_evaluation(Problems(below=Decimal(60)), RULES.scoring, explained, (), None)
    assert {p.code: p.found.partition("，")[0] for p in found} == {
        "I04": "为33.33%",
        "I05": "为45.5%",
        "I11": "为10%",
    }
