"""What a case is to put right: the findings of an issued evaluation of one body, each with its cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from ipgov.core import tables
from ipgov.core.errors import RefusedError
from ipgov.evaluation.explain import Explanation, Source, Step
from ipgov.evaluation.wording import measured, plain
from ipgov.policy.cases import PROBLEM_NAMES, Problems
from ipgov.policy.methods import Threshold
from ipgov.policy.scoring import Scoring
from ipgov.quality.findings import Finding


@dataclass(frozen=True)
class CaseProblem:
    """One problem: its number on the list, what kind, what was found (Chinese), where it stands.

    ``sources``: field, label, file, sha256, sheet, cell and raw of every cell that the figure comes from.
    ``entered_by``: who entered it; None: it comes from the evaluation.
    """

    number: int
    kind: str
    code: str
    name: str
    found: str
    basis: str
    sources: tuple[Mapping[str, Any], ...] = ()
    submission_id: int | None = None
    entered_by: str | None = None

    @property
    def kind_name(self) -> str:
        """Return the kind in words."""
        return PROBLEM_NAMES[self.kind]

    @property
    def place(self) -> str:
        """Return where the figure stands: file, sheet and cell of each source; empty where none is known."""
        return "；".join(
            f"{s['file']}“{s['sheet']}”表{s['cell']}" if s.get("sheet") else str(s.get("file", ""))
            for s in self.sources
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**vars(self), "sources": [dict(s) for s in self.sources]}


def from_evaluation(
    asked: Problems,
    scoring: Scoring,
    explained: Explanation,
    findings: Iterable[Finding],
    submission_id: int | None,
    not_submitted: str = "",
) -> list[CaseProblem]:
    """Return a body's problems, numbered, in the order of ``PROBLEM_NAMES`` and then of rules and findings.

    ``findings``: of the body. ``not_submitted`` (Chinese): how its workbook failed to come; empty: it came.
    Each figure stands with its cells as the explanation of the result names them.
    """
    found = [*_missing_workbook(explained, not_submitted), *_of_scores(asked, scoring, explained.root)]
    found += _of_findings(asked, findings)
    order = list(PROBLEM_NAMES)
    found.sort(key=lambda p: order.index(p.kind))  # stable
    return [
        replace(p, number=n, submission_id=p.submission_id or (submission_id if p.sources else None))
        for n, p in enumerate(found, 1)
    ]


def _missing_workbook(explained: Explanation, not_submitted: str) -> Iterator[CaseProblem]:
    if not_submitted:
        yield CaseProblem(0, "not_submitted", "", "年度业务数据报送", not_submitted, explained.grade_basis)


def _steps(step: Step) -> Iterator[Step]:
    yield step
    for child in step.children:
        yield from _steps(child)


def _of_scores(asked: Problems, scoring: Scoring, root: Step) -> Iterator[CaseProblem]:
    rules = {i.code: i for i in scoring.indicators}
    for step in _steps(root):
        rule = rules.get(step.node)
        if rule is None:
            continue
        kind, found = _judged(asked, scoring, step, rule.normalisation)
        if kind:
            sources = tuple(_source(s) for s in step.sources)
            yield CaseProblem(0, kind, step.node, step.name, found, step.basis, sources)


def _judged(asked: Problems, scoring: Scoring, step: Step, method: Any) -> tuple[str, str]:
    """Return which kind of problem an indicator is (empty: none), and what is said of it."""
    figure = "" if step.value is None else measured(step.value, step.unit)
    if step.role == "veto":
        hit = isinstance(method, Threshold) and step.value is not None and step.value >= method.at_least
        return ("veto", f"为{figure}，构成否决") if hit else ("", "")
    if step.role == "deduction":
        taken = step.contribution or Decimal(0)
        return ("deduction", f"为{figure}，扣{plain(abs(taken))}分") if taken else ("", "")
    if step.role != "score" or step.normalised is None:
        return "", ""  # not scored at all: nobody is asked for what did not occur
    if step.value is None:
        return "missing", f"未填报或无法计算，得{_points(step.normalised, scoring)}分"
    if asked.below is not None and step.normalised < asked.below:
        line = f"低于{plain(asked.below)}分"
        return "indicator", f"为{figure}，得{_points(step.normalised, scoring)}分，{line}"
    return "", ""


def _points(score: Decimal, scoring: Scoring) -> str:
    return format(score.quantize(Decimal(1).scaleb(-scoring.rounding.indicator)), "f")


def _source(source: Source) -> dict[str, Any]:
    names = ("field", "label", "file", "sha256", "sheet", "cell", "raw")
    return {name: getattr(source, name) for name in names}


def _of_findings(asked: Problems, findings: Iterable[Finding]) -> Iterator[CaseProblem]:
    for f in findings:
        if f.severity not in asked.severities or (f.waived and not asked.waived):
            continue
        cell = {"field": f.field or "", "file": "", "sheet": f.sheet or "", "cell": f.cell or ""}
        yield CaseProblem(
            0,
            "waiver" if f.waived else "quality",
            f.rule,
            "数据质量核查",
            f.message + (f"（{f.waived}）" if f.waived else ""),
            f.basis,
            ({**cell, "label": "", "sha256": "", "raw": f.found or ""},) if f.cell else (),
            f.submission_id,
        )


def save(connection: Connection, obligation_id: int, found: Sequence[CaseProblem], known_at: Any) -> None:
    """Write a case's problems."""
    rows = [{**p.as_dict(), "obligation_id": obligation_id, "known_at": known_at} for p in found]
    if rows:
        connection.execute(tables.case_problem.insert(), rows)


def of_case(connection: Connection, obligation_id: int) -> list[CaseProblem]:
    """Return a case's problems by number."""
    table = tables.case_problem
    rows = connection.execute(
        select(*(table.c[name] for name in CaseProblem.__dataclass_fields__))
        .where(table.c.obligation_id == obligation_id)
        .order_by(table.c.number)
    ).mappings()
    return [CaseProblem(**{**row, "sources": tuple(row["sources"])}) for row in rows]


def check_numbers(problems: Sequence[CaseProblem], numbers: Iterable[int]) -> tuple[int, ...]:
    """Return the numbers in order; RefusedError for one that is not on the list."""
    known = {p.number for p in problems}
    given = sorted(set(numbers))
    if strange := [str(n) for n in given if n not in known]:
        there = f"1 至 {len(problems)}" if problems else "无"
        raise RefusedError(f"问题清单没有第 {'、'.join(strange)} 项；现有：{there}")
    return tuple(given)
