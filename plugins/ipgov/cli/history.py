"""Commands on results that were published before this system."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json, read, write
from ipgov.cli.person import By, PasswordFile, acting

history_app = group()
app = typer.Typer()
app.add_typer(history_app, name="history", help="已公布的往年结果：补录表、导入、列出")


@history_app.command("blank")
def blank(
    programme: str,
    period: str,
    output: Annotated[Path, typer.Option("-o", "--output", help="写入的文件（.xlsx）")],
    as_of: AsOf = None,
) -> None:
    """生成补录表：当年的名单与指标，照公布的原件填写。"""
    from ipgov.procedures import published_history

    write(output, published_history.blank(programme, period, moment(as_of)[1]))
    print(f"已写入 {output}")


@history_app.command("import")
def import_(
    file: Path,
    by: By,
    reason: Annotated[str | None, typer.Option(help="更正此前导入的内容时，写明事由")] = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """导入填好的补录表；有问题一次列出，不导入任何内容。"""
    from ipgov.procedures import published_history

    actor = acting(by, password_file, "history import")
    done = published_history.import_file(file.name, read(file), actor, moment(as_of)[1], reason)
    if as_json:
        print_json(done.as_dict())
    elif done.repeated:
        print(f"{done.period} 年度：内容与已导入的相同，没有变化")
    else:
        print(
            f"{done.period} 年度已导入 {done.units} 家的结果：新增 {done.imported}、改动 {done.changed}、"
            f"删去 {done.removed} 个值，逐值记录"
        )


@history_app.command("list")
def list_(
    programme: Annotated[str | None, typer.Option(help="业务；默认全部")] = None,
    period: Annotated[str | None, typer.Option(help="年度；默认全部")] = None,
    as_json: Json = False,
) -> None:
    """列出导入过的往年结果及其来源。"""
    from ipgov.procedures import published_history

    rows = published_history.imports(programme, period)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        before = f"，取代第 {row['supersedes']} 号（{row['reason']}）" if row["supersedes"] else ""
        print(
            f"第 {row['id']} 号 {row['programme']} {row['period']}：{row['document_number']}，"
            f"{row['publisher']}，{row['published_on']}，查得于 {row['found_at']}；"
            f"{row['units']} 家，通过 {row['passed']}、未通过 {row['failed']}；"
            f"值：新增 {row['imported']}、改动 {row['changed']}、删去 {row['removed']}；"
            f"{row['imported_by']} 导入{before}"
        )
    if not rows:
        print("没有导入过往年结果")
