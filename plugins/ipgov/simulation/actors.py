"""The people of the story: what bodies and officers do outside the office's procedures, day by day.

Everything goes through the procedures that real people use; everything is fictitious and says so.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from ipgov.calendars.deadlines import cycle_days
from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.errors import RefusedError
from ipgov.core.settings import settings
from ipgov.core.steps import SHANGHAI
from ipgov.documents.model import SIMULATION_BANNER, OfficialDocument
from ipgov.followup import case_problems
from ipgov.followup.obligations import Owed, owed
from ipgov.policy import store
from ipgov.policy.store import read_yaml
from ipgov.procedures import approval, case_opening, extensions, follow_up, rectification
from ipgov.procedures.case_evidence import Sent
from ipgov.registry.organisations import Organisation, add_organisation
from ipgov.registry.platforms import add_titled_body, roster
from ipgov.simulation import nation

REVIEWER, PROPOSER, ISSUER, CLERK = "reviewer1", "reviewer2", "issuer1", "运行组（模拟）"
SENDER = "填报人（虚构）"
_PILOT_SERIAL = 900  # of their fictitious codes, beyond those of the twelve


@cache
def script() -> Mapping[str, Any]:
    """Return the story of the follow-up."""
    path = Path(__file__).with_name("follow_up.yaml")
    data: Mapping[str, Any] = read_yaml(path.read_bytes(), path.name)
    return data


def register_pilots(connection: Connection) -> None:
    """Enter the pilot platforms: registered on the day of recognition of the others, never titled."""
    described = nation.nation()
    programme, day = described["programme"], described["recognised_on"]
    known_at = dt.datetime.combine(day, dt.time(18), tzinfo=SHANGHAI) - dt.timedelta(days=1)
    kinds = store.in_force(programme, day).rules.kinds
    for index, pilot in enumerate(script()["pilots"]):
        parts = [
            Organisation(
                nation.fictitious_code(pilot["province"], _PILOT_SERIAL + 2 * index + n),
                pilot[role],
                pilot["province"],
                False,
            )
            for n, role in enumerate(("host", "operator"))
        ]
        for organisation in parts:
            add_organisation(connection, organisation, day, nation.SOURCE, known_at)
        add_titled_body(
            connection,
            programme,
            pilot["unit"],
            pilot["name"],
            pilot["kind"],
            pilot["province"],
            pilot.get("route") or kinds[pilot["kind"]].route or "province",
            parts[0].code,
            parts[1].code,
            day,
            nation.SOURCE,
            known_at,
        )


class Cast:
    """Everybody who acts in the story; ``sends``: also what bodies send for the periods that open."""

    def __init__(self, *, sends: bool = True):
        self._sends = sends
        self._sent: set[str] = set()

    def acts_on(self, day: dt.date) -> bool:
        """Tell whether the story has anything for a day; what bodies send comes with an opening."""
        return day.day == script()["monthly"]["day"] or any(a["day"] == day for a in script()["acts"])

    def morning(self, day: dt.date, known_at: dt.datetime) -> list[str]:
        """Do what the story says for a day; return what was done (Chinese)."""
        told = self._send(day, known_at) if self._sends else []
        acts = [a for a in script()["acts"] if a["day"] == day]
        monthly = script()["monthly"]
        if day.day == monthly["day"]:
            acts.append({"do": "report", **{k: monthly[k] for k in ("key", "note")}, "quiet": True})
        for act in acts:
            done = ACTS[act["do"]](act, day, known_at)
            told += [] if act.get("quiet") else done
        return told

    def answer(self, round_id: int, day: dt.date, known_at: dt.datetime) -> list[str]:
        """Answer both steps of a round with approval, and let it take effect."""
        return answer(round_id, day, known_at)

    def _send(self, day: dt.date, known_at: dt.datetime) -> list[str]:
        """Put what bodies send for the open periods into the inbox, each with its day; once per period."""
        programme, told = nation.nation()["programme"], []
        with reading() as connection:
            query = text("SELECT period FROM cycle WHERE programme = :p AND known_at <= :k ORDER BY period")
            periods = list(connection.execute(query, {"p": programme, "k": known_at}).scalars())
        for period in periods:
            if period in self._sent:
                continue
            self._sent.add(period)
            if period not in nation.nation()["story"]:
                continue
            send_in(int(period), known_at)
            told.append(f"各平台按剧本报送 {period} 年度（模拟）")
        return told


def send_in(period: int, known_at: dt.datetime) -> None:
    """Grant the story's extensions and put the workbooks of a period into the inbox, once."""
    programme = nation.nation()["programme"]
    opened = cycle_days(store.governing(programme, period).rules.cycle, period).opens.date
    at = dt.datetime.combine(opened, dt.time(23), tzinfo=SHANGHAI)
    with reading() as connection:
        units = {u.unit: u for u in roster(connection, programme, opened, at)}
    for granted in nation.extensions(period):
        when = dt.datetime.combine(opened, dt.time(20), tzinfo=SHANGHAI)
        extensions.grant(programme, str(period), granted.unit, granted.until, CLERK, granted.reason, when)
    for sent in nation.sent(period, units, _blank):
        if objects.store().exists(sent.key):
            continue
        receive(sent.key, sent.data, sent.received_at)


def receive(key: str, data: bytes, at: dt.datetime) -> None:
    """Put an object into the inbox as one that came at a moment; its time is the store's to say."""
    objects.store().put(key, data)
    os.utime(Path(settings().objects_location) / key, (at.timestamp(), at.timestamp()))


def _blank(period: str, unit: str) -> bytes:
    programme = nation.nation()["programme"]
    return objects.store().get(f"outbox/{programme}/{period}/{unit}/{unit}-{period}-报送表.xlsx")


def answer(round_id: int, day: dt.date, known_at: dt.datetime) -> list[str]:
    """Let a reviewer and the issuer agree to a round, and issue it; nobody audits what they proposed."""
    fingerprint = approval.present(round_id).fingerprint
    with reading() as connection:
        query = text("SELECT opened_by FROM paper_round WHERE round_id = :id")
        proposer = connection.execute(query, {"id": round_id}).scalar()
    auditor = PROPOSER if proposer == REVIEWER else REVIEWER
    for step, who in (("audit", auditor), ("sign", ISSUER)):
        got = approval.answer(
            round_id, step, "approve", who, "同意（模拟）", fingerprint, "cli", known_at, known_at
        )
        if got.refused:
            raise RefusedError(f"第 {round_id} 号轮次“{step}”的答复未被采纳：{got.refused}")
    result = approval.issue(round_id, day, known_at)
    return [f"第 {round_id} 号轮次审核、签发、发文 {result.written} 件"]


Act = Mapping[str, Any]


def _matching(act: Act, day: dt.date, known_at: dt.datetime, *, every: bool = False) -> list[Owed]:
    """Return the obligations that an act is about: the open ones, or (``every``) also those that ended."""
    with reading() as connection:
        found = owed(connection, day, known_at, states=None if every else ("open", "overdue"))
    left = set(act.get("except", ()))
    return [o for o in found if fnmatchcase(o.key, act["key"]) and o.unit not in left | {None}] or [
        o for o in found if fnmatchcase(o.key, act["key"]) and o.unit is None
    ]


def _occurrence(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    programme = nation.nation()["programme"]
    subject = f"{act['subject']}（模拟）"
    follow_up.record_occurrence(
        programme, act["unit"], act["kind"], subject, day, CLERK, act["note"], known_at
    )
    return [f"{act['unit']} 发生“{subject}”"]


def _report(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
    found = _matching(act, day, known_at)
    for o in found:
        follow_up.record_report(o.key, day, CLERK, act["note"], known_at)
    names = sorted({o.duty_name for o in found})
    return [f"{'、'.join(names)}：收到 {len(found)} 份"] if found else []


def _paper(title: str, o: Owed, day: dt.date) -> Sent:
    return paper_of(title, o.unit or "", o.unit_name or o.owed_by_name, day)


def paper_of(title: str, unit: str, issuer: str, day: dt.date) -> Sent:
    """Return a fictitious paper about a body, as a PDF."""
    from ipgov.documents.pdf import render_pdf

    document = OfficialDocument(
        kind="attachment",
        form="letter",
        issuer=issuer,
        title=f"{title}（模拟）",
        paragraphs=("本件为模拟系统生成的材料，内容、签章均为虚构。",),
        signature_date=day,
        banner=SIMULATION_BANNER,
    )
    return Sent(f"{title}-{unit}.pdf", render_pdf(document))


def _unsolved(act: Act, o: Owed) -> tuple[int, ...]:
    """Return the numbers of a case's problems that the story leaves unsolved; ``all``: every one."""
    given = act.get("unsolved", ())
    if given != "all":
        return tuple(given)
    with reading() as connection:
        return tuple(p.number for p in case_problems.of_case(connection, o.id))


def case_act(what: str, do: Callable[[Act, Owed, dt.date, dt.datetime], Any]) -> Callable[..., list[str]]:
    """Return an act about every case that its key names."""

    def act_on(act: Act, day: dt.date, known_at: dt.datetime) -> list[str]:
        told = []
        for o in _matching(act, day, known_at, every=True):
            done = do(act, o, day, known_at)
            told.append(f"{o.unit} {o.duty_name}：{what}")
            if what == "提请审批":
                told += answer(done.output["round_id"], day, known_at)
        return told

    return act_on


ACTS: Mapping[str, Callable[[Act, dt.date, dt.datetime], list[str]]] = {
    "occurrence": _occurrence,
    "report": _report,
    "problem": case_act(
        "登记问题",
        lambda a, o, d, k: case_opening.add_problem(o.id, a["name"], a["found"], REVIEWER, d, k),
    ),
    "notify": case_act("发出整改通知", lambda a, o, d, k: case_opening.notify(o.id, d, k)),
    "plan": case_act(
        "报送整改方案",
        lambda a, o, d, k: rectification.plan(o.id, SENDER, a["note"], [_paper("整改方案", o, d)], d, k),
    ),
    "progress": case_act(
        "报送进展", lambda a, o, d, k: rectification.progress(o.id, SENDER, a["note"], [], d, k)
    ),
    "evidence": case_act(
        "报送佐证",
        lambda a, o, d, k: rectification.evidence(
            o.id, SENDER, a["note"], [_paper("整改佐证", o, d)], (), d, k
        ),
    ),
    "extend": case_act(
        "批准延期", lambda a, o, d, k: rectification.extend(o.id, a["until"], ISSUER, a["note"], d, k)
    ),
    "accept": case_act(
        "验收合格",
        lambda a, o, d, k: rectification.judge(o.id, "accept", PROPOSER, _unsolved(a, o), a["note"], d, k),
    ),
    "reject": case_act(
        "验收不合格",
        lambda a, o, d, k: rectification.judge(o.id, "reject", PROPOSER, _unsolved(a, o), a["note"], d, k),
    ),
    "reevaluate": case_act(
        "再评价",
        lambda a, o, d, k: rectification.reevaluate(o.id, PROPOSER, _unsolved(a, o), a["note"], d, k),
    ),
    "propose": case_act(
        "提请审批", lambda a, o, d, k: rectification.propose(o.id, PROPOSER, a["note"], d, k)
    ),
}


class Together:
    """Several casts on one stage; the first of them answers the rounds."""

    def __init__(self, *casts: Any):
        self._casts = casts

    def acts_on(self, day: dt.date) -> bool:
        """Tell whether one of them has anything for a day."""
        return any(cast.acts_on(day) for cast in self._casts)

    def morning(self, day: dt.date, known_at: dt.datetime) -> list[str]:
        """Let each act; return what was done (Chinese)."""
        return [told for cast in self._casts for told in cast.morning(day, known_at)]

    def answer(self, round_id: int, day: dt.date, known_at: dt.datetime) -> list[str]:
        """Answer both steps of a round with approval, and let it take effect."""
        told: list[str] = self._casts[0].answer(round_id, day, known_at)
        return told
