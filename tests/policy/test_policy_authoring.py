"""docs/policy-authoring.md: every example runs, sample output is what is printed, checks are explained."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest
from ipgov.calendars.working_days import day
from ipgov.core.settings import settings
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.files import evaluate_files
from ipgov.evaluation.wording import plain
from ipgov.policy import check as checks
from ipgov.policy import store
from ipgov.policy.blocks import Block
from ipgov.policy.check import check, check_scoring
from ipgov.policy.methods import Normalisation
from ipgov.policy.transforms import Transform
from ipgov.procedures.panel_files import read_plan
from spoiling import V1, Policies

TEXT = (settings().root / "docs" / "policy-authoring.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- example: (\w+) -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)


def examples(kind: str) -> list[str]:
    return [body for of, body in EXAMPLES if of == kind]


def test_every_yaml_example_says_how_it_is_run() -> None:
    assert len(EXAMPLES) == TEXT.count("```yaml")
    assert {kind for kind, _ in EXAMPLES} == {"version", "scoring", "calendar", "panel", "index", "duties"}


def test_the_examples_of_a_version_are_together_a_valid_one(policies: Policies) -> None:
    policies.write("sample_centres/2026-01-01.yaml", "".join(examples("version")))
    assert list(map(str, check())) == []
    assert store.governing("sample_centres", 2026).rules.scoring.groups == ("general", "special")


def test_the_examples_of_a_version_are_really_checked(policies: Policies) -> None:
    text = "".join(examples("version")).replace("weight: {special: 50}", "weight: {special: 49}")
    policies.write("sample_centres/2026-01-01.yaml", text)
    (problem,) = check()
    assert "scoring.dimensions[D1] 类别 special 的下级权重之和为 99" in str(problem)


def test_the_example_of_duties_is_right(policies: Policies) -> None:
    (text,) = examples("duties")
    policies.write("duties/sample.yaml", text)
    assert list(map(str, check())) == []


def test_the_example_of_a_panel_can_be_read() -> None:
    (text,) = examples("panel")
    plan = read_plan(text.encode(), "样例.yaml")
    assert [s.expert for s in plan.seats] == [f"E00{n}" for n in range(1, 7)]
    assert (plan.seats[0].role, plan.seats[1].scope.kinds, plan.scope.indicators) == (
        "chair",
        ("general",),
        ("I06",),
    )


def test_the_example_of_scoring_alone_can_be_evaluated() -> None:
    (text,) = examples("scoring")
    rules = store.parse_scoring(text.encode(), "试算.yaml")
    assert check_scoring(rules, "试算.yaml") == []

    no_groups = store.parse_scoring(text.replace("  groups: [east, west]\n", "").encode(), "试算.yaml")
    assert {p.found for p in check_scoring(no_groups, "试算.yaml")} == {
        "scoring.indicators[I01].normalisation.benchmark “east”不是类别",
        "scoring.indicators[I01].normalisation.benchmark “west”不是类别",
    }


INDICES = re.findall(
    r"<!-- example: index -->\n```yaml\n(.*?)```\n\n```csv\n(.*?)```\n"
    r"(?:\n[^`\n][^\n]*\n)?\n```csv\n(.*?)```",
    TEXT,
    re.DOTALL,
)


def test_every_index_has_values_and_results() -> None:
    assert len(INDICES) == len(examples("index")) > 0


@pytest.mark.parametrize("number", range(len(INDICES)))
def test_an_index_gives_what_is_written(number: int, tmp_path: Path) -> None:
    for name, text in zip(("index.yaml", "values.csv", "expected.csv"), INDICES[number], strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    evaluate_files(tmp_path / "index.yaml", tmp_path / "values.csv", tmp_path / "results.csv")
    assert (tmp_path / "results.csv").read_text(encoding="utf-8") == INDICES[number][2]


@pytest.mark.parametrize(
    "method",
    [m for union in (Transform, Normalisation) for m in get_args(get_args(union)[0])],
    ids=lambda method: method.__name__,
)
def test_every_method_is_explained_with_all_its_keys(method: type[Block]) -> None:
    _, _, rest = TEXT.partition("### From values to scores")
    section, _, _ = rest.partition("### The tree")
    kind = "transform" if "transform" in method.model_fields else "method"
    (name,) = get_args(method.model_fields[kind].annotation)
    (row,) = [line for line in section.splitlines() if line.startswith(f"| `{name}` |")]
    following = section if name == "winsorise_skew" else row  # what it does in the end has a paragraph
    for key in method.model_fields.keys() - Block.model_fields.keys() - {kind}:
        assert f"`{key}`" in following, key


def test_the_examples_of_days_can_be_entered(policies: Policies) -> None:
    for number, text in enumerate(examples("calendar")):
        policies.write(f"calendars/example{number}.yaml", text)
    assert check() == []
    assert day(dt.date(2027, 2, 14)).kind == "make_up_working_day"
    assert not day(dt.date(2027, 3, 1)).provisional
    assert day(dt.date(2026, 6, 1)).source == "运行方调整：办公楼停电"


def test_the_sample_output_is_what_is_printed(policies: Policies) -> None:
    (sample,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    policies.edit(V1, ("name: 规范运行, weight: 12}", "name: 规范运行, weight: 13}"))
    assert [str(p) for p in check()] == sample.splitlines()


@pytest.mark.parametrize(
    "name",
    [
        c.__name__
        for group in (
            checks.REGISTER_CHECKS,
            checks.duties.DUTY_CHECKS,
            checks.PROGRAMME_CHECKS,
            checks.VERSION_CHECKS,
            checks.SCORING_CHECKS,
        )
        for c in group
    ],
)
def test_every_check_is_explained(name: str) -> None:
    _, table = TEXT.split("| check | proves |")
    assert f"`{name}`" in table


AS_GIVEN = "{method: goalposts, minimum: 0, maximum: 100, clamp: none}"
WORKED = """
programme: worked
version: "1"
effective: 2026-01-01
status: draft
title: 算例
scoring:
  operator: 算例
  groups: {groups}
  minimum: none
  maximum: none
  rounding: {{indicator: 4, dimension: 4, total: 4}}
  dimensions: [{{code: D, name: 全部, weight: 100}}]
  indicators:
    - code: I
      name: 指标
      dimension: D
      weight: 100
      missing: drop_and_rescale
      {parts}
"""


def worked() -> list[tuple[str, str, str]]:
    """The rows of the table of worked transforms and methods: rule, values, what they become."""
    _, _, rest = TEXT.partition("<!-- worked -->\n")
    rows = [line for line in rest.split("\n\n", 1)[0].splitlines() if line.startswith("| `")]
    return [tuple(c.strip().strip("`") for c in line.strip("|").split("|")) for line in rows]  # type: ignore[misc]


@pytest.mark.parametrize(("rule", "values", "become"), worked())
def test_a_worked_transform_or_method_gives_what_is_written(rule: str, values: str, become: str) -> None:
    cells = [c.strip().rpartition(":") for c in values.split(",")]
    groups = sorted({group for group, _, _ in cells} - {""})
    method = "method:" in rule
    parts = f"normalisation: {rule}" if method else f"transforms: [{rule}]\n      normalisation: {AS_GIVEN}"
    text = WORKED.format(parts=parts, groups=groups)
    given = store.parse_scoring(text.encode(), "样例.yaml").scoring
    rows = pa.table(
        {
            "unit": [f"U{n:02}" for n in range(len(cells))],
            "indicator": ["I"] * len(cells),
            "value": pa.array([None if v == "-" else v for _, _, v in cells], pa.string()),
            "group": pa.array([group or None for group, _, _ in cells], pa.string()),
        }
    )
    scores = evaluate(rows, given).scores.to_pylist()
    found = [r["normalised"] for r in scores if r["node"] == "I"]
    assert ", ".join("-" if x is None else plain(x) for x in found) == become


def test_every_transform_and_method_is_worked_but_those_outside_and_of_experts() -> None:
    names = {r.split(",")[0].split(":")[1].strip(" }") for r, _, _ in worked()}
    every = {
        get_args(m.model_fields[kind].annotation)[0]
        for union, kind in ((Transform, "transform"), (Normalisation, "method"))
        for m in get_args(get_args(union)[0])
    }
    assert every - names == {"expert_mean", "per_unit", "threshold"}
