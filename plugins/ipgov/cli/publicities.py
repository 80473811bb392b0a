"""Commands on public notices and the objections to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import AsOf, Json, day, group, moment, print_json, read, told
from ipgov.cli.person import By, PasswordFile, acting
from ipgov.core.errors import RefusedError

publicity_app, objection_app = group(), group()
app = typer.Typer()
app.add_typer(publicity_app, name="publicity", help="公示：进展、提请公示、期满后提请认定")
app.add_typer(objection_app, name="objection", help="对公示的异议：登记、列出、答复")

Publicity = Annotated[int, typer.Argument(metavar="PUBLICITY", help="公示编号")]


@publicity_app.command("list")
def list_(as_json: Json = False, as_of: AsOf = None) -> None:
    """列出各次公示：起止、还有几个工作日、名单、异议。"""
    from ipgov.procedures import publicity_overview

    found = publicity_overview.listed(*moment(as_of))
    if as_json:
        print_json(found)
        return
    for notice in found:
        print(publicity_overview.line(notice))
        for moved in notice["moved"]:
            print(f"    {moved}")
        for body in notice["bodies"]:
            print(f"    {body['unit']} {_shown(body['name'])}：{body['state']}")
    if not found:
        print("没有公示")


@publicity_app.command("propose")
def propose(by: By, password_file: PasswordFile = None, as_json: Json = False, as_of: AsOf = None) -> None:
    """将已审批而未公示的名单提请公示；退回过的也重新提请。"""
    from ipgov.procedures import publicity

    actor = acting(by, password_file, "publicity propose")
    _proposed(publicity.propose_notices(*moment(as_of), by=actor).as_dict(), as_json, "公示")


@publicity_app.command("recognise")
def recognise(by: By, password_file: PasswordFile = None, as_json: Json = False, as_of: AsOf = None) -> None:
    """将公示期满且无异议的提请认定；退回过的也重新提请。"""
    from ipgov.procedures import publicity

    actor = acting(by, password_file, "publicity recognise")
    _proposed(publicity.propose_recognitions(*moment(as_of), by=actor).as_dict(), as_json, "认定")


def _proposed(done: dict[str, Any], as_json: bool, what: str) -> None:
    made = done["output"]["proposed"]
    if not made:
        raise RefusedError(f"没有可以提请{what}的单位：没有，或已在审批中")
    if as_json:
        print_json(done)
        return
    for one in made:
        print(f"已提请{what}：{'、'.join(one['units'])}（轮次编号 {one['round_id']}），转“审核与签发”办理")


@objection_app.command("record")
def record(
    publicity: Publicity,
    unit: Annotated[str, typer.Argument(help="所异议的单位代码")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="异议的内容")],
    objector: Annotated[str, typer.Option(help="提出异议者的姓名或单位名称（只用于答复）")],
    contact: Annotated[str, typer.Option(help="提出异议者的联系方式（只用于答复）")],
    received_on: Annotated[str, typer.Option(help="收到之日，如 2026-05-12")],
    by: By,
    files: Annotated[list[Path] | None, typer.Argument(help="证明材料")] = None,
    basis: Annotated[list[str] | None, typer.Option(help="所依条款；有几条写几次")] = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """登记一件异议；不在公示期内、不在名单上、没有内容或署名、由公示单位自己提出的，未予受理并写明原因。"""
    from ipgov.procedures import objections
    from ipgov.procedures.case_evidence import Sent

    actor = acting(by, password_file, "objection record")
    sent = [Sent(f.name, read(f)) for f in files or ()]
    done = objections.record(
        publicity,
        unit,
        text,
        objector,
        contact,
        day(received_on),
        actor,
        sent,
        *moment(as_of),
        basis=basis or (),
    ).as_dict()
    output = done["output"]
    if as_json:
        print_json(done)
    elif output["refused"]:
        print(f"异议未予受理：{_shown(output['refused'])}")
    else:
        again = "此前已登记，没有变化：" if done["repeated"] else ""
        print(f"{again}异议已登记为第 {output['objection']} 号，收存文件 {len(output['kept'])} 个")
        for name, why in output["refused_files"].items():
            print(f"  拒收 {_shown(name)}：{_shown(why)}")
    raise typer.Exit(1 if output["refused"] or output["refused_files"] else 0)


@objection_app.command("list")
def list_objections(as_json: Json = False, as_of: AsOf = None) -> None:
    """列出受理的异议及其结论；不列提出异议者。"""
    from ipgov.procedures import publicity_overview

    found = [
        o | {"publicity": n["id"]} for n in publicity_overview.listed(*moment(as_of)) for o in n["objections"]
    ]
    if as_json:
        print_json(found)
        return
    for o in found:
        head = f"{o['objection']} 公示 {o['publicity']} {o['unit']} {o['received_on']} 收到"
        print(f"{head}：{_shown(o['text'])}；{o['outcome_name']}")
    if not found:
        print("没有异议")


@objection_app.command("answer")
def answer(
    objection: Annotated[int, typer.Argument(metavar="OBJECTION", help="异议编号")],
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="核查情况")],
    by: By,
    reason: Annotated[str, typer.Option(help="提请的事由：供审核、签发参考，不印在答复上")],
    upheld: Annotated[bool, typer.Option("--upheld/--rejected", help="异议成立或不成立")],
    remedy: Annotated[str, typer.Option(help="成立的处理意见；默认“不予认定”")] = "",
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """将异议的答复提请审核、签发；签发后异议办结，成立的不予认定。"""
    from ipgov.cli.common import round_opened
    from ipgov.procedures import objections

    actor = acting(by, password_file, "objection answer")
    as_of_day, known_at = moment(as_of)
    done = objections.answer(
        objection,
        upheld=upheld,
        finding=finding,
        by=actor,
        reason=reason,
        as_of=as_of_day,
        known_at=known_at,
        remedy=remedy,
    )
    verdict = "成立" if upheld else "不成立"
    told(done.as_dict(), as_json, f"异议 {objection} 拟“{verdict}”，{round_opened(done.output)}")


def _shown(text: str) -> str:
    """Return another's text so that a terminal shows it as text."""
    return "".join(c if c.isprintable() else "·" for c in text)
