"""Platforms, their host and operating units, and the roster of those that hold the title."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.core import tables
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.registry.organisations import Organisation, add_organisation
from ipgov.registry.platforms import Unit, add_titled_body, roster, unit
from ipgov.registry.titles import record_title_event
from sqlalchemy import Connection, event, func, select

PROGRAMME = "functional_platform"
KNOWN_AT = dt.datetime(2023, 9, 6, 1, 0, tzinfo=dt.UTC)
RECOGNISED = dt.date(2023, 9, 5)
REGISTERED = dt.date(2023, 1, 1)
Register = Callable[..., Organisation]
Title = Callable[..., None]


@pytest.fixture
def add(connection: Connection, register: Register) -> Callable[..., bool]:
    """Register FP01 (hosted by organisation 1, operated by 2), or with what the test says otherwise."""

    def add(**other: Any) -> bool:
        values: dict[str, Any] = {
            "unit": "FP01",
            "name": "示例交易平台",
            "kind": "trading",
            "province": "11",
            "route": "province",
            "host_code": register(1).code,
            "operator_code": register(2).code,
            "valid_from": REGISTERED,
            "source": "测试",
            "known_at": KNOWN_AT,
        }
        return add_titled_body(connection, PROGRAMME, **{**values, **other})

    return add


def recognise(connection: Connection, unit: str = "FP01", known_at: dt.datetime = KNOWN_AT) -> None:
    record_title_event(
        connection, PROGRAMME, unit, "recognised", RECOGNISED, "2023-156#01", "", known_at, by="issuer"
    )


@pytest.mark.clause("2023-156#12", "2023-156#25")
def test_platform_host_and_operating_unit_are_three_records(
    connection: Connection, register: Register, add: Callable[..., bool]
) -> None:
    assert add() is True
    recognise(connection)
    assert roster(connection, PROGRAMME, RECOGNISED, KNOWN_AT) == [
        Unit(
            "FP01", "示例交易平台", "trading", "11", "province", host=register(1), operator=register(2),
            titled_on=RECOGNISED,
        )
    ]  # fmt: skip


def test_a_registered_body_without_recognition_is_not_on_the_roster(
    connection: Connection, add: Callable[..., bool]
) -> None:
    add()
    assert roster(connection, PROGRAMME, RECOGNISED, KNOWN_AT) == []


def test_the_roster_is_ordered_by_unit_and_asks_once(connection: Connection, title: Title) -> None:
    for code in ("FP03", "FP01", "FP02"):
        title(code)
    statements: list[str] = []

    def seen(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(connection, "before_cursor_execute", seen)
    units = [u.unit for u in roster(connection, PROGRAMME, RECOGNISED, KNOWN_AT)]
    event.remove(connection, "before_cursor_execute", seen)
    assert units == ["FP01", "FP02", "FP03"]
    assert len(statements) == 1


def test_only_those_that_hold_the_title_on_that_day_as_known_then(
    connection: Connection, title: Title, approval: Callable[..., int]
) -> None:
    title("FP01")
    title("FP02", recognised_on=dt.date(2024, 5, 1))
    cancelled_known = dt.datetime(2025, 5, 10, tzinfo=dt.UTC)
    record_title_event(
        connection, PROGRAMME, "FP01", "cancelled", dt.date(2025, 5, 1), "2023-156#21", "", cancelled_known,
        by="issuer", round_id=approval(),
    )  # fmt: skip
    units = {
        (day, known_at): [u.unit for u in roster(connection, PROGRAMME, day, known_at)]
        for day in (dt.date(2023, 9, 4), RECOGNISED, dt.date(2024, 5, 1), dt.date(2025, 5, 1))
        for known_at in (KNOWN_AT - dt.timedelta(1), KNOWN_AT, cancelled_known)
    }
    before, then, later = KNOWN_AT - dt.timedelta(1), KNOWN_AT, cancelled_known
    assert all(units[day, before] == [] for day in (RECOGNISED, dt.date(2024, 5, 1)))
    assert units[dt.date(2023, 9, 4), later] == []
    assert units[RECOGNISED, then] == units[RECOGNISED, later] == ["FP01"]
    assert units[dt.date(2024, 5, 1), later] == ["FP01", "FP02"]
    assert units[dt.date(2025, 5, 1), then] == ["FP01", "FP02"]  # the cancellation was not yet known
    assert units[dt.date(2025, 5, 1), later] == ["FP02"]


def test_a_later_version_and_a_renamed_operator_count_from_their_days(
    connection: Connection, register: Register, add: Callable[..., bool]
) -> None:
    add()
    recognise(connection)
    operator = register(2)
    renamed = Organisation(operator.code, "更名后的运营单位", "31", True)
    add_organisation(connection, renamed, dt.date(2024, 3, 1), "测试", KNOWN_AT)
    add(name="示例交易平台（新）", host_code=register(3).code, valid_from=dt.date(2024, 6, 1))
    days = (RECOGNISED, dt.date(2024, 3, 1), dt.date(2024, 6, 1))
    seen = [unit(connection, PROGRAMME, "FP01", day, KNOWN_AT) for day in days]
    assert [(u.name, u.host, u.operator) for u in seen] == [
        ("示例交易平台", register(1), operator),
        ("示例交易平台", register(1), renamed),
        ("示例交易平台（新）", register(3), renamed),
    ]
    assert {u.titled_on for u in seen} == {RECOGNISED}


def test_the_same_body_again_writes_nothing(connection: Connection, add: Callable[..., bool]) -> None:
    add()
    assert add(known_at=KNOWN_AT + dt.timedelta(1)) is False
    assert connection.execute(select(func.count()).select_from(tables.titled_body)).scalar() == 1


body_version = st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from("甲乙丙"), st.integers(1, 3))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(body_version, max_size=6), st.integers(0, 5), st.integers(0, 5))
def test_the_version_of_a_body_is_that_of_the_day_as_then_known(
    connection: Connection,
    register: Register,
    add: Callable[..., bool],
    versions: list[tuple[int, int, str, int]],
    day: int,
    moment: int,
) -> None:
    savepoint = connection.begin_nested()
    add(name="最初")
    recognise(connection)
    written = [(REGISTERED, KNOWN_AT, -1, "最初", 1)]
    for order, (valid, known, name, host) in enumerate(versions):
        valid_from, known_at = RECOGNISED + dt.timedelta(valid), KNOWN_AT + dt.timedelta(known)
        changes = {"name": name, "host_code": register(host).code}
        if add(**changes, valid_from=valid_from, known_at=known_at):
            written.append((valid_from, known_at, order, name, host))
    on, known_at = RECOGNISED + dt.timedelta(day), KNOWN_AT + dt.timedelta(moment)
    expected = max(row for row in written if row[0] <= on and row[1] <= known_at)
    (found,) = roster(connection, PROGRAMME, on, known_at)
    assert (found.name, found.host) == (expected[3], register(expected[4]))
    assert unit(connection, PROGRAMME, "FP01", on, known_at) == found
    savepoint.rollback()


def test_a_body_that_lost_its_title_is_still_found(
    connection: Connection, title: Title, approval: Callable[..., int]
) -> None:
    title("FP01")
    record_title_event(
        connection, PROGRAMME, "FP01", "cancelled", dt.date(2025, 5, 1), "2023-156#21", "", KNOWN_AT,
        by="issuer", round_id=approval(),
    )  # fmt: skip
    assert unit(connection, PROGRAMME, "FP01", dt.date(2025, 6, 1), KNOWN_AT).titled_on == RECOGNISED


def test_an_unknown_unit_names_the_code_and_what_exists(connection: Connection, title: Title) -> None:
    title("FP01")
    title("FP02")
    title("FP03", recognised_on=None)
    for code in ("FP13", "FP03", "fp01"):
        expected = f"没有代码为“{code}”的已认定单位；现有：FP01、FP02$"
        with pytest.raises(UnknownError, match=expected):
            unit(connection, PROGRAMME, code, RECOGNISED, KNOWN_AT)


def test_an_unknown_programme_is_an_error_and_no_empty_roster(connection: Connection) -> None:
    for ask in (
        lambda: roster(connection, "nonsense", RECOGNISED, KNOWN_AT),
        lambda: unit(connection, "nonsense", "FP01", RECOGNISED, KNOWN_AT),
    ):
        with pytest.raises(UnknownError, match=r"“nonsense”.*functional_platform"):
            ask()


@pytest.mark.parametrize("code", ["FP1", "fp01", "FPX01", "FP0000001", "FP01 ", "FP\uff10\uff11", ""])
def test_a_malformed_unit_code(add: Callable[..., bool], code: str) -> None:
    with pytest.raises(RefusedError, match="格式不符：应为 2 个大写字母加 2 至 6 位数字"):
        add(unit=code)


@pytest.mark.clause("2023-156#25")
def test_a_platform_carries_no_credit_code_of_its_own(add: Callable[..., bool]) -> None:
    with pytest.raises(
        RefusedError, match="“91110000600037341L”是统一社会信用代码；平台为非法人、非实体机构"
    ):
        add(unit="91110000600037341L")


@pytest.mark.clause("2023-156#25")
def test_a_platform_is_not_its_operating_unit_under_the_same_name(
    register: Register, add: Callable[..., bool]
) -> None:
    operator = register(2)
    with pytest.raises(
        RefusedError, match=f"FP01：“{operator.name}”是组织 {operator.code} 的名称；平台为非法人"
    ):
        add(name=operator.name)


@pytest.mark.clause("2023-156#12")
@pytest.mark.parametrize("role", ["host_code", "operator_code"])
def test_host_and_operating_unit_must_be_registered(
    add: Callable[..., bool], code_of: Callable[[int], str], role: str
) -> None:
    with pytest.raises(UnknownError, match=f"没有统一社会信用代码为“{code_of(9)}”的已登记组织"):
        add(**{role: code_of(9)})


def test_host_and_operating_unit_must_exist_on_the_first_day(
    register: Register, add: Callable[..., bool]
) -> None:
    with pytest.raises(UnknownError, match=f"2022-12-31 没有统一社会信用代码为“{register(1).code}”"):
        add(valid_from=dt.date(2022, 12, 31))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"kind": "magic"},
            r"FP01：“functional_platform”没有名为“magic”的类别；可用：trading（交易服务类）",
        ),
        ({"route": "pigeon"}, r"FP01：没有名为“pigeon”的报送渠道；可用：province（经省级知识产权局）"),
        ({"province": "99"}, "没有代码为“99”的省级地区"),
    ],
)
def test_unknown_kind_route_and_province(
    add: Callable[..., bool], wrong: dict[str, str], message: str
) -> None:
    with pytest.raises(UnknownError, match=message):
        add(**wrong)


def test_a_titled_body_whose_record_is_missing_is_an_error_and_not_left_out(
    connection: Connection, title: Title
) -> None:
    title("FP01")
    connection.execute(  # written past this module
        tables.title_event.insert().values(
            programme=PROGRAMME, unit="FP02", event="recognised", effective_on=RECOGNISED, basis="operator",
            note="", known_at=KNOWN_AT,
        )
    )  # fmt: skip
    with pytest.raises(UnknownError, match=f"FP02 在 {RECOGNISED} 缺少单位登记的有效登记"):
        roster(connection, PROGRAMME, RECOGNISED, KNOWN_AT)
