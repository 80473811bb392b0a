"""A form that accepts an earlier version says what each field was then; the check proves the map."""

from __future__ import annotations

import pytest
from ipgov.policy.check import check
from spoiling import V2, Changes, Policies, one

ACCEPTS = ("accepts: [2]", "accepts: [1, 2]")
F15 = "{code: F15, label: 专职人员数, unit: 人, type: count"


def test_a_form_accepts_the_version_before_it_where_nothing_changed(policies: Policies) -> None:
    policies.edit(V2, ACCEPTS)
    assert check() == []


def test_a_field_renamed_and_one_that_is_new_are_right(policies: Policies) -> None:
    policies.edit(
        V2,
        ACCEPTS,
        (F15, F15.replace("专职人员数", "专职人员").replace("{", "{earlier: {'1': F15}, ", 1)),
        ("{code: F29, label", "{earlier: {'1': null}, always_asked: true, code: F29, label"),
    )
    assert check() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            one(F15, F15.replace("专职人员数", "专职人员")),
            "未写明：第 1 版的 F15 是“专职人员数”，今为“专职人员”",
        ),
        (one(F15, F15.replace("{", "{earlier: {'1': F99}, ", 1)), "第 1 版没有栏目 F99"),
        (one(F15, F15.replace("{", "{earlier: {'1': F14}, ", 1)), "第 1 版的 F14 已由栏目 F14 承接"),
        (one(F15, F15.replace("{", "{earlier: {'7': F15}, ", 1)), "第 7 版不是本表以前的版本"),
        (one(F15, F15.replace("{", "{earlier: {'2': F15}, ", 1)), "第 2 版不是本表以前的版本"),
        (one(F15, F15.replace("unit: 人", "unit: 个")), "计量单位由“人”改为“个”，不能换算"),
        (one("label: 填表人, type: text", "label: 填表人, type: yes_no"), "类型由 text 改为 yes_no"),
    ],
)
def test_a_map_that_is_wrong_is_found(policies: Policies, changes: Changes, message: str) -> None:
    policies.edit(V2, ACCEPTS, *changes)
    problems = check()
    assert any(message in p.found and p.check == "policy_earlier_fields" for p in problems), problems
    assert {p.file for p in problems} == {f"policies/{V2}"}


DATE = "{code: F27, label: 填表日期, type: date"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("earliest: 2025-01-01, latest: 2024-12-31", "晚于 latest"),
        ("earliest: {month: 2, day: 30}", "2 月没有 30 日"),
        ("latest: {month: 3, day: 31, years_after: 1, roll: true}", "写了 roll"),
    ],
)
def test_days_that_cannot_be_limits(policies: Policies, more: str, message: str) -> None:
    policies.edit(V2, (DATE, f"{DATE}, {more}"))
    (problem,) = check()
    assert (problem.check, message in problem.found) == ("policy_field_limits", True)


def test_days_are_limits_of_dates_only(policies: Policies) -> None:
    policies.edit(V2, (F15, f"{F15}, earliest: 2025-01-01"))
    (problem,) = check()
    assert "没有日期范围" in problem.found


def test_days_may_be_limited(policies: Policies) -> None:
    days = "earliest: {month: 1, day: 1, years_after: 1}, latest: 2099-12-31"
    policies.edit(V2, (DATE, f"{DATE}, {days}"))
    assert check() == []
