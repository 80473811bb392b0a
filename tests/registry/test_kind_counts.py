"""3/2/4/3 on 2023-09-05, and on no other day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from ipgov.policy.rules import RuleVersion
from ipgov.policy.store import in_force
from ipgov.registry.checks import check_kind_counts, check_routes
from ipgov.registry.titles import record_title_event
from sqlalchemy import Connection

PROGRAMME = "functional_platform"
KNOWN_AT = dt.datetime(2023, 9, 6, 1, 0, tzinfo=dt.UTC)
DAY = dt.date(2023, 9, 5)
TWELVE = ["trading"] * 3 + ["financial"] * 2 + ["characteristic"] * 4 + ["tool"] * 3
Title = Callable[..., None]


@pytest.fixture
def rules() -> RuleVersion:
    return in_force(PROGRAMME, DAY).rules


@pytest.fixture
def twelve(title: Title) -> None:
    for number, kind in enumerate(TWELVE, 1):
        title(f"FP{number:02d}", kind)


@pytest.mark.clause("2023-156#09", "2023-156#01")
def test_the_published_twelve_have_no_problem(
    connection: Connection, rules: RuleVersion, twelve: None
) -> None:
    assert check_kind_counts(connection, rules, KNOWN_AT) == []


@pytest.mark.clause("2023-156#09")
def test_one_too_many_and_one_too_few_are_both_told(
    connection: Connection, rules: RuleVersion, title: Title
) -> None:
    for number, kind in enumerate(["trading", *TWELVE[:-1]], 1):
        title(f"FP{number:02d}", kind)
    problems = check_kind_counts(connection, rules, KNOWN_AT)
    assert [(p.found, p.expected, p.basis) for p in problems] == [
        ("2023-09-05 交易服务类平台有 4 家", "3 家", "2023-156#09"),
        ("2023-09-05 工具支撑类平台有 2 家", "3 家", "2023-156#09"),
    ]


def test_nothing_known_yet_is_four_problems(connection: Connection, rules: RuleVersion, twelve: None) -> None:
    problems = check_kind_counts(connection, rules, KNOWN_AT - dt.timedelta(1))
    assert [p.expected for p in problems] == ["3 家", "2 家", "4 家", "3 家"]


def test_a_later_change_of_the_list_is_no_problem(
    connection: Connection, rules: RuleVersion, twelve: None, title: Title, approval: Callable[..., int]
) -> None:
    record_title_event(
        connection, PROGRAMME, "FP01", "cancelled", dt.date(2023, 9, 6), "2023-156#21", "", KNOWN_AT,
        by="issuer", round_id=approval(),
    )  # fmt: skip
    title("FP13", "tool", recognised_on=dt.date(2024, 1, 1))
    assert check_kind_counts(connection, rules, KNOWN_AT) == []


@pytest.mark.clause("2023-156#11", "2023-156#13")
def test_tool_platforms_report_directly_and_local_ones_through_the_province(
    connection: Connection, rules: RuleVersion, twelve: None, title: Title
) -> None:
    assert check_routes(connection, rules, DAY, KNOWN_AT) == []
    title("FP13", "tool", route="province")
    title("FP14", "trading", route="direct")
    problems = check_routes(connection, rules, DAY, KNOWN_AT)
    assert [(p.found, p.expected, p.basis) for p in problems] == [
        ("FP13 示例平台FP13（工具支撑类）登记为经省级知识产权局报送", "直接报送", "2023-156#09、2023-156#11"),
        ("FP14 示例平台FP14（交易服务类）登记为直接报送", "经省级知识产权局报送", "2023-156#09、2023-156#13"),
    ]
