"""What is usual among bodies, to the last digit; outliers; the registry beside a snapshot; sums."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from frozen_bodies import KNOWN_AT, PROGRAMME, Snapshot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.core.database import transaction
from ipgov.core.tables import organisation, title_event, titled_body
from ipgov.policy.rules import RuleVersion
from ipgov.quality import gate, session
from sqlalchemy import text
from test_gate import in_a_suite, told

Clean = Callable[..., Snapshot]
Written = Callable[[Snapshot], int]


def rows(snapshot_id: int, rules: RuleVersion, query: str) -> list[dict[str, Any]]:
    with session.open_engine(session.connector(snapshot_id, rules, KNOWN_AT)).connect() as connection:
        return [dict(r) for r in connection.execute(text(query)).mappings()]


def quantile(values: list[Decimal], share: Fraction) -> Fraction:
    """Definition 7 of Hyndman and Fan, exactly."""
    ordered = sorted(map(Fraction, values))
    place = (len(ordered) - 1) * share
    below = int(place)
    above = ordered[min(below + 1, len(ordered) - 1)]
    return ordered[below] + (place - below) * (above - ordered[below])


VALUES = st.lists(
    st.decimals(min_value=0, max_value=10**20, places=9, allow_nan=False), min_size=1, max_size=13
)


class TestGroups:
    @given(values=VALUES)
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_quartiles_and_spread_are_exact(
        self, database: Path, clean: Clean, rules: RuleVersion, values: list[Decimal]
    ) -> None:
        frozen = clean(kinds=("tool",) * len(values))
        for body, value in zip(frozen.bodies, values, strict=True):
            body.answers = {"F16": value}
        with transaction() as connection:
            snapshot_id = frozen.write(connection)
        (found,) = rows(
            snapshot_id, rules, "SELECT * FROM quality_group WHERE scope = 'nation' AND field = 'F16'"
        )
        median = quantile(values, Fraction(1, 2))
        q1, q3 = quantile(values, Fraction(1, 4)), quantile(values, Fraction(3, 4))
        assert found["peers"] == len(values)
        assert Fraction(found["median"]) == median
        assert (Fraction(found["quartile_1"]), Fraction(found["quartile_3"])) == (q1, q3)
        assert Fraction(found["quartile_range"]) == q3 - q1
        deviations = sorted(abs(Fraction(v) - median) for v in values)
        n = len(deviations)
        assert Fraction(found["mad"]) == (deviations[(n - 1) // 2] + deviations[n // 2]) / 2

    def test_groups_are_the_kinds_and_the_nation(
        self, clean: Clean, written: Written, rules: RuleVersion
    ) -> None:
        frozen = clean()
        frozen.bodies[0].state = "missing"
        found = rows(
            written(frozen),
            rules,
            "SELECT group_name, peers FROM quality_group WHERE field = 'F08' ORDER BY 1",
        )
        counted = {r["group_name"]: r["peers"] for r in found}
        assert counted == {"交易服务类": 2, "金融服务类": 2, "特色服务类": 4, "工具支撑类": 3, "全国": 11}


def spread(frozen: Snapshot, field: str, first: Any) -> None:
    """Let the bodies answer 100, 101, ... and the first one something else."""
    for serial, body in enumerate(frozen.bodies):
        body.answers[field] = 100 + serial
    frozen.bodies[0].answers[field] = first


def test_an_outlier_among_enough_peers_is_told_with_what_is_usual(
    clean: Clean, written: Written, rules: RuleVersion
) -> None:
    frozen = clean(kinds=("tool",) * 8)
    spread(frozen, "F06", 116)
    inside = gate.check(written(frozen), rules, KNOWN_AT)
    assert told(inside) == []
    # 101 … 107 and x: quartiles 102.75 and 106.25, so beyond 116.75 by the fences; MAD 2, so beyond 122.29
    spread(frozen, "F06", 117)
    verdict = gate.check(written(frozen), rules, KNOWN_AT)
    assert told(verdict) == [("FPQ030", "warning", "FP001", "F06")]
    assert "远离工具支撑类 8 家的四分位区间 102.75 至 106.25" in verdict.findings[0].message
    spread(frozen, "F06", 123)
    assert [r for r, *_ in told(gate.check(written(frozen), rules, KNOWN_AT))] == ["FPQ030", "FPQ031"]


def test_few_peers_are_not_compared_and_that_is_told(
    clean: Clean, written: Written, rules: RuleVersion
) -> None:
    frozen = clean(kinds=("tool",) * 7)
    spread(frozen, "F06", 10**6)
    verdict = gate.check(written(frozen), rules, KNOWN_AT)
    assert [(f.rule, f.unit, f.found) for f in verdict.findings] == [("FPQ032", None, "7")]
    assert "工具支撑类：" in verdict.findings[0].message


class TestRegistry:
    """The snapshot shows a body as the registry did on that day, or the check says what is wrong."""

    def harmed(self, clean: Clean, *statements: Any) -> gate.Gate:
        frozen = clean(kinds=("tool", "tool"))
        with transaction() as connection:
            snapshot_id = frozen.write(connection)
            for statement in statements:
                connection.execute(statement)
        return gate.check(snapshot_id, frozen.rules, KNOWN_AT)

    def later(self, **changed: Any) -> Any:
        values = {
            "unit": "FP001",
            "programme": PROGRAMME,
            "name": "示例平台FP001",
            "kind": "tool",
            "province": "11",
            "route": "province",
            "host_code": "HOST",
            "operator_code": "OPERATOR",
            "valid_from": dt.date(2024, 1, 1),
            "source": "测试",
            "known_at": KNOWN_AT,
        }
        return titled_body.insert().values(values | changed)

    @pytest.mark.parametrize(
        "changed", [{"kind": "trading"}, {"province": "12"}, {"route": "direct"}, {"host_code": "OPERATOR"}]
    )
    def test_registered_otherwise(self, database: Path, clean: Clean, changed: dict[str, Any]) -> None:
        assert told(self.harmed(clean, self.later(**changed))) == [("FPQ024", "critical", "FP001", None)]

    @pytest.mark.parametrize(
        "changed",
        [{"valid_from": dt.date(2024, 4, 23)}, {"known_at": KNOWN_AT + dt.timedelta(seconds=1)}],
        ids=["from a later day on", "not known then"],
    )
    def test_registered_otherwise_later(self, database: Path, clean: Clean, changed: dict[str, Any]) -> None:
        assert told(self.harmed(clean, self.later(kind="trading", **changed))) == []

    def test_deprived_of_its_title(self, database: Path, clean: Clean) -> None:
        event = title_event.insert().values(
            programme=PROGRAMME, unit="FP002", event="cancelled", effective_on=dt.date(2024, 4, 1),
            basis="operator", note="测试", known_at=KNOWN_AT,
        )  # fmt: skip
        verdict = self.harmed(clean, event)
        assert told(verdict) == [("FPQ023", "critical", "FP002", None)]
        assert "在 2024-04-22 的登记册中未登记或未持有称号" in verdict.findings[0].message

    def test_host_in_another_province(self, database: Path, clean: Clean) -> None:
        moved = organisation.insert().values(
            code="HOST", name="迁址单位", province="31", central_enterprise=False,
            valid_from=dt.date(2024, 1, 1), source="测试", known_at=KNOWN_AT,
        )  # fmt: skip
        verdict = self.harmed(clean, moved)
        assert told(verdict) == [("FPQ027", "warning", u, None) for u in ("FP001", "FP002")]
        assert "登记在北京市，依托单位迁址单位登记在上海市" in verdict.findings[0].message


def test_parts_make_the_whole_within_a_tolerance(
    clean: Clean, written: Written, rules: RuleVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How a suite writes a sum: the view gives all numbers of a body, the query says where it points to."""
    query = """SELECT *, 'F08' AS field, number->>'F08' AS value, place->'F08'->>'sheet' AS sheet,
        place->'F08'->>'cell' AS cell,
        (number->>'F09')::numeric + (number->>'F11')::numeric AS parts
        FROM {batch}
        WHERE abs((number->>'F09')::numeric + (number->>'F11')::numeric - (number->>'F08')::numeric) > 0.01"""
    in_a_suite(
        monkeypatch,
        {
            "type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": query},
            "meta": {
                "rule": "TST001", "severity": "critical", "view": "quality_body",
                "basis": "operator: 分项之和等于合计",
                "message": "{name}：合计 {value}，分项之和 {parts}",
            },
        },
    )  # fmt: skip
    frozen = clean(kinds=("tool",) * 3)
    cases = [Decimal("40.01"), Decimal("40.011"), Decimal("39.989")]
    for body, part in zip(frozen.bodies, cases, strict=True):
        body.answers |= {"F08": 240, "F09": 200, "F11": part}
    verdict = gate.check(written(frozen), rules, KNOWN_AT)
    assert [(f.unit, f.field, f.found, f.cell) for f in verdict.findings] == [
        ("FP002", "F08", "240", "C11"),
        ("FP003", "F08", "240", "C11"),
    ]
    assert verdict.findings[0].message == "示例平台FP002：合计 240，分项之和 240.011"
