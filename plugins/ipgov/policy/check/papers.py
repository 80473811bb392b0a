"""Whether ``policies/papers.yaml`` is right: its shape, clauses, templates, and the documents it names."""

from __future__ import annotations

from collections.abc import Iterator

from ipgov.core.errors import GovernanceError, Problem
from ipgov.core.settings import settings
from ipgov.policy.check.sources import Sources
from ipgov.policy.papers import FILE, Paper, read

NAME = f"policies/{FILE}"


def papers(sources: Sources) -> list[Problem]:
    """Return what is wrong with the file, read afresh."""
    try:
        rules = read(settings().policies / FILE)
    except GovernanceError as error:
        return list(error.problems) or [Problem("papers_readable", error.message, "可读的规则文件", NAME)]
    cited = [*rules.issuer.clause, *rules.contact.clause]
    problems = [_no_clause(c) for c in cited if c not in sources.context.clauses]
    for paper in rules.papers:
        problems += _paper(paper, sources)
    return problems


def _no_clause(clause: str) -> Problem:
    return Problem("papers_clauses_exist", f"条款 {clause} 不存在", "clauses.csv 中的编号", NAME)


def _paper(paper: Paper, sources: Sources) -> Iterator[Problem]:
    for clause in (*paper.clause, *paper.quotes):
        if clause not in sources.context.clauses:
            yield _no_clause(clause)
    if not (settings().templates / paper.template / "document.yaml").is_file():
        found = f"文书“{paper.name}”的模板“{paper.template}”不存在"
        yield Problem("papers_templates", found, "reports/templates/ 下的文件夹", NAME)
    for one in (*paper.to, *paper.copies_to):
        if one.document and one.document not in sources.context.documents:
            found = f"文书“{paper.name}”的收文单位取自未登记的文件“{one.document}”"
            yield Problem("papers_documents", found, "documents.yaml 中的编号", NAME)
