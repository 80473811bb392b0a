"""The life of a national industry centre's title: no way around a notice, an approval or a rectification."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.core import tables
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.policy.lifecycles import Lifecycle, State, lifecycle
from ipgov.registry import title_needs
from ipgov.registry.organisations import Organisation
from ipgov.registry.platforms import roster
from ipgov.registry.titles import record_title_event, standing, standings
from sqlalchemy import Connection, select

PROGRAMME = "industry_centre"
UNIT = "IC01"
REGISTERED = dt.date(2024, 12, 31)
KNOWN_AT = dt.datetime(2025, 1, 1, 1, 0, tzinfo=dt.UTC)
THROUGH_PROVINCE = (
    "applied", "recommended", "rechecked", "listed", "publicised", "publicity_expired", "recognised",
)  # fmt: skip
BOUNDED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass
class World:
    """What there is besides the log: is the notice over, is an objection open."""

    expired: bool = True
    objection: bool = False


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(title_needs, "_CHECKS", {})
    title_needs.provide("notice_expired", lambda *_: None if world.expired else "公示尚未期满")
    title_needs.provide("no_open_objection", lambda *_: "尚有异议未处理" if world.objection else None)
    return world


@pytest.fixture
def life() -> Lifecycle:
    return lifecycle(PROGRAMME)


@pytest.fixture
def centre(connection: Connection, register: Callable[..., Organisation]) -> None:
    """Register a centre; nothing has happened to it."""
    host = register(1, known_at=KNOWN_AT)
    connection.execute(
        tables.titled_body.insert().values(
            programme=PROGRAMME, unit=UNIT, name="国家级示例产业知识产权运营中心", kind="industry",
            province="11", route="province", host_code=host.code, operator_code=host.code,
            valid_from=dt.date(2024, 1, 1), source="测试", known_at=KNOWN_AT,
        )
    )  # fmt: skip


@pytest.fixture
def happen(
    connection: Connection, centre: None, world: World, life: Lifecycle, approval: Callable[..., int]
) -> Callable[..., bool]:
    """Record an event, by somebody who may and with an approval, unless said otherwise."""
    round_id = approval(PROGRAMME)

    def happen(event: str, on: dt.date, **other: Any) -> bool:
        values: dict[str, Any] = {
            "by": life.event(event).by[0],
            "round_id": round_id,
            "known_at": KNOWN_AT,
            **other,
        }
        known_at = values.pop("known_at")
        return record_title_event(connection, PROGRAMME, UNIT, event, on, "operator", "", known_at, **values)

    return happen


Happen = Callable[..., bool]


@contextmanager
def rolled_back(connection: Connection) -> Iterator[None]:
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def day(number: int) -> dt.date:
    return REGISTERED + dt.timedelta(number)


def now(connection: Connection, on: dt.date, known_at: dt.datetime = KNOWN_AT) -> State:
    return standing(connection, PROGRAMME, UNIT, on, known_at)


def played(happen: Happen, *events: str) -> dt.date:
    """Let events happen day after day; return the day after the last."""
    for number, event in enumerate(events):
        happen(event, day(number))
    return day(len(events))


@pytest.mark.clause("2024-1155#28", "2024-1155#30", "2024-1155#31", "2024-1155#32", "2024-1155#33")
def test_recognition_through_the_province(connection: Connection, happen: Happen) -> None:
    states = []
    for number, event in enumerate(THROUGH_PROVINCE):
        happen(event, day(number))
        states.append(now(connection, day(number)))
    assert [s.name for s in states] == [
        "已向省级部门申报", "省级部门已推荐", "已通过复核评审", "已列入名单", "公示中", "公示期满",
        "持有资格",
    ]  # fmt: skip
    assert [s.titled for s in states] == [False] * 6 + [True]
    assert roster(connection, PROGRAMME, day(5), KNOWN_AT) == []
    (held,) = roster(connection, PROGRAMME, day(6), KNOWN_AT)
    assert (held.unit, held.titled_on) == (UNIT, day(6))


@pytest.mark.clause("2024-1155#29")
def test_a_direct_application_is_rechecked_only_once_filed_with_the_province(
    connection: Connection, happen: Happen
) -> None:
    happen("applied_directly", day(0))
    with pytest.raises(
        RefusedError,
        match="当日状态为“已直接申报（待省级备案）”，应为“省级部门已推荐或已直接申报（省级已备案）”",
    ):
        happen("rechecked", day(1))
    happen("filed", day(1))
    happen("rechecked", day(2))
    assert now(connection, day(2)).code == "rechecked"


@pytest.mark.clause("2024-1155#44", "2024-1155#45")
def test_rectification_ends_in_keeping_or_losing_the_title(connection: Connection, happen: Happen) -> None:
    on = played(happen, *THROUGH_PROVINCE)
    with pytest.raises(
        RefusedError, match=r"不能自 .* 起“取消资格”：当日状态为“持有资格”，应为“持有资格（限期整改）”"
    ):
        happen("cancelled", on)
    happen("rated_unqualified", on)
    assert (now(connection, on).code, now(connection, on).titled) == ("under_rectification", True)
    assert [u.unit for u in roster(connection, PROGRAMME, on, KNOWN_AT)] == [UNIT]
    happen("kept", day(20))
    assert now(connection, day(20)).code == "recognised"
    happen("rated_unqualified", day(30))
    happen("cancelled", day(40))
    assert now(connection, day(40)).titled is False
    assert roster(connection, PROGRAMME, day(40), KNOWN_AT) == []
    happen("applied", day(50))  # nobody is barred from applying again
    assert now(connection, day(50)).code == "applied"


@pytest.mark.clause("2024-1155#46")
@pytest.mark.parametrize("before", [(), ("rated_unqualified",)])
def test_article_10_ends_the_title_at_once(
    connection: Connection, happen: Happen, before: tuple[str, ...]
) -> None:
    on = played(happen, *THROUGH_PROVINCE, *before)
    happen("revoked", on)
    assert now(connection, on).code == "cancelled"


@pytest.mark.clause("2024-1155#42", "2024-1155#43", "2024-1155#36")
def test_good_ratings_a_new_cycle_and_a_name_leave_the_state(connection: Connection, happen: Happen) -> None:
    events = ("rated_excellent", "cycle_renewed", "rated_qualified", "renamed")
    on = played(happen, *THROUGH_PROVINCE, *events)
    assert now(connection, on).code == "recognised"
    (held,) = roster(connection, PROGRAMME, on, KNOWN_AT)
    assert held.titled_on == day(6)


@pytest.mark.parametrize(
    ("expired", "objection", "missing"),
    [
        (False, False, "公示尚未期满"),
        (True, True, "尚有异议未处理"),
        (False, True, "公示尚未期满；尚有异议未处理"),
    ],
)
def test_no_recognition_before_the_notice_is_over_or_with_an_open_objection(
    happen: Happen, world: World, expired: bool, objection: bool, missing: str
) -> None:
    on = played(happen, *THROUGH_PROVINCE[:-1])
    world.expired, world.objection = expired, objection
    with pytest.raises(RefusedError, match=f"{UNIT} 不能自 {on} 起“认定”：{missing}$"):
        happen("recognised", on)


def test_an_approval_is_a_round_of_the_programme_that_was_issued_by_then(
    happen: Happen, approval: Callable[..., int]
) -> None:
    on = played(happen, *THROUGH_PROVINCE[:3])
    later = KNOWN_AT + dt.timedelta(1)
    for round_id, message in (
        (None, "本次没有审批轮次"),
        (99, "没有编号为 99 的审批轮次"),
        (approval(), "属于另一业务“functional_platform”"),
        (approval(PROGRAMME, issued=False), "尚未签发"),
        (approval(PROGRAMME, known_at=later), "尚未签发"),
    ):
        with pytest.raises(RefusedError, match=f"起“列入名单”：须经审批签发，.*{message}"):
            happen("listed", on, round_id=round_id)
    happen("listed", on, round_id=approval(PROGRAMME, known_at=later), known_at=later)


def test_a_need_that_nobody_checks_is_not_met(happen: Happen, monkeypatch: pytest.MonkeyPatch) -> None:
    on = played(happen, *THROUGH_PROVINCE[:5])
    monkeypatch.setattr(title_needs, "_CHECKS", {})
    with pytest.raises(UnknownError, match="没有核实“公示期满”的办法（notice_expired），不予登记"):
        happen("publicity_expired", on)
    with pytest.raises(UnknownError, match="approval 由称号登记自行核实"):
        title_needs.provide("approval", lambda *_: None)


def test_only_who_may_cause_an_event(happen: Happen) -> None:
    happen("applied", day(0))
    with pytest.raises(RefusedError, match="的“省级部门推荐”不能由申报（持有）单位办理，应由省级部门办理"):
        happen("recommended", day(1), by="body")


@pytest.mark.clause("2024-1155#56")
def test_nothing_happens_before_the_rules_are_in_force(happen: Happen) -> None:
    with pytest.raises(RefusedError, match="的规则自 2024-12-31 起施行，此前没有可适用的规则"):
        happen("applied", REGISTERED - dt.timedelta(1), known_at=KNOWN_AT)


def test_no_path_at_all_leads_around_the_notice_the_approval_or_the_rectification(life: Lifecycle) -> None:
    """Of the whole graph: what random paths only try."""

    def reached(*without: str) -> set[str]:
        """Return the states that can be reached without these events."""
        found, size = {life.initial.code}, 0
        while size != len(found):
            size = len(found)
            found |= {
                e.to for e in life.events if e.to and e.code not in without and found.intersection(e.from_)
            }
        return found

    titled = {s.code for s in life.states if s.titled}
    for necessary, need in (
        ("listed", "approval"),
        ("publicised", None),
        ("publicity_expired", "notice_expired"),
        ("recognised", "no_open_objection"),
    ):
        assert not titled & reached(necessary), necessary
        assert need is None or need in life.event(necessary).needs
    assert set(life.event("recognised").needs) == {"approval", "notice_expired", "no_open_objection"}
    for event in life.events:
        if event.to == "cancelled":
            assert event.from_ == ("under_rectification",) or event.clause == ("2024-1155#46",)
        elif event.to and not life.state(event.to).titled:
            assert not titled & set(event.from_), "a title ends by 取消资格 alone"
        if event.to == "cancelled" or titled & set(event.from_) & {"under_rectification"}:
            assert "approval" in event.needs or event.code == "renamed"
    assert "under_rectification" not in reached("rated_unqualified")


def _log(connection: Connection) -> list[Any]:
    table, issue = tables.title_event, tables.issue
    query = (
        select(table, issue.c.id.label("issued"))
        .join(issue, issue.c.round_id == table.c.round_id, isouter=True)
        .where(table.c.programme == PROGRAMME)
        .order_by(table.c.effective_on, table.c.id)
    )
    return list(connection.execute(query))


@BOUNDED
@given(data=st.data())
def test_no_path_around_notice_approval_and_rectification(
    connection: Connection,
    happen: Happen,
    world: World,
    life: Lifecycle,
    approval: Callable[..., int],
    data: st.DataObject,
) -> None:
    with rolled_back(connection):
        approved, waiting = approval(PROGRAMME), approval(PROGRAMME, issued=False)
        state, on, expired_when = life.initial, day(0), dict[int, bool]()
        if data.draw(st.booleans()):  # of a centre that was recognised, what becomes of its title
            world.expired, world.objection = True, False
            on = played(happen, *THROUGH_PROVINCE)
            state, expired_when = life.state("recognised"), dict.fromkeys(range(len(THROUGH_PROVINCE)), True)
        for _ in range(data.draw(st.integers(4, 16))):
            possible = [e.code for e in life.events if state.code in e.from_]
            forward = [c for c in possible if c in THROUGH_PROVINCE or c.startswith("rated")] or possible
            event = data.draw(
                st.one_of(
                    st.sampled_from(forward),
                    st.sampled_from(possible),
                    st.sampled_from([e.code for e in life.events]),
                )
            )
            world.expired = data.draw(st.integers(0, 4)) > 0
            world.objection = data.draw(st.integers(0, 4)) == 0
            round_id = data.draw(st.sampled_from([approved, approved, approved, waiting, None]))
            on += dt.timedelta(data.draw(st.integers(1, 90)))
            try:
                happen(event, on, round_id=round_id)
            except RefusedError:
                assert now(connection, on) == state  # nothing half-done
                continue
            state = life.after(state, life.event(event))
            expired_when[len(expired_when)] = world.expired and not world.objection
            assert now(connection, on) == state

        log = _log(connection)
        before = life.initial
        passed = ["candidate"]  # the states since the last application
        for number, row in enumerate(log):
            after = life.after(before, life.event(row.event))
            if after.titled and not before.titled:
                assert row.issued is not None
                if row.event == "recognised":
                    assert expired_when[number], "recognised while the notice ran or an objection was open"
                    assert {"in_publicity", "publicity_expired"} <= set(passed)
                else:
                    assert row.event == "restored"
            if before.titled and not after.titled:
                assert row.issued is not None, "a title ended without an approval"
                assert before.code == "under_rectification" or row.event == "revoked"
                passed = []
            passed.append(after.code)
            if row.event.startswith("applied"):
                passed = [after.code]
            before = after


@BOUNDED
@given(data=st.data())
def test_replaying_the_log_gives_the_same_standing_on_every_day_in_whatever_order_it_was_entered(
    connection: Connection, happen: Happen, life: Lifecycle, approval: Callable[..., int], data: st.DataObject
) -> None:
    with rolled_back(connection):
        path, state, number = list[tuple[str, int]](), life.initial, 0
        for _ in range(data.draw(st.integers(3, 8))):
            possible = [e for e in life.events if state.code in e.from_]
            forward = [e for e in possible if e.code in THROUGH_PROVINCE] or possible
            event = data.draw(st.one_of(st.sampled_from(forward), st.sampled_from(possible)))
            number += data.draw(st.integers(1, 3))
            path.append((event.code, number))
            state = life.after(state, event)
        in_order = data.draw(st.booleans())
        offsets = [data.draw(st.integers(0, 3)) for _ in path]
        known = [KNOWN_AT + dt.timedelta(o) for o in (sorted(offsets) if in_order else offsets)]
        facts = [(event, on, at) for (event, on), at in zip(path, known, strict=True)]
        pending, entered, progress = data.draw(st.permutations(facts)), list[Any](), True
        while progress:  # what is refused now may be possible once an earlier one is entered
            progress = False
            for fact in list(pending):
                try:
                    happen(fact[0], day(fact[1]), known_at=fact[2])
                except RefusedError:
                    continue
                pending.remove(fact)
                entered.append(fact)
                progress = True
        assert entered or not in_order, "the first event of a possible path is always possible"
        days = sorted({0, *(on for _, on, _ in facts), number + 1})  # between them nothing happens
        for offset in range(4):
            moment = KNOWN_AT + dt.timedelta(offset)
            for on in days:
                seen = sorted((f for f in entered if f[1] <= on and f[2] <= moment), key=lambda f: f[1])
                expected = life.replay(event for event, _, _ in seen)
                assert standings(connection, PROGRAMME, day(on), moment) == {UNIT: expected}
        assert bool(roster(connection, PROGRAMME, day(number + 1), moment)) == expected.titled


def test_the_order_of_entry_does_not_matter_where_every_order_is_possible(
    connection: Connection, happen: Happen
) -> None:
    """A rename and a rating entered late, and before their time, leave every day as it would have been."""
    played(happen, *THROUGH_PROVINCE)
    for events in (
        (("renamed", 20), ("rated_unqualified", 30), ("kept", 40), ("revoked", 50)),
        (("revoked", 50), ("renamed", 20), ("rated_unqualified", 30), ("kept", 40)),
        (("rated_unqualified", 30), ("revoked", 50), ("kept", 40), ("renamed", 20)),
    ):
        savepoint = connection.begin_nested()
        for event, on in events:
            happen(event, day(on))
        assert [now(connection, day(on)).code for on in (19, 20, 30, 40, 50)] == [
            "recognised", "recognised", "under_rectification", "recognised", "cancelled",
        ]  # fmt: skip
        savepoint.rollback()
