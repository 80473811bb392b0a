"""What a check found is kept; a waiver lists a critical finding as waived, and it no longer stops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from frozen_bodies import KNOWN_AT, PROGRAMME, Snapshot
from ipgov.core.database import reading, transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.tables import quality_check, waiver
from ipgov.policy.rules import RuleVersion
from ipgov.quality import findings, gate
from sqlalchemy import func, select

TODAY = KNOWN_AT.date()


@pytest.fixture
def harmed(clean: Callable[..., Snapshot], written: Callable[[Snapshot], int]) -> int:
    """A snapshot of two registered bodies, with one critical finding each and a warning."""
    frozen = clean(kinds=("tool", "tool"))
    for body in frozen.bodies:
        body.answers["F09"] = 301
    frozen.bodies[0].answers["F24"] = 1
    return written(frozen)


def waive(unit: str = "FP001", rule: str = "FPQ005", **other: Any) -> int:
    given = {
        "granted_by": "李四",
        "reason": "已电话核实",
        "until": TODAY,
        "known_at": KNOWN_AT - dt.timedelta(hours=1),
    } | other
    with transaction() as connection:
        return findings.waive(connection, PROGRAMME, "2023", unit, rule, **given)


def test_findings_come_back_as_saved(harmed: int, rules: RuleVersion) -> None:
    waive()
    verdict = gate.check(harmed, rules, KNOWN_AT)
    with transaction() as connection:
        assert findings.save(connection, harmed, verdict, KNOWN_AT) == 4
    with reading() as connection:
        assert tuple(findings.findings(connection, harmed)) == verdict.findings
        kept = connection.execute(select(quality_check)).mappings().one()
    assert (kept["suite"], kept["suite_sha256"], kept["passed"]) == (
        verdict.suite,
        verdict.suite_sha256,
        False,
    )


def test_newest_check_counts_also_where_it_found_nothing(harmed: int, rules: RuleVersion) -> None:
    verdict = gate.check(harmed, rules, KNOWN_AT)
    with transaction() as connection:
        findings.save(connection, harmed, verdict, KNOWN_AT)
        findings.save(connection, harmed, gate.Gate(verdict.suite, verdict.suite_sha256, (), True), KNOWN_AT)
    with reading() as connection:
        assert findings.findings(connection, harmed) == []


def test_snapshot_never_checked_is_not_one_without_findings(harmed: int) -> None:
    with reading() as connection, pytest.raises(RefusedError, match=f"快照 {harmed} 尚未经过数据质量检查"):
        findings.findings(connection, harmed)


def test_waived_finding_is_listed_and_does_not_stop(harmed: int, rules: RuleVersion) -> None:
    first, second = waive("FP001"), waive("FP002")
    verdict = gate.check(harmed, rules, KNOWN_AT)
    assert verdict.passed
    assert [(f.rule, f.unit, f.waiver_id) for f in verdict.findings] == [
        ("FPQ005", "FP001", first),
        ("FPQ005", "FP002", second),
        ("FPQ014", "FP001", None),
        ("FPQ032", None, None),  # two bodies are too few to be compared
    ]
    assert verdict.findings[0].waived == "李四豁免至 2024-04-22：已电话核实"
    assert verdict.findings[2].waived == ""


@pytest.mark.parametrize(
    "how",
    [
        {"unit": "FP002"},
        {"rule": "FPQ006"},
        {"known_at": KNOWN_AT + dt.timedelta(seconds=1)},
        {"until": TODAY - dt.timedelta(days=1), "known_at": KNOWN_AT - dt.timedelta(days=2)},
    ],
    ids=["other body", "other rule", "not known yet", "over"],
)
def test_waiver_of_another_thing_or_time_lifts_nothing(
    harmed: int, rules: RuleVersion, how: dict[str, Any]
) -> None:
    waive(**how)
    verdict = gate.check(harmed, rules, KNOWN_AT)
    assert not verdict.passed
    assert next(f for f in verdict.findings if f.unit == "FP001").stops


def test_waiver_of_another_period_lifts_nothing(harmed: int, rules: RuleVersion) -> None:
    with transaction() as connection:
        for period in ("2024", "2025"):
            findings.waive(connection, PROGRAMME, period, "*", "FPQ005", "李四", "核实", TODAY, KNOWN_AT)
    assert not gate.check(harmed, rules, KNOWN_AT).passed


def test_waiver_for_every_body_and_its_own_goes_first(harmed: int, rules: RuleVersion) -> None:
    everybody, own = waive("*"), waive("FP002", reason="另有说明")
    verdict = gate.check(harmed, rules, KNOWN_AT)
    assert verdict.passed
    assert [f.waiver_id for f in verdict.findings] == [everybody, own, None, None]


def test_whole_data_can_be_waived_for_all(
    clean: Callable[..., Snapshot], written: Callable[[Snapshot], int], rules: RuleVersion
) -> None:
    frozen = clean(kinds=("tool",))
    frozen.bodies[0].state = "missing"
    snapshot_id = written(frozen)
    assert not gate.check(snapshot_id, rules, KNOWN_AT).passed
    waive("*", "FPQ001")
    assert gate.check(snapshot_id, rules, KNOWN_AT).passed


def test_later_waiver_replaces_the_earlier(harmed: int, rules: RuleVersion) -> None:
    days_ago = KNOWN_AT - dt.timedelta(days=3)
    waive(until=TODAY + dt.timedelta(days=30), known_at=days_ago)
    waive(until=days_ago.date(), known_at=days_ago)  # ends it
    assert not gate.check(harmed, rules, KNOWN_AT).passed


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"rule": "FPQ999"}, UnknownError, "没有规则“FPQ999”；现有：FPQ001、"),
        ({"unit": "FP999"}, UnknownError, "没有编号为“FP999”的单位；应为已登记的单位编号，或 *"),
        ({"granted_by": " "}, RefusedError, "批准人和理由"),
        ({"reason": ""}, RefusedError, "批准人和理由"),
        (
            {"until": TODAY - dt.timedelta(days=1)},
            RefusedError,
            "豁免截止日 2024-04-21 早于今日（2024-04-22）",
        ),
    ],
)
def test_unfit_waiver_is_refused(
    harmed: int, how: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as refused:
        waive(**how)
    assert words in str(refused.value)
    with reading() as connection:
        assert connection.execute(select(func.count()).select_from(waiver)).scalar() == 0
