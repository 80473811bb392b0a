"""``policies/correspondence.yaml``: in whose name letters of the follow-up go out, and how they look."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ipgov.core.settings import settings
from ipgov.policy.blocks import Block
from ipgov.policy.rules import Issuer
from ipgov.policy.store import read_policy
from ipgov.policy.title_words import own_office

FILE = "correspondence.yaml"
Kind = Literal[
    "reminder",
    "overdue",
    "escalation",
    "due_day_changed",
    "resumed",
    "withdrawn",
    "call",
    "run_overdue",
    "case_receipt",
    "case_correction",
    "notice_moved",
]


class Contact(Block):
    """Whom a recipient asks."""

    name: str


class Lists(Block):
    """What stands out in lists of what is owed, and how far a work plan looks ahead."""

    soon_working_days: Annotated[int, Field(ge=1)]
    plan_weeks: Annotated[int, Field(ge=1, le=104)]


class Paper(Block):
    """A kind of letter: its name, template and number series (empty: it bears no number).

    ``entered``: the office numbers the series in a register of its own, and a person enters each number.
    """

    name: str
    template: str
    series: str = ""
    entered: bool = False


class Papers(Block):
    """Every kind of letter that is written without a round."""

    reminder: Paper
    overdue: Paper
    escalation: Paper
    due_day_changed: Paper
    resumed: Paper
    withdrawn: Paper
    call: Paper
    run_overdue: Paper
    case_receipt: Paper
    case_correction: Paper
    notice_moved: Paper

    def of(self, kind: Kind) -> Paper:
        """Return the kind of letter."""
        found: Paper = getattr(self, kind)
        return found


class Correspondence(Block):
    """The whole file. ``issuer``, ``contact``: of every programme that names no office of its own."""

    issuer: Issuer
    contact: Contact
    lists: Lists
    papers: Papers

    def issuer_of(self, programme: str) -> str:
        """Return in whose name letters about a programme go out."""
        own = own_office(programme)
        return self.issuer.name if own is None else own.issuer

    def contact_of(self, programme: str) -> str:
        """Return whom recipients of letters about a programme ask."""
        own = own_office(programme)
        return self.contact.name if own is None else own.contact


def correspondence() -> Correspondence:
    """Return the rules of correspondence. Raises GovernanceError with every problem of the file."""
    return _read(settings().policies / FILE)


@cache
def _read(path: Path) -> Correspondence:
    return read(path)


def read(path: Path) -> Correspondence:
    """Read the file afresh; raises as ``correspondence``."""
    return read_policy(Correspondence, path, FILE)
