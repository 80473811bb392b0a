"""Duties: who owes what to whom, from which event, until when, who is reminded. ``policies/duties/*.yaml``.

One file per published document. A duty whose rule changes is entered again under its code with a later
``effective``; the newest entry that has taken effect on the day an obligation opens governs it to its end.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block
from ipgov.policy.rules import Budget

# Whose duty it is, and who hears of it: the body itself, its host or operating unit (2023-156#12, #15), the
# province of the body (or the province that the duty is about), the office.
Party = Literal["body", "host", "operating", "province", "office"]
_CODE = r"^[a-z][a-z0-9_]*$"


def _one_of(block: Block, *names: str) -> None:
    if sum(getattr(block, name) is not None for name in names) != 1:
        raise ValueError(f"须且只能写明 {'、'.join(names)} 之一")


class OccurrenceKind(Block):
    """A named kind of event that opens a duty (重大事项 of 2023-156#15: six of them).

    ``of_period``: its subject is the period that it belongs to, and the obligation is one of that period.
    """

    code: str = Field(pattern=_CODE)
    name: str
    of_period: bool = False


class Opening(Block):
    """What opens a duty: exactly one of these.

    ``occurrences``: a recorded event of one of these kinds, on the day it occurred. ``day``: a day, for
    everyone in ``whom``. ``monthly``: this day of every month from the duty's day of effect on, for everyone
    in ``whom``. ``period``: a day of every opened period, for every body that is asked for it
    (``RuleVersion.asks``). ``outcomes``: an issued outcome (``proposed_outcome``) of these names, on the day
    of issue. ``grades``: an issued grade of these names. ``after``: another duty of the same subject was met
    or lapsed, or is overdue if ``also_when_overdue``.
    """

    occurrences: tuple[OccurrenceKind, ...] | None = None
    day: dt.date | None = None  # (YAML reads the word “on” as a truth value)
    monthly: Annotated[int, Field(ge=1, le=28)] | None = None
    period: Literal["opens", "due", "evaluate"] | None = None
    outcomes: tuple[str, ...] | None = None
    grades: tuple[str, ...] | None = None
    after: str | None = None
    # of ``day`` and ``monthly``: bodies that hold the title on that day, that were registered and never held
    # it (pilot platforms), both, provinces, the office
    whom: Literal["titled", "not_titled", "registered", "provinces", "office"] | None = None
    without: tuple[str, ...] = ()  # provinces that the document does not address
    also_when_overdue: bool = False

    @model_validator(mode="after")
    def _exactly_one(self) -> Opening:
        _one_of(self, "occurrences", "day", "monthly", "period", "outcomes", "grades", "after")
        if (self.day is None and self.monthly is None) != (self.whom is None):
            raise ValueError("day（或 monthly）与 whom 须一并写明")
        if self.without and self.whom != "provinces":
            raise ValueError("without 只与 whom: provinces 一并写明")
        if self.also_when_overdue and self.after is None:
            raise ValueError("also_when_overdue 只与 after 一并写明")
        return self


class Due(Block):
    """When it is due: a length of time from the opening, a day, or the due day of the period."""

    limit: Budget | None = None
    day: dt.date | None = None
    period: Literal["due"] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Due:
        _one_of(self, "limit", "day", "period")
        return self


class Rung(Block):
    """A step of a ladder of reminders: when, and to whom. Always on a working day.

    ``at``: the opening, half-way, or the due day itself; else so many working days before or after the due
    day.
    """

    step: str = Field(pattern=_CODE)
    at: Literal["opening", "halfway", "due"] | None = None
    working_days_before: Annotated[int, Field(ge=1)] | None = None
    working_days_after: Annotated[int, Field(ge=1)] | None = None
    to: tuple[Party, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _exactly_one(self) -> Rung:
        _one_of(self, "at", "working_days_before", "working_days_after")
        return self

    @property
    def overdue(self) -> bool:
        """Tell whether the step is taken only when the due day is past."""
        return self.working_days_after is not None


class Ladder(Block):
    """The steps of reminding and escalating, in order."""

    code: str = Field(pattern=_CODE)
    name: str
    rungs: tuple[Rung, ...] = Field(min_length=1)


class Duty(Block):
    """One duty: who owes what to whom, opened by what, due when, met by what.

    ``met_by``: a report received, an accepted submission of the period, a recorded judgement (a
    rectification is met only by its acceptance), or nothing but time (``lapse``: a public notice runs out,
    it is never overdue). ``cycle``: the programme whose periods and submissions count, where the bodies are
    collected from by one of another name.
    """

    code: str = Field(pattern=_CODE)
    name: str
    programme: str = Field(pattern=_CODE)
    cycle: str = Field(default="", pattern=r"^([a-z][a-z0-9_]*)?$")
    effective: dt.date
    ends: dt.date | None = None  # opens nothing after this day
    owed_by: Party
    owed_to: Party
    opened_by: Opening
    due: Due
    met_by: Literal["report", "submission", "judgement", "lapse"]
    ladder: str | None = None  # None: nobody is reminded
    part_of: str | None = None  # the duty (a case) of which this is a milestone
    # of a milestone: one each ``due.limit``, from due day to due day, as long as the case runs
    repeats: bool = False
    routes: tuple[Literal["province", "direct"], ...] = ()  # of the bodies that owe it; empty: every one

    @model_validator(mode="after")
    def _consistent(self) -> Duty:
        if self.ends is not None and self.ends < self.effective:
            raise ValueError("ends 早于 effective")
        if self.due.period is not None and self.opened_by.period is None:
            raise ValueError("due.period 只用于由 period 开启的职责")
        if self.due.day is not None and self.opened_by.day is None:
            raise ValueError("due.day 只用于由 day 开启的职责")
        if self.met_by == "submission" and self.opened_by.period is None:
            raise ValueError("met_by: submission 只用于由 period 开启的职责")
        if self.repeats:
            self._can_repeat()
        if self.opened_by.whom in ("provinces", "office") and self.owed_by in ("body", "host", "operating"):
            raise ValueError(f"whom: {self.opened_by.whom} 的职责不能由单位一方承担")
        if self.opened_by.whom == "office" and "province" in (self.owed_by, self.owed_to):
            raise ValueError("whom: office 的职责没有所涉省份")
        return self

    @property
    def collected_in(self) -> str:
        """Return the programme whose periods and submissions count."""
        return self.cycle or self.programme

    def _can_repeat(self) -> None:
        limit, opening = self.due.limit, self.opened_by
        if self.part_of is None or self.met_by != "report" or limit is None:
            raise ValueError("repeats 只用于以 report 办结、期限为 limit、属于案件（part_of）的职责")
        if not (limit.working_days or limit.calendar_days or limit.months or limit.years):
            raise ValueError("repeats 的 due.limit 须大于零")
        if opening.occurrences is not None or opening.after is not None or opening.monthly is not None:
            raise ValueError("repeats 的职责由 day、period、outcomes 或 grades 开启")


class DutyFile(Block):
    """A file of ``policies/duties/``: what one document asks of whom, and the ladders that its duties use."""

    document: str
    note: str = ""
    ladders: tuple[Ladder, ...] = ()
    duties: tuple[Duty, ...] = Field(min_length=1)
