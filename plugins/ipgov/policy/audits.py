"""What a province is asked before its bodies' files count: the province's audit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block
from ipgov.policy.periods import Budget


class AuditAnswer(Block):
    """One answer that a province may give. ``forwards``: what was sent goes on to the office.

    ``opinion``: whether the answer needs words of the province.
    """

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    forwards: bool
    opinion: bool = True


class ProvinceAudit(Block):
    """The audit of what bodies of the route ``province`` send, by their province.

    ``within``: from the last day on which a body's file is taken (its extended one, too); a later audit is
    kept and does not count. ``quota``: at most so many forwarded by a province in a period. ``ranked``: the
    forwarded are ranked 1, 2, 3 … by their province. ``duty``: the province's, which forwarding meets.
    ``direct_copy``: what of a body that sends directly
    without the recorded report of ``copy_duty`` to its province: it is pointed out (``warn``), or does not
    count (``require``).
    """

    name: str
    answers: tuple[AuditAnswer, ...] = Field(min_length=2)
    within: Budget
    quota: Annotated[int, Field(ge=1)] | None = None
    ranked: bool = False
    duty: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$")
    copy_duty: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$")
    direct_copy: Literal["warn", "require"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> ProvinceAudit:
        if len({a.code for a in self.answers}) < len(self.answers):
            raise ValueError("answers 的 code 重复")
        if len({a.name for a in self.answers}) < len(self.answers):
            raise ValueError("answers 的 name 重复")
        if len({a.forwards for a in self.answers}) == 1:
            raise ValueError("answers 须既有转报的，也有不转报的")
        if bool(self.copy_duty) != (self.direct_copy is not None):
            raise ValueError("copy_duty 与 direct_copy 须一并写明")
        return self

    def answer(self, name: str) -> AuditAnswer | None:
        """Return the answer of that name; None: there is none."""
        return {a.name: a for a in self.answers}.get(name)
