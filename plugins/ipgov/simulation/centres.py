"""The people of the industry centres' story (2024-1155): bodies, provinces, experts, reviewers, objectors.

What they hand in goes through the inbox and the workbooks that were sent to them; what officers decide,
through the procedures that officers use. Everything is fictitious and says so.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import text

from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.errors import UnknownError
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI, Cycle
from ipgov.decisions.experts import Expert
from ipgov.decisions.panel_plans import Plan, Seat
from ipgov.decisions.publicities import objections as objections_of
from ipgov.decisions.publicities import of_unit
from ipgov.policy.store import read_yaml
from ipgov.procedures import (
    applications,
    expert_scoring,
    findings,
    gate_review,
    inquiries,
    objections,
)
from ipgov.registry.codes import province_office
from ipgov.registry.organisations import Organisation
from ipgov.registry.titles import standings
from ipgov.simulation import actors, centre_workbooks, nation

TITLE = "industry_centre"
RECOGNITION = "industry_centre_recognition"
YEARLY = "industry_centre_self_evaluation"
PROGRAMMES = (TITLE, RECOGNITION, YEARLY)
OPERATOR, SENDER = "operator1", actors.SENDER
_SERIAL = 600  # of their fictitious codes, beyond those of the platforms


@cache
def script() -> Mapping[str, Any]:
    """Return the story of the centres."""
    path = Path(__file__).with_name("centres.yaml")
    data: Mapping[str, Any] = read_yaml(path.read_bytes(), path.name)
    return data


def _candidates() -> dict[str, Mapping[str, Any]]:
    return {c["unit"]: c for c in script()["candidates"]}


def name_of(unit: str) -> str:
    """Return the name of a centre: level, industry, ending (2024-1155#27)."""
    return f"国家级{_candidates()[unit]['industry']}知识产权运营中心"


class Centres:
    """Everybody who acts in the story of the centres."""

    def acts_on(self, day: dt.date) -> bool:
        """Tell whether the story has anything for a day."""
        return any(a["day"] == day for a in script()["acts"])

    def morning(self, day: dt.date, known_at: dt.datetime) -> list[str]:
        """Do what the story says for a day; return what was done (Chinese)."""
        told: list[str] = []
        for act in script()["acts"]:
            if act["day"] == day:
                told += ACTS[act["do"]](act, day, known_at)
        return told

    def answer(self, round_id: int, day: dt.date, known_at: dt.datetime) -> list[str]:
        """Answer both steps of a round with approval, and let it take effect."""
        return actors.answer(round_id, day, known_at)


Act = Mapping[str, Any]


def _register(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    """Enter the candidates: registered to apply, not titled."""
    written = 0
    for index, (unit, given) in enumerate(_candidates().items(), start=1):
        code = nation.fictitious_code(given["province"], _SERIAL + index)
        host = Organisation(code, given["host"], given["province"], given["route"] == "direct")
        candidate = applications.Candidate(
            unit=unit,
            name=name_of(unit),
            kind=given["kind"],
            province=given["province"],
            route=given["route"],
            host=host,
            operator=host,
        )
        written += applications.register(RECOGNITION, candidate, OPERATOR, day, known_at)
    return [f"登记申报单位 {written} 家（模拟）"] if written else []


def _apply(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    """Put every candidate's filled-in application into the inbox."""
    period = str(day.year)
    for unit, given in _candidates().items():
        own = {"A01": name_of(unit), "A02": given["industry"], "A18": day, **given.get("application", {})}
        _hand_in(RECOGNITION, period, unit, {**script()["application"], **own}, day)
    return [f"{len(_candidates())} 家报送申报书（模拟）"]


def _self_evaluate(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    """Put the self-evaluations of a year into the inbox, of those who hold the title."""
    period, sent = act["period"], _titled(day, known_at)
    for unit in sent:
        values = _scaled(script()["year"], _candidates()[unit]["level"][period])
        _hand_in(YEARLY, period, unit, {**values, "F19": day}, day)
    return [f"{len(sent)} 家报送 {period} 年度自评表（模拟）"]


def _evaluate(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    period, sent = str(day.year - 1), _titled(day, known_at)
    for unit in sent:
        values = _scaled(script()["evaluation"], _candidates()[unit]["evaluation"])
        _hand_in(TITLE, period, unit, {**values, "E15": day}, day)
    return [f"{len(sent)} 家报送综合评价表（模拟）"]


def _titled(day: dt.date, known_at: dt.datetime) -> list[str]:
    with reading() as connection:
        states = standings(connection, TITLE, day, known_at)
    return [u for u in _candidates() if u in states and states[u].titled]


def _scaled(values: Mapping[str, Any], level: float) -> dict[str, Any]:
    """Return the numbers at a level; rates, texts and answers as they are."""
    kept = script()["unscaled"]
    return {k: round(v * level) if isinstance(v, int) and k not in kept else v for k, v in values.items()}


def _hand_in(programme: str, period: str, unit: str, values: Mapping[str, Any], day: dt.date) -> None:
    """Fill in a body's blank form and put it into its folder of the inbox."""
    blank = objects.store().get(f"outbox/{programme}/{period}/{unit}/{unit}-{period}-报送表.xlsx")
    folder = f"inbox/{programme}/{period}/{_candidates()[unit]['province']}/{unit}"
    _put(f"{folder}/{unit}-{period}-{day:%m%d}.xlsx", nation.fill(blank, values), day)


def _put(key: str, data: bytes, day: dt.date) -> None:
    """Put a file into the inbox as received at ten o'clock; one that is there stays."""
    if objects.store().exists(key):
        return
    objects.store().put(key, data)
    moment = dt.datetime.combine(day, dt.time(10), tzinfo=SHANGHAI).timestamp()
    os.utime(Path(settings().objects_location) / key, (moment, moment))


_SENT = """
SELECT f.sha256 FROM document_file f JOIN document d ON d.id = f.document_id
WHERE d.recipient = :province AND d.kind = 'province_audit' AND d.programme = :programme AND f.format = 'xlsx'
ORDER BY d.id DESC LIMIT 1
"""
_AUDITING = """
SELECT DISTINCT d.recipient FROM document d
WHERE d.kind = 'province_audit' AND d.programme = :programme ORDER BY d.recipient
"""


def _audit(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    """Fill in the workbook that a province was sent last, and hand it in."""
    province, programme = act["province"], act["programme"]
    ranked = {unit: place for place, unit in enumerate(act.get("ranked", ()), start=1)}
    said = {"审核结论": act["says"], "审核意见": "材料完整、情况属实（模拟）", "审核人": "审核人（虚构）"}
    answers = {
        unit: {**said, "审核日期": day} | ({"推荐次序": ranked[unit]} if unit in ranked else {})
        for unit in ranked or _candidates()
    }
    with reading() as connection:
        place = {"province": province, "programme": programme}
        sha256 = connection.execute(text(_SENT), place).scalar()
    if sha256 is None:
        raise UnknownError(f"{province} 没有收到过“{programme}”的审核工作簿，剧本却要其在 {day} 报送")
    filled = centre_workbooks.audited(objects.get_content(sha256), answers)
    _put(f"inbox/{programme}/{act['period']}/{province}/province/审核{day:%m%d}.xlsx", filled, day)
    return [f"{province_office(province)}报送审核工作簿（模拟）"]


def _audit_all(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    with reading() as connection:
        asked = {
            c["province"]
            for u, c in _candidates().items()
            if c["route"] == "province" and u in set(_titled(day, known_at))
        }
        sent = connection.execute(text(_AUDITING), {"programme": act["programme"]}).scalars()
        provinces = [p for p in sent if p in asked]
    return [t for p in provinces for t in _audit({**act, "province": p}, day, known_at)]


def _panel(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    """Form the panel of experts."""
    for number in script()["experts"]:
        expert = Expert(number, f"专家{number[-1]}号（虚构）", (), ("知识产权运营",), True)
        expert_scoring.register(expert, known_at)
    chair = script()["chair"]
    seats = tuple(Seat(n, "chair" if n == chair else "member") for n in script()["experts"])
    cycle = Cycle(RECOGNITION, act["period"], day, known_at)
    expert_scoring.form(cycle, Plan(1, seats, "评审方案（模拟）"), OPERATOR)
    return [f"组成 {len(seats)} 人专家组（模拟）"]


def _review(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    """Let experts score and a reviewer judge the conditions, in the workbooks that they were given."""
    cycle = Cycle(RECOGNITION, act["period"], day, known_at)
    scores = {u: c["score"] for u, c in _candidates().items()}
    sheets = [
        (name, centre_workbooks.scored(data, _around(scores, place)))
        for place, (name, data) in enumerate(expert_scoring.sheets(cycle).items())
    ]
    taken = expert_scoring.receive(sheets, day, known_at, known_at)
    made = gate_review.sheets(cycle, (actors.REVIEWER,))
    judged = [(name, centre_workbooks.judged(data, {})) for name, data in made.items()]
    taken_too = gate_review.receive(judged, day, known_at, known_at)
    outcomes = {*(t.outcome for t in taken), *(t.outcome for t in taken_too)}
    if outcomes != {"accepted"}:
        raise UnknownError(f"剧本的评分表或复核表未被接收：{taken}、{taken_too}")
    return [f"收到专家评分表 {len(taken)} 份、条件复核表 {len(taken_too)} 份（模拟）"]


def _around(scores: Mapping[str, int], place: int) -> Callable[[str], float]:
    """Return what an expert gives each body: its score, a little more or less than the others."""
    return lambda unit: scores[unit] + place - 3


def _object(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    with reading() as connection:
        notice = of_unit(connection, TITLE, act["unit"], known_at)
    if notice is None:
        raise UnknownError(f"{act['unit']} 没有公示，剧本却要对其提出异议")
    objections.record(
        notice.id, act["unit"], act["says"], "某人（虚构）", "某市某路2号，010-00000000", day, OPERATOR, (),
        day, known_at,
    )  # fmt: skip
    return [f"收到对 {act['unit']} 的异议（模拟）"]


def _reply(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    """Propose what an objection is answered; it is approved with what else lies before the reviewers."""
    with reading() as connection:
        found = objections_of(connection, known_at, programme=TITLE, units=[act["unit"]])
    for row in found:
        if row["outcome"] is None:
            objections.answer(
                row["id"], upheld=act["upheld"], finding=act["found"], by=actors.REVIEWER,
                reason="核查完毕（模拟）", as_of=day, known_at=known_at,
            )  # fmt: skip
    return [f"对 {act['unit']} 的异议提请答复：{'成立' if act['upheld'] else '不成立'}"]


def _find(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    findings.find(
        TITLE, act["unit"], act["kind"], act["subject"], act["found"],
        [actors.paper_of("处罚决定", act["unit"], "核查组（虚构）", day)], OPERATOR, day, known_at,
    )  # fmt: skip
    what, _ = findings.kinds(TITLE, day)[act["kind"]]
    return [f"登记发现 {act['unit']} 的{what.name}：{act['subject']}，次日立案核查"]


ACTS: Mapping[str, Callable[[Act, dt.date, dt.datetime], list[str]]] = {
    **actors.ACTS,
    "register": _register,
    "apply": _apply,
    "audit": _audit,
    "audit_all": _audit_all,
    "panel": _panel,
    "review": _review,
    "object": _object,
    "reply": _reply,
    "self_evaluate": _self_evaluate,
    "evaluate": _evaluate,
    "find": _find,
    "statement": actors.case_act(
        "陈述申辩", lambda a, o, d, k: inquiries.statement(o.id, SENDER, a["note"], [], d, k)
    ),
    "establish": actors.case_act(
        "认定成立",
        lambda a, o, d, k: inquiries.judge(
            o.id, "establish", a["criteria"], actors.REVIEWER, a["note"], d, k
        ),
    ),
}
