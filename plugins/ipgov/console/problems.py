"""What people see when something is wrong: a page in Chinese that says what, and what there is instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from ipgov.console import access
from ipgov.console import rendering as r
from ipgov.core.database import is_simulation, reading
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, UnknownError
from ipgov.core.faults import fault
from ipgov.documents.typography import full_width

_SAID = {
    400: "提交的内容不是有效的表单",
    403: "登录凭据无效，请重新登录",
    405: "该地址不接受这种请求",
}
_TITLES = {
    403: "没有权限",
    404: "没有找到",
    413: "文件过大",
    422: "未被接受",
    500: "发生错误",
    503: "暂不可用",
}


def _problem(request: Request, status: int, message: str, problems: Sequence[Any] = ()) -> HTMLResponse:
    try:
        with reading() as connection:
            simulation = is_simulation(connection)
    except Exception:  # the page says what is wrong with the request; the database may be the very reason
        simulation = False
    return r.page(
        request,
        "problem.html",
        simulation=simulation,
        login="",
        now=access.now(),
        status=status,
        title=_TITLES.get(status, "未能办理"),
        message=message,
        problems=problems,
        login_url=access.login_url(request) if status == 403 else "",
    )


def explain_governance_error(request: Request, error: GovernanceError) -> HTMLResponse:
    """Say in Chinese what was wrong: 404 unknown, 422 refused, 503 the installation."""
    status = (
        404 if isinstance(error, UnknownError) else 503 if isinstance(error, EnvironmentProblemError) else 422
    )
    return _problem(request, status, error.message, error.problems)


def explain_wrong_address(request: Request, error: RequestValidationError) -> HTMLResponse:
    """Say that an address is none: a number that is no number, a name that is no name."""
    return _problem(
        request, 404, full_width("地址有误：轮次、文书、报送的编号应为正整数，名称不得含控制字符")
    )


def explain_http_error(request: Request, error: HTTPException) -> Response:
    """Send people who are not logged in to the login page; tell others, and programmes, what is wrong."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if error.status_code == 401:
        if wants_page and request.method == "GET":
            return RedirectResponse(access.login_url(request), 302, r.HEADERS)
        return Response(
            "未登录", 401, {"WWW-Authenticate": "Bearer", **r.HEADERS}, "text/plain; charset=utf-8"
        )
    message = str(error.detail)
    if message.isascii():  # the framework's own words
        message = _SAID.get(error.status_code, "请求有误")
    return _problem(request, error.status_code, full_width(message))


def explain_nothing(request: Request, error: Exception) -> HTMLResponse:
    """Say what is wrong with the installation; else that something is broken and no more: the log has it."""
    if found := fault(error):
        return explain_governance_error(request, found)
    return _problem(request, 500, full_width("服务器处理该请求时出错，已记入日志；请联系运行人员"))


def install(app: FastAPI) -> None:
    """Give an application these answers to errors."""
    handlers: dict[Any, Any] = {
        GovernanceError: explain_governance_error,
        RequestValidationError: explain_wrong_address,
        AnyHTTPException: explain_http_error,
        Exception: explain_nothing,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
