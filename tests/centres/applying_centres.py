"""Applicants of two provinces and of central enterprises, through a round of recognition up to the list."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipgov.core.steps import SHANGHAI, Cycle, Mode
from ipgov.simulation.centre_workbooks import audited, judged, scored

PROGRAMME, PERIOD, TITLE = "industry_centre_recognition", "2025", "industry_centre"
KNOWN = dt.date(2025, 2, 20)
SENT, AUDITED, FILED, FORMED = (
    dt.date(2025, 4, 20), dt.date(2025, 5, 15), dt.date(2025, 5, 16), dt.date(2025, 5, 26),
)  # fmt: skip
SCORED = dt.date(2025, 6, 3)
EXPERTS = ("E001", "E002", "E003", "E004", "E005", "E006", "E007")
GOOD: dict[str, Any] = {
    "A03": "行业龙头企业", "A04": "是", "A05": "否", "A06": "是", "A07": 12, "A08": 300, "A10": 800,
    "A11": 15,
    "A12": 32, "A13": 40, "A14": 200, "A15": "产业链中影响突出", "A16": "建立了存量专利转化机制",
    "A17": "常年服务中小企业", "A18": SENT, "A19": "某人（虚构）",
}  # fmt: skip
# code → kind, industry, province, route, what its application says otherwise
APPLICANTS: dict[str, tuple[str, str, str, str, dict[str, Any]]] = {
    "IC01": ("it", "智能网联产业", "31", "province", {"A10": 500, "A11": 0}),  # the edge of the one limb
    "IC02": ("materials", "新材料产业", "31", "province", {"A10": 499.99, "A11": 10}),  # … and of the other
    "IC03": ("biology", "生物医药产业", "31", "province", {"A12": 19}),
    "IC04": ("energy", "新能源产业", "11", "direct", {"A12": 20}),
    "IC05": ("equipment", "高端装备产业", "11", "direct", {}),
    "IC06": ("digital", "数字创意产业", "32", "province", {}),
    "IC07": ("environment", "节能环保产业", "32", "province", {"A03": "其他"}),
    "IC08": ("vehicles", "新能源汽车产业", "32", "province", {}),
}
SCORES = {"IC01": 90, "IC02": 82, "IC03": 95, "IC04": 75, "IC07": 88, "IC08": 55}


def at(day: dt.date, hour: int = 23) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), tzinfo=SHANGHAI)


def name_of(industry: str) -> str:
    return f"国家级{industry}知识产权运营中心"


@dataclass
class Applicants:
    """Plays the round step by step; ``given``: what reviewers judged."""

    objects: Path
    given: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def cycle(self, day: dt.date, mode: Mode = Mode.LIVE) -> Cycle:
        return Cycle(PROGRAMME, PERIOD, day, at(day), mode)

    @property
    def days(self) -> Any:
        from ipgov.calendars.deadlines import cycle_days
        from ipgov.policy import store

        return cycle_days(store.governing(PROGRAMME, 2025).rules.cycle, 2025)

    def candidate(self, unit: str, *, code: str = "", **changed: Any) -> Any:
        from ipgov.procedures.applications import Candidate
        from ipgov.registry.organisations import Organisation
        from ipgov.simulation.nation import fictitious_code

        kind, industry, province, route, _ = APPLICANTS[unit]
        number = fictitious_code(province, 600 + int(unit[2:]))
        host = Organisation(number, f"虚构建设主体{int(unit[2:])}", province, route == "direct")
        given = {
            "unit": code or unit, "name": name_of(industry), "kind": kind, "province": province,
            "route": route, "host": host, "operator": host,
        }  # fmt: skip
        return Candidate(**(given | changed))

    def register(self) -> None:
        from ipgov.core.database import transaction
        from ipgov.decisions.officers import Officer, register_officer

        with transaction() as connection:
            for login, role in (("reviewer1", "reviewer"), ("reviewer2", "reviewer"), ("issuer1", "issuer")):
                register_officer(connection, Officer(login, login, (role,), None, True), at(KNOWN))
        self.enter()

    def enter(self) -> None:
        """Register the applicants."""
        from ipgov.procedures import applications

        for unit in APPLICANTS:
            assert applications.register(PROGRAMME, self.candidate(unit), "operator1", KNOWN, at(KNOWN))

    def open(self) -> Any:
        from ipgov.procedures import cycles

        return cycles.open_cycle(self.cycle(self.days.opens.date))

    def put(self, key: str, data: bytes, day: dt.date) -> dict[str, Any]:
        from ipgov.core.objects import store
        from ipgov.procedures import submission_intake

        store().put(key, data)
        moment = at(day, 10).timestamp()
        os.utime(self.objects / key, (moment, moment))
        done = submission_intake.receive(submission_intake.new_objects(at(day)), day, at(day))
        return done.output["outcomes"]

    def application(self, unit: str, **changed: Any) -> bytes:
        from ipgov.core.objects import store
        from ipgov.simulation.nation import fill

        industry, own = APPLICANTS[unit][1], APPLICANTS[unit][4]
        blank = store().get(f"outbox/{PROGRAMME}/{PERIOD}/{unit}/{unit}-{PERIOD}-报送表.xlsx")
        return fill(blank, {"A01": name_of(industry), "A02": industry, **GOOD, **own, **changed})

    def apply(self, unit: str, day: dt.date = SENT, **changed: Any) -> str:
        key = f"inbox/{PROGRAMME}/{PERIOD}/{APPLICANTS[unit][2]}/{unit}/{unit}-{day:%m%d}.xlsx"
        return self.put(key, self.application(unit, **changed), day)[key]

    def audit(
        self, province: str, answers: Mapping[str, tuple[str, int | None]], day: dt.date = AUDITED
    ) -> dict[str, Any]:
        """Fill in a province's newest workbook (unit → answer, place) and hand it in."""
        from ipgov.procedures import province_audits

        province_audits.send(self.cycle(day))

        filled = audited(
            self.audit_workbook(province),
            {
                unit: {
                    "审核结论": said, "推荐次序": place, "审核意见": "情况属实", "审核人": "张三",
                    "审核日期": day,
                }
                for unit, (said, place) in answers.items()
            },
        )  # fmt: skip
        key = f"inbox/{PROGRAMME}/{PERIOD}/{province}/province/审核{day:%m%d}.xlsx"
        self.put(key, filled, day)
        return self.last("province_audit_return")

    def audit_workbook(self, province: str) -> bytes:
        from ipgov.core import objects

        (row,) = self.rows(
            "SELECT f.sha256 FROM document_file f JOIN document d ON d.id = f.document_id"
            " WHERE d.recipient = :p AND d.kind = 'province_audit' AND f.format = 'xlsx'"
            " ORDER BY d.id DESC LIMIT 1",
            p=province,
        )
        return objects.get_content(row["sha256"])

    def file(self, unit: str, day: dt.date = FILED) -> None:
        """The day's advance opens the duty to file; then the filing is reported."""
        from ipgov.procedures import follow_up

        before = day - dt.timedelta(days=1)
        follow_up.advance(before, at(before), since=dt.date(2025, 4, 1))
        key = f"{TITLE}/centre_application_filing/{unit}/centre_applied_directly:{PERIOD}"
        follow_up.record_report(key, day, "虚构经办人", "已备案", at(day))

    def form_panel(self, *numbers: str, by: str = "operator1") -> None:
        from ipgov.decisions.experts import Expert
        from ipgov.decisions.panel_plans import Plan, Seat
        from ipgov.procedures import expert_scoring

        for number in numbers or EXPERTS:
            # the first expert belongs to the host of IC01
            own = (self.candidate("IC01").host.code,) if number == "E001" else ()
            expert_scoring.register(
                Expert(number, f"专家{number[-1]}号", own, ("知识产权运营",), True), at(FORMED)
            )
        seats = tuple(Seat(n, "chair" if n == "E002" else "member") for n in numbers or EXPERTS)
        expert_scoring.form(self.cycle(FORMED), Plan(1, seats, "（试）评审方案"), by)

    def score(self) -> list[Any]:
        from ipgov.procedures import expert_scoring

        received = []
        for number, (name, data) in enumerate(expert_scoring.sheets(self.cycle(FORMED)).items()):
            back = scored(data, lambda unit, n=number: SCORES.get(unit, 70) + n - 3)
            received += expert_scoring.receive([(name, back)], SCORED, at(SCORED), at(SCORED))
        return received

    def judge(self, *reviewers: str, day: dt.date = SCORED, **refused: tuple[str, str]) -> list[Any]:
        """Let reviewers judge everything; ``refused``: unit → condition and reason of what is not met."""
        from ipgov.procedures import gate_review

        made = gate_review.sheets(self.cycle(FORMED), reviewers or ("reviewer1",))
        back = [(name, judged(data, refused)) for name, data in made.items()]
        return gate_review.receive(back, day, at(day), at(day))

    def collect(self) -> None:
        self.open()
        for unit in APPLICANTS:
            assert self.apply(unit) == "accepted"
        self.audit("31", {"IC01": ("推荐", 1), "IC02": ("推荐", 2), "IC03": ("推荐", 3)})
        self.audit("32", {"IC06": ("不推荐", None), "IC07": ("推荐", 1), "IC08": ("推荐", 2)})
        self.file("IC04")

    def review(self, **refused: tuple[str, str]) -> None:
        self.form_panel()
        assert {r.outcome for r in self.score()} == {"accepted"}
        refused = refused or {"IC07": ("G22", "没有形成运行机制")}
        assert {r.outcome for r in self.judge(**refused)} == {"accepted"}

    def evaluate(self, mode: Mode = Mode.LIVE) -> dict[str, Any]:
        from ipgov.procedures import applications, evaluation_cycle, recognition

        this = self.cycle(self.days.evaluate_on.date, mode)
        applications.catch_up(this)
        frozen = evaluation_cycle.freeze(this).output
        evaluation_cycle.check(this, frozen["snapshot_id"])
        evaluated = evaluation_cycle.evaluate(this, frozen["snapshot_id"]).output
        listed = recognition.make_list(this, evaluated["result_set_id"]).output
        opened = evaluation_cycle.open_round(
            this, evaluated["result_set_id"], listed["rating_list_sha256"]
        ).output
        return {**frozen, **evaluated, **listed, **opened}

    def approve(self, round_: Mapping[str, Any]) -> Any:
        from ipgov.procedures import approval

        day = self.days.evaluate_on.date
        for step, actor in (("audit", "reviewer1"), ("sign", "issuer1")):
            got = approval.answer(
                round_["round_id"], step, "approve", actor, "（试）", round_["fingerprint"], "console",
                at(day), at(day),
            )  # fmt: skip
            assert not got.refused
        return approval.issue(round_["round_id"], day, at(day))

    def rows(self, statement: str, **given: Any) -> list[dict[str, Any]]:
        from ipgov.core.database import reading
        from sqlalchemy import text

        with reading() as connection:
            return [dict(r) for r in connection.execute(text(statement), given).mappings()]

    def last(self, table: str) -> dict[str, Any]:
        return self.rows(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 1")[0]  # noqa: S608

    def states(self, day: dt.date) -> dict[str, str]:
        from ipgov.core.database import reading
        from ipgov.registry.titles import standings

        with reading() as connection:
            return {u: s.code for u, s in standings(connection, TITLE, day, at(day)).items()}
