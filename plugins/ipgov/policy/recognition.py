"""How applicants become bodies proposed for a title: the name, the conditions, how a list is made of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block

_FIELD = r"^[A-Za-z][A-Za-z0-9_]*$"


class Condition(Block):
    """What one field of the application must say: exactly one of these. ``at_least`` is inclusive."""

    field: str = Field(pattern=_FIELD)
    at_least: Decimal | None = None
    is_yes: Literal[True] | None = None
    one_of: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _exactly_one(self) -> Condition:
        if (self.at_least is not None) + (self.is_yes is not None) + bool(self.one_of) != 1:
            raise ValueError("条件须且只能以 at_least、is_yes、one_of 之一表示")
        return self


class Gate(Block):
    """A condition of eligibility: computed from fields, or ``judged`` by reviewers who look at ``shows``.

    ``any_of``: one of the conditions is enough; ``all_of``: every one. ``soft``: one that is not met is
    pointed out and bars nobody.
    """

    code: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    name: str = Field(min_length=1)
    any_of: tuple[Condition, ...] = ()
    all_of: tuple[Condition, ...] = ()
    judged: bool = False
    shows: tuple[str, ...] = ()
    soft: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Gate:
        if bool(self.any_of) + bool(self.all_of) + self.judged != 1:
            raise ValueError("资格条件须且只能以 any_of、all_of、judged 之一表示")
        if bool(self.shows) != self.judged:
            raise ValueError("judged 与 shows 须一并写明：由评审人员判断的，写明所看的栏目")
        return self

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return what is computed; empty where people judge."""
        return self.any_of or self.all_of

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields of the application that it looks at."""
        return self.shows or tuple(dict.fromkeys(c.field for c in self.conditions))


class Judging(Block):
    """Who judges what is not computed: people of a role, at least so many for each applicant and condition.

    Met where all of them say so; one who is recused does not judge.
    """

    role: str
    minimum: Annotated[int, Field(ge=1)]


class Naming(Block):
    """What a body must be called (2024-1155#27): level, the industry that it names itself, ending.

    ``field`` holds the name applied for, ``industry`` the industry.
    """

    field: str = Field(pattern=_FIELD)
    industry: str = Field(pattern=_FIELD)
    level: str = Field(min_length=1)
    ending: str = Field(min_length=1)

    def name(self, industry: str) -> str:
        """Return the name of a body of this industry."""
        return f"{self.level}{industry}{self.ending}"


class Listing(Block):
    """Who of those that meet the conditions is proposed: from a score on (inclusive), the best first.

    ``places``: at most so many; of several with the same score at the edge all are proposed, or none.
    """

    minimum_total: Decimal
    places: Annotated[int, Field(ge=1)] | None = None
    tie_at_edge: Literal["all_in", "all_out"] = "all_out"


class DirectRoute(Block):
    """Whose bodies may apply directly, and not through their province (2024-1155#29: central enterprises)."""

    hosts: Literal["central_enterprises", "every"]


class Recognition(Block):
    """Everything between an application and the list that is put before the office (2024-1155#15-#31)."""

    naming: Naming
    direct: DirectRoute | None = None  # of versions that say nothing yet: as the document has it
    gates: tuple[Gate, ...] = Field(min_length=1)
    judging: Judging
    listing: Listing

    @property
    def judged(self) -> tuple[Gate, ...]:
        """Return the conditions that reviewers judge."""
        return tuple(g for g in self.gates if g.judged)
