"""Commands of dispatch: what was sent and what was not, a person's decisions, contacts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json, read
from ipgov.cli.person import By, PasswordFile, acting

app = typer.Typer()
dispatch_app, contact_app = group(), group()
app.add_typer(dispatch_app, name="dispatch", help="寄发：状态、立即寄发、登记处理结果")
app.add_typer(contact_app, name="contact", help="联系方式：登记、查看")


def show_dispatch(found: dict[str, Any]) -> None:
    """Print what was sent on each channel, and what was not and why."""
    from ipgov.documents.dispatch import STATES

    if found["sent"]:
        print("寄发：" + "，".join(f"{r['channel']} {r['sent']} 件" for r in found["sent"]))
    for row in found["unsent"]:
        print(
            f"  第 {row['id']} 件 {row['recipient']}《{row['title']}》（{row['channel']}）："
            + STATES[row["state"]]
            + (f"，已试 {row['attempts']} 次" if row["attempts"] else "")
            + (f"，{row['due_at']:%Y-%m-%d %H:%M %Z} 再试" if row["state"] == "retry" else "")
            + (f"；{row['detail']}" if row["detail"] else "")
        )


@dispatch_app.command("list")
def dispatch_list(as_json: Json = False) -> None:
    """列出各渠道已寄发的件数，以及尚未寄发的每一件、原因和下次重试的时刻。"""
    from ipgov.procedures import dispatching

    found = dispatching.outlook()
    if as_json:
        print_json(found)
    else:
        show_dispatch(found)


@dispatch_app.command("send")
def dispatch_send(as_of: AsOf = None, as_json: Json = False) -> None:
    """寄发到期的文书（与定时任务同一步骤）。"""
    from ipgov.procedures import dispatching

    result = dispatching.send(moment(as_of)[1])
    if as_json:
        print_json(result.as_dict())
    else:
        print(f"已寄发 {result.written} 件" + (f"；{result.found} 件待处理" if result.found else ""))


@dispatch_app.command("settle")
def dispatch_settle(
    ids: Annotated[list[int], typer.Argument(help="寄发序号，见 ipgov dispatch list")],
    answer: Annotated[str, typer.Option(help="again 重新寄发；arrived 已送达；given_up 不再寄发")],
    reason: Annotated[str, typer.Option(help="依据：向谁核实、结果如何")],
    by: By,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """登记对无法送达、是否送达不明的文书的处理结果。"""
    from ipgov.procedures import dispatching

    actor = acting(by, password_file, "dispatch settle")
    dispatching.settle(ids, answer, actor, reason, moment(as_of)[1])
    if as_json:
        print_json({"settled": ids, "answer": answer})
    else:
        print(f"已登记 {len(ids)} 件")


@contact_app.command("import")
def contact_import(
    file: Path, by: By, password_file: PasswordFile = None, as_of: AsOf = None, as_json: Json = False
) -> None:
    """登记 CSV 文件中的联系方式（recipient,name,address,valid_from）；有一处错误则一条也不登记。"""
    from ipgov.procedures import dispatching

    actor = acting(by, password_file, "contact import")
    written = dispatching.import_contacts(read(file), file.name, actor, *moment(as_of))
    if as_json:
        print_json({"written": written})
    else:
        print(f"已登记 {written} 条")


@contact_app.command("list")
def contact_list(as_of: AsOf = None, as_json: Json = False) -> None:
    """列出各收件单位当前的联系方式。"""
    from ipgov.procedures import dispatching

    rows = dispatching.list_contacts(*moment(as_of))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['recipient']} {row['name']} {row['address'] or '（无）'}，自 {row['valid_from']} 起")
    if not rows:
        print("尚未登记联系方式")
