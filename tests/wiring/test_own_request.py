"""Whom a run acts for, and what a backfill may be told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ipgov.core.errors import EnvironmentProblemError, Problem, RefusedError, UnknownError
from ipgov.wiring.run import own_request, refusals


def _context(account: str | None) -> dict:
    return {"dag_run": SimpleNamespace(triggering_user_name=account)}


def test_nobody_asks_in_anothers_name():
    assert own_request(_context("reviewer1"), "reviewer1") == "reviewer1"
    for account, said in (("operator1", "由“operator1”触发"), (None, "由“（无账号）”触发")):
        with pytest.raises(RefusedError, match=said):
            own_request(_context(account), "reviewer1")


def test_a_refusal_ends_a_task_with_every_reason_and_a_lack_is_tried_again():
    from airflow.sdk.exceptions import AirflowFailException

    @refusals()
    def refused():
        raise UnknownError("不办理 2014 年度", (Problem("c", "甲", "乙"),))

    @refusals()
    def lacking():
        raise EnvironmentProblemError("没有数据库")

    with pytest.raises(AirflowFailException, match="不办理 2014 年度\n甲；应为：乙"):
        refused()
    with pytest.raises(EnvironmentProblemError):
        lacking()
