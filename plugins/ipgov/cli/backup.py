"""Commands of backups: take, list, check, restore, rehearse."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import Json, group, moment, print_json
from ipgov.cli.health import size

app = typer.Typer()
backup_app = group()
app.add_typer(backup_app, name="backup", help="备份：建立、查看、核对、恢复、演练（见 docs/backup.md）")

Place = Annotated[
    str | None, typer.Argument(help="文件夹或 s3://存储桶[/前缀]；默认 IPGOV_BACKUP_DESTINATION")
]
Name = Annotated[str | None, typer.Option("--backup", help="备份的编号，如 20260722T183000Z；默认最新的一个")]


@backup_app.command("create")
def create(destination: Place = None, as_json: Json = False) -> None:
    """备份数据库与对象库（同一时刻）、Airflow 的数据库；已有的内容不再复制。有缺漏时退出码为 1。"""
    from ipgov.core.database import account
    from ipgov.operations import backups

    made = backups.take(destination, account(), moment(None)[1])
    if as_json:
        print_json(vars(made))
    else:
        print(
            f"已备份 {made.backup}：{made.objects} 个对象（新复制 {made.copied} 个），共 {size(made.size)}，"
            f"链头 {made.head or '（尚无封存）'}"
        )
        if not made.airflow:
            print("说明：不含 Airflow 的数据库（账户、运行记录），因未设置 IPGOV_AIRFLOW_DATABASE_URL")
        for problem in made.problems:
            print(f"缺漏：{problem}")
    raise typer.Exit(1 if made.problems else 0)


@backup_app.command("list")
def list_(source: Place = None, as_json: Json = False) -> None:
    """列出各备份的时刻、大小、链头；未写完的、清单损坏的也列出。"""
    from ipgov.operations import backups

    rows = backups.listing(source)
    if as_json:
        print_json(rows)
        return
    words = {"whole": "完整", "incomplete": "有缺漏", "unfinished": "未写完，不能恢复", "damaged": "清单损坏"}
    for row in rows:
        told = (
            f"，{row['objects']} 个对象，{size(row['size'])}，链头 {row['head'] or '无'}"
            + ("" if row["airflow"] else "，不含 Airflow 的数据库")
            if "objects" in row
            else ""
        )
        print(f"{row['backup']}：{words[row['state']]}{told}")
    if not rows:
        print("没有备份")


@backup_app.command("verify")
def verify(source: Place = None, name: Name = None, as_json: Json = False) -> None:
    """逐字节核对一个备份：清单、数据库转储、每个对象。有问题时退出码为 1。"""
    from ipgov.operations import backups

    manifest, problems = backups.check(source, name)
    if as_json:
        print_json({"backup": manifest.backup, "problems": [p.as_dict() for p in problems]})
    else:
        for problem in problems:
            print(problem)
        good = f"备份 {manifest.backup} 完好：{manifest.objects} 个对象，{size(manifest.size)}"
        print(f"共 {len(problems)} 处问题" if problems else good)
    raise typer.Exit(1 if problems else 0)


@backup_app.command("restore")
def restore(
    source: Place = None,
    name: Name = None,
    state: Annotated[
        Path | None, typer.Option(help="恢复为单机安装：新的状态文件夹；不给则恢复到设置所指的空库与空对象库")
    ] = None,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="目标处已有内容时，将其改名移到一旁（不删除），再恢复")
    ] = False,
    heads: Annotated[
        list[str] | None, typer.Option("--head", help="外存的链头（序号:链值），恢复后核对")
    ] = None,
    as_json: Json = False,
) -> None:
    """恢复一个备份，并以封存链和重建一件文书核验；目标处须是空的。核验有问题时退出码为 1。"""
    import datetime as dt

    from ipgov.core.database import account
    from ipgov.operations import backups

    now = dt.datetime.now(dt.UTC)  # there may be no database yet to hold it against
    told = backups.bring_back(
        source,
        name,
        state,
        set_aside=set_aside,
        heads=heads or [],
        performed_by=account(),
        moment=now,
        say=lambda text: print(text, file=sys.stderr),
    )
    _show(told, as_json, "已恢复")


@backup_app.command("rehearse")
def rehearse(source: Place = None, name: Name = None, as_json: Json = False) -> None:
    """演练恢复：恢复到临时的数据库与文件夹，核验后删除，登记所用时间。"""
    from ipgov.core.database import account
    from ipgov.operations import backups

    told = backups.rehearse(
        source, name, account(), moment(None)[1], lambda text: print(text, file=sys.stderr)
    )
    _show(told, as_json, "演练成功")


def _show(told: Any, as_json: bool, good: str) -> None:
    m = told.manifest
    if as_json:
        told_of = {k: v for k, v in vars(told).items() if k != "manifest"}
        print_json({"backup": m.backup, "snapshot_at": m.snapshot_at, **told_of})
    else:
        for each in told.received_anew:
            print(f"说明：存储桶不能保留收件时刻，收件时刻变为现在：{each}")
        if told.held:
            print(
                f"说明：备份时尚未寄出的 {told.held} 封邮件可能已在其后寄出，不会自动寄发；"
                "逐件核实后登记：ipgov dispatch settle"
            )
        for problem in told.problems:
            print(f"问题：{problem}")
        verified = told.verified
        print(
            f"{'核验发现问题' if told.problems else good}：备份 {m.backup}（{m.snapshot_at} 的状态），"
            f"用时 {told.seconds:.0f} 秒"
            + (f"；核验 {verified['seals']} 次封存、{verified['rows']} 行" if verified else "")
            + (f"，重建文书 {told.document}" if told.document else "")
        )
    raise typer.Exit(1 if told.problems else 0)
