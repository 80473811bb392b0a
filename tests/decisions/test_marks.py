"""Marks on single bodies: who may give them, and that the newest counts."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from ipgov.core import tables
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.decisions.marks import marks, record_marks
from ipgov.decisions.officers import officer, register_officer
from sqlalchemy import func, select

KNOWN_AT = dt.datetime(2025, 4, 20, 1, 0, tzinfo=dt.UTC)
HOST = "91110000600037341L"
BOTH = {"FP01": ("agree", ""), "FP02": ("question", "满意度偏高，请核")}


def give(desk: Any, actor: str, given: dict[str, tuple[str, str]], **other: Any) -> int:
    values: dict[str, Any] = {"entry": "workbook", "known_at": KNOWN_AT, "file_sha256": "1" * 64, **other}
    return record_marks(desk.connection, desk.round.id, actor, given, **values)


def rows(desk: Any) -> int:
    return desk.connection.execute(select(func.count()).select_from(tables.review_mark)).scalar_one()  # type: ignore[no-any-return]


def test_marks_of_a_file_are_recorded_once(desk: Any) -> None:
    assert give(desk, "shen1", BOTH) == 2
    assert give(desk, "shen1", BOTH) == 0
    assert [(m.unit, m.mark, m.comment, m.actor) for m in marks(desk.connection, desk.round.id)] == [
        ("FP01", "agree", "", "shen1"),
        ("FP02", "question", "满意度偏高，请核", "shen1"),
    ]


def test_marks_given_on_a_page_are_recorded_once_too(desk: Any) -> None:
    page = {"entry": "console", "file_sha256": None}
    assert give(desk, "shen1", BOTH, **page) == 2
    assert give(desk, "shen1", BOTH, **page) == 0
    assert rows(desk) == 2


def test_the_newest_mark_of_a_person_counts_and_the_earlier_stays_on_record(desk: Any) -> None:
    give(desk, "shen1", BOTH)
    assert give(desk, "shen1", {**BOTH, "FP02": ("agree", "已核")}, file_sha256="2" * 64) == 1
    give(desk, "qian1", {"FP02": ("question", "为何")}, file_sha256="3" * 64)
    assert [(m.unit, m.mark, m.actor) for m in marks(desk.connection, desk.round.id)] == [
        ("FP01", "agree", "shen1"),
        ("FP02", "question", "qian1"),
        ("FP02", "agree", "shen1"),
    ]
    assert rows(desk) == 4
    assert give(desk, "shen1", BOTH) == 0  # the first file delivered again does not bring its marks back
    assert rows(desk) == 4


def test_marks_decide_nothing(desk: Any) -> None:
    give(desk, "shen1", BOTH)
    assert desk.connection.execute(select(func.count()).select_from(tables.decision)).scalar() == 0


def test_only_reviewers_and_issuers_mark(desk: Any) -> None:
    message = r"阚读的角色为查阅（viewer），审阅意见须由审核（reviewer）或签发（issuer）填写"
    with pytest.raises(RefusedError, match=message):
        give(desk, "kan", BOTH)
    with pytest.raises(UnknownError, match="没有账号为“nobody”的人员"):
        give(desk, "nobody", BOTH)
    gone = replace(officer(desk.connection, "shen1", KNOWN_AT), active=False)
    register_officer(desk.connection, gone, KNOWN_AT)
    with pytest.raises(RefusedError, match="沈一的账号“shen1”已停用"):
        give(desk, "shen1", BOTH)
    assert rows(desk) == 0


def test_every_wrong_mark_is_told_and_none_recorded(desk: Any) -> None:
    wrong = {"FP01": ("agree", ""), "FP02": ("perhaps", ""), "FP13": ("agree", "")}
    with pytest.raises(UnknownError, match="2024 年度第 1 轮的审阅意见有 2 处问题") as caught:
        give(desk, "shen1", wrong)
    assert [str(p) for p in caught.value.problems] == [
        "没有代码为“FP13”的被评价单位；应为：本轮的单位：FP01、FP02",
        "FP02 的审阅意见为“perhaps”；应为：agree（同意）、question（有疑问）",
    ]
    assert rows(desk) == 0


def test_nobody_marks_a_body_of_their_own_organisation(desk: Any) -> None:
    own = replace(officer(desk.connection, "shen1", KNOWN_AT), organisation_code=HOST)
    register_officer(desk.connection, own, KNOWN_AT)
    with pytest.raises(RefusedError, match="是FP01 示例平台FP01的依托单位，应当回避，不得填写其审阅意见"):
        give(desk, "shen1", BOTH)
    assert give(desk, "shen1", {"FP02": BOTH["FP02"]}) == 1


def test_no_marks_after_the_end(desk: Any) -> None:
    desk.answer("audit", "shen1", "return")
    with pytest.raises(RefusedError, match="2024 年度第 1 轮已退回修改，不再接受审阅意见"):
        give(desk, "shen2", BOTH)


def test_an_unknown_entry(desk: Any) -> None:
    with pytest.raises(UnknownError, match="没有名为“fax”的审批入口"):
        give(desk, "shen1", BOTH, entry="fax")
