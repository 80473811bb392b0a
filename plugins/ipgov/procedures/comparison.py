"""Two stored results of a period compared: what differs, and whether knowledge, values or rules did it.

Nothing is written: each side is rebuilt from its frozen snapshot and its frozen rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import issue, result_set, review_round, snapshot, snapshot_unit, submission
from ipgov.documents import comparison_sheet
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.evaluation import store as results
from ipgov.evaluation.comparison.changes import ORDER, Basis, Comparison, Factor, Outcome, Standing
from ipgov.evaluation.comparison.compare import compare as compare_bases
from ipgov.evaluation.engine import ENGINE_VERSION
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from ipgov.procedures import snapshots
from ipgov.procedures.rating_lists import STATES

MODES = {"live": "正式", "recalculate": "重算", "what_if": "试算"}


@dataclass(frozen=True)
class Side:
    """A stored result with everything that it was made from."""

    head: Mapping[str, Any]
    rules: RuleVersion
    basis: Basis

    def facts(self) -> dict[str, str]:
        """Return what a reader wants to know of this side, in Chinese."""
        head = self.head
        known_at = head["known_at"].astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        return {
            "结果": self.basis.name,
            "基准日": head["as_of"].isoformat(),
            "所知截至": f"{known_at}（北京时间）",
            "规则版本": self.rules.version,
            "规则文件 SHA-256": head["rule_sha256"],
            "名单": f"{len(self.basis.standings)} 家，"
            f"参加评价 {sum(s.counts for s in self.basis.standings.values())} 家",
            "评价引擎版本": head["engine_version"],
            "结果指纹": head["fingerprint"],
        }


@dataclass(frozen=True)
class Compared:
    """A comparison with its two sides."""

    a: Side
    b: Side
    comparison: Comparison
    simulation: bool


def compare(
    programme: str,
    period: str,
    a: int | None = None,
    b: int | None = None,
    order: Sequence[Factor] = ORDER,
) -> Compared:
    """Compare two results of a period: by default the newest issued (else live) and the newest recalculated.

    Raises UnknownError where there are not two, or an id is not of the period; GovernanceError where a stored
    result does not come out of its own snapshot and rules any more.
    """
    with reading() as connection:
        heads, issued = period_results(connection, programme, period)
        first = _chosen(heads, a, _default_a(heads, issued), "A", programme, period)
        second = _chosen(heads, b, _default_b(heads), "B", programme, period)
        if first["id"] == second["id"]:
            raise UnknownError(f"A 与 B 都是第 {first['id']} 号结果；{_listed(heads)}")
        one, other = side(connection, first), side(connection, second)
        simulation = is_simulation(connection)
        compared = compare_bases(one.basis, other.basis, order)
        _check_stored(connection, one, compared.outcomes[0])
        _check_stored(connection, other, compared.outcomes[-1])
    return Compared(one, other, compared, simulation)


def stored(connection: Connection, programme: str, period: str, number: int) -> Mapping[str, Any]:
    """Return one result set of a period by its number; UnknownError naming those there are."""
    heads, _ = period_results(connection, programme, period)
    return _chosen(heads, number, None, "", programme, period)


def sheet(compared: Compared) -> bytes:
    """Return the reviewers' workbook of a comparison."""
    rules = compared.b.rules
    about = comparison_sheet.About(
        title=f"{rules.title}两次结果比较（{compared.b.head['period']}年度）",
        author=rules.issuer.name,
        banner=SIMULATION_BANNER if compared.simulation else "",
        a=compared.a.facts(),
        b=compared.b.facts(),
        fields={
            code: label
            for v in (compared.a.rules, compared.b.rules)
            for code, label in v.input_labels.items()
        },
        kinds={code: k.name for v in (compared.a.rules, compared.b.rules) for code, k in v.kinds.items()},
        states=STATES,
        decimals=rules.scoring.rounding.total,
    )
    return comparison_sheet.write(compared.comparison, about)


def period_results(
    connection: Connection, programme: str, period: str
) -> tuple[list[Mapping[str, Any]], int | None]:
    """Return the result sets of a period, the newest first, with their snapshots' days and values.

    Beside them the id of the one that was issued last, if one was.
    """
    heads: list[Mapping[str, Any]] = [
        dict(r)
        for r in connection.execute(
            select(result_set, snapshot.c.as_of, snapshot.c.values_sha256)
            .join(snapshot, snapshot.c.id == result_set.c.snapshot_id)
            .where(result_set.c.programme == programme, result_set.c.period == period)
            .order_by(result_set.c.id.desc())
        ).mappings()
    ]
    return heads, _issued(connection, programme, period)


def _default_a(heads: Sequence[Mapping[str, Any]], issued: int | None) -> Mapping[str, Any] | None:
    live = [h for h in heads if h["mode"] == "live"]
    return next((h for h in live if h["id"] == issued), live[0] if live else None)


def _default_b(heads: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((h for h in heads if h["mode"] == "recalculate"), None)


def _issued(connection: Connection, programme: str, period: str) -> int | None:
    """Return the result set that was issued last for a period, or None."""
    return connection.execute(
        select(review_round.c.result_set_id)
        .join(issue, issue.c.round_id == review_round.c.id)
        .where(review_round.c.programme == programme, review_round.c.period == period)
        .where(review_round.c.result_set_id.is_not(None))
        .order_by(issue.c.id.desc())
        .limit(1)
    ).scalar()


def _chosen(
    heads: Sequence[Mapping[str, Any]],
    asked: int | None,
    default: Mapping[str, Any] | None,
    which: str,
    programme: str,
    period: str,
) -> Mapping[str, Any]:
    if asked is not None:
        found = next((h for h in heads if h["id"] == asked), None)
        if found is None:
            raise UnknownError(f"“{programme}”{period} 年度没有第 {asked} 号结果；{_listed(heads)}")
        return found
    if default is None:
        kind = "正式结果" if which == "A" else "重算结果"
        raise UnknownError(
            f"“{programme}”{period} 年度没有{kind}可作比较的 {which}；{_listed(heads)}。"
            "可先重算该年度，或用 --a、--b 指定结果编号"
        )
    return default


def _listed(heads: Sequence[Mapping[str, Any]]) -> str:
    named = [f"第 {h['id']} 号（{MODES[h['mode']]}，基准日 {h['as_of']}）" for h in heads]
    return "现有：" + ("、".join(named) or "无")


def side(connection: Connection, head: Mapping[str, Any]) -> Side:
    """Return a stored result's list, values and rules; ``head``: one of ``period_results``."""
    rules = store.frozen(head["rule_sha256"]).rules
    standings = {
        row.unit: Standing(row.kind, row.state, row.name, row.sha256 or "", row.received_at)
        for row in connection.execute(
            select(
                snapshot_unit.c.unit,
                snapshot_unit.c.kind,
                snapshot_unit.c.state,
                snapshot_unit.c.name,
                submission.c.sha256,
                submission.c.received_at,
            )
            .join(submission, submission.c.id == snapshot_unit.c.submission_id, isouter=True)
            .where(snapshot_unit.c.snapshot_id == head["snapshot_id"])
            .order_by(snapshot_unit.c.unit)
        )
    }
    said = f"第 {head['id']} 号结果（{MODES[head['mode']]}）"
    return Side(head, rules, Basis(said, standings, snapshots.values_table(head["values_sha256"]), rules))


def _check_stored(connection: Connection, one: Side, rebuilt: Mapping[str, Outcome]) -> None:
    """Refuse to explain a result that is not the one on record."""
    stored = {
        r["unit"]: (r["total"], r["rank"], r["grade"], r["passed"])
        for r in results.results(connection, one.head["id"])
    }
    again = {u: (o.total, o.rank, o.grade, o.passed) for u, o in rebuilt.items()}
    if different := sorted(u for u in {*stored, *again} if stored.get(u) != again.get(u)):
        raise GovernanceError(
            f"{one.basis.name}与按其冻结的数据和规则重算的不一致：{'、'.join(different)}；"
            f"该结果由引擎版本 {one.head['engine_version']} 算出，现用版本 {ENGINE_VERSION}"
        )
