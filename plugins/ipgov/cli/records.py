"""Commands on the record: state, documents, seals, the database itself."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated

import typer

from ipgov.cli import health
from ipgov.cli.common import AsOf, Json, group, moment, print_json, report
from ipgov.cli.dispatching import show_dispatch
from ipgov.cli.person import By, PasswordFile, acting
from ipgov.core.errors import GovernanceError

document_app, audit_app = group(), group()
app = typer.Typer()
app.add_typer(document_app, name="document", help="文书：重建并比对、录入字号")
app.add_typer(audit_app, name="audit", help="封存：核验、链头、封存")


@app.command()
def status(
    within: Annotated[int | None, typer.Option(help="列出今后几个工作日内到期的事项")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """列出各业务、各年度办到哪一步，待办、逾期、暂定、失败的事项，寄发，组件、容量、封存与备份。

    退出码：0 没有需要人处理的事项；1 有（逐项列在最后）；2 用法或环境有误。
    """
    from ipgov.operations import health as installation
    from ipgov.procedures import dispatching, document_numbers, overview, publicity_overview, work_plan

    rows = overview.cycles()
    at = moment(as_of)
    owed, announced = work_plan.outlook(*at, within), publicity_overview.current(*at)
    numbers, sent = document_numbers.awaited(), dispatching.outlook()
    state = installation.state(*at)
    exit_code = 1 if state["needs_person"] else 0
    if as_json:
        awaited = [vars(a) for a in numbers]
        found = {"cycles": rows, "obligations": owed, "publicities": announced}
        print_json({**found, "numbers": awaited, "dispatch": sent, **state})
        raise typer.Exit(exit_code)
    for row in rows:
        print(
            f"{row['programme']} {row['period']}：规则 {row['rules']}，截止 {row['due_on']}，"
            f"合格 {row['accepted']}、退回 {row['returned']}；{row['state']}"
            + (f"；发布后另有 {row['after_issue']} 份" if row["after_issue"] else "")
        )
    if not rows:
        print("尚未开启任何年度")
    for item in owed:
        print(work_plan.line(item))
    for notice in announced:
        print(publicity_overview.line(notice))
    for a in numbers:
        print(f"待录入字号：{a.subject}（{a.series}，自 {a.asked_on} 起等待，{a.key}）")
    show_dispatch(sent)
    health.show(state)
    raise typer.Exit(exit_code)


@document_app.command("rebuild")
def document_rebuild(number: str, as_json: Json = False) -> None:
    """按归档数据重新生成文书并逐字节比对。"""
    from ipgov.procedures import document_rebuild

    rebuilt = document_rebuild.rebuild(number)
    if as_json:
        print_json({"number": number, "identical": dict(rebuilt.formats), "changed": list(rebuilt.changed)})
    else:
        for format_, identical in rebuilt.formats.items():
            print(f"{number} .{format_}：{'逐字节相同' if identical else '不同'}")
        for change in rebuilt.changed:
            print(f"说明：{change}", file=sys.stderr)
    raise typer.Exit(0 if all(rebuilt.formats.values()) else 1)


@document_app.command("awaited")
def document_awaited(as_json: Json = False) -> None:
    """列出等待录入字号的文书：文号由办公室登记簿编列，逐件录入后才制发。"""
    from ipgov.procedures import document_numbers

    found = document_numbers.awaited()
    if as_json:
        print_json([vars(a) for a in found])
        return
    for a in found:
        print(f"{a.key}  {a.series}  {a.asked_on}  {a.subject}")
    print(f"共 {len(found)} 件")


@document_app.command("number")
def document_number(
    key: Annotated[str, typer.Argument(help="文书的编号，见 ipgov document awaited")],
    number: Annotated[str, typer.Argument(help="登记簿所编的字号，如“国知平评函〔2026〕7号”")],
    by: By,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """录入办公室登记簿为一件文书所编的字号；录入后不得更改，一号只用于一件。"""
    from ipgov.procedures import document_numbers

    actor = acting(by, password_file, "document number")
    written = document_numbers.enter(key, number, actor, *moment(as_of))
    if as_json:
        print_json({"document": key, "number": number, "written": written})
    else:
        print(f"{key} 的字号 {number} {'已录入' if written else '此前已录入，没有变化'}")


@audit_app.command("verify")
def audit_verify(
    heads: Annotated[
        list[str] | None, typer.Option("--head", help="外存的链头（序号:链值），可多次给出")
    ] = None,
    as_json: Json = False,
) -> None:
    """核验封存链：指出封存后被改动、删除、插入、调换的每一行和每个文件。

    只能由外存的链头发现：最新的若干次封存连同其行、清单、标记一并被删除。尚未封存的行不在核验之列。
    """
    from ipgov.core import audit
    from ipgov.core.database import reading

    with reading() as connection:
        told = audit.verify(connection, heads or ())
    if as_json:
        print_json(vars(told) | {"problems": [p.as_dict() for p in told.problems]})
        raise typer.Exit(1 if told.problems else 0)
    for line in told.information:
        print(f"说明：{line}", file=sys.stderr)
    report(told.problems, False, f"封存链完好：{told.seals} 次封存、{told.rows} 行、{told.files} 个文件")


@audit_app.command("head")
def audit_head(as_json: Json = False) -> None:
    """给出链头（序号:链值），供打印或另处保存；以后可由 audit verify --head 核对。"""
    from ipgov.core import audit, seals
    from ipgov.core.database import reading

    with reading() as connection:
        row = seals.newest(connection)
    if row is None:
        raise GovernanceError("尚无封存，没有链头")
    if as_json:
        print_json(dict(row) | {"head": audit.head(row)})
    else:
        print(audit.head(row))


@audit_app.command("seal")
def audit_seal(as_json: Json = False, as_of: AsOf = None) -> None:
    """封存上次封存以来新增的一切（夜间封存的同一步骤）；没有新增则不封存。"""
    from ipgov.procedures import nightly_seal

    result = nightly_seal.seal(*moment(as_of))
    if as_json:
        print_json(result.as_dict())
    else:
        print(
            f"已封存 {result.written} 行：{result.output['head']}" if result.written else "没有新增，未封存"
        )


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
    for name in policy_changes.not_in_force(dt.datetime.now(dt.UTC)):
        print(f"  待提出并批准：{name}（ipgov policy propose，再由另一人 ipgov policy approve）")
