"""Is everything in ``policies/`` right? ``check()`` proves it for every programme and every day.

Each check is a small generator of findings; the lists below are all of them, in the order in which they
report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from ipgov.core.errors import Problem
from ipgov.policy.check import (
    audits,
    cases,
    duties,
    form,
    letters,
    lifecycles,
    methods,
    panel,
    papers,
    procedure,
    recognition,
    register,
    scoring,
    timeline,
    variation,
    version,
    yearly,
)
from ipgov.policy.check.finding import Finding, Programme, VersionFile
from ipgov.policy.check.sources import Sources, read_sources
from ipgov.policy.rules import ScoringRules

_T = TypeVar("_T")

REGISTER_CHECKS: tuple[Callable[[Sources], Iterator[Finding]], ...] = (
    register.clause_ids,
    register.clause_values,
    register.clauses_agree_with_documents,
)
PROGRAMME_CHECKS: tuple[Callable[[Programme], Iterator[Finding]], ...] = (
    timeline.no_gap_and_no_overlap,
    timeline.every_period_has_rules,
    timeline.form_versions,
    timeline.earlier_fields,
)
VERSION_CHECKS: tuple[Callable[[VersionFile], Iterator[Finding]], ...] = (
    version.names,
    version.clauses_exist,
    version.clauses_in_force,
    version.kinds,
    version.cycle_order,
    form.sheets,
    form.field_codes,
    form.field_kinds,
    form.field_limits,
    form.attachments,
    form.indicator_inputs,
    panel.panel,
    recognition.gates,
    recognition.naming,
    recognition.listing,
    procedure.quality_suite,
    procedure.outcomes,
    procedure.approval,
    procedure.notice_kinds,
    procedure.notice_templates,
)
SCORING_CHECKS: tuple[Callable[[ScoringRules], Iterator[Finding]], ...] = (
    scoring.codes,
    scoring.groups,
    scoring.tree,
    scoring.weights_sum,
    scoring.weights_used,
    methods.transforms,
    methods.ranges,
    methods.members,
    methods.steps,
    methods.benchmarks,
    scoring.outside_items,
    scoring.bounds,
    scoring.grades,
    scoring.veto,
    variation.varied,
    variation.alternatives,
)


def check() -> list[Problem]:
    """Return every problem of ``policies/``, each naming file and key path in Chinese; empty: all is proved.

    A file that cannot be read as a rule version is reported for that and judged no further.
    """
    sources = read_sources()
    problems = list(sources.problems)
    for found in _run(REGISTER_CHECKS, sources):
        problems.append(found.problem("policies/clauses.csv"))
    for programme in sources.programmes:
        if not programme.unreadable:
            for found in _run(PROGRAMME_CHECKS, programme):
                problems.append(found.problem(f"policies/{programme.name}"))
        for file in programme.files:
            for found in _run(VERSION_CHECKS, file):
                problems.append(found.problem(file.name))
            problems += check_scoring(file.rules, file.name)
    problems += cases.case_files()
    problems += letters.correspondence(sources)
    problems += papers.papers(sources)
    for across in (yearly.yearly_inputs, yearly.grade_effects):
        problems += [found.of(across.__name__).problem("policies") for found in across(sources)]
    lives, unreadable = lifecycles.read_lifecycles(sources)
    problems += unreadable
    for life in lives:
        for found in _run(lifecycles.LIFECYCLE_CHECKS, life):
            problems.append(found.problem(f"policies/lifecycles/{life.stem}.yaml"))
    duty_files, unreadable = duties.read_duty_files(sources)
    problems += unreadable
    for found in _run(duties.DUTY_CHECKS, duty_files):
        problems.append(found.problem("policies/duties"))
    for found in audits.audit_duties(sources, duty_files.by_code):
        problems.append(found.of("audit_duties").problem("policies"))
    return problems


def notes() -> list[str]:
    """Return what ``check`` could not compare and is no problem, as lines to read (Chinese)."""
    sources = read_sources()
    duty_files, _ = duties.read_duty_files(sources)
    return duties.without_rules(duty_files, [p.name for p in sources.programmes])


def check_scoring(rules: ScoringRules, name: str) -> list[Problem]:
    """Return what is wrong with the scoring of a rule version, or of scoring rules alone."""
    return [found.problem(name) for found in _run(SCORING_CHECKS, rules)]


def _run(checks: tuple[Callable[[_T], Iterator[Finding]], ...], subject: _T) -> Iterator[Finding]:
    for one in checks:
        for found in one(subject):
            yield found.of(one.__name__)
