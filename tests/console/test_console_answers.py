"""A returned rating list goes to the decision record, and the parked task goes on in the person's name."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from console_browser import Browser, words
from console_sample import HOSTILE, KNOWN_AT, Sample, insert
from ipgov.core import tables
from ipgov.core.database import transaction
from ipgov.core.errors import EnvironmentProblemError, Problem, RefusedError, UnknownError

FILE = ("a.xlsx", b"PK")


@dataclass
class ApiServer:
    """Stands for Airflow's API server: keeps what it was sent, answers what it is told to."""

    status: int = 200
    requests: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def api_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    state = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.requests.append(
                {"path": self.path, "login": self.headers["authorization"], "body": json.loads(body)}
            )
            self.send_response(state.status)
            self.end_headers()

        def log_message(self, *given: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", f"http://127.0.0.1:{server.server_port}/airflow")
    # the request carries a person's token: it must not go to a proxy
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    yield state
    server.shutdown()
    server.server_close()


@dataclass
class Procedure:
    """Stands for the procedure: keeps how it was called, does what it is told to."""

    answer: str | None = "approve"
    refused: str = ""
    error: Exception | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, round_id: int, data: bytes, **given: Any) -> Any:
        from ipgov.procedures.approval import Answered

        self.calls.append({"round_id": round_id, "data": data, **given})
        if self.error is not None:
            raise self.error
        if self.answer is not None and not self.refused:
            with transaction() as connection:
                insert(
                    connection,
                    tables.decision,
                    round_id=round_id,
                    step="sign",
                    answer=self.answer,
                    actor=given["actor"],
                    comment="请核对" if self.answer == "return" else "",
                    fingerprint="f" * 64,
                    entry="workbook",
                    answered_at=given["answered_at"],
                )
        return Answered(self.refused, "open", False)


@pytest.fixture
def procedure(monkeypatch: pytest.MonkeyPatch) -> Procedure:
    stand_in = Procedure()
    monkeypatch.setattr("ipgov.procedures.approval.answer_by_workbook", stand_in)
    return stand_in


@pytest.mark.parametrize(
    ("chosen", "option", "comment", "said"),
    [
        ("approve", "同意", None, "您的答复“同意”已在案"),
        ("return", "退回修改", "请核对", "您的答复“退回修改”已在案"),
    ],
)
def test_an_answer_is_recorded_and_lets_the_task_go_on(
    issuer: Browser,
    own_sample: Sample,
    procedure: Procedure,
    api_server: ApiServer,
    chosen: str,
    option: str,
    comment: str | None,
    said: str,
) -> None:
    procedure.answer = chosen
    before = dt.datetime.now(dt.UTC)
    answer = issuer.upload(own_sample.round_id, b"PK workbook")
    assert answer.status_code == 200
    assert said in words(answer.text)
    assert "审核员甲" in words(answer.text)  # the round's page, as it is now
    assert "签发人甲" in words(answer.text)
    (call,) = procedure.calls
    assert (call["round_id"], call["data"], call["actor"]) == (own_sample.round_id, b"PK workbook", "issuer1")
    assert before <= call["answered_at"] == call["known_at"] <= dt.datetime.now(dt.UTC)
    (request,) = api_server.requests
    assert request["path"] == (
        f"/airflow/api/v2/dags/approval_and_issue/dagRuns/round__{own_sample.round_id}"
        "/taskInstances/sign/-1/hitlDetails"
    )
    assert request["login"] == "Bearer token-issuer1"
    assert request["body"] == {"chosen_options": [option], "params_input": {"comment": comment}}


def test_the_token_of_the_header_is_the_one_that_lets_the_task_go_on(
    anonymous: Browser, own_sample: Sample, procedure: Procedure, api_server: ApiServer
) -> None:
    anonymous.headers["authorization"] = "Bearer token-issuer1"
    assert anonymous.upload(own_sample.round_id, b"PK", origin=None).status_code == 200
    assert api_server.requests[0]["login"] == "Bearer token-issuer1"


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (404, "待办任务尚未开始等待；答复已记录"),
        (409, "待办任务此前已被答复"),
        (403, "您的账户不能办理待办任务（HTTP 403）；答复已记录"),
        (500, "待办任务未能继续（HTTP 500）；答复已记录"),
        (307, "待办任务未能继续（HTTP 307）；答复已记录"),
    ],
)
def test_a_task_that_does_not_go_on_is_a_hint_and_the_record_stands(
    issuer: Browser, own_sample: Sample, procedure: Procedure, api_server: ApiServer, status: int, hint: str
) -> None:
    api_server.status = status
    answer = issuer.upload(own_sample.round_id, b"PK")
    assert answer.status_code == 200
    assert "您的答复“同意”已在案" in words(answer.text)
    assert hint in words(answer.text)


def test_an_api_server_that_is_away_is_a_hint_too(
    issuer: Browser, own_sample: Sample, procedure: Procedure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://127.0.0.1:9")
    answer = issuer.upload(own_sample.round_id, b"PK")
    assert answer.status_code == 200
    assert "未能通知待办任务（ConnectError）；答复已记录" in words(answer.text)


def test_marks_without_an_answer_leave_the_task_waiting(
    issuer: Browser, sample: Sample, procedure: Procedure, api_server: ApiServer
) -> None:
    procedure.answer = None
    answer = issuer.upload(sample.round_id, b"PK")
    assert "评级表已收下，标注已记录；表中没有给出答复" in words(answer.text)
    assert api_server.requests == []


def test_every_refused_cell_is_listed(
    issuer: Browser, sample: Sample, procedure: Procedure, api_server: ApiServer
) -> None:
    problems = tuple(
        Problem("locked_cell", f"原为 8{n}，现为 {HOSTILE}", "不得改动", sheet="评级表", cell=f"F{n}")
        for n in range(9)
    )
    procedure.error = RefusedError("评级表被拒收", problems)
    answer = issuer.upload(sample.round_id, b"PK")
    assert answer.status_code == 422
    assert "被拒收的单元格（9 处）" in words(answer.text)
    for n in range(9):
        assert f'<td class="code">F{n}</td>' in answer.text
    assert "<script" not in answer.text
    assert api_server.requests == []


@pytest.mark.parametrize(
    "error",
    [RefusedError("2024 年度第 2 轮已结束，不再接受评级表"), UnknownError("没有登录名为“issuer1”的办理人员")],
)
def test_a_refused_workbook_is_said_on_the_rounds_page(
    issuer: Browser, sample: Sample, procedure: Procedure, error: Exception
) -> None:
    procedure.error = error
    answer = issuer.upload(sample.round_id, b"PK")
    assert answer.status_code == 422
    assert str(error) in words(answer.text)
    assert "上传填写好的评级表" in words(answer.text)


def test_a_refused_answer_is_said_with_its_reason_and_the_task_waits_on(
    issuer: Browser, sample: Sample, procedure: Procedure, api_server: ApiServer
) -> None:
    procedure.refused = "现在应由“审核”答复，不是“签发”"
    answer = issuer.upload(sample.round_id, b"PK")
    assert answer.status_code == 422
    assert "答复未被采纳：现在应由“审核”答复，不是“签发”" in words(answer.text)
    assert api_server.requests == []


def test_an_installation_at_fault_is_not_the_persons_fault(
    issuer: Browser, sample: Sample, procedure: Procedure
) -> None:
    procedure.error = EnvironmentProblemError("归档文件的内容与其指纹不符")
    assert issuer.upload(sample.round_id, b"PK").status_code == 503


def test_in_a_simulation_the_answer_can_be_of_another_day(
    issuer: Browser, own_sample: Sample, procedure: Procedure, api_server: ApiServer
) -> None:
    issuer.upload(own_sample.round_id, b"PK", as_of="2025-04-18")
    (call,) = procedure.calls
    assert call["known_at"].isoformat() == "2025-04-18T23:59:59+08:00"
    assert call["answered_at"] > KNOWN_AT


def test_elsewhere_it_cannot(
    issuer: Browser, sample: Sample, procedure: Procedure, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("ipgov.console.app", "ipgov.core.clock"):
        monkeypatch.setattr(f"{module}.is_simulation", lambda connection: False)
    answer = issuer.upload(sample.round_id, b"PK", as_of="2025-04-18")
    assert answer.status_code == 422
    assert "只有模拟库才可以指定基准日" in words(answer.text)
    assert procedure.calls == []


def test_a_day_that_is_none_is_refused(issuer: Browser, sample: Sample, procedure: Procedure) -> None:
    answer = issuer.upload(sample.round_id, b"PK", as_of="2025-02-30")
    assert answer.status_code == 422
    assert "基准日“2025-02-30”不是日期" in words(answer.text)
    assert procedure.calls == []


def test_a_round_that_is_not_there_takes_nothing(
    issuer: Browser, sample: Sample, procedure: Procedure
) -> None:
    assert issuer.upload(99, b"PK").status_code == 404
    assert procedure.calls == []


@pytest.mark.parametrize("envelope", [0, 16_384, 1_000_000])
def test_a_file_beyond_the_limit_is_not_read_to_its_end(
    issuer: Browser, sample: Sample, procedure: Procedure, monkeypatch: pytest.MonkeyPatch, envelope: int
) -> None:
    from ipgov.core import settings

    monkeypatch.setenv("IPGOV_MAX_WORKBOOK_BYTES", "50000")
    settings.settings.cache_clear()
    answer = issuer.upload(sample.round_id, b"P" * (50_001 + envelope))
    assert answer.status_code == 413
    assert "文件超过 50,000 字节的上限" in words(answer.text)
    assert procedure.calls == []


def test_a_stream_without_a_stated_length_is_cut_off_at_the_limit(
    issuer: Browser, sample: Sample, procedure: Procedure, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.core import settings

    monkeypatch.setenv("IPGOV_MAX_WORKBOOK_BYTES", "50000")
    settings.settings.cache_clear()
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b'--x\r\nContent-Disposition: form-data; name="workbook"; filename="a.xlsx"\r\n\r\n'
        for _ in range(100):
            taken += 10_000
            yield b"P" * 10_000

    answer = issuer.post(
        f"/governance/round/{sample.round_id}",
        content=endless(),
        headers={"origin": "http://governance.test", "content-type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 413
    assert procedure.calls == []


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"data": {"as_of": "2025-04-18"}}, 422, "没有收到文件"),
        ({"files": {"workbook": ("a.xlsx", b"")}}, 422, "没有收到文件"),
        ({"files": {"other": FILE}}, 422, "没有收到文件"),
        ({"files": [("workbook", FILE), ("workbook", FILE)]}, 400, "不是有效的表单"),
        ({"files": {"workbook": FILE}, "data": dict.fromkeys("abcdefg", "")}, 400, "不是有效的表单"),
        ({"content": b"PK", "headers": {"content-type": "multipart/form-data"}}, 400, "不是有效的表单"),
    ],
)
def test_a_form_that_is_none_is_refused(
    issuer: Browser, sample: Sample, procedure: Procedure, form: dict[str, Any], status: int, said: str
) -> None:
    headers = {"origin": "http://governance.test", **form.pop("headers", {})}
    answer = issuer.post(f"/governance/round/{sample.round_id}", headers=headers, **form)
    assert answer.status_code == status
    assert said in words(answer.text)
    assert procedure.calls == []


def filled_in(listed: bytes, answer: str, remark: str) -> bytes:
    """What a spreadsheet program saves after somebody answered on the signing sheet."""
    import openpyxl
    from ipgov.documents.rating_layout import ANSWER_CELL, REMARK_CELL, SIGNING

    book = openpyxl.load_workbook(io.BytesIO(listed))
    for (row, column), value in ((ANSWER_CELL, answer), (REMARK_CELL, remark)):
        book[SIGNING].cell(row, column).value = value
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def test_a_list_filled_in_by_hand_signs_the_round(
    issuer: Browser, own_sample: Sample, api_server: ApiServer
) -> None:
    from ipgov.core.database import reading
    from ipgov.procedures import approval

    listed = issuer.get(f"/governance/rating-list/{own_sample.round_id}").content
    answer = issuer.upload(own_sample.round_id, filled_in(listed, "同意", "按程序签发"))
    assert answer.status_code == 200, words(answer.text)
    assert "您的答复“同意”已在案" in words(answer.text)
    assert "已完成审批" in words(answer.text)
    with reading() as connection:
        row = (
            connection.execute(tables.decision.select().where(tables.decision.c.actor == "issuer1"))
            .mappings()
            .one()
        )
    assert (row["step"], row["answer"], row["comment"], row["entry"]) == (
        "sign",
        "approve",
        "按程序签发",
        "workbook",
    )
    assert approval.step_status(own_sample.round_id, "sign").status == "approved"
    assert api_server.requests[0]["body"] == {
        "chosen_options": ["同意"],
        "params_input": {"comment": "按程序签发"},
    }


def test_a_list_with_a_changed_score_is_refused_and_the_cell_named(
    issuer: Browser, own_sample: Sample, api_server: ApiServer
) -> None:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(own_sample.rating_list))
    sheet = book["评级表"]
    cell = next(c for row in sheet.iter_rows() for c in row if c.value == "示例交易平台")
    cell.value = "别的平台"
    saved = io.BytesIO()
    book.save(saved)
    answer = issuer.upload(own_sample.round_id, saved.getvalue())
    assert answer.status_code == 422
    assert f'<td class="code">{cell.coordinate}</td>' in answer.text
    assert "没有记录任何内容" in words(answer.text)
    assert api_server.requests == []
