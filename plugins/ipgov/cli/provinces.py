"""Commands on the provinces' own view: let in, shut out, list, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json
from ipgov.cli.person import By, PasswordFile, acting
from ipgov.core.errors import EnvironmentProblemError

app = typer.Typer()
province_app = group()
app.add_typer(province_app, name="province", help="各省查看：开通、停用、一览、按月导出")

Code = Annotated[str, typer.Argument(help="省份代码，如 31")]
Reason = Annotated[str, typer.Option("--reason", help="依据：如联系人信息表、盖章申请表的收到日期")]
_STATES = {"opened": "已开通（仅导出）", "login": "已开通（可登录）", "revoked": "已停用"}


@province_app.command("grant")
def province_grant(
    province: Code,
    by: By,
    reason: Reason,
    login_password_file: Annotated[
        Path | None,
        typer.Option(
            help="另开数据库登录：存放该省登录密码的文件（仅本人可读，600）；不写则只导出、不能登录"
        ),
    ] = None,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """开通一省的查看（2022-985#24）：只能看到本省的单位（平台、中心）；默认只按月导出，另给密码文件则可登录数据库。"""
    from ipgov.procedures import province_access

    actor = acting(by, password_file, "province grant")
    password = None if login_password_file is None else _read_password(login_password_file)
    done = province_access.grant(province, actor, reason, moment(as_of)[1], password)
    if as_json:
        print_json(done.as_dict())
        return
    said = f"{done.province}：{_STATES[done.state]}，数据库角色 {done.role}"
    print(("此前已开通，没有变化。" if done.repeated else "") + said)


@province_app.command("revoke")
def province_revoke(
    province: Code,
    by: By,
    reason: Reason,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """停用一省的查看：不再导出，不能登录，正在进行的会话随即中断。"""
    from ipgov.procedures import province_access

    actor = acting(by, password_file, "province revoke")
    done = province_access.revoke(province, actor, reason, moment(as_of)[1])
    if as_json:
        print_json(done.as_dict())
        return
    ended = f"，中断 {done.ended} 个会话" if done.ended else ""
    print(
        ("此前已停用，没有变化。" if done.repeated else "") + f"{done.province}：{_STATES[done.state]}{ended}"
    )


@province_app.command("list")
def province_list(as_json: Json = False) -> None:
    """列出曾开通查看的各省、现状与决定人；数据库角色缺失的（如恢复备份之后）标明，须重新开通。"""
    from ipgov.procedures import province_access

    rows = province_access.listed()
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            lost = "" if row["role_exists"] or row["state"] == "revoked" else "；数据库角色缺失，请重新开通"
            print(
                f"{row['province']} {row['name']}：{_STATES[row['state']]}（{row['decided_by']}，"
                f"{row['known_at']:%Y-%m-%d}：{row['reason']}）{lost}"
            )
        print(f"共 {len(rows)} 个")
    raise typer.Exit(1 if any(not r["role_exists"] and r["state"] != "revoked" for r in rows) else 0)


@province_app.command("export")
def province_export(
    month: Annotated[str, typer.Option(help="月份，如 2026-10；须已结束")],
    province: Annotated[list[str] | None, typer.Option(help="只导出这些省份代码；默认所有已开通的")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """按月导出各省本省的数据（与定时任务同一步骤）：同一月份重做，内容逐字节相同，不重复寄发。"""
    from ipgov.procedures import province_exports

    result = province_exports.export(month, moment(as_of)[1], province)
    if as_json:
        print_json(result.as_dict())
        return
    for code, told in result.output["exported"].items():
        print(f"{code}：{told['rows']} 行 → {told['folder']}")
    print(f"{month}：新导出 {result.written} 省，此前已导出 {result.skipped} 省")


def _read_password(file: Path) -> str:
    from ipgov.core import private

    try:
        lines = private.read(file).splitlines()
    except OSError as error:
        raise EnvironmentProblemError(f"密码文件 {file} 无法读取：{error.strerror}") from None
    except UnicodeDecodeError:
        raise EnvironmentProblemError(f"密码文件 {file} 不是 UTF-8 文字") from None
    return lines[0] if lines else ""
