"""How firm a result is, and how a rule looks on real values: from the frozen snapshot, changing nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core.database import reading
from ipgov.core.errors import GovernanceError, Problem, UnknownError
from ipgov.core.tables import result, result_set, snapshot, snapshot_unit
from ipgov.documents import sensitivity_sheet
from ipgov.evaluation import store as results
from ipgov.evaluation.files import read_values
from ipgov.evaluation.rule_checks import check as rule_checks
from ipgov.evaluation.sensitivity import analysis as sensitivity
from ipgov.evaluation.sensitivity.analysis import Sensitivity
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion, ScoringRules
from ipgov.policy.store import Loaded
from ipgov.policy.title_words import title_words
from ipgov.procedures import snapshots


def of_result_set(connection: Connection, result_set_id: int, rules: RuleVersion) -> Sensitivity | None:
    """Return how firm the ranks and grades of a result set are; None where the rules name nothing to vary.

    None, too, where nobody sent values. Raises GovernanceError where the result set is not what the engine
    makes of the snapshot now: its figures could not stand beside those reckoned here.
    """
    if rules.sensitivity is None:
        return None
    values_sha256 = connection.execute(
        select(snapshot.c.values_sha256)
        .join(result_set, result_set.c.snapshot_id == snapshot.c.id)
        .where(result_set.c.id == result_set_id)
    ).scalar_one()
    values = snapshots.values_table(values_sha256)
    if not values.num_rows:
        return None
    found = sensitivity.analyse(
        values,
        rules.scoring,
        rules.sensitivity,
        groups=tuple(rules.kinds),
        allowed_unused=rules.inputs,
    )
    stored = {
        row.unit: (row.total, row.rank, row.grade)
        for row in connection.execute(
            select(result.c.unit, result.c.total, result.c.rank, result.c.grade).where(
                result.c.result_set_id == result_set_id
            )
        )
    }
    for u in found.units:
        if stored.get(u.unit) != (u.total, u.rank, u.grade):
            raise GovernanceError(
                f"{u.unit} 的评价结果与按快照重新计算的不一致，不能作敏感性分析：请先重新评价再生成评级表"
            )
    return found


def of_period(programme: str, period: str) -> tuple[Sensitivity, bytes]:
    """Return how firm the newest live result of a period is, and the workbook that says so.

    Raises UnknownError where the period has no result, or its rules name nothing to vary.
    """
    with reading() as connection:
        head = results.newest_live(connection, programme, period)
        rules = store.frozen(head["rule_sha256"]).rules
        sensitivity.required(rules.sensitivity, f"{programme} {period} 年度的规则")
        found, body = of_result_set(connection, head["id"], rules), title_words(programme).body
        if found is None:
            raise UnknownError(f"“{programme}”{period} 年度没有一个{body}报送数据")
        names = {
            row.unit: (row.name, rules.kinds[row.kind].name)
            for row in connection.execute(
                select(snapshot_unit).where(snapshot_unit.c.snapshot_id == head["snapshot_id"])
            )
        }
    title = f"{rules.title}敏感性（{period}年度）"
    return found, sensitivity_sheet.workbook(found, title, rules.issuer.name, names, body)


def of_files(policy: Path, data: bytes, values: Path, csv: bytes) -> tuple[Sensitivity, bytes]:
    """Return how firm ranks and grades of a policy file are on a values file, and the workbook; no database.

    Raises GovernanceError or UnknownError as ``evaluation.files.evaluate_files``.
    """
    rules = store.parse_scoring(data, policy.name)
    unused = rules.inputs if isinstance(rules, RuleVersion) else frozenset()
    settings = sensitivity.required(rules.sensitivity, policy.name)
    table = read_values(csv, values.name)
    found = sensitivity.analyse(table, rules.scoring, settings, allowed_unused=unused)
    kinds = rules.kinds if isinstance(rules, RuleVersion) else {}
    names = {u.unit: ("", kinds[u.group].name if u.group in kinds else u.group) for u in found.units}
    return found, sensitivity_sheet.workbook(found, f"{rules.title}敏感性", "", names, "单位")


def check_files(policy: Path, data: bytes, values: Path, csv: bytes) -> list[Problem]:
    """Return what a policy file looks wrong in on a values file; no database."""
    rules = store.parse_scoring(data, policy.name)
    return rule_checks.check(read_values(csv, values.name), rules, policy.name, allowed_unused=_fields(rules))


def check_with_data(policy: tuple[Path, bytes] | None = None) -> tuple[list[Problem], list[str]]:
    """Return what looks wrong in each rule version on its programme's newest frozen snapshot.

    Of each programme the version that governs the snapshot, those in force after it, and every draft; or
    the one given. And, in Chinese, what was checked on what. Raises UnknownError where the programme of a
    given version has no snapshot.
    """
    problems: list[Problem] = []
    told: list[str] = []
    given = store.parse(policy[1], policy[0].name) if policy else None
    with reading() as connection:
        for programme in [given.rules.programme] if given else store.programmes():
            frozen = _newest_snapshot(connection, programme)
            if frozen is None:
                if given:
                    raise UnknownError(f"“{programme}”尚无冻结的数据快照；可用 --values 给出数据文件")
                told.append(f"“{programme}”尚无冻结的数据快照，未检查")
                continue
            versions = {given.source: given} if given else _versions(programme, int(frozen["period"]))
            for name, loaded in versions.items():
                problems += _check_on(frozen, name, loaded.rules)
                told.append(f"{name}：按 {frozen['period']} 年度快照（{frozen['as_of']}）检查")
    return problems, told


def _versions(programme: str, period: int) -> dict[str, Loaded]:
    """Return by file the version that governs a period, those in force after it, and every draft."""
    first = store.governing(programme, period).rules.effective
    return {
        f"policies/{programme}/{v.source}": v
        for v in store.versions(programme)
        if v.rules.status == "draft" or v.rules.effective >= first
    }


def _check_on(frozen: Mapping[str, Any], name: str, rules: RuleVersion) -> list[Problem]:
    filled_in = store.frozen(frozen["rule_sha256"]).rules
    return rule_checks.check(
        snapshots.values_table(frozen["values_sha256"]),
        rules,
        name,
        groups=tuple(rules.kinds),
        allowed_unused=_fields(rules) | _fields(filled_in),
    )


def _newest_snapshot(connection: Connection, programme: str) -> Mapping[str, Any] | None:
    rows = connection.execute(
        select(snapshot).where(snapshot.c.programme == programme).order_by(snapshot.c.id.desc()).limit(1)
    )
    row = rows.mappings().first()
    return dict(row) if row else None


def _fields(rules: ScoringRules) -> frozenset[str]:
    return rules.inputs if isinstance(rules, RuleVersion) else frozenset()
