"""Results in the database: whole, in order, and a history of what was issued."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ipgov.core import objects
from ipgov.core.database import reading, transaction
from ipgov.core.errors import UnknownError
from ipgov.core.steps import Cycle, Mode
from ipgov.core.tables import issue, proposed_outcome, result_set, review_round, snapshot
from ipgov.evaluation import store
from ipgov.evaluation.engine import ENGINE_VERSION, evaluate
from ipgov.evaluation.explain import explain
from ipgov.evaluation.outcomes import ProposedOutcome, YearResult
from small_rules import indicator, scoring, table
from sqlalchemy import Connection, select

RULES = scoring(indicator("I1", weight=70), indicator("I2", weight=30, missing="drop_and_rescale"))
ROWS = table(("A", "I1", "71.5"), ("A", "I2", "80"), ("B", "I1", "12.344"))
MISSING = store.Absent("C", "", "missing", None, None, "operator")


def at(day: int) -> dt.datetime:
    return dt.datetime(2025, 1, day, tzinfo=dt.UTC)


def cycle(period: str = "2024", day: int = 1, mode: Mode = Mode.LIVE) -> Cycle:
    return Cycle("sample", period, dt.date(2025, 1, day), at(day), mode)


def frozen(connection: Connection, of: Cycle, mark: str) -> int:
    row = {
        "programme": of.programme,
        "period": of.period,
        "mode": of.mode,
        "as_of": of.as_of,
        "fingerprint": mark,
        "rule_sha256": "0" * 64,
        "values_sha256": "0" * 64,
        "known_at": of.known_at,
    }
    return connection.execute(snapshot.insert().values(row).returning(snapshot.c.id)).scalar_one()


def saved(
    connection: Connection,
    of: Cycle,
    values: Any = ROWS,
    mark: str = "f",
    proposed: Any = (),
    absent: Any = (MISSING,),
) -> int:
    snapshot_id = frozen(connection, of, mark)
    return store.save(
        connection, of, snapshot_id, "0" * 64, evaluate(values, RULES), absent, mark, proposed, of.known_at
    )


def issued(connection: Connection, of: Cycle, result_set_id: int, number: int = 1) -> None:
    mark = f"{of.period}{number}".ljust(64, "0")
    row = {
        "programme": of.programme,
        "period": of.period,
        "number": number,
        "result_set_id": result_set_id,
        "fingerprint": mark,
        "rating_list_sha256": "0" * 64,
        "rule_sha256": "0" * 64,
        "known_at": of.known_at,
    }
    round_id = connection.execute(review_round.insert().values(row).returning(review_round.c.id)).scalar_one()
    connection.execute(issue.insert().values(round_id=round_id, fingerprint=mark, known_at=of.known_at))


def test_what_is_saved_is_what_was_evaluated(database: Path):
    proposal = ProposedOutcome(
        "B",
        "warning",
        "提醒",
        "operator",
        "说明",
        (YearResult(2024, False, "不合格", Decimal("12.34")).as_dict(),),
        None,
    )
    with transaction() as connection:
        result_set_id = saved(connection, cycle(), proposed=[proposal])
    evaluation = evaluate(ROWS, RULES)
    with reading() as connection:
        rows = store.results(connection, result_set_id)
        assert rows[:2] == [r | {"reasons": []} for r in evaluation.results.to_pylist()]
        assert rows[2] == {
            "unit": "C",
            "group": "",
            "total": None,
            "rank": None,
            "group_rank": None,
            "grade": None,
            "passed": None,
            "reasons": ["未报送业务数据，不予评价（依据：运行方自定）"],
        }
        assert store.results(connection, result_set_id, "B") == [rows[1]]
        scores = store.scores(connection, result_set_id)
        wanted = evaluation.scores.to_pylist()
        assert [(s["unit"], s["node"], s["normalised"]) for s in scores] == [
            (w["unit"], w["node"], w["normalised"]) for w in wanted
        ]
        assert [str(s["value"]) for s in scores if s["node"] == "I1"] == ["71.5", "12.344"]
        told = explain(store.scores(connection, result_set_id, "A"), rows, RULES, "A", {})
        assert told.as_dict() == explain(evaluation.scores, evaluation.results, RULES, "A", {}).as_dict()
        head = connection.execute(select(result_set)).mappings().one()
        assert (head["engine_version"], head["fingerprint"], head["mode"]) == (ENGINE_VERSION, "f", "live")
        kept = connection.execute(select(proposed_outcome)).mappings().one()
        assert kept["evidence"] == [
            {"period": 2024, "passed": False, "grade": "不合格", "total": "12.34", "rank": None, "source": ""}
        ]


def test_the_scores_lie_as_the_same_parquet_whatever_the_order_of_rows(database: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    with transaction() as connection:
        first = saved(connection, cycle(), mark="a")
        second = saved(connection, cycle(), values=ROWS.take([2, 1, 0]), mark="b")
        hashes = connection.execute(select(result_set.c.scores_sha256)).scalars().all()
    assert first != second
    assert len(set(hashes)) == 1
    kept = pq.read_table(pa.BufferReader(objects.get_content(hashes[0])))
    assert kept.equals(evaluate(ROWS, RULES).scores)


def test_a_unit_is_either_evaluated_or_absent(database: Path):
    with transaction() as connection, pytest.raises(UnknownError, match="既有数值又列为未报送：A"):
        saved(connection, cycle(), absent=[store.Absent("A", "", "missing", None, None, "operator")])
    with transaction() as connection, pytest.raises(UnknownError, match="C 的状态“lost”未知；应为：missing"):
        saved(connection, cycle(), mark="g", absent=[store.Absent("C", "", "lost", None, None, "operator")])


def test_not_submitted_may_be_a_fail():
    failed = store.Absent("C", "", "late", "不合格", False, "operator")
    assert failed.reason == "报送超过宽限期，按“不合格”处理（依据：运行方自定）"
    results = store.year_results(evaluate(ROWS, RULES), [failed], 2024)
    assert results["C"] == YearResult(2024, False, "不合格")
    assert results["A"] == YearResult(2024, True, "合格", Decimal("74.05"), 1)


@pytest.mark.clause("2023-156#21")
def test_history_is_what_was_issued_as_known_then(database: Path):
    better = table(("A", "I1", "90"), ("B", "I1", "95"))
    with transaction() as connection:
        issued(connection, cycle("2022", 2), saved(connection, cycle("2022", 2)))
        issued(connection, cycle("2023", 5), saved(connection, cycle("2023", 5), mark="first"))
        issued(
            connection, cycle("2023", 9), saved(connection, cycle("2023", 9), better, mark="second"), number=2
        )
        saved(connection, cycle("2024", 6))  # evaluated, never issued
        saved(connection, cycle("2021", 6, Mode.RECALCULATE))
    with reading() as connection:

        def seen(day: int, before: str = "2025", unit: str | None = None) -> dict[str, list[tuple[int, Any]]]:
            found = store.history(connection, "sample", before, at(day), unit)
            return {u: [(y.period, y.total) for y in ys] for u, ys in found.items()}

        assert seen(1) == {}
        assert seen(2) == {
            "A": [(2022, Decimal("74.05"))],
            "B": [(2022, Decimal("12.34"))],
            "C": [(2022, None)],
        }
        assert seen(6, unit="B") == {"B": [(2022, Decimal("12.34")), (2023, Decimal("12.34"))]}
        assert seen(9, unit="B") == {"B": [(2022, Decimal("12.34")), (2023, Decimal("95.00"))]}
        assert seen(9, before="2023", unit="B") == {"B": [(2022, Decimal("12.34"))]}
        assert store.history(connection, "other", "2025", at(9)) == {}
        last = store.history(connection, "sample", "2025", at(9), "B")["B"][-1]
        assert (last.passed, last.rank, last.source) == (True, 1, "2023 年度第 2 轮审批（2023-2000-0000）")
