"""Time in policy: lengths, days of a year, the calendar of a programme's periods."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ipgov.policy.blocks import Block


class Budget(Block):
    """A length of time: exactly one of working days, calendar days, months or years.

    The starting day is not counted; a period of months or years ends on the corresponding day, else on the
    month's last (民法典 第二百零一至二百零三条, by analogy). ``roll``: a last day that is no working day
    moves to the next working day.
    """

    working_days: Annotated[int, Field(ge=0)] | None = None
    calendar_days: Annotated[int, Field(ge=0)] | None = None
    months: Annotated[int, Field(ge=0)] | None = None
    years: Annotated[int, Field(ge=0)] | None = None
    roll: bool = True
    count_start_day: bool = False

    @model_validator(mode="after")
    def _exactly_one(self) -> Budget:
        given = [x for x in (self.working_days, self.calendar_days, self.months, self.years) if x is not None]
        if len(given) != 1:
            raise ValueError("期限须且只能以 working_days、calendar_days、months、years 之一表示")
        return self


class YearDay(Block):
    """A day of a year counted from the period's last: ``years_after: 1`` is the year after the period."""

    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    years_after: Annotated[int, Field(ge=0, le=3)] = 0
    roll: bool = False

    def nominal(self, year: int) -> dt.date:
        """Return the day for the period that ends in ``year``, before any roll-over."""
        return dt.date(year + self.years_after, self.month, self.day)


class CycleCalendar(Block):
    """When a period is opened, due, still accepted as late, and evaluated.

    A period is named by its last year and lasts ``length`` years (2024-1155#36, #41: three). ``anchor``:
    where it begins. ``calendar``: one for all, ending with ``first_period`` and every ``length`` years after
    it; ``recognition``: one ends with every year, for the bodies whose own count of years since their
    recognition is full then.
    """

    period: Literal["year"]
    first_period: int
    length: Annotated[int, Field(ge=1, le=10)] = 1
    anchor: Literal["calendar", "recognition"] = "calendar"
    opens: YearDay
    due: YearDay
    late_until: Budget  # after the due day; received later is kept but not evaluated
    evaluate_after: Budget  # after the due day

    def has(self, year: int) -> bool:
        """Tell whether a period ends with this year."""
        since = year - self.first_period
        return since >= 0 and (self.anchor == "recognition" or since % self.length == 0)

    def years(self, year: int) -> range:
        """Return the calendar years of the period that ends with ``year``."""
        return range(year - self.length + 1, year + 1)

    def ends_for(self, titled_on: dt.date | None, year: int) -> bool:
        """Tell whether the period that ends with ``year`` is one of a body recognised on that day.

        With ``anchor: recognition`` the year of recognition is the first of its first period.
        """
        if self.anchor == "calendar" or titled_on is None:
            return self.anchor == "calendar"
        since = year - titled_on.year + 1
        return since > 0 and since % self.length == 0
