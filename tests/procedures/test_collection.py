"""The collection of a period: whatever was sent and granted, every number is the sum of the bodies listed."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.core import objects, tables
from ipgov.core.database import transaction
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.steps import SHANGHAI, Cycle
from ipgov.policy import store
from ipgov.procedures import collection as procedure
from ipgov.procedures.collection import GROUPS, STATES, Collection
from sqlalchemy import Connection

PROGRAMME = "functional_platform"
PERIOD, YEAR = "2023", 2023
OPENED, DUE, LATE_UNTIL, EVALUATE = (dt.date(2024, *d) for d in ((1, 10), (4, 1), (4, 9), (4, 16)))
UNITS = {"FP01": "11", "FP02": "11", "FP03": "31", "FP04": "direct", "FP05": "direct", "FP06": "44"}
KNOWN_AT = dt.datetime(2024, 6, 1, tzinfo=SHANGHAI)


def insert(connection: Connection, table: Any, **values: Any) -> int:
    row = {"known_at": dt.datetime(2023, 9, 5, tzinfo=SHANGHAI)} | values
    return int(connection.execute(table.insert().values(row).returning(table.c.id)).scalar_one())


def title(connection: Connection, unit: str, event: str, on: dt.date) -> None:
    insert(
        connection, tables.title_event, programme=PROGRAMME, unit=unit, event=event, effective_on=on,
        basis="2023-156#01", note="测试",
    )  # fmt: skip


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=SHANGHAI)


def send(
    connection: Connection,
    unit: str,
    received_at: dt.datetime,
    outcome: str,
    *,
    late: bool | None = None,
    **more: Any,
) -> int:
    day = received_at.astimezone(SHANGHAI).date()
    return insert(
        connection, tables.submission, sha256="0" * 64, object_key=f"inbox/{unit}/{received_at:%m%d%H%M}",
        programme=PROGRAMME, period=PERIOD, unit=unit, received_at=received_at,
        late=day > DUE if late is None else late, outcome=outcome, problems=[], answer_sha256="0" * 64,
        **{"known_at": received_at} | more,
    )  # fmt: skip


def grant(connection: Connection, unit: str, until: dt.date, known_at: dt.datetime) -> None:
    insert(
        connection, tables.extension, programme=PROGRAMME, period=PERIOD, unit=unit, until=until,
        granted_by="李四", reason="系统故障", known_at=known_at,
    )  # fmt: skip


@pytest.fixture
def opened(database: Path) -> None:
    loaded = store.governing(PROGRAMME, YEAR)
    with transaction() as c:
        rule = insert(
            c, tables.rule_version, programme=PROGRAMME, version=loaded.rules.version,
            sha256=objects.put_content(loaded.data),
        )  # fmt: skip
        insert(
            c, tables.cycle, programme=PROGRAMME, period=PERIOD, rule_version_id=rule, opened_on=OPENED,
            due_on=DUE, evaluate_on=EVALUATE, due_provisional=False, calendar_version="test",
        )  # fmt: skip
        insert(
            c, tables.organisation, code="HOST", name="示例依托单位", province="11", central_enterprise=False,
            valid_from=dt.date(2023, 1, 1), source="测试",
        )  # fmt: skip
        for unit, line in UNITS.items():
            insert(
                c, tables.titled_body, programme=PROGRAMME, unit=unit, name=f"示例平台{unit}", kind="tool",
                province="11" if line == "direct" else line,
                route="direct" if line == "direct" else "province",
                host_code="HOST", operator_code="HOST", valid_from=dt.date(2023, 9, 5), source="测试",
            )  # fmt: skip
            title(c, unit, "recognised", dt.date(2023, 9, 5))


def seen(as_of: dt.date = EVALUATE, known_at: dt.datetime = KNOWN_AT) -> Collection:
    return procedure.collection(PROGRAMME, PERIOD, as_of, known_at)


def states(found: Collection) -> dict[str, str]:
    return {b.unit: b.state for b in found.bodies}


def test_the_days_are_those_of_the_rules(opened: None) -> None:
    found = seen()
    assert (found.opened_on, found.due_on, found.late_until, found.evaluate_on) == (
        OPENED, DUE, LATE_UNTIL, EVALUATE,
    )  # fmt: skip
    days = found.days["total"]
    assert (days[0].day, days[-1].day, len(days)) == (OPENED, EVALUATE, (EVALUATE - OPENED).days + 1)
    working = {d.day: d.working for d in days}
    # the make-up Sunday before the Spring Festival of 2024, the Friday within it
    assert (working[dt.date(2024, 2, 4)], working[dt.date(2024, 2, 16)]) == (True, False)


def test_each_state(opened: None) -> None:
    with transaction() as c:
        send(c, "FP01", at(DUE, 23, 59), "accepted")
        send(c, "FP02", at(LATE_UNTIL, 23, 59), "accepted")
        send(c, "FP03", at(LATE_UNTIL + dt.timedelta(days=1), 0), "accepted")
        first = send(c, "FP04", at(OPENED, 9), "returned")
        send(c, "FP04", at(OPENED, 10), "returned", supersedes=first)
        send(c, "FP05", at(OPENED, 9), "refused")
    found = seen()
    assert states(found) == {
        "FP01": "accepted", "FP02": "accepted_late", "FP03": "late", "FP04": "returned", "FP05": "refused",
        "FP06": "missing",
    }  # fmt: skip
    assert (found.total.expected, found.total.received, found.total.overdue) == (6, 5, 4)
    assert (found.total.files, found.total.superseded) == (6, 1)
    assert {line.name: line.expected for line in found.lines} == {
        "北京市": 2, "上海市": 1, "广东省": 1, "直接报送单位": 2,
    }  # fmt: skip
    assert found.lines[-1].name == "直接报送单位"
    assert next(b for b in found.bodies if b.unit == "FP06").overdue_days == (EVALUATE - DUE).days


def test_what_was_accepted_in_time_stays_so_whatever_comes_after(opened: None) -> None:
    with transaction() as c:
        send(c, "FP01", at(DUE, 9), "accepted")
        send(c, "FP01", at(DUE, 10), "returned")
        send(c, "FP02", at(DUE, 9), "accepted")
        send(c, "FP02", at(EVALUATE, 9), "accepted")  # too late to count
        send(c, "FP03", at(DUE, 9), "accepted")
        send(c, "FP03", at(LATE_UNTIL, 9), "accepted")  # counts, and is the newer
    assert {u: s for u, s in states(seen()).items() if u < "FP04"} == {
        "FP01": "accepted", "FP02": "accepted", "FP03": "accepted_late",
    }  # fmt: skip


def test_a_day_is_a_day_in_shanghai(opened: None) -> None:
    with transaction() as c:
        send(c, "FP01", dt.datetime(2024, 3, 20, 16, 0, tzinfo=dt.UTC), "accepted")  # the 21st there
    assert states(seen(dt.date(2024, 3, 20)))["FP01"] == "missing"
    assert states(seen(dt.date(2024, 3, 21)))["FP01"] == "accepted"
    turned = [d.day for d in seen().days["11"] if d.accepted]
    assert turned[0] == dt.date(2024, 3, 21)


def test_an_extension_moves_the_due_day_and_the_newest_grant_counts(opened: None) -> None:
    until = DUE + dt.timedelta(days=20)
    with transaction() as c:
        grant(c, "FP01", until, at(OPENED, 9))
        send(c, "FP01", at(until, 9), "accepted", late=False)
        grant(c, "FP02", until, at(OPENED, 9))
        grant(c, "FP02", DUE, at(OPENED, 10))  # taken back
        grant(c, "FP03", until, at(DUE, 9))
    found = seen(until)
    assert states(found)["FP01"] == "accepted"
    assert [b.unit for b in found.bodies if b.belongs_to("extended")] == ["FP01", "FP03"]
    assert {b.unit: b.due_on for b in found.bodies if b.unit < "FP04"} == {
        "FP01": until, "FP02": DUE, "FP03": until,
    }  # fmt: skip
    assert [b.unit for b in found.bodies if b.belongs_to("overdue")] == ["FP02", "FP04", "FP05", "FP06"]
    assert next(d.day for d in found.days["31"] if d.extended) == DUE
    assert found.days["total"][-1].day == until  # beyond the evaluation day while files come in


def test_bodies_are_those_titled_on_the_evaluation_day_and_expected_if_titled_in_the_period(
    opened: None,
) -> None:
    with transaction() as c:
        title(c, "FP01", "cancelled", EVALUATE)
        title(c, "FP02", "cancelled", EVALUATE + dt.timedelta(days=1))
        title(c, "FP03", "cancelled", dt.date(2023, 10, 1))
        title(c, "FP03", "recognised", dt.date(2024, 1, 5))
        send(c, "FP01", at(DUE, 9), "accepted")
        send(c, "FP03", at(DUE, 9), "accepted")
    found = seen()
    assert "FP01" not in states(found)
    assert states(found)["FP02"] == "missing"
    assert states(found)["FP03"] == "exempt"
    assert (found.total.titled, found.total.exempt, found.total.expected) == (5, 1, 4)
    assert (found.total.files, found.files_of_others) == (0, 2)


def test_what_was_not_known_is_not_seen(opened: None) -> None:
    with transaction() as c:
        send(c, "FP01", at(DUE, 9), "accepted", known_at=at(EVALUATE, 9))
    assert states(seen(known_at=at(EVALUATE, 8)))["FP01"] == "missing"
    assert states(seen(known_at=at(EVALUATE, 9)))["FP01"] == "accepted"


def test_what_cannot_be_asked(opened: None) -> None:
    with pytest.raises(RefusedError, match="2023 年度自 2024-01-10 开启，2024-01-09 尚无报送"):
        seen(OPENED - dt.timedelta(days=1))
    with pytest.raises(UnknownError, match="2024 年度尚未开启"):
        procedure.collection(PROGRAMME, "2024", EVALUATE, KNOWN_AT)


FILES = st.lists(
    st.tuples(
        st.sampled_from([*UNITS, "FP99"]),
        st.integers(-20, 120),  # days after the opening
        st.sampled_from(["accepted", "returned", "refused"]),
        st.booleans(),  # within an extension, should it be past the due day
    ),
    max_size=30,
)
GRANTS = st.lists(st.tuples(st.sampled_from([*UNITS]), st.integers(-5, 30), st.integers(0, 110)), max_size=8)


@given(files=FILES, grants=GRANTS, as_of=st.integers(0, 130), cancelled=st.sets(st.sampled_from([*UNITS])))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_parts_add_up(
    opened: None, files: list[Any], grants: list[Any], as_of: int, cancelled: set[str]
) -> None:
    day = OPENED + dt.timedelta(days=as_of)
    with undone() as c:
        last: dict[str, int] = {}
        for number, (unit, after, outcome, extended) in enumerate(sorted(files, key=lambda f: f[1])):
            received_at = at(OPENED + dt.timedelta(days=after), 8 + number // 60, number % 60)
            late = received_at.date() > DUE and not extended
            earlier = last.get(unit) if outcome != "refused" else None
            made = send(c, unit, received_at, outcome, late=late, supersedes=earlier)
            if outcome != "refused":
                last[unit] = made
        for number, (unit, more, after) in enumerate(grants):
            known = at(OPENED + dt.timedelta(days=after - 5), 7, number)
            grant(c, unit, DUE + dt.timedelta(days=more), known)
        for unit in cancelled:
            title(c, unit, "cancelled", EVALUATE - dt.timedelta(days=3))
        found = within(c, day)
        frozen = frozen_states(c, day)
    bodies = {b.unit: b for b in found.bodies}
    assert set(bodies) == set(UNITS) - cancelled
    for count in [found.total, *found.lines]:
        own = [b for b in found.bodies if count.line in ("total", b.line)]
        for group in GROUPS:
            assert getattr(count, group) == sum(b.belongs_to(group) for b in own), (count.line, group)
        assert count.expected == sum(getattr(count, s) for s in STATES)
        assert count.titled == count.expected + count.exempt
        assert count.files == sum(b.files for b in own)
        assert count.superseded == sum(b.superseded for b in own)
        end = found.days[count.line][-1]
        for name in (*STATES, "received", "extended", "files"):
            assert getattr(end, name) == getattr(count, name), (count.line, name)
        for one in found.days[count.line]:
            assert sum(getattr(one, s) for s in STATES) == count.expected
            assert one.received == count.expected - one.missing
    by_line = Counter(b.line for b in found.bodies)
    assert {line.line: line.titled for line in found.lines} == dict(by_line)
    assert found.total.files + found.files_of_others == sum(
        OPENED + dt.timedelta(days=f[1]) <= day for f in files
    )
    # what is frozen on that day is what is shown; there, what was refused was returned
    assert frozen == {u: "returned" if b.state == "refused" else b.state for u, b in bodies.items()}


class undone:  # noqa: N801
    """A transaction that is rolled back: each example starts from the same rows."""

    def __enter__(self) -> Connection:
        from ipgov.core.database import engine

        self.connection = engine().connect()
        self.transaction = self.connection.begin()
        return self.connection

    def __exit__(self, *error: object) -> None:
        self.transaction.rollback()
        self.connection.close()


def within(connection: Connection, day: dt.date) -> Collection:
    """The collection as this open transaction sees it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(procedure, "reading", lambda: nothing_more(connection))
        return seen(day)


class nothing_more:  # noqa: N801
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __enter__(self) -> Connection:
        return self.connection

    def __exit__(self, *error: object) -> None:
        pass


def frozen_states(connection: Connection, day: dt.date) -> dict[str, str]:
    """What freeze makes of the same rows, had it known no more than was there at the end of that day."""
    from ipgov.procedures import choosing, snapshots

    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=SHANGHAI)
    loaded = store.governing(PROGRAMME, YEAR)
    cycle = Cycle(PROGRAMME, PERIOD, EVALUATE, end - dt.timedelta(microseconds=1))
    units = snapshots.bodies(connection, cycle, loaded.rules)
    return {c.unit.unit: c.state for c in choosing.choose(connection, cycle, loaded, units)}
