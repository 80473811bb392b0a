"""``policies/calendars/``: statutory days, State Council holiday notices, one-off overrides.

A file holds any of ``statutory``, ``notice`` and ``overrides``; its name is free. What they mean for a day is
answered by ``ipgov.calendars``.
"""

from __future__ import annotations

import calendar
import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from ipgov.core.errors import GovernanceError, Problem
from ipgov.core.fingerprint import canonical_json, fingerprint, sha256_hex
from ipgov.policy.blocks import Block
from ipgov.policy.store import read_yaml, validated

Festival = Literal["spring_festival", "qingming", "dragon_boat", "mid_autumn"]
ONE_DAY = dt.timedelta(days=1)
_COMMON_YEAR = 2023


class FixedDay(Block):
    """A statutory day of the solar calendar."""

    name: str
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]

    @model_validator(mode="after")
    def _in_every_year(self) -> FixedDay:
        if self.day > calendar.monthrange(_COMMON_YEAR, self.month)[1]:
            raise ValueError(f"{self.month} 月没有 {self.day} 日")
        return self


class FestivalDays(Block):
    """Statutory days counted from a festival whose solar date is listed in ``lunar_days.csv``."""

    name: str
    festival: Festival
    offsets: tuple[int, ...] = Field(min_length=1)


class StatutoryDays(Block):
    """The statutory days from ``effective`` on."""

    document: str
    title: str
    effective: dt.date
    fixed: tuple[FixedDay, ...]
    lunar: tuple[FestivalDays, ...]


class HolidayPeriod(Block):
    """Days off in a row, first and last included."""

    name: str
    first: dt.date
    last: dt.date

    @model_validator(mode="after")
    def _ordered(self) -> HolidayPeriod:
        if self.first > self.last:
            raise ValueError(f"“{self.name}”的 first 晚于 last")
        return self

    def days(self) -> Iterator[dt.date]:
        """Yield every day of the period."""
        for offset in range((self.last - self.first).days + 1):
            yield self.first + offset * ONE_DAY


class HolidayNotice(Block):
    """The State Council's arrangement of one year: days off and weekend days that are worked instead.

    It may move the last days of the year before (2023's New Year began on 2022-12-31).
    """

    year: int
    document: str
    entered: dt.date | None = None  # the day on which the operator entered it; None: known from ever
    holidays: tuple[HolidayPeriod, ...] = Field(min_length=1)
    make_up_days: tuple[dt.date, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> HolidayNotice:
        off = [d for h in self.holidays for d in h.days()]
        if doubled := sorted({d for d in off if off.count(d) > 1}):
            raise ValueError(f"放假日重复：{_listed(doubled)}")
        if both := sorted(set(off) & set(self.make_up_days)):
            raise ValueError(f"既放假又调休上班：{_listed(both)}")
        if weekdays := sorted(d for d in self.make_up_days if d.weekday() < 5):
            raise ValueError(f"调休上班日不是星期六、星期日：{_listed(weekdays)}")
        first, last = dt.date(self.year - 1, 12, 1), dt.date(self.year, 12, 31)
        if outside := sorted(d for d in (*off, *self.make_up_days) if not first <= d <= last):
            raise ValueError(f"不在 {self.year} 年（及上年 12 月）之内：{_listed(outside)}")
        return self

    def days_off(self) -> dict[dt.date, str]:
        """Return every day off with its name."""
        return {d: h.name for h in self.holidays for d in h.days()}


class Override(Block):
    """One day that is worked, or not, against everything else that is known."""

    date: dt.date
    working: bool
    note: str = Field(min_length=1)
    entered: dt.date | None = None  # the day on which the operator entered it; None: known from ever


class CalendarFile(Block):
    """One file of ``policies/calendars/``."""

    statutory: tuple[StatutoryDays, ...] = ()
    notice: HolidayNotice | None = None
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True)
class Calendars:
    """Everything entered in ``policies/calendars/``; ``sha256`` changes whenever any of it does."""

    statutory: tuple[StatutoryDays, ...]
    notices: Mapping[int, HolidayNotice]
    overrides: Mapping[dt.date, Override]
    festivals: Mapping[int, Mapping[str, dt.date]]
    sha256: str
    files: Mapping[int, str] = field(default_factory=dict)  # of the notices, by year

    @property
    def entered(self) -> tuple[dt.date, ...]:
        """Return the days on which something dated was entered, in order."""
        days = {n.entered for n in self.notices.values()} | {o.entered for o in self.overrides.values()}
        return tuple(sorted(d for d in days if d is not None))

    def known_on(self, known_on: dt.date) -> Calendars:
        """Return what was entered by the end of a day; the same object where that is everything."""
        if not self.entered or self.entered[-1] <= known_on:
            return self
        kept = replace(
            self,
            notices={k: v for k, v in self.notices.items() if _by(v.entered, known_on)},
            overrides={k: v for k, v in self.overrides.items() if _by(v.entered, known_on)},
        )
        return replace(kept, sha256=sha256_hex(kept.content()))

    def content(self) -> bytes:
        """Return everything that the days rest on as canonical JSON."""
        return canonical_json(
            {
                "statutory": [s.model_dump() for s in self.statutory],
                "notices": {y: n.model_dump() for y, n in self.notices.items()},
                "overrides": {d: o.model_dump() for d, o in self.overrides.items()},
                "festivals": {y: dict(f) for y, f in self.festivals.items()},
            }
        )

    def statutory_days(self, year: int) -> dict[dt.date, str]:
        """Return the statutory days of a year by the regulation in force on its first day.

        A year beyond ``lunar_days.csv`` has only those of the solar calendar.
        """
        rules = [s for s in self.statutory if s.effective <= dt.date(year, 1, 1)]
        if not rules:
            return {}
        rule = max(rules, key=lambda s: s.effective)
        days = {dt.date(year, f.month, f.day): f.name for f in rule.fixed}
        listed = self.festivals.get(year, {})
        for festival in rule.lunar:
            if at := listed.get(festival.festival):
                for offset in festival.offsets:
                    days.setdefault(at + offset * ONE_DAY, festival.name)
        return days


def _by(entered: dt.date | None, known_on: dt.date) -> bool:
    return entered is None or entered <= known_on


def _listed(days: list[dt.date]) -> str:
    return "、".join(d.isoformat() for d in days)


def _problem(file: str, found: str, expected: str) -> Problem:
    return Problem("policy_calendars", found, expected, file=f"policies/calendars/{file}")


def _read_file(path: Path) -> CalendarFile:
    name = f"policies/calendars/{path.name}"
    return validated(CalendarFile, read_yaml(path.read_bytes(), name), name)


def _read_festivals(path: Path) -> dict[int, dict[str, dt.date]]:
    columns = ("year", *get_args(Festival))
    try:
        with path.open(encoding="utf-8", newline="") as f:
            reader = csv.DictReader(f)
            if tuple(reader.fieldnames or ()) != columns:
                raise ValueError("表头")
            return {int(row["year"]): {k: _in_year(row, k) for k in columns[1:]} for row in reader}
    except OSError as error:
        raise GovernanceError(f"农历节日表 {path} 无法读取：{error.strerror}") from None
    except (ValueError, TypeError) as error:
        expected = f"各列为 {','.join(columns)}，日期在所列年份之内"
        raise GovernanceError(f"policies/calendars/{path.name} 有误（{error}）；应为：{expected}") from None


def _in_year(row: Mapping[str, str], festival: str) -> dt.date:
    day = dt.date.fromisoformat(row[festival])
    if day.year != int(row["year"]):
        raise ValueError(f"{row['year']} 年的 {festival} 为 {day}")
    return day


def _uncovered(calendars: Calendars, year: int) -> list[dt.date]:
    off = calendars.notices[year].days_off()
    return sorted(d for d in calendars.statutory_days(year) if d not in off)


def read_calendars(folder: Path) -> Calendars:
    """Read the folder; GovernanceError with every problem found in it."""
    problems: list[Problem] = []
    statutory: list[StatutoryDays] = []
    notices: dict[int, HolidayNotice] = {}
    files: dict[int, str] = {}
    overrides: dict[dt.date, Override] = {}
    paths = sorted(folder.glob("*.yaml"))
    for path in paths:
        try:
            file = _read_file(path)
        except GovernanceError as error:
            problems += error.problems or (_problem(path.name, error.message, "有效的 YAML"),)
            continue
        statutory += file.statutory
        if file.notice:
            if file.notice.year in notices:
                problems.append(_problem(path.name, f"{file.notice.year} 年的放假通知重复", "每年只有一份"))
            notices[file.notice.year] = file.notice
            files[file.notice.year] = path.name
        for override in file.overrides:
            if override.date in overrides:
                problems.append(_problem(path.name, f"overrides 中 {override.date} 重复", "每天只有一条"))
            overrides[override.date] = override
    table = folder / "lunar_days.csv"
    calendars = Calendars(
        tuple(statutory),
        notices,
        overrides,
        _read_festivals(table),
        fingerprint({p.name: sha256_hex(p.read_bytes()) for p in (*paths, table)}),
        files,
    )
    for year in notices:
        if missing := _uncovered(calendars, year):
            expected = f"{year} 年每个法定节假日都在放假日之内"
            problems.append(_problem(files[year], f"notice.holidays 未含 {_listed(missing)}", expected))
    if problems:
        raise GovernanceError(f"日历文件有 {len(problems)} 处问题", tuple(problems))
    return calendars


@cache
def calendars(folder: Path) -> Calendars:
    """Return what ``read_calendars`` finds, read once per process and folder."""
    return read_calendars(folder)
