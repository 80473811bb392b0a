"""What is written about an objection: to whoever objected, and to the body where it holds."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from ipgov.documents.paper_subjects import Earlier, FilledText, Sentence, Sentences, Subject, younger


class Claim(Subject):
    """One claim of an objection, what was found, and whether it holds."""

    claim: Sentence
    finding: Sentence
    holds: bool


class ObjectionReply(Subject):
    """异议答复: every claim with what was found; the conclusion follows from them."""

    earlier: Earlier
    received_on: dt.date
    claims: Annotated[tuple[Claim, ...], Field(min_length=1)]
    remedy: Sentence | None = None
    objection: Annotated[int, Field(ge=1)] | None = None  # its number, where it is one to a public notice

    def check(self) -> None:
        """Demand to say what is done where a claim holds, and only there."""
        if any(c.holds for c in self.claims) != (self.remedy is not None):
            raise ValueError("有异议成立的，须写明处理意见（remedy）；均不成立的，不写")

    def problem_on(self, day: dt.date) -> str:
        """Refuse an answer to what came later."""
        late = "异议的收到之日晚于印发之日" if self.received_on > day else ""
        return late or younger(self.earlier, day)


class ObjectionOutcome(Subject):
    """异议处理告知: to the body against which an objection holds; nobody is told who objected."""

    earlier: Earlier
    name: FilledText
    findings: Sentences
    remedy: Sentence
    objection: Annotated[int, Field(ge=1)] | None = None

    def problem_on(self, day: dt.date) -> str:
        """Refuse to name a document that is younger."""
        return younger(self.earlier, day)
