"""Commands on the people of the office: account and register of officers together."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json
from ipgov.cli.person import PasswordFile, acting
from ipgov.core.errors import RefusedError

if TYPE_CHECKING:
    from ipgov.wiring.officers import Change

officer_app = group()
app = typer.Typer()
app.add_typer(officer_app, name="officer", help="人员：账户与人员登记一并增加、更改、停用")

By = Annotated[str | None, typer.Option("--by", help="系统管理员的账号；尚无在用的系统管理员时不须写明")]
PasswordOut = Annotated[
    Path | None, typer.Option("--password-out", help="写入初始密码的新文件（600）；默认在终端显示一次")
]


@officer_app.command("add")
def add(
    login: str,
    name: Annotated[str, typer.Option("--name", help="姓名")],
    role: Annotated[str, typer.Option("--role", help="角色，如 reviewer")],
    by: By = None,
    organisation: Annotated[
        str | None, typer.Option(help="所属单位的统一社会信用代码（据以计算回避）")
    ] = None,
    password_out: PasswordOut = None,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """增加一人：账户与人员登记；再次运行不改变任何内容。"""
    from ipgov.decisions.officers import Officer
    from ipgov.wiring import officers

    _administrator(by, password_file, "officer add")
    _can_tell(password_out)
    person = Officer(login, name, (role,), organisation, True)
    _tell(officers.add(person, moment(as_of)[1], _now()), password_out, "已登记")


@officer_app.command("change")
def change(
    login: str,
    name: Annotated[str | None, typer.Option("--name", help="姓名")] = None,
    role: Annotated[str | None, typer.Option("--role", help="角色")] = None,
    organisation: Annotated[str | None, typer.Option(help="所属单位代码；写空则为无")] = None,
    active: Annotated[bool, typer.Option("--active", help="重新启用")] = False,
    by: By = None,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """更改姓名、角色、所属单位，或重新启用。"""
    from ipgov.wiring import officers

    _administrator(by, password_file, "officer change")
    done = officers.change(
        login,
        moment(as_of)[1],
        _now(),
        name=name,
        role=role,
        organisation_code=organisation,
        active=True if active else None,
    )
    _tell(done, None, "已更改")


@officer_app.command("deactivate")
def deactivate(login: str, by: By = None, password_file: PasswordFile = None, as_of: AsOf = None) -> None:
    """停用一人：账户与人员登记；其登录会话立即结束，已发出的令牌自下一次请求起（至多 5 秒）不再有效。"""
    from ipgov.wiring import officers

    _administrator(by, password_file, "officer deactivate")
    _tell(officers.change(login, moment(as_of)[1], _now(), active=False), None, "已停用")


@officer_app.command("password")
def password(
    login: str, by: By = None, password_out: PasswordOut = None, password_file: PasswordFile = None
) -> None:
    """另发初始密码：解除锁定，结束其登录会话；此前发出的令牌到期前仍有效（停用账户则即失效）。"""
    from ipgov.wiring import officers

    _administrator(by, password_file, "officer password")
    _can_tell(password_out)
    _tell(officers.new_password(login, _now()), password_out, "已另发密码")


@officer_app.command("unlock")
def unlock(login: str, by: By = None, password_file: PasswordFile = None) -> None:
    """解除因多次输错密码而来的锁定。"""
    from ipgov.wiring import officers

    _administrator(by, password_file, "officer unlock")
    print(f"“{login}”已解除锁定" if officers.unlock(login, _now()) else f"“{login}”未被锁定")


@officer_app.command("list")
def list_(as_json: Json = False, as_of: AsOf = None) -> None:
    """列出人员：角色、是否在用、账户与登记是否一致；不一致时退出码为 1。"""
    from ipgov.wiring import officers

    found = officers.listed(moment(as_of)[1], _now())
    if as_json:
        print_json([o.as_dict() for o in found])
    else:
        for o in found:
            more = "".join(
                f"；{x}" for x in (o.organisation_code, "已锁定" if o.locked else "", o.problem) if x
            )
            state = "在用" if o.active else "停用"
            print(f"{o.login} {o.name}：{'、'.join(o.roles) or '无角色'}，{state}{more}")
        if not found:
            print("尚未登记人员")
    raise typer.Exit(1 if any(o.problem for o in found) else 0)


def _administrator(by: str | None, password_file: Path | None, command: str) -> None:
    """Verify an administrator; with none in use yet, whoever can write the accounts' database may begin."""
    from ipgov.wiring import accounts, officers

    if by is not None:
        acting(by, password_file, command)
        return
    with accounts.engine().begin() as airflow:
        if officers.administrators(airflow):
            raise RefusedError("须以 --by 写明系统管理员的账号")


def _can_tell(password_out: Path | None) -> None:
    """Refuse before anything is done where a password could not be handed over."""
    if password_out is not None and password_out.exists():
        raise RefusedError(f"文件 {password_out} 已存在；初始密码须写入新文件")
    if password_out is None and not sys.stdout.isatty():
        raise RefusedError("初始密码只在终端显示一次，或以 --password-out 写入新文件")


def _tell(done: Change, password_out: Path | None, what: str) -> None:
    from ipgov.core import private

    if not done.anything:
        print(f"“{done.login}”没有变化")
        return
    ended = f"；已结束 {done.sessions} 个登录会话" if done.sessions else ""
    print(f"“{done.login}”{what}{ended}")
    if done.password is None:
        return
    if password_out is not None:
        private.write(password_out, done.password + "\n")
        print(f"初始密码已写入 {password_out}（600）；请交本人，首次登录后在“我的密码”中更改，并删除该文件")
    else:
        print(f"初始密码（只显示这一次）：{done.password}")
        print("请交本人，首次登录后在“我的密码”中更改")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
