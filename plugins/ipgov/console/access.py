"""Who gets in: Airflow's login, the right to the console, and requests that come from our own pages only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Literal
from urllib.parse import urljoin, urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from fastapi import Depends, HTTPException, Path, Request
from starlette.types import Message

from ipgov.core.errors import RefusedError
from ipgov.core.settings import settings

RESOURCE = "governance"
# A multipart body is larger than the file in it: boundaries, headers, the other fields.
_ENVELOPE_BYTES = 16_384


def require(method: Literal["GET", "POST"]) -> Callable[[BaseUser], BaseUser]:
    """Return a guard: Airflow's login and a role that may do ``method`` on the console."""

    def authorised(user: GetUserDep) -> BaseUser:
        if not get_auth_manager().is_authorized_custom_view(method=method, resource_name=RESOURCE, user=user):
            what = "查看治理页面" if method == "GET" else "在治理页面提交评级表"
            raise HTTPException(403, f"您的账户没有{what}的权限，请联系系统管理员")
        return user

    return authorised


may_read = require("GET")
may_submit = require("POST")
Reader = Annotated[BaseUser, Depends(may_read)]
Submitter = Annotated[BaseUser, Depends(may_submit)]


Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Name = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f]+$")]


def now() -> dt.datetime:
    """Read the clock: the one place of the console."""
    return dt.datetime.now(dt.UTC)


def base_url() -> str:
    """Return the address of Airflow's API server, with a slash at its end."""
    return conf.get("api", "base_url", fallback="http://127.0.0.1:8080").rstrip("/") + "/"


def login_url(request: Request) -> str:
    """Return the address of the login page that leads back to the page asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return str(get_auth_manager().get_url_login(next_url=urljoin(base_url(), asked)))


def token(request: Request) -> str:
    """Return the token by which the caller is logged in, in the order in which Airflow looks for it."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given if scheme.lower() == "bearer" else request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")


def _host(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return None, None
    return parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)


def from_own_page(request: Request) -> None:
    """Refuse a writing request that another site's page made with the caller's cookie.

    Airflow's cookie is SameSite=Lax; this is the second lock. A caller who sends the token in a header is no
    browser that was tricked, and needs no Origin.
    """
    source = request.headers.get("origin") or request.headers.get("referer")
    if source is None and request.headers.get("authorization"):
        return
    # behind a proxy that replaces Host, the address that Airflow is configured for is ours as well
    own = {_host(f"{request.url.scheme}://{request.headers.get('host', '')}"), _host(base_url())}
    if source is None or _host(source)[0] is None or _host(source) not in own:
        raise HTTPException(403, "该请求不是从治理页面发出的，已被拒绝；请在治理页面重新提交")


class _TooLargeError(Exception):
    """More bytes came than a workbook may have."""


def _limited(receive: Callable, limit: int) -> Callable:
    seen = 0

    async def receive_some() -> Message:
        nonlocal seen
        message: Message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _TooLargeError
        return message

    return receive_some


class Upload:
    """A posted form: the bytes of its one file and its text fields."""

    def __init__(self, data: bytes, fields: dict[str, str]):
        self.data = data
        self.fields = fields


async def uploaded(request: Request) -> Upload:
    """Read a posted form with one file; never more of it than a workbook may have.

    Raises HTTPException 413 beyond ``settings().max_workbook_bytes``; RefusedError where there is no file.
    """
    limit = settings().max_workbook_bytes
    bounded = Request(request.scope, _limited(request.receive, limit + _ENVELOPE_BYTES))
    too_large = HTTPException(413, f"文件超过 {limit:,} 字节的上限，未予接收")
    try:
        async with bounded.form(max_files=1, max_fields=4, max_part_size=4096) as form:
            file = form.get("workbook")
            if file is None or isinstance(file, str) or not file.size:
                raise RefusedError("没有收到文件：请选择填写好的评级表（.xlsx）后再上传")
            if file.size > limit:
                raise too_large
            data = await file.read()
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
    except _TooLargeError:
        raise too_large from None
    return Upload(data, fields)
