"""Commands on recognition: who may apply, the conditions that reviewers judge, the list that was issued."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json, read, write
from ipgov.cli.person import By, PasswordFile, acting

candidate_app, gates_app = group(), group()
app = typer.Typer()
app.add_typer(candidate_app, name="candidate", help="申报认定：申报单位的登记、名单")
app.add_typer(gates_app, name="gates", help="申报认定：申报条件的复核")


@candidate_app.command("add")
def candidate_add(
    programme: str,
    unit: str,
    by: By,
    name: Annotated[str, typer.Option(help="拟用名称：层级 + 所属产业 + 知识产权运营中心")],
    kind: Annotated[str, typer.Option(help="产业类别的代码")],
    province: Annotated[str, typer.Option(help="两位省份代码")],
    host: Annotated[str, typer.Option(help="建设主体的统一社会信用代码")],
    host_name: Annotated[str, typer.Option(help="建设主体的名称")],
    operator: Annotated[str, typer.Option(help="运营单位的统一社会信用代码；不写即建设主体自己")] = "",
    operator_name: Annotated[str, typer.Option(help="运营单位的名称")] = "",
    direct: Annotated[bool, typer.Option("--direct", help="中央企业直接申报；不写即经省级申报")] = False,
    central_enterprise: Annotated[
        bool, typer.Option("--central-enterprise", help="建设主体是中央企业")
    ] = False,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """登记一家申报单位（不授予资格）；已登记的可以登记其变更。"""
    from ipgov.core.errors import RefusedError
    from ipgov.procedures import applications
    from ipgov.registry.organisations import Organisation

    if bool(operator) != bool(operator_name):
        raise RefusedError("--operator 与 --operator-name 须一并写明，或都不写")
    actor = acting(by, password_file, "candidate add")
    own = Organisation(host, host_name, province, central_enterprise)
    carries_out = Organisation(operator, operator_name, province, False) if operator else own
    route = "direct" if direct else "province"
    candidate = applications.Candidate(unit, name, kind, province, route, own, carries_out)
    written = applications.register(programme, candidate, actor, *moment(as_of))
    print(f"{unit} {name}{'已登记' if written else '没有变化'}")


@candidate_app.command("list")
def candidate_list(programme: str, as_json: Json = False, as_of: AsOf = None) -> None:
    """列出可以申报的单位及其所处阶段。"""
    from ipgov.procedures import applications

    found = applications.standing_of(programme, *moment(as_of))
    if as_json:
        print_json(found)
        return
    for row in found:
        print(f"{row['unit']} {row['name']}（{row['host']}，{row['route']}）：{row['state']}")
    if not found:
        print("尚无申报单位")


@candidate_app.command("approved")
def candidate_approved(programme: str, period: str, as_json: Json = False, as_of: AsOf = None) -> None:
    """列出已签发的名单（公示、认定以此为准）。"""
    from ipgov.core.database import reading
    from ipgov.procedures import recognition_list

    with reading() as connection:
        found = recognition_list.approved(connection, programme, period, moment(as_of)[1])
    if as_json:
        print_json([vars(row) for row in found])
        return
    for row in found:
        print(f"{row.place} {row.unit} {row.name}（{row.industry}，{row.host}，{row.province_name}）")
    if not found:
        print(f"{period} 年度尚无已签发的名单")


@gates_app.command("sheets")
def gates_sheets(
    programme: str,
    period: str,
    output: Annotated[Path, typer.Option("-o", "--output", help="写入的文件夹")],
    reviewer: Annotated[list[str], typer.Option(help="复核人的账号；有几个写几次")],
    as_of: AsOf = None,
) -> None:
    """生成每名复核人的申报条件复核表。"""
    from ipgov.procedures import gate_review

    made = gate_review.sheets(_cycle(programme, period, as_of), reviewer)
    output.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        write(output / name, data)
    print(f"已生成 {len(made)} 份申报条件复核表：{output}")


@gates_app.command("receive")
def gates_receive(
    files: list[Path], by: By, password_file: PasswordFile = None, as_json: Json = False, as_of: AsOf = None
) -> None:
    """接收交回的复核表；有问题的整份不收，一次列出全部问题。"""
    from ipgov.procedures import gate_review

    acting(by, password_file, "gates receive")
    day, known_at = moment(as_of)
    received = gate_review.receive([(f.name, read(f)) for f in files], day, known_at, known_at)
    if as_json:
        print_json([r.as_dict() for r in received])
    else:
        for r in received:
            print(_received(r))
            for problem in r.problems:
                print(f"  {problem}")
    raise typer.Exit(1 if any(r.problems for r in received) else 0)


def _received(r: Any) -> str:
    who = f"复核人 {r.reviewer}" if r.reviewer else "不能识别"
    if r.outcome == "accepted":
        return f"{r.file}（{who}）：已收，{r.answers} 项判断"
    if r.outcome == "repeated":
        return f"{r.file}（{who}）：与上次交回的相同"
    return f"{r.file}（{who}）：未收，有 {len(r.problems)} 处问题"


@gates_app.command("status")
def gates_status(programme: str, period: str, as_json: Json = False, as_of: AsOf = None) -> None:
    """列出尚未判断的申报条件。"""
    from ipgov.procedures import gate_review

    found = gate_review.open_points(_cycle(programme, period, as_of))
    if as_json:
        print_json(found)
    else:
        print("\n".join(found) or "申报条件均已判断")


def _cycle(programme: str, period: str, as_of: str | None) -> Any:
    from ipgov.core.errors import UnknownError
    from ipgov.core.steps import Cycle

    if not (period.isascii() and period.isdigit() and len(period) == 4):
        raise UnknownError(f"年度“{period}”无效，应为四位年份，如 2025")
    day, known_at = moment(as_of)
    return Cycle(programme, period, day, known_at)
