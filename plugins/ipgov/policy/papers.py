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
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ipgov.core.errors import UnknownError
from ipgov.core.settings import settings
from ipgov.policy.blocks import Block, ClauseIds
from ipgov.policy.cases import Evidence
from ipgov.policy.correspondence import Contact
from ipgov.policy.documents import document
from ipgov.policy.rules import Budget, Issuer
from ipgov.policy.store import read_policy
from ipgov.policy.title_words import own_office

FILE = "papers.yaml"
PUBLIC = "public"  # to whom a public document is sent: the folder of everybody


class Addressee(Block):
    """One entry of a list of recipients: those of a governing ``document``, a ``party``, or a ``name``."""

    document: str = ""
    party: str = ""
    name: str = ""
    outside: bool = False  # the party may be somebody whom the registry does not know

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.document, self.party, self.name))) != 1:
            raise ValueError("收文单位须在 document、party、name 中写明且只写明一项")
        if self.outside and not self.party:
            raise ValueError("outside 只用于当事单位（party）")
        return self


class Group(Block):
    """Recipients that documents address together under one ``name``; who is sent it, by code.

    ``members``: the codes of provinces; ``concerned``: registered bodies that the document names. Neither:
    a folder of its own under its ``code``, from which somebody hands it on.
    """

    code: Annotated[str, Field(pattern=r"^[a-z][a-z_]+$")]
    names: Annotated[tuple[str, ...], Field(min_length=1)]
    members: tuple[str, ...] = ()
    concerned: bool = False


class Running(Block):
    """How long what a document announces runs from the day that it names."""

    limit: Budget


class Objections(Block):
    """Where objections to what a document announces are taken, and which files may come with one.

    ``against``: the clause that an objection invokes where it names none.
    """

    telephone: str
    address: str
    email: str
    against: Annotated[ClauseIds, Field(min_length=1)]
    evidence: Evidence


class Chain(Block):
    """The programme whose rules name the chain of approval where a programme has no rules of its own."""

    programme: str


class Paper(Block):
    """A kind of document. ``public``: for everybody, it has no recipients; ``quotes``: clauses it recalls.

    ``channels``: by which it is sent; a public one to the recipient ``public``. ``runs``: the least time that
    it gives; ``opens``: the occurrence (of ``policies/duties/``) that its issue records. ``after``: the kind
    of which an issued one has to name every body that this one names. ``objections``: to what it announces.
    ``tells``: the kind that goes to the body concerned together with a reply to an objection that is upheld.
    """

    kind: str
    name: str
    template: str
    programmes: tuple[str, ...] = ()  # empty: every programme
    series: str = ""  # empty: not numbered
    entered: bool = False  # numbered in a register of the office's own: a person enters each number
    public: bool = False
    to: tuple[Addressee, ...] = ()
    copies_to: tuple[Addressee, ...] = ()
    quotes: ClauseIds = ()
    channels: tuple[Literal["outbox", "folder", "publication", "mail"], ...] = ("outbox",)
    runs: Running | None = None
    objections: Objections | None = None
    opens: str = ""
    after: str = ""
    tells: str = ""

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        if self.entered and not self.series:
            raise ValueError(f"文书“{self.name}”由人录入字号（entered），须写明 series")
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
    chain: Chain
    groups: tuple[Group, ...]
    papers: Annotated[tuple[Paper, ...], Field(min_length=1)]

    def issuer_of(self, programme: str) -> str:
        """Return who issues documents of a programme: its own office, else the file's issuer."""
        own = own_office(programme)
        return self.issuer.name if own is None else own.issuer

    def contact_of(self, programme: str) -> str:
        """Return whom recipients of documents of a programme ask."""
        own = own_office(programme)
        return self.contact.name if own is None else own.contact

    @model_validator(mode="after")
    def _unique(self) -> Self:
        seen: set[tuple[str, str]] = set()
        for paper in self.papers:
            for programme in paper.programmes or ("",):
                if (paper.kind, programme) in seen:
                    raise ValueError(f"文书“{paper.kind}”对业务“{programme or '各项业务'}”重复列出")
                seen.add((paper.kind, programme))
        codes = [g.code for g in self.groups]
        names = [n for g in self.groups for n in g.names]
        for what, listed in (("代码", codes), ("名称", names)):
            if twice := sorted({x for x in listed if listed.count(x) > 1}):
                raise ValueError(f"收文单位组（groups）的{what}重复：{'、'.join(twice)}")
        kinds = {p.kind for p in self.papers}
        if unknown := sorted({p.after for p in self.papers if p.after} - kinds):
            raise ValueError(f"after 所指的文书不存在：{'、'.join(unknown)}")
        if unknown := sorted({p.tells for p in self.papers if p.tells} - kinds):
            raise ValueError(f"tells 所指的文书不存在：{'、'.join(unknown)}")
        return self

    def group(self, name: str) -> Group | None:
        """Return the group that documents address by this name; None: the name is none of a group."""
        return next((g for g in self.groups if name in g.names), None)


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


@dataclass(frozen=True)
class Sent:
    """To which codes a document is sent, and which of its recipients have none (somebody hands it on)."""

    codes: tuple[str, ...]
    by_hand: tuple[str, ...]


def sent_to(paper: Paper, addressed: Recipients, codes: Mapping[str, str], concerned: Sequence[str]) -> Sent:
    """Return who is sent a document; ``codes``: of parties by name, ``concerned``: of the bodies it names."""
    if paper.public:
        return Sent((PUBLIC,), ())
    found: list[str] = []
    by_hand: list[str] = []
    for name in (*addressed.to, *addressed.copies_to):
        group = papers().group(name)
        if name in codes:
            found.append(codes[name])
        elif group is None:
            by_hand.append(name)
        elif group.concerned:
            found += concerned
        else:
            found += group.members or (group.code,)
    return Sent(tuple(dict.fromkeys(found)), tuple(by_hand))


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
