"""Whether ``policies/papers.yaml`` is right: its shape, clauses, templates, and the documents it names."""

from __future__ import annotations

from collections.abc import Iterator

from ipgov.core.errors import GovernanceError, Problem
from ipgov.core.settings import settings
from ipgov.policy.check.sources import Sources
from ipgov.policy.duty_store import DutyBook, duties
from ipgov.policy.papers import FILE, Paper, PaperFile, read
from ipgov.policy.store import programmes, read_yaml

NAME = f"policies/{FILE}"


def papers(sources: Sources) -> list[Problem]:
    """Return what is wrong with the file, read afresh."""
    try:
        rules = read(settings().policies / FILE)
    except GovernanceError as error:
        return list(error.problems) or [Problem("papers_readable", error.message, "可读的规则文件", NAME)]
    cited = [*rules.issuer.clause, *rules.contact.clause]
    problems = [_no_clause(c) for c in cited if c not in sources.context.clauses]
    book = _duties()
    for paper in rules.papers:
        problems += _paper(paper, rules, sources)
        if book is not None:
            problems += _opens(paper, book)
    return [*problems, *_groups(rules)]


def _duties() -> DutyBook | None:
    """Return the duties; None where their files are wrong, which their own check tells."""
    try:
        return duties()
    except GovernanceError:
        return None


def _opens(paper: Paper, book: DutyBook) -> Iterator[Problem]:
    """Prove that what the issue of a document records opens a duty of each of its programmes."""
    for programme in (paper.programmes or ("",)) if paper.opens else ():
        kinds = [
            kind.code
            for rule in book.rules
            if rule.duty.programme == programme
            for kind in rule.duty.opened_by.occurrences or ()
        ]
        if paper.opens not in kinds:
            found = f"文书“{paper.name}”登记的事项“{paper.opens}”不是业务“{programme or '各项业务'}”的事项"
            yield Problem("papers_opens", found, "、".join(dict.fromkeys(kinds)) or "不写", NAME)


def _groups(rules: PaperFile) -> Iterator[Problem]:
    raw = read_yaml((settings().policies / "provinces.yaml").read_bytes(), "policies/provinces.yaml")
    provinces = {e["code"] for part in ("provinces", "outside_standard") for e in raw[part]["entries"]}
    for group in rules.groups:
        if unknown := [m for m in group.members if m not in provinces]:
            found = f"收文单位组“{group.code}”的成员 {'、'.join(unknown)} 不是省份代码"
            yield Problem("papers_groups", found, "provinces.yaml 中的两位代码", NAME)
    if rules.chain.programme not in programmes():
        found = f"审批链所比照的业务“{rules.chain.programme}”没有规则"
        yield Problem("papers_chain", found, f"policies/ 下有规则的业务：{'、'.join(programmes())}", NAME)


def _no_clause(clause: str) -> Problem:
    return Problem("papers_clauses_exist", f"条款 {clause} 不存在", "clauses.csv 中的编号", NAME)


def _paper(paper: Paper, rules: PaperFile, sources: Sources) -> Iterator[Problem]:
    running = paper.runs.clause if paper.runs else ()
    against = paper.objections.against if paper.objections else ()
    for clause in (*paper.clause, *paper.quotes, *running, *against):
        if clause not in sources.context.clauses:
            yield _no_clause(clause)
    if not (settings().templates / paper.template / "document.yaml").is_file():
        found = f"文书“{paper.name}”的模板“{paper.template}”不存在"
        yield Problem("papers_templates", found, "reports/templates/ 下的文件夹", NAME)
    for one in (*paper.to, *paper.copies_to):
        if one.document and one.document not in sources.context.documents:
            found = f"文书“{paper.name}”的收文单位取自未登记的文件“{one.document}”"
            yield Problem("papers_documents", found, "documents.yaml 中的编号", NAME)
        elif one.document:
            for name in sources.context.documents[one.document].recipients:
                if rules.group(name) is None:
                    found = f"文书“{paper.name}”的主送单位“{name}”不知寄发给谁"
                    yield Problem("papers_groups", found, "groups 中写明该名称的一组", NAME)
