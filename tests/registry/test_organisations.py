"""Organisations in their two times, and who carries on whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ipgov.core import tables
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.registry.organisations import (
    Organisation,
    add_organisation,
    current_codes,
    organisation,
    record_succession,
    successor,
)
from ipgov.registry.platforms import add_titled_body
from sqlalchemy import Connection, func, select

KNOWN_AT = dt.datetime(2023, 9, 6, 1, 0, tzinfo=dt.UTC)
DAY = dt.date(2023, 9, 5)
LATER = dt.date(2024, 9, 5)
Register = Callable[..., Organisation]
CODE = "91110000600037341L"


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(tables.organisation)).scalar_one()


def body(code: str = CODE, name: str = "甲公司", province: str = "11") -> Organisation:
    return Organisation(code, name, province, False)


def test_a_registered_organisation_is_found(connection: Connection) -> None:
    assert add_organisation(connection, body(), DAY, "测试", KNOWN_AT) is True
    assert organisation(connection, CODE, DAY, KNOWN_AT) == body()


def test_the_same_again_writes_nothing(connection: Connection) -> None:
    add_organisation(connection, body(), DAY, "测试", KNOWN_AT)
    assert add_organisation(connection, body(), DAY, "测试", KNOWN_AT + dt.timedelta(1)) is False
    assert count(connection) == 1


def test_an_organisation_is_unknown_before_its_day_and_before_it_was_known(connection: Connection) -> None:
    add_organisation(connection, body(), DAY, "测试", KNOWN_AT)
    for day, known_at in ((DAY - dt.timedelta(1), KNOWN_AT), (DAY, KNOWN_AT - dt.timedelta(seconds=1))):
        with pytest.raises(UnknownError, match=f"{day} 没有统一社会信用代码为“{CODE}”的已登记组织"):
            organisation(connection, CODE, day, known_at)


def test_a_version_counts_from_its_day_and_a_correction_once_known(
    connection: Connection,
) -> None:
    correction_known = KNOWN_AT + dt.timedelta(30)
    add_organisation(connection, body(name="原名"), DAY, "测试", KNOWN_AT)
    add_organisation(connection, body(name="新名"), LATER, "测试", KNOWN_AT)
    add_organisation(connection, body(name="原名（更正）"), DAY, "测试", correction_known)
    names = {
        (day, known_at): organisation(connection, CODE, day, known_at).name
        for day in (DAY, LATER)
        for known_at in (KNOWN_AT, correction_known)
    }
    assert names == {
        (DAY, KNOWN_AT): "原名",
        (LATER, KNOWN_AT): "新名",
        (DAY, correction_known): "原名（更正）",
        (LATER, correction_known): "新名",  # a correction of the earlier version leaves the later one
    }


def test_going_back_to_an_earlier_name_is_a_new_version(connection: Connection) -> None:
    for month, name in ((1, "甲"), (2, "乙"), (3, "甲")):
        assert add_organisation(connection, body(name=name), dt.date(2024, month, 1), "测试", KNOWN_AT)
    assert organisation(connection, CODE, dt.date(2024, 2, 15), KNOWN_AT).name == "乙"
    assert organisation(connection, CODE, dt.date(2024, 3, 15), KNOWN_AT).name == "甲"


version = st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from("甲乙丙丁"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(version, min_size=1, max_size=8), st.integers(0, 6), st.integers(0, 6))
def test_every_question_of_day_and_knowledge_is_answered_like_a_plain_search(
    connection: Connection, versions: list[tuple[int, int, str]], day: int, moment: int
) -> None:
    savepoint = connection.begin_nested()
    written: list[tuple[dt.date, dt.datetime, int, str]] = []
    for order, (valid, known, name) in enumerate(versions):
        valid_from, known_at = DAY + dt.timedelta(valid), KNOWN_AT + dt.timedelta(known)
        if add_organisation(connection, body(name=name), valid_from, "测试", known_at):
            written.append((valid_from, known_at, order, name))
    on, known_at = DAY + dt.timedelta(day), KNOWN_AT + dt.timedelta(moment)
    visible = [row for row in written if row[0] <= on and row[1] <= known_at]
    if visible:
        assert organisation(connection, CODE, on, known_at).name == max(visible)[3]
    else:
        with pytest.raises(UnknownError):
            organisation(connection, CODE, on, known_at)
    savepoint.rollback()


def test_a_malformed_code_is_refused_even_if_confirmed(connection: Connection) -> None:
    with pytest.raises(RefusedError, match="第 3 位为“X”，应为数字"):
        add_organisation(connection, body("91X10000600037341L"), DAY, "测试", KNOWN_AT, "张三")
    assert count(connection) == 0


def test_a_failing_check_character_needs_a_person(connection: Connection) -> None:
    real = body("91350211M0000XUF46", province="35")
    with pytest.raises(RefusedError, match=r"校验位.*应为.*须由人工核对证照并登记确认人"):
        add_organisation(connection, real, DAY, "测试", KNOWN_AT)
    assert add_organisation(connection, real, DAY, "测试", KNOWN_AT, code_confirmed_by="张三") is True
    assert connection.execute(select(tables.organisation.c.code_confirmed_by)).scalar() == "张三"
    assert organisation(connection, real.code, DAY, KNOWN_AT) == real


def test_an_unknown_province_is_refused(connection: Connection) -> None:
    with pytest.raises(UnknownError, match="没有代码为“99”的省级地区"):
        add_organisation(connection, body(province="99"), DAY, "测试", KNOWN_AT)


def test_a_name_is_needed(connection: Connection) -> None:
    with pytest.raises(RefusedError, match=f"组织 {CODE} 没有名称"):
        add_organisation(connection, body(name=" "), DAY, "测试", KNOWN_AT)


@pytest.mark.clause("2023-156#25")
def test_a_platform_is_no_legal_person_and_gets_no_credit_code(
    connection: Connection, title: Callable[..., None]
) -> None:
    title("FP01")
    with pytest.raises(RefusedError, match="“示例平台FP01”是平台 FP01 的名称；平台为非法人、非实体机构"):
        add_organisation(connection, body(name="示例平台FP01"), DAY, "测试", KNOWN_AT)


@pytest.mark.clause("2024-1155#17")
@pytest.mark.parametrize("organisation_first", [True, False])
def test_a_centre_may_be_the_legal_person_of_its_name(
    connection: Connection, register: Callable[..., Organisation], organisation_first: bool
) -> None:
    name = "国家级示例产业知识产权运营中心"
    host = register(1)
    if organisation_first:
        register(2, name)
    add_titled_body(
        connection, "industry_centre", "IC01", name, "materials", "11", "province", host.code, host.code,
        DAY, "测试", KNOWN_AT,
    )  # fmt: skip
    if not organisation_first:
        register(2, name)
    with pytest.raises(
        RefusedError, match="应使用单位代码（如 FP01），统一社会信用代码登记在建设主体与运营单位名下"
    ):
        add_titled_body(
            connection, "industry_centre", host.code, name, "materials", "11", "province", host.code,
            host.code, DAY, "测试", KNOWN_AT,
        )  # fmt: skip


# --- succession: organisations 1, 2, 3 …, days in 2024 ---


@pytest.fixture
def succeed(connection: Connection, register: Register) -> Callable[..., bool]:
    def succeed(
        before: int, after: int, month: int = 1, kind: str = "renamed", known_at: dt.datetime = KNOWN_AT
    ) -> bool:
        codes = [register(serial).code for serial in (before, after)]
        return record_succession(connection, *codes, kind, dt.date(2024, month, 1), "测试", known_at)

    return succeed


def test_chains_of_renaming_and_merger_are_followed_as_of_the_day(
    connection: Connection, register: Register, succeed: Callable[..., bool]
) -> None:
    succeed(1, 2, month=2)
    succeed(2, 3, month=4, kind="merged")
    one, two, three = (register(n).code for n in (1, 2, 3))
    ends = [successor(connection, one, dt.date(2024, m, 1), KNOWN_AT) for m in (1, 2, 3, 4, 5)]
    assert ends == [one, two, two, three, three]
    assert successor(connection, three, LATER, KNOWN_AT) == three


def test_a_succession_counts_only_once_known(
    connection: Connection, register: Register, succeed: Callable[..., bool]
) -> None:
    succeed(1, 2, known_at=KNOWN_AT + dt.timedelta(100))
    one, two = (register(n).code for n in (1, 2))
    assert successor(connection, one, LATER, KNOWN_AT) == one
    assert successor(connection, one, LATER, KNOWN_AT + dt.timedelta(100)) == two


@pytest.mark.parametrize("kind", ["split", "restructured"])
def test_a_split_has_no_single_successor(
    connection: Connection, register: Register, succeed: Callable[..., bool], kind: str
) -> None:
    succeed(1, 2, kind=kind)
    assert successor(connection, register(1).code, LATER, KNOWN_AT) == register(1).code


def test_a_corrected_succession_replaces_the_first(
    connection: Connection, register: Register, succeed: Callable[..., bool]
) -> None:
    succeed(1, 2)
    corrected = KNOWN_AT + dt.timedelta(1)
    succeed(1, 3, known_at=corrected)
    assert successor(connection, register(1).code, LATER, KNOWN_AT) == register(2).code
    assert successor(connection, register(1).code, LATER, corrected) == register(3).code
    assert succeed(2, 1, known_at=corrected) is True  # 1 -> 2 no longer counts, so this closes no circle


def test_a_set_of_codes_is_followed_at_once(
    connection: Connection, register: Register, succeed: Callable[..., bool]
) -> None:
    succeed(1, 2)
    succeed(2, 3)
    one, two, three, other = (register(n).code for n in (1, 2, 3, 4))
    ends = current_codes(connection, [one, two, three, other], LATER, KNOWN_AT)
    assert ends == {one: three, two: three, three: three, other: other}
    assert current_codes(connection, [], LATER, KNOWN_AT) == {}


def test_the_same_succession_counts_once(connection: Connection, succeed: Callable[..., bool]) -> None:
    assert succeed(1, 2) is True
    assert succeed(1, 2) is False
    rows = select(func.count()).select_from(tables.organisation_succession)
    assert connection.execute(rows).scalar() == 1


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_circle_is_refused(register: Register, succeed: Callable[..., bool], length: int) -> None:
    for n in range(1, length):
        succeed(n, n + 1)
    with pytest.raises(RefusedError, match=f"{register(length).code} 由 {register(1).code} 承继会形成循环"):
        succeed(length, 1, month=6)


def test_a_circle_written_past_this_module_is_refused_when_read(
    connection: Connection, register: Register, succeed: Callable[..., bool]
) -> None:
    succeed(1, 2)
    connection.execute(
        tables.organisation_succession.insert().values(
            predecessor=register(2).code,
            successor=register(1).code,
            kind="merged",
            effective_on=DAY,
            source="测试",
            known_at=KNOWN_AT,
        )
    )
    with pytest.raises(RefusedError, match="承继记录形成循环"):
        successor(connection, register(1).code, LATER, KNOWN_AT)


def test_an_organisation_does_not_carry_on_itself(succeed: Callable[..., bool]) -> None:
    with pytest.raises(RefusedError, match="不能承继自身；仅更名而代码不变的，应登记该组织的新版本"):
        succeed(1, 1)


def test_an_unknown_kind_of_succession(succeed: Callable[..., bool]) -> None:
    with pytest.raises(UnknownError, match="没有名为“sold”的承继方式；可用：renamed、merged、split"):
        succeed(1, 2, kind="sold")


def test_both_organisations_must_be_registered(
    connection: Connection, register: Register, code_of: Callable[[int], str]
) -> None:
    known, unknown = register(1).code, code_of(9)
    for pair in ((known, unknown), (unknown, known)):
        with pytest.raises(UnknownError, match=f"没有统一社会信用代码为“{unknown}”的已登记组织"):
            record_succession(connection, *pair, "merged", DAY, "测试", KNOWN_AT)
    with pytest.raises(UnknownError, match=f"“{unknown}”"):
        successor(connection, unknown, DAY, KNOWN_AT)
