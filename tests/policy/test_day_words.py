"""What the days of a cycle are called: in each programme's own words, on pages and in the manual."""

from __future__ import annotations

from pathlib import Path

import pytest
from ipgov.policy import store
from ipgov.policy.title_words import TitleFile, day_words


@pytest.mark.parametrize(
    ("programme", "due", "evaluated"),
    [
        ("functional_platform", "报送截止", "评价日"),
        ("industry_centre", "报送截止", "评价日"),
        ("industry_centre_self_evaluation", "报送截止", "评估日"),
        ("industry_centre_recognition", "申报截止", "评审日"),
    ],
)
def test_the_days_carry_the_words_of_the_programmes_rules(programme: str, due: str, evaluated: str) -> None:
    words = day_words(programme)
    assert (words.due, words.evaluate_on) == (due, evaluated)
    assert evaluated.removesuffix("日") in store.governing(programme, 2027).rules.cycle.operator


def test_only_programmes_that_there_are_have_words_of_their_own() -> None:
    from ipgov.core.settings import settings

    path = Path(settings().policies) / "titles.yaml"
    assert store.read_policy(TitleFile, path, "titles.yaml").days.keys() <= set(store.programmes())


def test_the_calendar_of_the_manual_uses_them() -> None:
    page = Path(__file__).parents[2] / "docs" / "manual" / "year.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    recognition = [line for line in lines if "申报与认定 | 2026" in line]
    assert [line.split("|")[4].strip() for line in recognition] == ["开启，发出空白表", "申报截止", "评审日"]
