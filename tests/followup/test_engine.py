"""Single obligations: what ends one, what moves its due day, what waits for a holiday notice."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from follow_up_worlds import World, duty_book
from ipgov.followup import engine
from ipgov.followup.facts import (
    Body,
    Facts,
    Issued,
    Judged,
    MoreTime,
    Occurred,
    Received,
    Retracted,
    TitleChange,
)
from ipgov.policy.holidays import Calendars, HolidayNotice, HolidayPeriod

Day = dt.date
EARLY = Day(2030, 12, 1)
BODY = Body("p", "AA01", "甲平台", "31", "province", "H1", "O1", EARLY, EARLY)
TITLED = TitleChange("p", "AA01", True, EARLY, EARLY)
MATTER = Occurred(1, "p", "AA01", "k1", "s1", Day(2031, 2, 3), None, Day(2031, 2, 3))
KEY = "p/matter/AA01/k1:s1"


def notice(entered: Day | None, *off: tuple[Day, Day]) -> Calendars:
    periods = tuple(HolidayPeriod(name="假", first=a, last=b) for a, b in off)
    year = HolidayNotice(year=2031, document="试", entered=entered, holidays=periods)
    return Calendars((), {2031: year}, {}, {}, "0" * 64)


NO_DAYS = (Day(2031, 1, 1), Day(2031, 1, 1))
KNOWN = notice(None, NO_DAYS)


def played(calendars: Calendars, last: Day, **facts: Any) -> tuple[list[engine.Event], engine.Obligations]:
    given = {"bodies": (BODY,), "titles": (TITLED,)} | facts
    world = World(Facts(since=Day(2031, 2, 1), **given), calendars)
    state: engine.Obligations = {}
    run = engine.run(state, world.facts, duty_book(), world.calendar_on, Day(2031, 2, 1), last)
    return [e for _, events in run for e in events if e.key.startswith("p/")], state


def said(events: list[engine.Event], key: str = KEY) -> list[str]:
    return [f"{e.day:%m-%d} {e.event} {e.step}".strip() for e in events if e.key == key]


def test_an_obligation_has_its_whole_ladder() -> None:
    events, state = played(KNOWN, Day(2031, 2, 28), occurrences=(MATTER,))
    assert said(events) == [
        "02-04 opened",
        "02-04 due_set 2031-02-04",
        "02-04 reminded opening",
        "02-06 reminded halfway",
        "02-07 reminded before_1",
        "02-10 reminded due",
        "02-11 overdue 2031-02-10",
        "02-11 escalated overdue_1",
        "02-14 escalated overdue_4",
    ]
    opening = next(e for e in events if e.step == "opening")
    assert [t["code"] for t in opening.detail["to"]] == ["AA01", "O1"]
    assert state[KEY].owed_by == "H1"


def test_a_report_in_time_that_becomes_known_late_lifts_what_was_overdue() -> None:
    received = (Received(Day(2031, 2, 10), Day(2031, 2, 12)),)
    events, state = played(KNOWN, Day(2031, 2, 28), occurrences=(MATTER,), reports={KEY: received})
    assert said(events)[-3:] == ["02-11 overdue 2031-02-10", "02-11 escalated overdue_1", "02-13 met"]
    assert events[-1].detail == {"on": "2031-02-10", "late": False, "lifted": True}
    assert (state[KEY].ended, state[KEY].ended_on) == ("met", Day(2031, 2, 10))


def test_a_holiday_notice_entered_later_moves_a_provisional_day_and_keeps_the_old_one() -> None:
    later = notice(Day(2031, 2, 7), NO_DAYS, (Day(2031, 2, 10), Day(2031, 2, 12)))
    events, state = played(later, Day(2031, 2, 28), occurrences=(MATTER,))
    moved = [e for e in events if e.event == "due_set"]
    assert [(e.day, e.due.due_on, e.due.provisional) for e in moved if e.due] == [
        (Day(2031, 2, 4), Day(2031, 2, 10), True),
        (Day(2031, 2, 8), Day(2031, 2, 13), False),
    ]
    assert moved[1].detail["earlier"] == "2031-02-10"
    assert [d.due_on for d in state[KEY].dues] == [Day(2031, 2, 10), Day(2031, 2, 13)]
    assert state[KEY].dues[0].calendar != state[KEY].dues[1].calendar
    assert "02-14 overdue 2031-02-13" in said(events)


def test_nothing_is_overdue_on_a_provisional_day_until_the_notice_is_entered() -> None:
    never = Calendars((), {}, {}, {}, "0" * 64)
    events, _ = played(never, Day(2031, 4, 1), occurrences=(MATTER,))
    assert said(events)[-1] == "02-10 reminded due"
    at_last = notice(Day(2031, 3, 5), NO_DAYS)
    events, state = played(at_last, Day(2031, 4, 1), occurrences=(MATTER,))
    assert said(events)[-3:] == [
        "03-06 due_set 2031-03-06",
        "03-06 overdue 2031-02-10",
        "03-06 escalated overdue_4",
    ]
    assert not state[KEY].due.provisional


def test_no_notice_takes_away_days_that_have_passed() -> None:
    off = (Day(2031, 2, 10), Day(2031, 2, 14))
    made_up = Calendars((), {2031: HolidayNotice(
        year=2031, document="试", holidays=(HolidayPeriod(name="假", first=off[0], last=off[1]),),
    )}, {}, {}, "0" * 64)  # fmt: skip
    from ipgov.policy.holidays import Override

    worked = {
        Day(2031, 2, 10): Override(date=Day(2031, 2, 10), working=True, note="试", entered=Day(2031, 2, 13))
    }
    calendars = Calendars((), made_up.notices, worked, {}, "0" * 64)
    events, state = played(calendars, Day(2031, 2, 28), occurrences=(MATTER,))
    # due on the 17th; on the 14th it turns out that the 10th had been a working day after all
    assert [d.due_on for d in state[KEY].dues] == [Day(2031, 2, 17)]
    assert "02-18 overdue 2031-02-17" in said(events)


def test_more_time_moves_the_day_and_is_reminded_of_anew() -> None:
    more = {KEY: (MoreTime(Day(2031, 2, 24), "某", "因故", Day(2031, 2, 7)),)}
    events, _ = played(KNOWN, Day(2031, 2, 28), occurrences=(MATTER,), extensions=more)
    assert said(events)[4:] == [
        "02-07 reminded before_1",
        "02-08 due_set 2031-02-08",
        "02-17 reminded before_5@1",
        "02-21 reminded before_1@1",
        "02-24 reminded due@1",
        "02-25 overdue 2031-02-24",
        "02-25 escalated overdue_1@1",
        "02-28 escalated overdue_4@1",
    ]


def issued(number: int, on: Day, *outcomes: str) -> Issued:
    return Issued(number, "p", "2030", "AA01", None, frozenset(outcomes), on, on)


FIX, PLAN = "p/fix/AA01/2030", "p/a_fix_plan/AA01/2030"


def test_a_corrected_result_withdraws_what_it_no_longer_calls_for_and_another_one_opens_it_anew() -> None:
    results = (issued(1, Day(2031, 2, 3), "warning"), issued(2, Day(2031, 2, 12)))
    events, state = played(KNOWN, Day(2031, 3, 20), issued=results)
    assert said(events, FIX)[-1] == "02-13 withdrawn"
    assert said(events, PLAN)[-1] == "02-13 withdrawn"
    results = (*results, issued(3, Day(2031, 2, 20), "warning"))
    events, state = played(KNOWN, Day(2031, 3, 20), issued=results)
    assert said(events, f"{FIX}#2")[0] == "02-21 opened"
    assert state[f"{PLAN}#2"].part_of == f"{FIX}#2"


def test_a_case_ends_by_its_judgement_and_its_parts_with_it() -> None:
    judged = {FIX: (Judged(Day(2031, 2, 10), "met", Day(2031, 2, 10)),)}
    results = (issued(1, Day(2031, 2, 3), "warning"),)
    events, state = played(KNOWN, Day(2031, 3, 20), issued=results, judgements=judged)
    assert said(events, FIX)[-1] == "02-11 met"
    assert said(events, PLAN)[-1] == "02-11 withdrawn"
    failed = {FIX: (Judged(Day(2031, 2, 10), "failed", Day(2031, 2, 10)),)}
    events, state = played(KNOWN, Day(2031, 3, 20), issued=results, judgements=failed)
    assert (said(events, FIX)[-1], state[FIX].ended) == ("02-11 lapsed", "lapsed")


PROGRESS = "p/fix_progress/AA01/2030"


def test_reports_on_progress_come_again_from_due_day_to_due_day_while_the_case_runs() -> None:
    results = (issued(1, Day(2031, 2, 3), "warning"),)
    first = {PROGRESS: (Received(Day(2031, 2, 6), Day(2031, 2, 6)),)}
    events, state = played(KNOWN, Day(2031, 4, 16), issued=results, reports=first)
    # met early: the next is counted from the due day all the same
    assert said(events, PROGRESS)[-1] == "02-07 met"
    assert said(events, f"{PROGRESS}~2") == [
        "02-12 opened",
        "02-12 due_set 2031-02-12",
        "02-12 reminded opening",
        "02-19 reminded due",
        "02-20 overdue 2031-02-19",
        "02-21 escalated overdue_2",
    ]
    numbered = {k: o.due.due_on for k, o in state.items() if k.startswith(PROGRESS)}
    assert sorted(numbered.values()) == [Day(2031, 2, 11), Day(2031, 2, 19), Day(2031, 2, 27)]
    assert max(numbered.values()) < state[FIX].due.due_on == Day(2031, 3, 3)
    assert {o.part_of for k, o in state.items() if k.startswith(PROGRESS)} == {FIX}
    # more time for the case calls for more of them
    more = {FIX: (MoreTime(Day(2031, 3, 20), "某", "因故", Day(2031, 3, 1)),)}
    _, state = played(KNOWN, Day(2031, 4, 16), issued=results, extensions=more)
    assert state[f"{PROGRESS}~5"].due.due_on == Day(2031, 3, 17)
    assert f"{PROGRESS}~6" not in state


def judgement(on: Day, outcome: Any) -> Judged:
    return Judged(on, outcome, on)


def test_a_withdrawn_judgement_lets_the_case_and_its_milestones_go_on_until_the_next() -> None:
    results = (issued(1, Day(2031, 2, 3), "warning"),)
    first, void = judgement(Day(2031, 2, 13), "met"), judgement(Day(2031, 2, 21), "withdrawn")
    again = judgement(Day(2031, 3, 10), "failed")
    events, state = played(KNOWN, Day(2031, 4, 1), issued=results, judgements={FIX: (first, void, again)})
    assert said(events, FIX)[3:] == [
        "02-14 met",
        "02-22 resumed 2",
        "02-24 reminded before_5",
        "02-28 reminded before_1",
        "03-03 reminded due",
        "03-04 overdue 2031-03-03",
        "03-04 escalated overdue_1",
        "03-07 escalated overdue_4",
        "03-11 lapsed 3",
    ]
    assert state[FIX].ended_on == Day(2031, 3, 10)
    # what was withdrawn with the case is owed again, what is due next as well
    assert said(events, f"{PROGRESS}~2")[-1] == "02-14 withdrawn"
    assert said(events, f"{PROGRESS}~2#2")[0] == "02-22 opened"
    assert f"{PROGRESS}~3" in state
    # what came in meanwhile meets what is opened anew
    early = {f"{PROGRESS}~2": (Received(Day(2031, 2, 21), Day(2031, 2, 21)),)}
    events, _ = played(KNOWN, Day(2031, 3, 1), issued=results, judgements={FIX: (first, void)}, reports=early)
    assert said(events, f"{PROGRESS}~2#2")[-1] == "02-22 met"


def test_judged_anew_on_the_day_of_the_return_another_judgement_ends_it() -> None:
    results = (issued(1, Day(2031, 2, 3), "warning"),)
    day = Day(2031, 2, 21)
    rows = (judgement(Day(2031, 2, 13), "met"), judgement(day, "withdrawn"), judgement(day, "failed"))
    events, state = played(KNOWN, Day(2031, 4, 1), issued=results, judgements={FIX: rows})
    assert said(events, FIX)[-3:] == ["02-14 met", "02-22 resumed 3", "02-22 lapsed 3"]
    assert (state[FIX].ended, state[FIX].judged_by) == ("lapsed", 3)


def test_a_public_notice_runs_out_after_its_working_days_and_what_follows_opens() -> None:
    started = Occurred(1, "p", "office", "n1", "s1", Day(2031, 2, 3), None, Day(2031, 2, 3))
    events, _ = played(KNOWN, Day(2031, 2, 28), occurrences=(started,))
    assert said(events, "p/notice/office/n1:s1") == [
        "02-04 opened",
        "02-04 due_set 2031-02-04",
        "02-11 lapsed",
    ]
    assert said(events, "p/after_notice/office/n1:s1")[0] == "02-11 opened"


def test_what_was_recorded_by_mistake_is_withdrawn_with_the_reason_and_what_was_met_stays_met() -> None:
    back = Retracted("张三", "误登，另有其人", Day(2031, 2, 6))
    matter = replace(MATTER, retracted=back)
    other = Occurred(2, "p", "BB01", "k1", "s1", Day(2031, 2, 3), None, Day(2031, 2, 3))
    bodies = (BODY, replace(BODY, unit="BB01"))
    events, state = played(KNOWN, Day(2031, 2, 28), occurrences=(matter, other), bodies=bodies)
    assert said(events)[-2:] == ["02-06 reminded halfway", "02-07 withdrawn"]
    (gone,) = [e for e in events if e.event == "withdrawn"]
    assert gone.detail == {"on": "2031-02-07", "why": "误登，另有其人", "retracted_by": "张三"}
    assert state["p/matter/BB01/k1:s1"].ended is None  # another body's of the same name
    received = (Received(Day(2031, 2, 5), Day(2031, 2, 5)),)
    events, state = played(KNOWN, Day(2031, 2, 28), occurrences=(matter,), reports={KEY: received})
    assert state[KEY].ended == "met"
    at_once = replace(MATTER, retracted=Retracted("张三", "误登", MATTER.known_on))
    assert KEY not in played(KNOWN, Day(2031, 2, 28), occurrences=(at_once,))[1]


def test_who_loses_the_title_no_longer_owes_what_rests_on_it() -> None:
    lost = TitleChange("p", "AA01", False, Day(2031, 2, 20), Day(2031, 2, 10))
    results = (issued(1, Day(2031, 2, 3), "warning"),)
    events, _ = played(KNOWN, Day(2031, 3, 20), issued=results, titles=(TITLED, lost))
    assert said(events, FIX)[-1] == "02-20 withdrawn"
