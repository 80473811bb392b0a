"""The explanation for whoever has only a policy file and a values file: no database."""

from __future__ import annotations

from pathlib import Path

from ipgov.core.errors import UnknownError
from ipgov.evaluation.engine import Evaluation
from ipgov.evaluation.explain import Explanation, Source, explain
from ipgov.evaluation.files import read_values
from ipgov.policy.rules import RuleVersion, ScoringRules


def explain_evaluated(evaluation: Evaluation, rules: ScoringRules, values: Path, unit: str) -> Explanation:
    """Return the derivation of a unit of an evaluated values file, down to the file's lines.

    Raises UnknownError for a unit that the file does not have, naming the first there are.
    """
    known = evaluation.results["unit"].to_pylist()
    if unit not in known:
        more = "……" if len(known) > 20 else ""
        raise UnknownError(f"{values.name} 中没有单位“{unit}”；有：{'、'.join(known[:20])}{more}")
    groups = {k: v.name for k, v in rules.kinds.items()} if isinstance(rules, RuleVersion) else {}
    return explain(evaluation.scores, evaluation.results, rules.scoring, unit, _sources(values, unit), groups)


def _sources(values: Path, unit: str) -> dict[str, Source]:
    """Return the line of each input of a unit; of several raters, the first line stands for all."""
    import pyarrow.compute as pc

    table = read_values(values.read_bytes(), values.name)
    own = table.filter(pc.equal(table["unit"], unit)).to_pylist()
    found: dict[str, Source] = {}
    for row in own:
        lines = [r["line"] for r in own if r["indicator"] == row["indicator"]]
        cell = "第 " + "、".join(map(str, lines)) + " 行"
        raw = "、".join(r["value"] or "" for r in own if r["indicator"] == row["indicator"])
        note = f"数据来源：{row['source']}" if row.get("source") else ""
        found[row["indicator"]] = Source(row["indicator"], values.name, raw, cell=cell, note=note)
    return found
