"""What a rule looks wrong in on real values: what moves nothing, says the same twice, cannot be met.

Thresholds are the block ``rule_checks`` of the rule version. Effect and weight are compared after Paruolo,
Saisana and Saltelli (2013), J. R. Statist. Soc. A 176, and Becker et al. (2017), Ecol. Indic. 80: what a
child explains of its parent's variance (here: squared correlation) against its weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ipgov.core.errors import Problem, UnknownError
from ipgov.evaluation.engine import evaluate
from ipgov.evaluation.rule_checks.data import Finding, RuleData, read
from ipgov.evaluation.rule_checks.effects import importance, moves_nothing, says_the_same
from ipgov.evaluation.rule_checks.limits import benchmarks, clamped, grades, missing, quotas
from ipgov.evaluation.sensitivity.variation import inputs_of
from ipgov.policy.rules import ScoringRules

if TYPE_CHECKING:
    import pyarrow as pa

CHECKS: tuple[Callable[[RuleData], Iterator[Finding]], ...] = (
    missing,
    moves_nothing,
    says_the_same,
    importance,
    clamped,
    benchmarks,
    grades,
    quotas,
)


def check(
    values: pa.Table | Path,
    rules: ScoringRules,
    name: str,
    *,
    groups: tuple[str, ...] = (),
    allowed_unused: frozenset[str] = frozenset(),
) -> list[Problem]:
    """Return what looks wrong in the scoring of ``rules`` (file ``name``) on these values, in Chinese.

    Values and groups as ``engine.evaluate`` takes them, whose errors it raises; UnknownError where the rules
    have no ``rule_checks``.
    """
    if rules.rule_checks is None:
        raise UnknownError(f"{name} 没有 rule_checks 一节，未写明界限；请在规则文件中写明")
    unused = allowed_unused | inputs_of(rules.scoring)
    data = read(
        rules.scoring,
        rules.rule_checks,
        lambda rule: evaluate(values, rule, groups=groups, allowed_unused=unused),
    )
    return [
        Problem(f"rule_{one.__name__}", f"{f.path} {f.found}", f.expected, file=name)
        for one in CHECKS
        for f in one(data)
    ]
