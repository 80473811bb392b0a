"""Commands on the record: state, documents, seals, the database itself."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from ipgov.cli.common import Json, group, print_json, report
from ipgov.core.errors import GovernanceError

document_app, audit_app = group(), group()
app = typer.Typer()
app.add_typer(document_app, name="document", help="文书：重建并比对")
app.add_typer(audit_app, name="audit", help="封存：核验")


@app.command()
def status(as_json: Json = False) -> None:
    """列出各业务、各年度办到哪一步。"""
    from ipgov.procedures import overview

    rows = overview.cycles()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print(
            f"{row['programme']} {row['period']}：规则 {row['rules']}，截止 {row['due_on']}，"
            f"合格 {row['accepted']}、退回 {row['returned']}；{row['state']}"
        )
    if not rows:
        print("尚未开启任何年度")


@document_app.command("rebuild")
def document_rebuild(number: str, as_json: Json = False) -> None:
    """按归档数据重新生成文书并逐字节比对。"""
    from ipgov.core.database import reading
    from ipgov.documents import register

    with reading() as connection:
        rebuilt = register.rebuild(connection, number)
    if as_json:
        print_json({"number": number, "identical": dict(rebuilt.formats)})
    else:
        for format_, identical in rebuilt.formats.items():
            print(f"{number} .{format_}：{'逐字节相同' if identical else '不同'}")
    raise typer.Exit(0 if all(rebuilt.formats.values()) else 1)


@audit_app.command("verify")
def audit_verify(as_json: Json = False) -> None:
    """核验封存链：指出封存后被改动、删除、插入的每一行和每个文件。"""
    from ipgov.core import seals
    from ipgov.core.database import reading

    with reading() as connection:
        problems = seals.verify(connection)
    report(problems, as_json, "封存链完好")


@app.command()
def migrate(
    kind: Annotated[str, typer.Option(help="production 或 simulation；建库时定，不可更改")],
    note: Annotated[str, typer.Option(help="说明")] = "",
) -> None:
    """建库或升级数据库（用表所有者的连接）。"""
    from ipgov.core import database
    from ipgov.procedures import policy_changes

    if kind not in ("production", "simulation"):
        raise GovernanceError(f"数据库类别“{kind}”无效，应为 production 或 simulation")
    known: database.Kind = "production" if kind == "production" else "simulation"
    policy_changes.migrate(known, note, dt.datetime.now(dt.UTC), database.account())
    print("数据库已是最新")
