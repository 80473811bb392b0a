"""Checks of ``policies/cases/``: duties, milestones, clauses, roles and templates that a case names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ipgov.core.errors import EnvironmentProblemError, GovernanceError, Problem
from ipgov.core.settings import settings
from ipgov.policy import cases, lifecycles
from ipgov.policy.cases import CaseFile, CaseRules
from ipgov.policy.duty_store import DutyBook, duties
from ipgov.policy.store import clauses, read_yaml


def case_files() -> Iterator[Problem]:
    """Yield every problem of the rules of cases, file by file; one that cannot be read for that alone."""
    try:
        book = duties()
    except EnvironmentProblemError:
        raise
    except GovernanceError as error:
        yield from error.problems
        return
    for path in cases.files():
        name = f"policies/cases/{path.name}"
        try:
            file = cases.load(path)
        except EnvironmentProblemError:
            raise
        except GovernanceError as error:
            yield from error.problems or (Problem("policy_cases", error.message, "有效的 YAML", file=name),)
            continue
        for place, found, expected in _findings(file, book, _roles()):
            yield Problem("policy_cases", f"{place} {found}", expected, file=name)


def _roles() -> tuple[str, ...] | None:
    """Return the roles that there are; None where the file is wrong, which its own check tells."""
    path = settings().policies / "roles.yaml"
    try:
        raw = read_yaml(path.read_bytes(), path.name)
        return tuple(str(role["code"]) for role in raw["roles"])
    except (GovernanceError, OSError, KeyError, TypeError):
        return None


def _clauses() -> Collection[str] | None:
    """Return the clauses that there are; None where the register is wrong, which its own check tells."""
    try:
        return set(clauses())
    except GovernanceError:
        return None


def _findings(
    file: CaseFile, book: DutyBook, roles: tuple[str, ...] | None
) -> Iterator[tuple[str, str, str]]:
    seen: set[tuple[str, object]] = set()
    for case in file.cases:
        place = f"cases[{case.code}]"
        if case.programme != file.programme:
            yield f"{place}.programme", f"是 {case.programme}", f"本文件的 {file.programme}"
        if (case.code, case.effective) in seen:
            yield place, f"自 {case.effective} 起的规则重复", "每个起始日一条"
        seen.add((case.code, case.effective))
        yield from _duties(case, place, book)
        asked = [("judge", case.judge)]
        if case.extension is not None:
            asked.append(("extension.role", case.extension.role))
        if case.inquiry is not None:
            asked.append(("inquiry.finder", case.inquiry.finder))
        for at, role in asked:
            if roles is not None and role not in roles:
                yield f"{place}.{at}", f"“{role}”不是已有角色", "、".join(roles)
        yield from _effects(case, place, book)
        yield from _papers(case, place)


def _effects(case: CaseRules, place: str, book: DutyBook) -> Iterator[tuple[str, str, str]]:
    """Prove that an ending ends a title by an event that does, and opens duties that there are."""
    kinds = {
        k.code
        for rule in book.rules
        if rule.duty.programme == case.programme
        for k in rule.duty.opened_by.occurrences or ()
    }
    for at, ending in (("passed", case.passed), ("failed", case.failed)):
        if ending.event is not None and (life := _life(case.programme)) is not None:
            ends = [e.code for e in life.events if e.code in life.ending and "approval" in e.needs]
            if ending.event not in ends:
                expected = f"policies/lifecycles 中经审批而终止的：{'、'.join(ends) or '无'}"
                yield f"{place}.{at}.event", f"“{ending.event}”不终止该业务的称号（资格）", expected
        if ending.returns is not None and (life := _life(case.programme)) is not None:
            stays = [e.code for e in life.events if e.to and e.code not in life.ending and "issuer" in e.by]
            if ending.returns not in stays or ending.event is not None:
                found = f"“{ending.returns}”不是签发人恢复状态的事项，或与 event 并写"
                yield f"{place}.{at}.returns", found, "、".join(stays) or "不写"
        for kind in ending.opens:
            if kind not in kinds:
                yield f"{place}.{at}.opens", f"“{kind}”不是该业务的事项", "、".join(sorted(kinds)) or "无"


def _life(programme: str) -> lifecycles.Lifecycle | None:
    """Return the life of a title; None where there is none or it is wrong, which its own check tells."""
    try:
        return lifecycles.lifecycle(programme)
    except GovernanceError:
        return None


def _duties(case: CaseRules, place: str, book: DutyBook) -> Iterator[tuple[str, str, str]]:
    by_code = {code: book.entries(code)[-1].duty for code in book.codes}
    asked = [("duty", case.duty, "judgement")]
    if case.plan.milestone is not None:
        asked.append(("plan.milestone", case.plan.milestone, "report"))
    if case.progress.milestone is not None:
        asked.append(("progress.milestone", case.progress.milestone, "report"))
    if case.reevaluation is not None and case.reevaluation.duty is not None:
        asked.append(("reevaluation.duty", case.reevaluation.duty, "judgement"))
    for at, code, met_by in asked:
        duty = by_code.get(code)
        if duty is None or duty.programme != case.programme:
            known = "、".join(c for c, d in by_code.items() if d.programme == case.programme) or "无"
            yield f"{place}.{at}", f"“{code}”不是该业务的职责", f"policies/duties 中的：{known}"
        elif duty.met_by != met_by:
            yield f"{place}.{at}", f"“{code}”以 {duty.met_by} 办结", f"以 {met_by} 办结的职责"
        elif at == "duty" and case.inquiry is not None and duty.opened_by.occurrences is None:
            yield f"{place}.{at}", f"“{code}”不由登记的事项（occurrences）开启", "由发现的情形开启的职责"
        elif at.endswith(".milestone") and duty.part_of != case.duty:
            yield f"{place}.{at}", f"“{code}”不属于“{case.duty}”", f"part_of: {case.duty} 的职责"
        elif duty.repeats != (at == "progress.milestone"):
            expected = "按期重复（repeats: true）" if not duty.repeats else "不重复"
            yield f"{place}.{at}", f"“{code}”{'' if duty.repeats else '不'}按期重复", f"{expected}的职责"


def _papers(case: CaseRules, place: str) -> Iterator[tuple[str, str, str]]:
    papers = {"notice": case.notice, "passed.notice": case.passed.notice, "failed.notice": case.failed.notice}
    folder: Path = settings().templates
    templates = sorted(f.parent.name for f in folder.glob("*/document.yaml"))
    for at, notice in papers.items():
        if notice.template not in templates:
            yield f"{place}.{at}", f"没有模板“{notice.template}”", "、".join(templates)
    blocks: Mapping[str, tuple[str, ...]] = {
        "": case.clause,
        ".passed": case.passed.clause,
        ".failed": case.failed.clause,
        ".reevaluation": case.reevaluation.clause if case.reevaluation else (),
        **{f".{at}": notice.clause for at, notice in papers.items()},
    }
    known = _clauses()
    for at, cited in blocks.items():
        for clause in cited:
            if known is not None and clause not in known:
                yield f"{place}{at}.clause", f"没有条款 {clause}", "clauses.csv 中的编号"
