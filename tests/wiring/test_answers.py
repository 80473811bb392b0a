"""An answer that the API server has taken goes to the decision record at once, and never twice."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from ipgov.wiring import answers

PATH = "/api/v2/dags/approval_and_issue/dagRuns/{}/taskInstances/{}/{}/hitlDetails"
AT = dt.datetime(2024, 4, 16, 3, tzinfo=dt.UTC)


def _request(monkeypatch, method: str, path: str, status: int = 200) -> tuple[list, list]:
    """What was handed over after this request, and what the caller was answered."""
    taken, sent = [], []
    monkeypatch.setattr(answers, "_take", lambda run, task: taken.append((run, task)))

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})
        assert not taken  # only when the request is over, so when Airflow's own transaction is

    async def send(message):
        sent.append(message["type"])

    scope = {"type": "http", "method": method, "path": path}
    asyncio.run(answers.AnswersAtOnce(app)(scope, None, send))
    return taken, sent


@pytest.mark.parametrize(
    ("method", "path", "status", "taken"),
    [
        ("PATCH", PATH.format("round__7", "audit", -1), 200, [("round__7", "audit")]),
        ("PATCH", PATH.format("run%3A7", "sign", -1), 200, [("run:7", "sign")]),
        ("PATCH", PATH.format("round__7", "audit", -1), 409, []),
        ("PATCH", PATH.format("round__7", "audit", -1), 403, []),
        ("GET", PATH.format("round__7", "audit", -1), 200, []),
        ("PATCH", PATH.format("round__7", "audit", -1).replace("approval_and_issue", "asks"), 200, []),
        ("PATCH", "/api/v2/dags/approval_and_issue", 200, []),
    ],
)
def test_only_an_answer_that_was_taken_is_handed_over(monkeypatch, method, path, status, taken):
    assert _request(monkeypatch, method, path, status) == (
        taken,
        ["http.response.start", "http.response.body"],
    )


def test_what_fails_is_left_to_the_task(monkeypatch, caplog):
    def broken(run_id, task_id):
        raise ConnectionError("no database")

    monkeypatch.setattr(answers, "_answered", broken)
    answers._take("round__7", "audit")
    assert "answer to audit of round__7 is left to the task" in caplog.text


def test_the_record_gets_who_when_what_and_on_which_fingerprint(monkeypatch):
    from ipgov.procedures import approval

    given = []
    monkeypatch.setattr(approval, "answer", lambda *arguments: given.append(arguments))
    answer = {
        "chosen_options": ["退回修改"],
        "params_input": {"comment": "先核实"},
        "responded_at": AT,
        "responded_by_user": {"id": "3", "name": "reviewer1"},
    }
    asked = answers.Asked(7, "audit", "f" * 64)
    answers.hand_over(asked, answer, AT)
    assert given == [(7, "audit", "return", "reviewer1", "先核实", "f" * 64, "airflow", AT, AT)]
    with pytest.raises(ValueError, match="without a person"):
        answers.hand_over(asked, {**answer, "responded_by_user": None}, AT)
