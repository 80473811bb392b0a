"""Whether ``policies/correspondence.yaml`` is right: its shape, its clauses, its templates."""

from __future__ import annotations

from collections.abc import Iterator

from ipgov.core.errors import GovernanceError, Problem
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block
from ipgov.policy.check.sources import Sources
from ipgov.policy.correspondence import FILE, Paper, Papers, read

NAME = f"policies/{FILE}"


def correspondence(sources: Sources) -> list[Problem]:
    """Return what is wrong with the file, read afresh."""
    try:
        rules = read(settings().policies / FILE)
    except GovernanceError as error:
        return list(error.problems) or [Problem("letters_readable", error.message, "可读的规则文件", NAME)]
    return [*_clauses(rules, sources), *_templates(rules.papers)]


def _blocks(block: Block) -> Iterator[Block]:
    yield block
    for name in type(block).model_fields:
        if isinstance(inner := getattr(block, name), Block):
            yield from _blocks(inner)


def _clauses(rules: Block, sources: Sources) -> Iterator[Problem]:
    for block in _blocks(rules):
        for clause in block.clause:
            if clause not in sources.context.clauses:
                yield Problem("letters_clauses_exist", f"条款 {clause} 不存在", "clauses.csv 中的编号", NAME)


def _templates(papers: Papers) -> Iterator[Problem]:
    for name in Papers.model_fields:
        paper = getattr(papers, name)
        if (
            isinstance(paper, Paper)
            and not (settings().templates / paper.template / "document.yaml").is_file()
        ):
            found = f"papers.{name} 的模板“{paper.template}”不存在"
            yield Problem("letters_templates", found, "reports/templates/ 下的文件夹", NAME)
