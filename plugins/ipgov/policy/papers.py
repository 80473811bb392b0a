"""``policies/papers.yaml``: documents drafted one by one, and to whom each goes.

The governing documents address different offices, so no two kinds share a list of recipients by accident: a
list is named by the document that it is taken from, by a party of the matter, or word by word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from ipgov.core.errors import UnknownError
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block, ClauseIds
from ipgov.policy.correspondence import Contact
from ipgov.policy.documents import document
from ipgov.policy.rules import Issuer
from ipgov.policy.store import read_policy

FILE = "papers.yaml"


class Addressee(Block):
    """One entry of a list of recipients: those of a governing ``document``, a ``party``, or a ``name``."""

    document: str = ""
    party: str = ""
    name: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.document, self.party, self.name))) != 1:
            raise ValueError("收文单位须在 document、party、name 中写明且只写明一项")
        return self


class Paper(Block):
    """A kind of document. ``public``: for everybody, it has no recipients; ``quotes``: clauses it recalls."""

    kind: str
    name: str
    template: str
    programmes: tuple[str, ...] = ()  # empty: every programme
    series: str = ""  # empty: not numbered
    public: bool = False
    to: tuple[Addressee, ...] = ()
    copies_to: tuple[Addressee, ...] = ()
    quotes: ClauseIds = ()

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        if self.public == bool(self.to):
            raise ValueError(f"文书“{self.name}”须写明主送单位（to）或向社会公布（public: true），二者取一")
        return self

    @property
    def parties(self) -> tuple[str, ...]:
        """Return the parties that whoever drafts it names."""
        return tuple(dict.fromkeys(a.party for a in (*self.to, *self.copies_to) if a.party))


class PaperFile(Block):
    """The whole file."""

    issuer: Issuer
    contact: Contact
    papers: Annotated[tuple[Paper, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        seen: set[tuple[str, str]] = set()
        for paper in self.papers:
            for programme in paper.programmes or ("",):
                if (paper.kind, programme) in seen:
                    raise ValueError(f"文书“{paper.kind}”对业务“{programme or '各项业务'}”重复列出")
                seen.add((paper.kind, programme))
        return self


@dataclass(frozen=True)
class Recipients:
    """主送 and 抄送 by name, in the order of policy, each office once."""

    to: tuple[str, ...]
    copies_to: tuple[str, ...]


def recipients(paper: Paper, parties: Mapping[str, Sequence[str]], on: dt.date) -> Recipients:
    """Return to whom a document of ``on`` goes; ``parties``: names by party (an empty list: there is none).

    Raises UnknownError for a party that is not given or not wanted, and where the document whose recipients
    are taken is not in force on that day.
    """
    if missing := [p for p in paper.parties if p not in parties]:
        raise UnknownError(f"{paper.name}没有写明当事单位 {'、'.join(missing)}")
    if extra := sorted(set(parties) - set(paper.parties)):
        wanted = "、".join(paper.parties) or "无"
        raise UnknownError(f"{paper.name}不涉及当事单位 {'、'.join(extra)}；可以写明的：{wanted}")
    to = _names(paper.to, parties, on)
    if not to and not paper.public:
        raise UnknownError(f"{paper.name}没有主送单位")
    copies = tuple(name for name in _names(paper.copies_to, parties, on) if name not in to)
    return Recipients(to, copies)


def _names(wanted: Iterable[Addressee], parties: Mapping[str, Sequence[str]], on: dt.date) -> tuple[str, ...]:
    found: list[str] = []
    for one in wanted:
        if one.document:
            source = document(one.document)
            if not source.in_force(on):
                raise UnknownError(f"{source.number}在 {on} 没有效力，不能取其主送单位")
            found += source.recipients
        else:
            found += parties[one.party] if one.party else [one.name]
    return tuple(dict.fromkeys(found))


def paper(kind: str, programme: str) -> Paper:
    """Return a kind of document as a programme has it; UnknownError names the kinds that it has."""
    there = [p for p in papers().papers if not p.programmes or programme in p.programmes]
    for found in sorted(there, key=lambda p: not p.programmes):  # its own before the general one
        if found.kind == kind:
            return found
    names = "、".join(f"{p.kind}（{p.name}）" for p in there)
    raise UnknownError(f"业务“{programme}”没有文书“{kind}”；可用：{names}")


def papers() -> PaperFile:
    """Return the whole file. Raises GovernanceError with every problem of it."""
    return _read(settings().policies / FILE)


@cache
def _read(path: Path) -> PaperFile:
    return read(path)


def read(path: Path) -> PaperFile:
    """Read the file afresh; raises as ``papers``."""
    return read_policy(PaperFile, path, FILE)
