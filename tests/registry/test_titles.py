"""Title events: which are possible when, and the standing that follows from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from ipgov.core import tables
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.registry.platforms import unit
from ipgov.registry.titles import record_title_event, standing, standings
from sqlalchemy import Connection, func, select

PROGRAMME = "functional_platform"
KNOWN_AT = dt.datetime(2023, 9, 6, 1, 0, tzinfo=dt.UTC)
Title = Callable[..., None]
Record = Callable[..., bool]


@pytest.fixture
def record(connection: Connection, title: Title, approval: Callable[..., int]) -> Record:
    """Record events of FP01, which is registered and not yet recognised."""
    title("FP01", recognised_on=None)
    round_id = approval(known_at=KNOWN_AT - dt.timedelta(1))

    def record(event: str, year: int, **other: Any) -> bool:
        values: dict[str, Any] = {
            "basis": "operator",
            "note": "",
            "known_at": KNOWN_AT,
            "by": "issuer",
            "round_id": round_id,
            **other,
        }
        code = values.pop("unit", "FP01")
        return record_title_event(connection, PROGRAMME, code, event, dt.date(year, 5, 1), **values)

    return record


def on(connection: Connection, year: int, known_at: dt.datetime = KNOWN_AT) -> str:
    return standing(connection, PROGRAMME, "FP01", dt.date(year, 5, 1), known_at).code


def test_standing_as_of_any_day(connection: Connection, record: Record) -> None:
    for event, year in (("recognised", 2024), ("renamed", 2025), ("cancelled", 2026), ("restored", 2027)):
        assert record(event, year) is True
    years = {year: on(connection, year) for year in range(2023, 2029)}
    assert years == {
        2023: "not_titled",
        2024: "titled",
        2025: "titled",
        2026: "cancelled",
        2027: "titled",
        2028: "titled",
    }
    the_day_before = standing(connection, PROGRAMME, "FP01", dt.date(2026, 4, 30), KNOWN_AT)
    assert (the_day_before.code, the_day_before.name, the_day_before.titled) == ("titled", "持有称号", True)


def test_an_event_counts_only_once_known(connection: Connection, record: Record) -> None:
    later = KNOWN_AT + dt.timedelta(400)
    record("recognised", 2024)
    record("cancelled", 2025, known_at=later)
    assert on(connection, 2025) == "titled"
    assert on(connection, 2025, later) == "cancelled"


def test_the_title_dates_from_the_newest_recognition(connection: Connection, record: Record) -> None:
    for event, year in (("recognised", 2024), ("cancelled", 2025), ("recognised", 2026)):
        record(event, year)
    days = [
        unit(connection, PROGRAMME, "FP01", dt.date(year, 6, 1), KNOWN_AT).titled_on
        for year in (2024, 2025, 2026)
    ]
    assert days == [dt.date(2024, 5, 1), dt.date(2024, 5, 1), dt.date(2026, 5, 1)]


def test_a_restored_title_dates_from_its_recognition(connection: Connection, record: Record) -> None:
    for event, year in (("recognised", 2024), ("cancelled", 2025), ("restored", 2026)):
        record(event, year)
    assert unit(connection, PROGRAMME, "FP01", dt.date(2026, 6, 1), KNOWN_AT).titled_on == dt.date(2024, 5, 1)


@pytest.mark.parametrize(
    ("before", "event", "message"),
    [
        ([], "cancelled", "FP01 不能自 2030-05-01 起“取消称号”：当日状态为“尚未认定”，应为“持有称号”"),
        ([], "restored", "起“恢复称号”：当日状态为“尚未认定”，应为“称号已取消”"),
        ([], "renamed", "起“更名”：当日状态为“尚未认定”，应为“持有称号”"),
        (["recognised"], "recognised", "起“认定”：当日状态为“持有称号”，应为“尚未认定或称号已取消”"),
        (["recognised"], "restored", "起“恢复称号”：当日状态为“持有称号”，应为“称号已取消”"),
        (["recognised", "cancelled"], "cancelled", "起“取消称号”：当日状态为“称号已取消”，应为“持有称号”"),
        (["recognised", "cancelled"], "renamed", "起“更名”：当日状态为“称号已取消”，应为“持有称号”"),
    ],
)
def test_what_is_impossible_in_a_standing_is_refused(
    connection: Connection, record: Record, before: list[str], event: str, message: str
) -> None:
    for year, earlier in enumerate(before, 2024):
        record(earlier, year)
    with pytest.raises(RefusedError, match=message):
        record(event, 2030)
    assert connection.execute(select(func.count()).select_from(tables.title_event)).scalar() == len(before)


def test_a_back_dated_event_may_not_make_a_recorded_one_impossible(record: Record) -> None:
    record("recognised", 2024)
    record("cancelled", 2026)
    message = r"不能自 2026-05-01 起“取消称号”（登记本次 2025-05-01 的事项之后）：当日状态为“称号已取消”"
    with pytest.raises(RefusedError, match=message):
        record("cancelled", 2025)


def test_an_event_may_not_be_known_before_the_one_it_builds_on(record: Record) -> None:
    record("recognised", 2024)
    with pytest.raises(UnknownError, match="没有登记代码为“FP01”的单位"):
        record("cancelled", 2025, known_at=KNOWN_AT - dt.timedelta(1))
    record("cancelled", 2025, known_at=KNOWN_AT + dt.timedelta(9))
    with pytest.raises(RefusedError, match="起“恢复称号”：当日状态为“持有称号”"):
        record("restored", 2026, known_at=KNOWN_AT + dt.timedelta(1))


def test_the_identical_event_counts_once(connection: Connection, record: Record) -> None:
    whole = {"basis": "2023-156#21", "note": "连续两年未通过", "document_number": "国知平评函〔2025〕1号"}
    record("recognised", 2024)
    assert record("cancelled", 2025, **whole) is True
    assert record("cancelled", 2025, **whole, known_at=KNOWN_AT + dt.timedelta(1)) is False
    assert connection.execute(select(func.count()).select_from(tables.title_event)).scalar() == 2


def test_a_recorded_event_is_not_rewritten(record: Record) -> None:
    record("recognised", 2024)
    with pytest.raises(RefusedError, match=r"FP01 自 2024-05-01 起“认定”已登记.*已登记的事项不得改写"):
        record("recognised", 2024, note="另一个说明")


def test_an_unknown_event(record: Record) -> None:
    with pytest.raises(UnknownError, match="没有名为“crowned”的称号事项；可用：recognised、cancelled"):
        record("crowned", 2024)


@pytest.mark.parametrize("basis", ["2023-156#99", "", "惯例", "2023-156#21、2023-156#99"])
def test_an_unknown_basis(record: Record, basis: str) -> None:
    with pytest.raises(UnknownError, match="不是已知条款；应为条款编号"):
        record("recognised", 2024, basis=basis)


def test_an_unregistered_unit_has_neither_events_nor_standing(connection: Connection, record: Record) -> None:
    with pytest.raises(UnknownError, match="没有登记代码为“FP13”的单位；现有：FP01"):
        record("recognised", 2024, unit="FP13")
    with pytest.raises(UnknownError, match="没有登记代码为“FP13”的单位；现有：FP01"):
        standing(connection, PROGRAMME, "FP13", dt.date(2024, 1, 1), KNOWN_AT)
    with pytest.raises(UnknownError, match="“nonsense”"):
        standing(connection, "nonsense", "FP01", dt.date(2024, 1, 1), KNOWN_AT)


def test_the_standing_of_all_at_once(connection: Connection, record: Record, title: Title) -> None:
    title("FP02")
    title("FP03")
    record("cancelled", 2025, unit="FP03")
    found = standings(connection, PROGRAMME, dt.date(2026, 1, 1), KNOWN_AT)
    assert {unit: state.code for unit, state in found.items()} == {
        "FP01": "not_titled",
        "FP02": "titled",
        "FP03": "cancelled",
    }
