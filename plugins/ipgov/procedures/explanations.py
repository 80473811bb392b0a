"""Why a figure is what it is: from the list back to the cell and the clause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import UnknownError
from ipgov.core.tables import (
    attachment,
    listed_attachment,
    result_set,
    snapshot_attachment,
    snapshot_unit,
    snapshot_value,
    submission,
    submitted_value,
)
from ipgov.documents import explanation_sheet
from ipgov.documents.model import SIMULATION_BANNER
from ipgov.evaluation import explain as explaining
from ipgov.evaluation import store as results
from ipgov.policy import store
from ipgov.policy.rules import RuleVersion
from ipgov.procedures.rated_sources import rated_sources
from ipgov.procedures.yearly_reports import yearly_sources


def explain(programme: str, period: str, unit: str, number: int | None = None) -> explaining.Explanation:
    """Return the derivation of a body's newest live result of a period, or of the result set ``number``.

    Raises UnknownError where the period has no such result or the body none in it, naming those there are.
    """
    with reading() as connection:
        head = _head(connection, programme, period, number)
        return _explained(connection, head, store.frozen(head["rule_sha256"]).rules, [unit])[0]


def sheet(programme: str, period: str, unit: str | None = None, number: int | None = None) -> bytes:
    """Return the workbook that explains a body's result (default: everybody's, a sheet each).

    Which result, and what is raised: as ``explain``.
    """
    with reading() as connection:
        head = _head(connection, programme, period, number)
        rules = store.frozen(head["rule_sha256"]).rules
        units = [unit] if unit else [r["unit"] for r in results.results(connection, head["id"])]
        explained = _explained(connection, head, rules, units)
        names = {
            row.unit: row.name
            for row in connection.execute(
                select(snapshot_unit.c.unit, snapshot_unit.c.name).where(
                    snapshot_unit.c.snapshot_id == head["snapshot_id"]
                )
            )
        }
        banner = SIMULATION_BANNER if is_simulation(connection) else ""
    about = explanation_sheet.About(
        title=f"{rules.title}得分推导（{period}年度）",
        author=rules.issuer.name,
        rules=f"规则版本 {rules.version}（SHA-256 {head['rule_sha256']}）",
        trace=head["fingerprint"],
        banner=banner,
        names=names,
        decimals=rules.scoring.rounding.total,
    )
    return explanation_sheet.write(explained, about, store.clauses())


def _head(connection: Connection, programme: str, period: str, number: int | None) -> Mapping[str, Any]:
    from ipgov.procedures import comparison

    if number is None:
        return results.newest_live(connection, programme, period)
    return comparison.stored(connection, programme, period, number)


def of_result_set(
    connection: Connection, result_set_id: int, rules: RuleVersion, unit: str
) -> explaining.Explanation:
    """Return the derivation of a body's result in a result set; UnknownError where it has none there."""
    return of_bodies(connection, result_set_id, rules, [unit])[0]


def of_bodies(
    connection: Connection, result_set_id: int, rules: RuleVersion, units: Sequence[str]
) -> list[explaining.Explanation]:
    """Return the derivations of several bodies' results, in their order; raises as ``of_result_set``."""
    head = connection.execute(select(result_set).where(result_set.c.id == result_set_id)).mappings().one()
    return _explained(connection, dict(head), rules, units)


def _explained(
    connection: Connection, head: Mapping[str, Any], rules: RuleVersion, units: Sequence[str]
) -> list[explaining.Explanation]:
    everybody = results.results(connection, head["id"])
    known = [r["unit"] for r in everybody]
    if strange := [u for u in units if u not in known]:
        raise UnknownError(
            f"{head['period']} 年度结果中没有单位“{'、'.join(strange)}”；有：{'、'.join(known)}"
        )
    scores: dict[str, list[dict[str, Any]]] = {}
    for row in results.scores(connection, head["id"], units[0] if len(units) == 1 else None):
        scores.setdefault(row["unit"], []).append(row)
    sources = _sources(connection, head["snapshot_id"], rules, units)
    for number, (u, source) in enumerate(rated_sources(connection, head["snapshot_id"], rules, units)):
        sources.setdefault(u, {})[f"{source.field}#{number}"] = source
    for number, (u, source) in enumerate(yearly_sources(connection, head["snapshot_id"], rules, units)):
        sources.setdefault(u, {})[f"{source.field}~{number}"] = source
    names = {code: kind.name for code, kind in rules.kinds.items()}
    return [
        explaining.explain(scores.get(u, []), everybody, rules.scoring, u, sources.get(u, {}), names)
        for u in units
    ]


def _sources(
    connection: Connection, snapshot_id: int, rules: RuleVersion, units: Sequence[str]
) -> dict[str, dict[str, explaining.Source]]:
    """Return where each value of the snapshot stands, by unit and field."""
    labels = {code: f.label for code, f in rules.form.fields.items()}
    proofs = _proofs(connection, snapshot_id, units)
    found: dict[str, dict[str, explaining.Source]] = {}
    for row in connection.execute(
        select(
            snapshot_value.c.unit,
            snapshot_value.c.field,
            submission.c.object_key,
            submission.c.sha256,
            submitted_value.c.sheet,
            submitted_value.c.cell,
            submitted_value.c.raw,
            submitted_value.c.transforms,
        )
        .join(submitted_value, submitted_value.c.id == snapshot_value.c.submitted_value_id)
        .join(submission, submission.c.id == submitted_value.c.submission_id)
        .where(snapshot_value.c.snapshot_id == snapshot_id, snapshot_value.c.unit.in_(units))
    ):
        found.setdefault(row.unit, {})[row.field] = explaining.Source(
            field=row.field,
            file=row.object_key.rpartition("/")[2],
            raw=row.raw,
            sheet=row.sheet,
            cell=row.cell,
            sha256=row.sha256,
            label=labels.get(row.field, ""),
            transforms=tuple(row.transforms),
            note="；".join(proofs.get((row.unit, row.field), ())),
        )
    return found


def _proofs(
    connection: Connection, snapshot_id: int, units: Sequence[str]
) -> dict[tuple[str, str], list[str]]:
    """Return the attachments that prove each value of the snapshot, by unit and field, as they are told."""
    told: dict[tuple[str, str], list[str]] = {}
    for row in connection.execute(
        select(
            snapshot_attachment.c.unit,
            listed_attachment.c.name,
            listed_attachment.c.fields,
            attachment.c.sha256,
        )
        .join(listed_attachment, listed_attachment.c.id == snapshot_attachment.c.listed_attachment_id)
        .outerjoin(attachment, attachment.c.id == snapshot_attachment.c.attachment_id)
        .where(snapshot_attachment.c.snapshot_id == snapshot_id, snapshot_attachment.c.unit.in_(units))
        .order_by(listed_attachment.c.id)
    ):
        state = f"指纹 {row.sha256[:12]}" if row.sha256 else "未收到"
        for code in row.fields:
            told.setdefault((row.unit, code), []).append(f"佐证附件“{row.name}”（{state}）")
    return told
