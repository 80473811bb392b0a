"""What the gate before the API server lets through: how often, how much, and to which addresses."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ipgov.launcher.gate import ADDRESSES, LARGEST_BODY, Gate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def _app(scope: Any, receive: Any, send: Any) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"DENY")]})
    await send({"type": "http.response.body", "body": body})


def ask(gate: Gate, path: str, body: bytes = b"{}", method: str = "POST", address: str = "10.0.0.1") -> Any:
    """Send a request in pieces; return (status, headers, body)."""
    pieces = [body[i : i + 5000] for i in range(0, len(body), 5000)] or [b""]
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [], "client": (address, 1)}
    asyncio.run(gate(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_attempts_from_one_address_are_few_a_minute() -> None:
    clock = Clock()
    gate = Gate(_app, 3, clock)
    assert [ask(gate, "/auth/token")[0] for _ in range(3)] == [200] * 3
    status, headers, body = ask(gate, "/auth/login/")
    assert (status, headers[b"retry-after"]) == (429, b"60")
    assert "一分钟后再试" in json.loads(body)["detail"]
    assert ask(gate, "/auth/token/cli")[0] == 429
    assert ask(gate, "/auth/token", address="10.0.0.2")[0] == 200
    assert ask(gate, "/auth/login/", method="GET")[0] == 200
    assert ask(gate, "/api/v2/dags")[0] == 200
    clock.now = 60
    assert ask(gate, "/auth/token")[0] == 200


def test_it_remembers_a_bounded_number_of_addresses() -> None:
    gate = Gate(_app, 3, Clock())
    gate._seen.update({str(n): 1 for n in range(ADDRESSES)})
    ask(gate, "/auth/token")
    assert len(gate._seen) == ADDRESSES


@pytest.mark.parametrize(("size", "status"), [(LARGEST_BODY, 200), (LARGEST_BODY + 1, 413)])
def test_a_body_has_its_bounds_and_arrives_whole(size: int, status: int) -> None:
    body = b"x" * size
    answer = ask(Gate(_app, 3, Clock()), "/auth/login/", body)
    assert answer[0] == status
    assert (answer[2] == body) is (status == 200)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 60_000, b"{", b"username=x"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert ask(Gate(_app, 3, Clock()), "/auth/token", body)[0] == 400


@pytest.mark.parametrize(
    "path",
    [
        "/openapi.json", "/docs", "/redoc", "/auth/openapi.json", "/execution/openapi.json",
        "/ui/auth/token", "/auth/api/v1/security/login", "/auth/api/v1/security/refresh",
        "/auth/roles/action_post", "/auth/roles/action/copyrole/1", "/auth/users/download/x",
    ],
)  # fmt: skip
def test_what_nobody_should_have_is_closed(path: str) -> None:
    for method in ("GET", "POST"):
        assert ask(Gate(_app, 99, Clock()), path, method=method)[0] == 404
        assert ask(Gate(_app, 99, Clock()), path + "/", method=method)[0] == 404


def test_an_answer_keeps_its_own_headers() -> None:
    headers = ask(Gate(_app, 3, Clock()), "/api/v2/dags")[1]
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"same-origin"
