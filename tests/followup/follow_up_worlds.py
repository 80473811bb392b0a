"""Worlds for the engine of obligations: random bodies, titles, events, reports, judgements and calendars."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cache

from hypothesis import strategies as st
from ipgov.calendars.working_days import WorkingDays
from ipgov.followup.facts import (
    Body,
    Facts,
    Issued,
    Judged,
    MoreTime,
    Named,
    Occurred,
    OpenedPeriod,
    Received,
    Retracted,
    TitleChange,
)
from ipgov.policy.duty_store import DutyBook, book
from ipgov.policy.holidays import Calendars, HolidayNotice, HolidayPeriod, Override
from ipgov.policy.rules import YearDay

# later than the package's last year: provisional until a notice is entered
FIRST, LAST = dt.date(2031, 1, 6), dt.date(2031, 4, 16)
UNITS = ("AA01", "AA02", "AA03")
ONE_DAY = dt.timedelta(days=1)

DUTIES = """
document: 2023-156
ladders:
  - code: long
    name: 长
    operator: 试
    rungs:
      - {step: opening, at: opening, to: [body, operating]}
      - {step: halfway, at: halfway, to: [host]}
      - {step: before_5, working_days_before: 5, to: [body]}
      - {step: before_1, working_days_before: 1, to: [body]}
      - {step: due, at: due, to: [body]}
      - {step: overdue_1, working_days_after: 1, to: [province]}
      - {step: overdue_4, working_days_after: 4, to: [office]}
  - code: short
    name: 短
    operator: 试
    rungs:
      - {step: opening, at: opening, to: [office]}
      - {step: due, at: due, to: [office]}
      - {step: overdue_2, working_days_after: 2, to: [office]}
duties:
  - {code: matter, name: 甲, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: host, owed_to: office,
     opened_by: {occurrences: [{code: k1, name: 一}, {code: k2, name: 二}]},
     due: {limit: {calendar_days: 7}}, met_by: report, ladder: long}
  - {code: notice, name: 乙, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: office, owed_to: office,
     opened_by: {occurrences: [{code: n1, name: 一}]}, due: {limit: {working_days: 5}}, met_by: lapse}
  - {code: after_notice, name: 丙, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: office,
     owed_to: office, opened_by: {after: notice}, due: {limit: {working_days: 3}}, met_by: report,
     ladder: short}
  - {code: check, name: 丁, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: body, owed_to: office,
     opened_by: {day: 2031-01-10, whom: registered}, due: {day: 2031-02-09}, met_by: report, ladder: long}
  - {code: pilot, name: 戊, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: body, owed_to: office,
     opened_by: {day: 2031-01-15, whom: not_titled}, due: {limit: {months: 1}}, met_by: judgement,
     ladder: long}
  - {code: pilot_plan, name: 己, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: body,
     owed_to: office, opened_by: {day: 2031-01-15, whom: not_titled}, due: {limit: {working_days: 8}},
     met_by: report, ladder: long, part_of: pilot}
  - {code: pilot_again, name: 庚, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: office,
     owed_to: body, opened_by: {after: pilot, also_when_overdue: true}, due: {limit: {months: 1}},
     met_by: judgement, ladder: short}
  - {code: data, name: 辛, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: body, owed_to: office,
     opened_by: {period: opens}, due: {period: due}, met_by: submission, ladder: long}
  - {code: audit, name: 壬, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: province,
     owed_to: office, opened_by: {after: data}, due: {limit: {working_days: 4}}, met_by: report, ladder: long,
     routes: [province]}
  - {code: fix, name: 癸, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: body, owed_to: office,
     opened_by: {outcomes: [warning]}, due: {limit: {months: 1}}, met_by: judgement, ladder: long}
  - {code: a_fix_plan, name: 子, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: body,
     owed_to: office, opened_by: {outcomes: [warning]}, due: {limit: {calendar_days: 10, roll: false}},
     met_by: report, ladder: long, part_of: fix}
  - {code: fix_progress, name: 寅, programme: p, effective: 2030-01-01, operator: 试,
     owed_by: body,
     owed_to: office, opened_by: {outcomes: [warning]}, due: {limit: {calendar_days: 8}},
     met_by: report, ladder: short, part_of: fix, repeats: true}
  - {code: monthly, name: 丑, programme: q, effective: 2031-01-20, operator: 试, owed_by: office,
     owed_to: office, opened_by: {monthly: 1, whom: office}, due: {limit: {working_days: 10}},
     met_by: report, ladder: short}
"""


@cache
def duty_book() -> DutyBook:
    return book([("duties.yaml", DUTIES.encode())])


@dataclass(frozen=True)
class World:
    facts: Facts
    calendars: Calendars

    def calendar_on(self, day: dt.date) -> WorkingDays:
        return _known(id(self.calendars), self.calendars, self._entries_by(day))

    def _entries_by(self, day: dt.date) -> int:
        return sum(e < day for e in self.calendars.entered)


_CACHE: dict[tuple[int, int], tuple[Calendars, WorkingDays]] = {}


def _known(number: int, calendars: Calendars, entries: int) -> WorkingDays:
    found = _CACHE.get((number, entries))
    if found is None or found[0] is not calendars:
        on = calendars.entered[entries - 1] if entries else dt.date.min
        found = _CACHE[number, entries] = (calendars, WorkingDays(calendars.known_on(on)))
    return found[1]


def days(first: dt.date = FIRST, last: dt.date = LAST) -> st.SearchStrategy[dt.date]:
    return st.dates(first, last)


def _soon(on: dt.date, later: int) -> dt.date:
    return min(on + later * ONE_DAY, LAST)


_received = st.builds(lambda on, later: Received(on, _soon(on, later)), days(), st.integers(0, 20))
_more_time = st.builds(
    lambda known, more: MoreTime(known + more * ONE_DAY, "某", "试", known), days(), st.integers(1, 60)
)


@st.composite
def calendars(draw: st.DrawFn) -> Calendars:
    off = draw(st.lists(st.tuples(days(), st.integers(0, 9)), min_size=1, max_size=6))
    taken: set[dt.date] = set()
    periods: list[HolidayPeriod] = []
    for first, more in off:
        each = {first + i * ONE_DAY for i in range(more + 1)}
        if not each & taken:
            taken |= each
            periods.append(HolidayPeriod(name="假", first=first, last=first + more * ONE_DAY))
    notices = {}
    if draw(st.integers(0, 3)):
        weekend = st.dates(FIRST, LAST).filter(lambda d: d.weekday() >= 5 and d not in taken)
        notices[2031] = HolidayNotice(
            year=2031,
            document="试",
            entered=draw(st.none() | st.none() | days()),
            holidays=tuple(periods),
            make_up_days=tuple(sorted(set(draw(st.lists(weekend, max_size=3))))),
        )
    overrides = draw(st.lists(st.tuples(days(), st.booleans(), st.none() | days()), max_size=5))
    return Calendars(
        statutory=(),
        notices=notices,
        overrides={d: Override(date=d, working=w, note="试", entered=e) for d, w, e in overrides},
        festivals={},
        sha256="0" * 64,
    )


_KEYS = [
    *(f"p/matter/{u}/{k}:{s}" for u in UNITS for k in ("k1", "k2") for s in ("s1", "s2")),
    *(f"p/{d}/{u}/2031-01-10" for u in UNITS for d in ("check",)),
    *(f"p/{d}/{u}/2031-01-15" for u in UNITS for d in ("pilot", "pilot_plan", "pilot_again")),
    *(f"p/{d}/{u}/2030{g}" for u in UNITS for d in ("fix", "a_fix_plan", "audit") for g in ("", "#2")),
    *(f"p/fix_progress/{u}/2030{n}" for u in UNITS for n in ("", "~2", "~3", "#2", "~2#2")),
    "p/after_notice/office/n1:s1",
    *(f"q/monthly/office/2031-{m:02}" for m in (2, 3, 4, 5)),
]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    body = st.builds(
        lambda unit, on, known, route, name: Body(
            "p", unit, f"{unit}{name}", "31", route, "H1", "O1", on, known
        ),
        st.sampled_from(UNITS),
        days(FIRST - 30 * ONE_DAY, LAST),
        days(FIRST - 30 * ONE_DAY, LAST),
        st.sampled_from(["province", "direct"]),
        st.sampled_from("甲乙"),
    )
    base = tuple(
        Body("p", u, u, "31", "province", "H1", "O1", FIRST - 40 * ONE_DAY, FIRST - 20 * ONE_DAY)
        for u in draw(st.sets(st.sampled_from(UNITS), min_size=1))
    )
    bodies = (*base, *draw(st.lists(body, max_size=2)))
    units = sorted({b.unit for b in bodies})
    # what speaks of a body became known when the body was registered, or later
    registered = {u: min(b.known_on for b in bodies if b.unit == u) for u in units}
    unit = st.sampled_from(units)
    titles = st.builds(
        lambda u, titled, on, known: TitleChange("p", u, titled, on, max(known, registered[u])),
        unit, st.sampled_from([True, True, False]), days(FIRST - 30 * ONE_DAY), days(FIRST - 30 * ONE_DAY),
    )  # fmt: skip
    occurred = st.builds(
        lambda u, kind, s, on, later, told: Occurred(
            0, "p", u, kind, s, on, on + told * ONE_DAY if told is not None else None,
            max(on + later * ONE_DAY, registered[u]),
        ),
        unit, st.sampled_from(["k1", "k2"]), st.sampled_from(["s1", "s2"]), days(FIRST - 20 * ONE_DAY),
        st.integers(0, 30), st.none() | st.integers(0, 12),
    )  # fmt: skip
    occurrences = {(o.party, o.kind, o.subject): o for o in draw(st.lists(occurred, max_size=4))}
    for place, o in occurrences.items():
        if draw(st.integers(0, 3)) == 0:
            back = Retracted("甲", "误登", o.known_on + draw(st.integers(0, 40)) * ONE_DAY)
            occurrences[place] = replace(o, retracted=back)
    if draw(st.booleans()):
        on = draw(days())
        occurrences["office", "n1", "s1"] = Occurred(0, "p", "office", "n1", "s1", on, None, on)
    opened_on = draw(days(FIRST, FIRST + 40 * ONE_DAY))
    due = draw(days(opened_on + 3 * ONE_DAY, LAST - 10 * ONE_DAY))
    due_day = YearDay(month=due.month, day=due.day, years_after=1, roll=draw(st.booleans()))
    known_on = draw(days(opened_on, opened_on + 5 * ONE_DAY))
    period = OpenedPeriod(1, "p", "2030", opened_on, due_day, due, due + 10 * ONE_DAY, known_on)
    issued: list[Issued] = []
    issued = []
    for number, on in enumerate(sorted(draw(st.lists(days(), max_size=3))), 1):
        for u in draw(st.sets(unit)):
            if registered[u] <= on:
                outcomes = draw(st.sampled_from([frozenset(), frozenset({"warning"})]))
                issued.append(Issued(number, "p", "2030", u, None, outcomes, on, on))
    keys = st.sampled_from(_KEYS)
    outcomes = st.sampled_from(["met", "failed", "withdrawn"])
    one = st.builds(lambda on, said, later: Judged(on, said, _soon(on, later)), days(), outcomes,
                    st.integers(0, 5))  # fmt: skip
    judged = st.lists(one, min_size=1, max_size=4).map(
        lambda found: tuple(sorted(found, key=lambda j: j.known_on))
    )
    cases = st.sampled_from([k for k in _KEYS if k.split("/")[1] in ("fix", "pilot", "pilot_again")])
    sent = st.tuples(st.just("p"), st.just("2030"), unit)
    many_more = st.lists(_more_time, min_size=1, max_size=2).map(
        lambda m: tuple(sorted(m, key=lambda x: x.known_on))
    )
    some = st.lists(_received, min_size=1, max_size=2).map(tuple)
    return World(
        Facts(
            since=FIRST,
            bodies=bodies,
            organisations=(Named("H1", "依托", FIRST - 99 * ONE_DAY, FIRST - 99 * ONE_DAY),),
            titles=tuple(draw(st.lists(titles, max_size=5))),
            occurrences=tuple(replace(o, id=n) for n, o in enumerate(occurrences.values(), 1)),
            periods=(period,),
            issued=tuple(issued),
            reports=draw(st.dictionaries(keys, some, max_size=8)),
            judgements=draw(st.dictionaries(cases, judged, max_size=4)),
            extensions=draw(st.dictionaries(keys, many_more, max_size=3)),
            submissions=draw(st.dictionaries(sent, some, max_size=3)),
            period_extensions=draw(st.dictionaries(sent, many_more, max_size=1)),
        ),
        draw(calendars()),
    )


def known_before(facts: Facts, day: dt.date) -> Facts:
    """What a run for ``day`` finds in the database."""

    def of(rows):  # type: ignore[no-untyped-def]
        return tuple(r for r in rows if r.known_on < day)

    def by(groups):  # type: ignore[no-untyped-def]
        return {k: kept for k, rows in groups.items() if (kept := of(rows))}

    return Facts(
        since=facts.since,
        bodies=of(facts.bodies),
        organisations=of(facts.organisations),
        titles=of(facts.titles),
        occurrences=tuple(
            o if o.retracted is None or o.retracted.known_on < day else replace(o, retracted=None)
            for o in of(facts.occurrences)
        ),
        periods=of(facts.periods),
        issued=of(facts.issued),
        reports=by(facts.reports),
        judgements=by(facts.judgements),
        extensions=by(facts.extensions),
        submissions=by(facts.submissions),
        period_extensions=by(facts.period_extensions),
    )
