"""A synthetic cohort of centres: three years of self-evaluations, then the comprehensive evaluation.

The centres are recognised by rows of the log, since their recognition is another procedure's matter; what
they send in is read like every file. All report directly, so that no province stands in between.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipgov.core.steps import SHANGHAI, Cycle, Mode

TITLE, YEARLY = "industry_centre", "industry_centre_self_evaluation"
PERIOD, YEARS = 2027, (2025, 2026, 2027)
ENTERED = dt.date(2025, 1, 2)
RECOGNISED = (
    "applied_directly", "filed", "rechecked", "listed", "publicised", "publicity_expired", "recognised",
)  # fmt: skip
NOTICE = """
notice:
  operator: 虚构，仅供测试
  year: 2028
  document: 虚构放假通知〔2027〕第0号
  holidays:
    - {name: 元旦, first: 2028-01-01, last: 2028-01-03}
    - {name: 春节, first: 2028-01-25, last: 2028-01-31}
    - {name: 清明节, first: 2028-04-04, last: 2028-04-04}
    - {name: 劳动节, first: 2028-05-01, last: 2028-05-05}
    - {name: 端午节, first: 2028-05-28, last: 2028-05-28}
    - {name: 国庆节、中秋节, first: 2028-10-01, last: 2028-10-07}
"""
# what a good centre reports in a year, and in the evaluation; texts as they are
YEAR: dict[str, Any] = {
    "F01": 60, "F02": 40, "F03": 2, "F04": 500, "F05": 300, "F06": 240, "F07": 100, "F08": 90, "F09": 30,
    "F10": 200, "F11": 2000, "F12": 20, "F13": 5, "F14": 15, "F15": 300, "F16": 3, "F17": "否", "F18": "否",
    "F20": "某人",
}  # fmt: skip
EVALUATION: dict[str, Any] = {
    "E01": 10, "E02": 9, "E03": 2, "E04": 3, "E05": 10, "E06": 95, "E07": 0, "E08": 0, "E09": 0,
    "E10": "以专利池带动产业链协同转化", "E11": "中心依托龙头企业建设", "E12": "组建专利池并建立对接机制",
    "E13": "三年促成转化项目六十个", "E14": "产业链各方共同参与是关键", "E16": "某人",
}  # fmt: skip
# how much of a good year a centre reaches in each year, and of the evaluation's own fields
CENTRES: dict[str, tuple[str, float]] = {
    "IC01": ("it", 1.0), "IC02": ("equipment", 0.7), "IC03": ("materials", 0.65), "IC04": ("biology", 0.1),
}  # fmt: skip


def at(day: dt.date, hour: int = 23) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), tzinfo=SHANGHAI)


def supply_calendar(folder: Path) -> None:
    from ipgov.core.settings import settings

    shutil.copytree(settings().policies / "calendars", folder)
    (folder / "2028.yaml").write_text(NOTICE, encoding="utf-8")


def scaled(values: Mapping[str, Any], share: float) -> dict[str, Any]:
    """Return the numbers at a share of their size; rates, texts and answers as they are."""
    kept = {"E01", "E06", "E07", "E08", "E09"}
    return {k: round(v * share) if isinstance(v, int) and k not in kept else v for k, v in values.items()}


@dataclass
class Cohort:
    """Plays the years; what a test wants otherwise stands in ``years`` (unit, year) and ``own`` (unit)."""

    objects: Path
    titled_on: dict[str, dt.date] = field(default_factory=dict)
    years: dict[tuple[str, int], dict[str, Any] | None] = field(default_factory=dict)  # None: sends nothing
    own: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    centres: Mapping[str, tuple[str, float]] = field(default_factory=lambda: CENTRES)

    def enter_officers(self) -> None:
        from ipgov.core.database import transaction
        from ipgov.decisions.officers import Officer, register_officer

        with transaction() as connection:
            for login, role in (("reviewer1", "reviewer"), ("reviewer2", "reviewer"), ("issuer1", "issuer")):
                register_officer(connection, Officer(login, login, (role,), None, True), at(ENTERED))

    def register(self) -> None:
        from ipgov.core import tables
        from ipgov.core.database import transaction
        from ipgov.registry.organisations import Organisation, add_organisation
        from ipgov.registry.platforms import add_titled_body
        from ipgov.simulation.nation import SOURCE, fictitious_code

        with transaction() as connection:
            for number, (unit, (kind, _)) in enumerate(self.centres.items(), 1):
                host = Organisation(fictitious_code("11", 700 + number), f"虚构建设主体{number}", "11", False)
                on = self.titled_on.get(unit, dt.date(2025, 3, 20))
                add_organisation(connection, host, ENTERED, SOURCE, at(ENTERED))
                add_titled_body(
                    connection, TITLE, unit, f"国家级虚构{number}产业知识产权运营中心", kind, "11", "direct",
                    host.code, host.code, ENTERED, SOURCE, at(ENTERED),
                )  # fmt: skip
                for event in RECOGNISED:
                    connection.execute(
                        tables.title_event.insert().values(
                            programme=TITLE, unit=unit, event=event, effective_on=on, basis="2024-1155#33",
                            note=SOURCE, known_at=at(on),
                        )
                    )  # fmt: skip

    def days(self, programme: str, year: int) -> Any:
        from ipgov.calendars.deadlines import cycle_days
        from ipgov.policy import store

        return cycle_days(store.governing(programme, year).rules.cycle, year)

    def open(self, programme: str, year: int) -> Any:
        from ipgov.procedures import cycles

        day = self.days(programme, year).opens.date
        return cycles.open_cycle(Cycle(programme, str(year), day, at(day)))

    def send(self, programme: str, year: int, unit: str, values: Mapping[str, Any], day: dt.date) -> Any:
        """Fill in a body's blank form and let the inbox be read on that day."""
        from ipgov.core.objects import store
        from ipgov.simulation.nation import fill

        blank = store().get(f"outbox/{programme}/{year}/{unit}/{unit}-{year}-报送表.xlsx")
        dated = {"F19": day} if programme == YEARLY else {"E15": day}
        key = f"inbox/{programme}/{year}/11/{unit}/{unit}-{year}-{day:%Y%m%d}.xlsx"
        store().put(key, fill(blank, {**values, **dated}))
        moment = at(day, 10).timestamp()
        os.utime(self.objects / key, (moment, moment))

    def receive(self, day: dt.date) -> Any:
        from ipgov.procedures import submission_intake

        return submission_intake.receive(submission_intake.new_objects(at(day)), day, at(day))

    def reports(self, year: int) -> None:
        """Every centre's self-evaluation of a year, some days before it is due."""
        opened = self.open(YEARLY, year).output["forms"]
        day = self.days(YEARLY, year).due.date - dt.timedelta(days=5)
        for unit, (_, share) in self.centres.items():
            values = self.years.get((unit, year), scaled(YEAR, share))
            if values is not None and any(f"/{unit}/" in key for key in opened):
                self.send(YEARLY, year, unit, values, day)
        self.receive(day)

    def collect(self) -> None:
        """Three years of self-evaluations, and the evaluation workbooks."""
        self.enter_officers()
        self.register()
        self.report()

    def report(self) -> None:
        """Send in everything that the comprehensive evaluation is made of."""
        for year in YEARS:
            self.reports(year)
        opened = self.open(TITLE, PERIOD).output["forms"]
        day = self.days(TITLE, PERIOD).due.date - dt.timedelta(days=5)
        for unit, (_, share) in self.centres.items():
            values = self.own.get(unit, scaled(EVALUATION, share))
            if values is not None and any(f"/{unit}/" in key for key in opened):
                self.send(TITLE, PERIOD, unit, values, day)
        self.receive(day)

    def cycle(self, mode: Mode = Mode.LIVE, day: dt.date | None = None, known: Any = None) -> Cycle:
        day = day or self.days(TITLE, PERIOD).evaluate_on.date
        return Cycle(TITLE, str(PERIOD), day, known or at(day), mode)

    def evaluate(self, cycle: Cycle | None = None) -> dict[str, Any]:
        from ipgov.procedures import evaluation_cycle as procedure

        cycle = cycle or self.cycle()
        frozen = procedure.freeze(cycle).output
        procedure.check(cycle, frozen["snapshot_id"])
        evaluated = procedure.evaluate(cycle, frozen["snapshot_id"]).output
        listed = procedure.make_rating_list(cycle, evaluated["result_set_id"]).output
        opened = {}
        if cycle.mode is Mode.LIVE:
            opened = procedure.open_round(
                cycle, evaluated["result_set_id"], listed["rating_list_sha256"]
            ).output
        return {**frozen, **evaluated, **listed, **opened}

    def approve(self, round_: Mapping[str, Any], day: dt.date) -> Any:
        from ipgov.procedures import approval

        for step, actor in (("audit", "reviewer2"), ("sign", "issuer1")):
            answered = approval.answer(
                round_["round_id"], step, "approve", actor, "（试）", round_["fingerprint"], "console",
                at(day), at(day),
            )  # fmt: skip
            assert not answered.refused
        return approval.issue(round_["round_id"], day, at(day))
