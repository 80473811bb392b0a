"""Reading rule versions: strict YAML, exact decimals, a basis for everything, the version of a day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.policy import store
from ipgov.policy.methods import Goalposts, Steps
from ipgov.policy.rules import RuleVersion
from spoiling import V1, V2, Policies

FP = "functional_platform"

# The least that can be evaluated.
SCORING = """
programme: sample
version: "1"
effective: 2024-01-01
status: draft
title: 样例
scoring:
  operator: 运行方自定样例
  rounding: {indicator: 2, dimension: 2, total: 2}
  dimensions: [{code: D1, name: 甲, weight: 100}]
  indicators:
    - code: I1
      name: 乙
      dimension: D1
      weight: 100
      normalisation: {method: goalposts, minimum: 0, maximum: 1.1}
  grades: [{name: 合格, floor: 60, passes: true}, {name: 不合格, passes: false}]
"""


def refused(data: str) -> str:
    with pytest.raises(GovernanceError) as error:
        store.parse_scoring(data.encode(), "样例.yaml")
    return "\n".join([error.value.message, *map(str, error.value.problems)])


def test_a_key_given_twice_is_refused_with_its_line() -> None:
    text = refused(SCORING.replace("title: 样例\n", "title: 样例\ntitle: 又一个\n"))
    assert text == "样例.yaml 第 2 行不是有效的 YAML：键重复：title"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("010", "010 不是十进制整数"),
        ("0x10", "0x10 不是十进制整数"),
        ("1:30", "1:30 不是十进制整数"),
        ("1_000", "1_000 不是十进制整数"),
        (".inf", ".inf 不是十进制数"),
        (".nan", ".nan 不是十进制数"),
        ("1.5e+3", "1.5e+3 不是十进制数"),
        ("1e3", "1e3 不是十进制数"),
        ("1_0.5", "1_0.5 不是十进制数"),
        ("1.", "1. 不是十进制数"),
        ("yes", "yes 须写作 true 或 false"),
        ("2024-02-30", "2024-02-30 不是日期"),
        ("2024-02-01 10:00:00", "2024-02-01 10:00:00 不是日期"),
        ("{1: 2}", "键 1 不是文字"),
        ("{[a]: 2}", "不是文字"),
        ("!!python/name:os.system", "不是有效的 YAML"),
    ],
)
def test_yaml_that_could_mean_something_else_is_refused(value: str, message: str) -> None:
    text = refused(SCORING.replace("maximum: 1.1", f"maximum: {value}"))
    assert message in text
    assert "第 16 行" in text


def test_decimals_are_what_is_written() -> None:
    rules = store.parse_scoring(SCORING.encode(), "样例.yaml")
    method = rules.scoring.indicators[0].normalisation
    assert isinstance(method, Goalposts)
    assert str(method.maximum) == "1.1"
    assert method.maximum * 3 == Decimal("3.3")  # 3.3000000000000003 as floats


def test_the_projects_weights_are_exact() -> None:
    scoring = store.in_force(FP, dt.date(2024, 1, 1)).rules.scoring
    steps = next(i for i in scoring.indicators if i.code == "I02").normalisation
    assert isinstance(steps, Steps)
    assert steps.steps[2].per_unit == Decimal("0.1")
    assert scoring.grades[0].quota is not None
    assert scoring.grades[0].quota.share == Decimal("0.25")


def test_a_value_without_a_basis_is_refused_wherever_it_stands() -> None:
    text = refused(SCORING.replace("  operator: 运行方自定样例\n", ""))
    assert "样例.yaml：scoring.indicators[0].normalisation.maximum 没有依据" in text
    assert "写明 clause（条款）或 operator（运行方自定）" in text


def test_an_empty_basis_is_none() -> None:
    assert "没有依据" in refused(SCORING.replace("operator: 运行方自定样例", 'operator: ""'))
    assert "没有依据" in refused(SCORING.replace("operator: 运行方自定样例", "clause: []"))


def test_a_basis_covers_what_it_encloses_and_nothing_else() -> None:
    text = refused(
        SCORING.replace("  operator: 运行方自定样例\n", "").replace(
            "{code: D1,", "{operator: 运行方自定, code: D1,"
        )
    )
    assert "scoring.dimensions" not in text
    assert "scoring.grades[0].floor 没有依据" in text


def test_every_problem_is_told_at_once() -> None:
    data = SCORING.replace("rounding: {indicator: 2", "rounding: {indicator: 13").replace(
        "passes: false", "pass: 否"
    )
    with pytest.raises(GovernanceError) as error:
        store.parse_scoring(data.encode(), "样例.yaml")
    assert error.value.message == "样例.yaml 有 3 处问题"
    assert sorted(p.found for p in error.value.problems) == [
        "scoring.grades[1].pass 不认识的项",
        "scoring.grades[1].passes 缺少此项",
        "scoring.rounding.indicator 须不大于 12",
    ]


def test_scoring_alone_or_a_whole_version_can_be_evaluated(policies: Policies) -> None:
    alone = store.parse_scoring(SCORING.encode(), "样例.yaml")
    assert not isinstance(alone, RuleVersion)
    assert alone.scoring.groups == ()

    whole = store.parse_scoring(policies.read(V1).encode(), V1)
    assert isinstance(whole, RuleVersion)
    assert whole.scoring.groups == ("trading", "financial", "characteristic", "tool")


def test_groups_that_are_listed_stay_as_they_are() -> None:
    rules = store.parse_scoring(
        SCORING.replace("  rounding", "  groups: [甲, 乙]\n  rounding").encode(), "样例.yaml"
    )
    assert rules.scoring.groups == ("甲", "乙")


def test_half_a_version_is_refused() -> None:
    text = refused(SCORING + "issuer: {name: 国家知识产权局, operator: 样例}\n")
    assert "样例.yaml：subject 缺少此项" in text


@pytest.mark.parametrize("text", ["", "- 1", "样例"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert "样例.yaml：规则文件须为键值结构" in refused(text)


@pytest.mark.parametrize(
    ("year", "version"),
    [(2023, "2023-09-05"), (2024, "2023-09-05"), (2025, "2025-06-01"), (2040, "2025-06-01")],
)
def test_the_version_in_force_on_the_last_day_governs_the_period(year: int, version: str) -> None:
    assert store.governing(FP, year).rules.version == version


@pytest.mark.parametrize(
    ("day", "version"),
    [("2023-09-05", "2023-09-05"), ("2025-05-31", "2023-09-05"), ("2025-06-01", "2025-06-01")],
)
def test_a_version_holds_from_its_first_day_to_the_day_before_the_next(day: str, version: str) -> None:
    assert store.in_force(FP, dt.date.fromisoformat(day)).rules.version == version


def test_before_the_first_version_nothing_is_in_force() -> None:
    with pytest.raises(
        UnknownError, match="2023-09-04 尚无“functional_platform”的有效规则；最早的规则自 2023-09-05 起施行"
    ):
        store.in_force(FP, dt.date(2023, 9, 4))
    with pytest.raises(UnknownError, match="2022-12-31 尚无"):
        store.governing(FP, 2022)


def test_a_draft_is_never_in_force(policies: Policies) -> None:
    policies.edit(V2, ("status: in_force", "status: draft"))
    assert store.governing(FP, 2025).rules.version == "2023-09-05"
    assert [v.rules.version for v in store.versions(FP)] == ["2023-09-05", "2025-06-01"]


def test_a_programme_of_drafts_has_no_rules_in_force(policies: Policies) -> None:
    for name in (V1, V2):
        policies.edit(name, ("status: in_force", "status: draft"))
    with pytest.raises(UnknownError, match="该业务只有草案"):
        store.in_force(FP, dt.date(2025, 7, 1))


@pytest.mark.parametrize("programme", ["fund", "calendars", "../policies/functional_platform", ""])
def test_an_unknown_programme_is_refused_with_those_there_are(programme: str) -> None:
    with pytest.raises(UnknownError, match="的业务规则；现有：functional_platform"):
        store.versions(programme)


def test_a_version_is_known_by_the_hash_of_its_bytes(policies: Policies) -> None:
    before = store.parse(policies.read(V1).encode(), V1)
    policies.edit(V1, ("# 功能性国家", "# 功能性 国家"))
    after = store.parse(policies.read(V1).encode(), V1)
    assert before.rules == after.rules
    assert before.sha256 != after.sha256
