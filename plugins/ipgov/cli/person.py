"""Commands in a person's name: the account is asked for its password, and its roles for the right."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ipgov.core.errors import EnvironmentProblemError, RefusedError

By = Annotated[str, typer.Option("--by", help="办理人的账号；须验证其密码")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        help="存放办理人密码的文件（仅本人可读，600）；也可由 IPGOV_PASSWORD_FILE 指定；默认在终端询问",
    ),
]
_REFUSED = "账号或密码不正确，或该账号已停用、因多次输错密码而暂时锁定"


def acting(by: str, password_file: Path | None, command: str, *, judged: bool = False) -> str:
    """Verify that ``by`` gives ``command`` (``quality waive``) and may; return the account's login.

    Raises RefusedError for a wrong password, a closed or locked account and a role that may not, without
    telling the first three apart. ``judged``: the decision record judges the role itself, by the same file,
    and keeps what it refuses. Every command given and every one refused stands in Airflow's audit log.
    """
    from ipgov.core.settings import settings
    from ipgov.wiring import accounts
    from ipgov.wiring.roles import load_roles

    roles = load_roles(settings().policies)
    where = accounts.engine()
    password = _password(by, password_file or settings().password_file)
    found = accounts.verify(where, by, password, "command", roles.sign_in, _now())
    if found is None:
        shown = by if by.isprintable() else "（含不可见字符的账号）"
        raise RefusedError(f"不能以“{shown}”的名义办理：{_REFUSED}")
    allowed = any(command in role.acts for role in roles.of_account(found.roles))
    with where.begin() as connection:
        accounts.note(connection, accounts.COMMAND, found.login, _now(), command=command, allowed=allowed)
    if not allowed and not judged:
        able = "、".join(f"{r.name}（{r.code}）" for r in roles.that_may(command)) or "无"
        raise RefusedError(f"“{found.login}”的角色不能办理 {command}；可以办理的角色：{able}")
    return found.login


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _password(login: str, file: Path | None) -> str:
    """Return the password: of the file, or typed unseen; never an argument, which every process can read."""
    if file is not None:
        return _from_file(login, file)
    if not sys.stdin.isatty():
        raise RefusedError("须验证办理人的密码：请在终端运行，或以 --password-file 指定存放密码的文件")
    return getpass.getpass(f"{login} 的密码：")


def _from_file(login: str, file: Path) -> str:
    """Return the first line of a private file, or of a JSON of logins and passwords the one of ``login``."""
    from ipgov.core import private

    try:
        text = private.read(file)
    except OSError as error:
        raise EnvironmentProblemError(f"密码文件 {file} 无法读取：{error.strerror}") from None
    except UnicodeDecodeError:
        raise EnvironmentProblemError(f"密码文件 {file} 不是 UTF-8 文字") from None
    if text.lstrip().startswith("{"):
        try:
            known = json.loads(text)
        except json.JSONDecodeError:
            known = {}
        if isinstance(known, dict) and isinstance(known.get(login), str):
            return str(known[login])
        raise RefusedError(f"密码文件 {file} 中没有账号“{login}”的密码")
    return text.splitlines()[0] if text else ""
