"""Before everything that the API server answers: how often and how much may be sent to sign in."""

from __future__ import annotations

import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 65_536  # of anything sent to /auth: forms of a few fields
ADDRESSES = 10_000  # remembered at most
TOKEN = ("/auth/token", "/auth/token/cli")
SIGN_IN = (*TOKEN, "/auth/login")
# What nobody is given, though Airflow would: each with its reason.
CLOSED = re.compile(
    # descriptions of the interfaces, for everybody who reaches the port
    r"/(auth/|execution/)?(openapi\.json|docs|docs/oauth2-redirect|redoc|changelog)"
    # a new token for an old one: no session would ever end
    r"|/ui/auth/token"
    # FAB's second interface for signing in, with tokens of its own
    r"|/auth/api/v1/security/.*"
    # FAB lets any account run these on roles and permissions by a form of its own
    r"|/auth/(roles|actions|resources|permissions)/(action/.*|action_post)"
    # FAB's pages of files, which it has no folder for
    r"|/auth/\w+/download/.*"
)
# What answers to whoever has no account, though it is none of their business.
WITH_ACCOUNT = ("/api/v2/version",)

# Also on Airflow's own pages, which name none of these; the console's pages have stricter ones of their own.
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"SAMEORIGIN",
    b"referrer-policy": b"same-origin",
}


class Gate:
    """ASGI middleware: 429 beyond so many attempts a minute from one address, 413 for a large body.

    404 for what is closed to everybody.

    One API server process, so counting in memory is counting all of it. The window is the minute of a
    monotonic clock.
    """

    def __init__(self, app: App, requests_per_minute: int, clock: Callable[[], float] = time.monotonic):
        self.app, self.limit, self.clock = app, requests_per_minute, clock
        self._minute = 0
        self._seen: OrderedDict[str, int] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 429 or 413, or let the request through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = _with_headers(send)
        path = scope["path"].rstrip("/")
        if CLOSED.fullmatch(path):
            await _answer(send, 404, "不提供此接口")
            return
        if path in WITH_ACCOUNT and not await _has_account(scope):
            await _answer(send, 401, "未登录")
            return
        if scope["method"] == "POST" and path in SIGN_IN and self._too_many(scope):
            await _answer(send, 429, "登录尝试过于频繁，请一分钟后再试", (b"retry-after", b"60"))
            return
        if path.startswith("/auth/") and scope["method"] in ("POST", "PUT", "PATCH", "DELETE"):
            body = await _body(receive)
            if body is None:
                await _answer(send, 413, f"请求超过 {LARGEST_BODY:,} 字节的上限")
                return
            if path in TOKEN and not _is_json(body):
                await _answer(send, 400, "请求的内容不是 JSON")
                return
            receive = _replay(body, receive)
        await self.app(scope, receive, send)

    def _too_many(self, scope: Scope) -> bool:
        minute = int(self.clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._seen.clear()
        address = (scope.get("client") or ("",))[0]
        self._seen[address] = self._seen.get(address, 0) + 1
        if len(self._seen) > ADDRESSES:
            self._seen.popitem(last=False)
        return self._seen[address] > self.limit


async def _has_account(scope: Scope) -> bool:
    from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
    from airflow.api_fastapi.core_api.security import resolve_user_from_token
    from fastapi import HTTPException, Request

    request = Request(scope)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    token = given if scheme.lower() == "bearer" else request.cookies.get(COOKIE_NAME_JWT_TOKEN)
    try:
        return bool(await resolve_user_from_token(token))
    except HTTPException:
        return False


async def _body(receive: Receive) -> bytes | None:
    """Read a request's body; None as soon as it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _is_json(body: bytes) -> bool:
    """Tell whether a body is JSON at all: FastAPI fails on other bytes and on deep nesting."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers") or ())
            there = {name.lower() for name, _ in headers}
            message["headers"] = [*headers, *(h for h in HEADERS.items() if h[0] not in there)]
        await send(message)

    return sending


async def _answer(send: Send, status: int, detail: str, *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps({"detail": detail}, ensure_ascii=False).encode()
    kinds = [(b"content-type", b"application/json; charset=utf-8"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": kinds})
    await send({"type": "http.response.body", "body": body})
