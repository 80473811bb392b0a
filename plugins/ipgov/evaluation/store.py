"""Results in the system of record: written once per fingerprint, and read back for lists and histories."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Integer, cast, func, select

from ipgov.core.errors import UnknownError
from ipgov.core.fingerprint import canonical_json, short_code
from ipgov.core.objects import put_content
from ipgov.core.steps import Cycle
from ipgov.core.tables import (
    correction,
    correction_unit,
    issue,
    proposed_outcome,
    result,
    result_set,
    review_round,
    score,
)
from ipgov.evaluation import published
from ipgov.evaluation.basis import basis_of, in_chinese
from ipgov.evaluation.engine import ENGINE_VERSION, Evaluation
from ipgov.evaluation.outcomes import ProposedOutcome, YearResult
from ipgov.policy.rules import RuleVersion, ScoringRules

if TYPE_CHECKING:
    pass

_WHY_ABSENT = {
    "missing": "未报送业务数据",
    "late": "报送超过宽限期",
    "returned": "报送表被退回，未更正",
    "exempt": "认定不满规定年限",
    "not_forwarded": "省级知识产权管理部门未在期限内审核报送",
    "returned_by_province": "省级知识产权管理部门审核退回，未重新报送",
    "not_copied": "直接报送而没有同步抄送所在地省级知识产权管理部门的记录",
}
_RESULT = ("unit", "group", "total", "rank", "group_rank", "grade", "passed", "reasons")
_SCORE = ("unit", "node", "parent", "value", "normalised", "weight", "contribution", "detail")


@dataclass(frozen=True)
class Absent:
    """A body of the snapshot without values to evaluate, and what the rules give it for that."""

    unit: str
    group: str
    state: str  # of its snapshot row: missing, late, returned, exempt
    grade: str | None
    passed: bool | None
    basis: str

    @property
    def reason(self) -> str:
        """Return why it has no score, in Chinese with the basis."""
        if self.state not in _WHY_ABSENT:
            raise UnknownError(f"{self.unit} 的状态“{self.state}”未知；应为：{'、'.join(_WHY_ABSENT)}")
        result_ = "不予评价" if self.grade is None else f"按“{self.grade}”处理"
        return f"{_WHY_ABSENT[self.state]}，{result_}（依据：{in_chinese(self.basis)}）"


def absent(rules: ScoringRules, unit: str, group: str, state: str) -> Absent:
    """Return what the rules give a body without values to evaluate; rules of scoring alone give nothing."""
    if not isinstance(rules, RuleVersion):
        return Absent(unit, group, state, None, None, basis_of(rules.scoring))
    # a body titled too short is never failed for it
    if rules.not_submitted.result != "failed" or state == "exempt":
        return Absent(unit, group, state, None, None, rules.not_submitted.basis)
    failing = next(g.name for g in reversed(rules.scoring.grades) if not g.passes)
    return Absent(unit, group, state, failing, False, rules.not_submitted.basis)


def year_results(evaluation: Evaluation, absent: Iterable[Absent], period: int) -> dict[str, YearResult]:
    """Return this period's results by unit, those without values among them."""
    rows = evaluation.results.to_pylist()
    evaluated = {r["unit"]: YearResult(period, r["passed"], r["grade"], r["total"], r["rank"]) for r in rows}
    others = {a.unit: YearResult(period, a.passed, a.grade) for a in absent}
    return evaluated | others


def save(
    connection: Connection,
    cycle: Cycle,
    snapshot_id: int,
    rule_sha256: str,
    evaluation: Evaluation,
    absent: Sequence[Absent],
    fingerprint: str,
    proposed: Sequence[ProposedOutcome],
    known_at: dt.datetime,
) -> int:
    """Store an evaluation whole and return the id of its result set.

    ``fingerprint`` is of everything that went in. The scores also lie as Parquet under their hash. Raises
    UnknownError where a body both has values and is called absent.
    """
    both = {a.unit for a in absent} & set(evaluation.results["unit"].to_pylist())
    if both:
        raise UnknownError(f"既有数值又列为未报送：{'、'.join(sorted(both))}")
    result_set_id: int = connection.execute(
        result_set.insert()
        .values(
            snapshot_id=snapshot_id,
            programme=cycle.programme,
            period=cycle.period,
            mode=cycle.mode,
            fingerprint=fingerprint,
            rule_sha256=rule_sha256,
            engine_version=ENGINE_VERSION,
            scores_sha256=put_content(_parquet(evaluation)),
            known_at=known_at,
        )
        .returning(result_set.c.id)
    ).scalar_one()
    common = (result_set_id, known_at)
    _insert(connection, "result", _RESULT, (*_result_rows(evaluation), *map(_absent_row, absent)), common)
    _copy(connection, "score", _SCORE, _score_rows(evaluation), common)
    if proposed:
        connection.execute(
            proposed_outcome.insert(),
            [
                {
                    "result_set_id": result_set_id,
                    "unit": p.unit,
                    "outcome": p.outcome,
                    "basis": p.basis,
                    "explanation": p.explanation,
                    "evidence": json.loads(canonical_json(p.evidence)),
                    "known_at": known_at,
                }
                for p in proposed
            ],
        )
    return result_set_id


def newest_live(connection: Connection, programme: str, period: str) -> Mapping[str, Any]:
    """Return a period's newest live result set; UnknownError where there is none."""
    head = (
        connection.execute(
            select(result_set)
            .where(
                result_set.c.programme == programme,
                result_set.c.period == period,
                result_set.c.mode == "live",
            )
            .order_by(result_set.c.id.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    if head is None:
        raise UnknownError(f"“{programme}”{period} 年度尚无评价结果")
    return dict(head)


def results(connection: Connection, result_set_id: int, unit: str | None = None) -> list[dict[str, Any]]:
    """Return the results of a set by unit (or of one unit): the columns of the engine, reasons as a list."""
    columns = [result.c[c] for c in _RESULT]
    query = select(*columns).where(result.c.result_set_id == result_set_id).order_by(result.c.unit)
    query = query.where(result.c.unit == unit) if unit is not None else query
    return [dict(r) for r in connection.execute(query).mappings()]


def scores(connection: Connection, result_set_id: int, unit: str | None = None) -> list[dict[str, Any]]:
    """Return the scores of a set (or of one unit) in the order of the engine, detail as a mapping."""
    columns = [score.c[c] for c in _SCORE]
    query = select(*columns).where(score.c.result_set_id == result_set_id).order_by(score.c.id)
    query = query.where(score.c.unit == unit) if unit is not None else query
    return [dict(r) for r in connection.execute(query).mappings()]


def history(
    connection: Connection,
    programme: str,
    before_period: str,
    known_at: dt.datetime,
    unit: str | None = None,
) -> dict[str, list[YearResult]]:
    """Return each unit's published results of earlier periods, oldest first, as known at ``known_at``.

    Only what was published counts for a title (2023-156#21): what this system issued (of each body the last
    round that was issued and says something of it: a correction speaks of the bodies that it changes alone),
    and the years imported as published before it. ``source`` says which.
    """
    issued = _issued(connection, programme, before_period, known_at, unit)
    imported = published.history(connection, programme, before_period, known_at, unit)
    return published.merged(issued, imported)


def _issued(
    connection: Connection, programme: str, before_period: str, known_at: dt.datetime, unit: str | None
) -> dict[str, list[YearResult]]:
    rounds = (
        select(
            review_round.c.id,
            review_round.c.period,
            review_round.c.number,
            review_round.c.fingerprint,
            review_round.c.result_set_id,
            issue.c.id.label("issue_id"),
            correction.c.id.label("correction_id"),
        )
        .join(issue, issue.c.round_id == review_round.c.id)
        .join(correction, correction.c.round_id == review_round.c.id, isouter=True)
        .where(
            review_round.c.programme == programme,
            cast(review_round.c.period, Integer) < int(before_period),
            issue.c.known_at <= known_at,
        )
        .cte()
    )
    whole = (
        select(rounds, result.c.unit)
        .join(result, result.c.result_set_id == rounds.c.result_set_id)
        .where(rounds.c.correction_id.is_(None))
    )
    corrected = select(rounds, correction_unit.c.unit).join(
        correction_unit, correction_unit.c.correction_id == rounds.c.correction_id
    )
    spoken = whole.union_all(corrected).subquery()
    newest_first = func.row_number().over(
        partition_by=(spoken.c.period, spoken.c.unit), order_by=spoken.c.issue_id.desc()
    )
    last = select(spoken, newest_first.label("place")).subquery()
    query = (
        select(
            last.c.period,
            last.c.number,
            last.c.fingerprint,
            last.c.correction_id,
            result.c.unit,
            result.c.passed,
            result.c.grade,
            result.c.total,
            result.c.rank,
        )
        .join(result, (result.c.result_set_id == last.c.result_set_id) & (result.c.unit == last.c.unit))
        .where(last.c.place == 1)
        .order_by(result.c.unit, cast(last.c.period, Integer))
    )
    query = query.where(result.c.unit == unit) if unit is not None else query
    years: dict[str, list[YearResult]] = {}
    for row in connection.execute(query):
        kind = "更正" if row.correction_id is not None else "审批"
        source = f"{row.period} 年度第 {row.number} 轮{kind}（{short_code(row.fingerprint)}）"
        years.setdefault(row.unit, []).append(
            YearResult(int(row.period), row.passed, row.grade, row.total, row.rank, source)
        )
    return years


def _result_rows(evaluation: Evaluation) -> Iterator[tuple[Any, ...]]:
    for row in evaluation.results.to_pylist():
        yield tuple(row[c] for c in _RESULT)


def _absent_row(a: Absent) -> tuple[Any, ...]:
    return (a.unit, a.group, None, None, None, a.grade, a.passed, json.dumps([a.reason], ensure_ascii=False))


def _score_rows(evaluation: Evaluation) -> Iterator[tuple[Any, ...]]:
    for part in evaluation.score_parts():
        for row in part.to_pylist():
            row["value"] = _shortest(row["value"])
            row["weight"] = _shortest(row["weight"])
            row["contribution"] = _shortest(row["contribution"])
            yield tuple(row[c] for c in _SCORE)


def _shortest(number: Decimal | None) -> Decimal | None:
    """Return the number without zeros at its end; scores keep theirs, they show how they were rounded."""
    if number is None:
        return None
    short = number.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def _insert(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    common: tuple[int, dt.datetime],
) -> None:
    """Append rows as ``_copy`` does, into a table with row policies: PostgreSQL has no COPY into one."""
    every = (*columns, "result_set_id", "known_at")
    listed, marks = ", ".join(f'"{c}"' for c in every), ", ".join(["%s"] * len(every))
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101
    with driver.cursor() as cursor:  # in batches: one row of a result is one body
        cursor.executemany(
            f'INSERT INTO "{table}" ({listed}) VALUES ({marks})',  # noqa: S608
            [(*row, *common) for row in rows],
        )


def _copy(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    common: tuple[int, dt.datetime],
) -> None:
    """Append rows in one COPY, each with the id of its result set and when it became known."""
    listed = ", ".join(f'"{c}"' for c in (*columns, "result_set_id", "known_at"))
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table}" ({listed}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row((*row, *common))


def _parquet(evaluation: Evaluation) -> bytes:
    """Return the same bytes for the same scores."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.parquet"
        evaluation.write_scores(path)
        return path.read_bytes()
