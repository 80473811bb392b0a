"""Fast-forward: a simulation database lives through its days by the procedures that the DAGs call.

Each day in the order of the office's own day: open what is due, let people act (if asked), receive what came,
ask the provinces, evaluate on the day, publicise, advance what is owed, write and send its letters, look for
late runs. Every step can be run again, so a span played twice changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from ipgov.calendars.deadlines import cycle_days
from ipgov.calendars.working_days import calendar_version
from ipgov.core import objects
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI, Cycle
from ipgov.policy import store
from ipgov.procedures import (
    approval,
    case_opening,
    cycles,
    follow_up,
    follow_up_papers,
    run_alerts,
    submission_intake,
)
from ipgov.simulation import office
from ipgov.simulation.office import People

_ONE_DAY = dt.timedelta(days=1)
LONGEST = 4000  # days
EVENTS = {
    "opened": "开启", "reminded": "提醒", "overdue": "逾期", "escalated": "升级", "met": "办结",
    "lapsed": "终结", "withdrawn": "撤销", "resumed": "恢复",
}  # fmt: skip
_OUTCOMES = {
    "accepted": "合格", "returned": "退回更正", "refused": "拒收", "kept": "收下附件",
    "unclaimed": "无人认领",
}  # fmt: skip
_OPEN_CYCLES = """
SELECT c.programme, c.period, c.evaluate_on, c.known_at FROM cycle c
WHERE c.programme = ANY(:programmes)
  AND NOT EXISTS (SELECT 1 FROM review_round r WHERE r.programme = c.programme AND r.period = c.period
                  AND r.result_set_id IS NOT NULL)
ORDER BY c.programme, c.period
"""
_OPENED = "SELECT programme, period FROM cycle WHERE programme = ANY(:programmes)"


@dataclass(frozen=True)
class Day:
    """What happened on a day: sentences for people, and counts by name."""

    day: dt.date
    told: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"day": self.day, "told": list(self.told), "counts": dict(self.counts)}


def require_simulation() -> None:
    """Raise RefusedError where the database is not a simulation."""
    with reading() as connection:
        if not is_simulation(connection):
            raise RefusedError("只有模拟库才可以快进：本库登记为业务库，其日期只随时钟前行")


def forward(
    first: dt.date,
    days: int,
    people: People | None = None,
    *,
    evaluate: bool | Collection[str] = True,
) -> Iterator[Day]:
    """Play ``days`` days from ``first`` on and yield each on which something happened.

    ``evaluate``: also open and evaluate periods, of every programme or of those named, and lead them on to
    their public notices; what is left out is a scheduler's. Raises RefusedError elsewhere than in a
    simulation, and for a day that would skip days; UnknownError for a number of days that is none.
    """
    if not 1 <= days <= LONGEST:
        raise UnknownError(f"天数 {days} 无效，应为 1 至 {LONGEST}")
    require_simulation()
    yield from resume()
    worked = follow_up.last_day()
    if worked is not None and first > worked + _ONE_DAY:
        first_shown = worked + _ONE_DAY
        raise RefusedError(f"后续事项办理到 {worked}，快进须从 {first_shown} 或更早开始，不能跳过其间的日子")
    run = (store.programmes() if evaluate else ()) if isinstance(evaluate, bool) else evaluate
    play = _Play(first, first if worked is None else None, people, tuple(run))
    for n in range(days):
        yield from play.live(first + n * _ONE_DAY)
    yield from play.catch_up()


_LAST_GROUP = """
SELECT min(period)::date AS first, max(period)::date AS last, known_at FROM step_run
WHERE programme = :programme AND step = :step GROUP BY known_at ORDER BY known_at DESC LIMIT 1
"""


def resume() -> Iterator[Day]:
    """Finish the days that were advanced together last, where that was interrupted; else do nothing.

    They are told apart by what was known: all of them were advanced with the end of the last of them.
    """
    with reading() as connection:
        mine = {"programme": follow_up.PROGRAMME, "step": follow_up.STEP}
        group = connection.execute(text(_LAST_GROUP), mine).first()
    if group is None:
        return
    end = group.known_at.astimezone(SHANGHAI)
    if end != end_of(end.date()):
        return  # a run by the clock, which ends its day by itself
    play = _Play(group.first, None, None)
    play.waiting = [group.first + n * _ONE_DAY for n in range((end.date() - group.first).days + 1)]
    yield from play.catch_up()


@dataclass
class _Play:
    """Days being played. Those on which nobody does anything wait, and are then advanced together.

    That is what the daily run itself does after an outage, with the same events; the letters are written as
    of the day of each event. What opens, falls due and lies in the inbox is looked up on the first day of a
    year and after every day on which something was done: nothing else changes it.
    """

    first: dt.date
    since: dt.date | None
    people: People | None
    programmes: tuple[str, ...] = ()
    waiting: list[dt.date] = field(default_factory=list)
    _told: dict[dt.date, list[str]] = field(default_factory=dict)
    _looked: dt.date | None = None
    _ahead: dict[tuple[str, int], dt.date] = field(default_factory=dict)  # what is not open → when it opens
    _open: list[tuple[str, str, dt.date, dt.datetime]] = field(default_factory=list)
    _inbox: set[tuple[str, dt.datetime]] = field(default_factory=set)
    _empty: set[tuple[str, str]] = field(default_factory=set)
    _refused: set[tuple[str, str]] = field(default_factory=set)  # until there is something new
    _calendar: str = ""
    _seen: set[tuple[str, dt.datetime]] = field(default_factory=set)
    _publicising: bool = True  # until a look shows that nothing is

    def live(self, day: dt.date) -> Iterator[Day]:
        """Let a day pass; yield the days before it, where something is to be done on this one."""
        known_at = end_of(day)
        acts = self.people is not None and self.people.acts_on(day)
        moved = calendar_version(day) != self._calendar
        if moved or self._looked is None or day.year != self._looked.year:
            self._look(day)
        came = self._came(known_at)
        if acts or came or moved:
            self._calendar = calendar_version(day)
            self._refused.clear()
        opening, due = self._office(day, known_at) if self.programmes else ([], [])
        if self.programmes and self._publicising:
            self._publicising = office.publicising(self.programmes, day, known_at)
        if acts or opening or came or due or (self.programmes and self._publicising):
            yield from self.catch_up()
            told = [_open(c) for c in opening]
            if self.people is not None:
                told += self.people.morning(day, known_at)
            told += _receive(day, known_at)
            if self.programmes:
                told += office.ask_provinces(self.programmes, day, known_at)
            told += self._evaluate(due, day, known_at)
            if self.programmes:
                told += office.publicise(self.programmes, day, known_at, self.people)
                self._publicising = office.publicising(self.programmes, day, known_at)
            self._told[day] = told
            self._look(day)
        self.waiting.append(day)

    def _look(self, day: dt.date) -> None:
        """Look up what opens in this year, what is to be evaluated, what lies in the inbox."""
        self._looked = day
        self._inbox = {(o.key, o.modified) for o in objects.store().list(submission_intake.INBOX)}
        if not self.programmes:
            return
        with reading() as connection:
            mine = {"programmes": list(self.programmes)}
            opened = {(r.programme, r.period) for r in connection.execute(text(_OPENED), mine)}
            self._open = [tuple(r) for r in connection.execute(text(_OPEN_CYCLES), mine)]
        self._ahead = _openings(self.programmes, range(self.first.year - 1, day.year + 1), opened)

    def _came(self, known_at: dt.datetime) -> list[str]:
        """Return what is new in the inbox; the record is asked only where something has not been seen."""
        there = {(key, modified) for key, modified in self._inbox if modified <= known_at}
        if there <= self._seen:
            return []
        came = submission_intake.new_objects(known_at)
        if not came:
            self._seen = there
        return came

    def _office(self, day: dt.date, known_at: dt.datetime) -> tuple[list[Cycle], list[tuple[str, str]]]:
        """Return what the office does on a day: periods to open, periods to evaluate."""
        opening = [
            Cycle(programme, str(year), day, known_at)
            for (programme, year), opens in self._ahead.items()
            if self.first <= opens <= day
        ]
        left = self._empty | self._refused
        return opening, [
            (programme, period)
            for programme, period, evaluated, known in self._open
            if evaluated <= day and known <= known_at and (programme, period) not in left
        ]

    def _evaluate(self, due: list[tuple[str, str]], day: dt.date, known_at: dt.datetime) -> list[str]:
        told = []
        for programme, period in due:
            try:
                round_id = office.put_up(Cycle(programme, period, day, known_at))
            except EnvironmentProblemError:
                raise
            except GovernanceError as error:  # as in the office: told to be late, tried again on news
                self._refused.add((programme, period))
                told.append(f"{programme} {period} 年度未能评价：{error.message}")
                continue
            if round_id is None:
                self._empty.add((programme, period))
                told.append(f"{programme} {period} 年度没有单位申报，不进行评审")
                continue
            told.append(f"{programme} {period} 年度评价完毕，提交审核（第 {round_id} 号轮次）")
            if self.people is not None:
                told += self.people.answer(round_id, day, known_at)
                told += office.propose_papers(programme, day, known_at, self.people)
        return told

    def catch_up(self) -> Iterator[Day]:
        """Advance what is owed through the days that wait, write the letters, and yield what happened."""
        if not self.waiting:
            return
        days, last = self.waiting, self.waiting[-1]
        known_at = end_of(last)
        repeated = follow_up.advance(last, known_at, self.since).repeated
        events = _events(days[0], last)
        if events:
            self._refused.clear()
        for day in sorted({*events, *(d for d, told in self._told.items() if told)}):
            told, counts = self._told.get(day, []), {} if repeated else events.get(day, {})
            if day in events:  # the letters of days advanced before may have been interrupted
                told = [*told, *_follow_up(day, counts, known_at)]
            if told or counts:
                yield Day(day, tuple(told), counts)
        late = run_alerts.alert(last, known_at)
        if late.written:
            yield Day(last, (f"评价未按期办结，已告警：{'、'.join(late.output['overdue'])}",))
        approval.send(known_at)
        self.waiting, self._told = [], {}


_EVENTS_OF = """
SELECT day, event, count(*) AS n FROM obligation_event WHERE day BETWEEN :first AND :last
GROUP BY day, event ORDER BY day, event
"""


def _events(first: dt.date, last: dt.date) -> dict[dt.date, dict[str, int]]:
    found: dict[dt.date, dict[str, int]] = {}
    with reading() as connection:
        for row in connection.execute(text(_EVENTS_OF), {"first": first, "last": last}):
            found.setdefault(row.day, {})[row.event] = row.n
    return found


def _follow_up(day: dt.date, counts: dict[str, int], known_at: dt.datetime) -> list[str]:
    """Open the cases and write the letters that a day's events call for."""
    named = "、".join(f"{name} {counts[event]}" for event, name in EVENTS.items() if event in counts)
    told = [f"事项{named}"] if named else []
    cases = case_opening.open_cases(day, known_at).output["opened"]
    told += [f"整改立案 {len(cases)} 件"] if cases else []
    papers = follow_up_papers.write(day, known_at).output
    made, unsent = papers.get("documents", {}), len(papers.get("not_sent", ()))
    told += [f"发出{'、'.join(f'{k} {v} 件' for k, v in made.items())}"] if made else []
    return [*told, f"不发 {unsent} 件（原因在案）"] if unsent else told


def end_of(day: dt.date) -> dt.datetime:
    """Return the last moment of a day: what a run for a day of a simulation knows."""
    return dt.datetime.combine(day, dt.time(23, 59, 59), tzinfo=SHANGHAI)


def _openings(
    programmes: Collection[str], years: range, opened: Collection[tuple[str, str]]
) -> dict[tuple[str, int], dt.date]:
    """Return when the periods open that are not open yet."""
    found = {}
    for programme in programmes:
        for year in years:
            rules = store.covering(store.versions(programme), dt.date(year, 12, 31))
            if rules and rules.rules.cycle.has(year) and (programme, str(year)) not in opened:
                found[programme, year] = cycle_days(rules.rules.cycle, year).opens.date
    return found


def _open(cycle: Cycle) -> str:
    result = cycles.open_cycle(cycle)
    due_on = result.output["due_on"]
    return f"开启 {cycle.programme} {cycle.period} 年度：截止 {due_on}，空白表 {result.read} 份"


def _receive(day: dt.date, known_at: dt.datetime) -> list[str]:
    keys = submission_intake.new_objects(known_at)
    if not keys:
        return []
    outcomes = list(submission_intake.receive(keys, day, known_at).output["outcomes"].values())
    counted = "、".join(f"{name} {outcomes.count(o)}" for o, name in _OUTCOMES.items() if o in outcomes)
    return [f"收到 {len(keys)} 个文件：{counted}"]
