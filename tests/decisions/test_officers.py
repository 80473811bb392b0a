"""Officers: the newest entry counts, and what may not be entered."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from ipgov.core import tables
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.decisions.officers import Officer, Role, officer, register_officer, role_label
from sqlalchemy import Connection, func, select

KNOWN_AT = dt.datetime(2025, 4, 20, 1, 0, tzinfo=dt.UTC)
ZHANG = Officer("zhang", "张三", ("reviewer",), "91110000600037341L", True)


def test_an_unchanged_officer_is_written_once(connection: Connection) -> None:
    assert register_officer(connection, ZHANG, KNOWN_AT) is True
    assert register_officer(connection, ZHANG, KNOWN_AT + dt.timedelta(1)) is False
    assert connection.execute(select(func.count()).select_from(tables.officer)).scalar() == 1
    assert officer(connection, "zhang", KNOWN_AT) == ZHANG


def test_a_change_counts_once_known_and_can_be_taken_back(connection: Connection) -> None:
    moments = [KNOWN_AT + dt.timedelta(n) for n in range(3)]
    versions = [ZHANG, replace(ZHANG, roles=("issuer",), active=False), ZHANG]
    for version, moment in zip(versions, moments, strict=True):
        assert register_officer(connection, version, moment) is True
    assert [officer(connection, "zhang", m) for m in moments] == versions


def test_an_unknown_officer_names_who_there_is(connection: Connection) -> None:
    register_officer(connection, ZHANG, KNOWN_AT)
    with pytest.raises(UnknownError, match="没有账号为“li”的人员；现有：zhang"):
        officer(connection, "li", KNOWN_AT)
    with pytest.raises(UnknownError, match="没有账号为“zhang”的人员；现有：无"):
        officer(connection, "zhang", KNOWN_AT - dt.timedelta(seconds=1))


def test_an_unknown_role(connection: Connection) -> None:
    message = "人员“zhang”的角色“king”不明；可用：viewer、reviewer、issuer、operator、administrator、auditor"
    with pytest.raises(UnknownError, match=message):
        register_officer(connection, replace(ZHANG, roles=("reviewer", "king")), KNOWN_AT)


def test_a_malformed_organisation_would_never_lead_to_recusal(connection: Connection) -> None:
    with pytest.raises(RefusedError, match=r"人员“zhang”的所属单位代码有误：.*有 3 位，应为 18 位"):
        register_officer(connection, replace(ZHANG, organisation_code="abc"), KNOWN_AT)


@pytest.mark.parametrize("empty", [{"login": " "}, {"name": ""}])
def test_login_and_name_are_needed(connection: Connection, empty: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="账号与姓名均须填写"):
        register_officer(connection, replace(ZHANG, **empty), KNOWN_AT)


def test_every_role_has_a_word() -> None:
    assert [role_label(r) for r in Role][1:3] == ["审核（reviewer）", "签发（issuer）"]
    assert role_label("king") == "king"
