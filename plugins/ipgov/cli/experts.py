"""Commands on expert scoring: who the experts are, panels, their workbooks, and where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json, read, write
from ipgov.cli.person import By, PasswordFile, acting

experts_app, panel_app = group(), group()
app = typer.Typer()
app.add_typer(experts_app, name="experts", help="专家评分：专家、专家组、评分表、进度")
experts_app.add_typer(panel_app, name="panel", help="专家组：组成、再开一轮")


@experts_app.command("add")
def add(
    number: str,
    name: str,
    by: By,
    organisation: Annotated[
        list[str] | None, typer.Option(help="所在单位的统一社会信用代码；有几个写几次")
    ] = None,
    no_organisation: Annotated[bool, typer.Option("--no-organisation", help="没有所在单位")] = False,
    field: Annotated[list[str] | None, typer.Option(help="专业领域；有几个写几次")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="停用")] = False,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """登记专家，或登记其变更（所在单位据以计算回避）。"""
    from ipgov.core.errors import RefusedError
    from ipgov.decisions.experts import Expert
    from ipgov.procedures import expert_scoring

    if bool(organisation) == no_organisation:
        raise RefusedError("须写明 --organisation（所在单位代码），或 --no-organisation（没有所在单位）")
    acting(by, password_file, "experts add")
    expert = Expert(number, name, tuple(organisation or ()), tuple(field or ()), not inactive)
    written = expert_scoring.register(expert, moment(as_of)[1])
    print(f"专家 {number} {name}{'已登记' if written else '没有变化'}")


@experts_app.command("list")
def list_(as_json: Json = False, as_of: AsOf = None) -> None:
    """列出专家。"""
    from ipgov.procedures import expert_scoring

    found = expert_scoring.registered(moment(as_of)[1])
    if as_json:
        print_json([vars(e) for e in found])
        return
    for e in found:
        where = "、".join(e.organisations) or "无所在单位"
        print(f"{e.number} {e.name}：{where}；{'、'.join(e.fields)}" + ("" if e.active else "（停用）"))
    if not found:
        print("尚未登记专家")


@experts_app.command("recuse")
def recuse(
    programme: str,
    expert: str,
    unit: str,
    by: By,
    reason: Annotated[str, typer.Option(help="事由")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="撤销此前登记的回避")] = False,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """登记专家对一个单位的回避（由所在单位算出的回避不必登记）。"""
    from ipgov.procedures import expert_scoring

    actor = acting(by, password_file, "experts recuse")
    at = moment(as_of)
    written = expert_scoring.recuse(programme, expert, unit, reason, actor, *at, stands=not withdraw)
    done = ("已撤销" if withdraw else "已登记") if written else "没有变化"
    print(f"专家 {expert} 对 {unit} 的回避{done}")


@panel_app.command("form")
def panel_form(
    programme: str,
    period: str,
    plan: Annotated[Path, typer.Option(help="专家组方案（YAML）：number、basis、members、scope")],
    by: By,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """按方案组成专家组；尚未收到评分的，可以改组。"""
    from ipgov.procedures import expert_scoring
    from ipgov.procedures.panel_files import read_plan

    actor = acting(by, password_file, "experts panel form")
    proposed = read_plan(read(plan), plan.name)
    _told(expert_scoring.form(_cycle(programme, period, as_of), proposed, actor).as_dict(), as_json)


@panel_app.command("next")
def panel_next(
    programme: str,
    period: str,
    number: Annotated[int, typer.Argument(help="组号")],
    by: By,
    basis: Annotated[str, typer.Option(help="依据")],
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """对评分悬殊或评分不足的单位与指标再开一轮评分。"""
    from ipgov.procedures import expert_scoring

    actor = acting(by, password_file, "experts panel next")
    result = expert_scoring.next_round(_cycle(programme, period, as_of), number, actor, basis)
    _told(result.as_dict(), as_json)


def _told(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    out = result["output"]
    head = f"第 {out['panel']} 专家组第 {out['round']} 轮"
    done = "没有变化" if result["repeated"] else "已组成"
    print(f"{head}{done}：{len(out['members'])} 人，交回期限 {out['due_on']}")
    print(f"  单位：{'、'.join(out['units'])}；指标：{'、'.join(out['indicators'])}")
    for pair, why in out["recused"].items():
        expert, _, unit = pair.partition(":")
        print(f"  回避：{expert} 不评 {unit}（{why}）")


@experts_app.command("sheets")
def sheets(
    programme: str,
    period: str,
    output: Annotated[Path, typer.Option("-o", "--output", help="写入的文件夹")],
    panel: Annotated[int | None, typer.Option(help="组号；默认各组")] = None,
    as_of: AsOf = None,
) -> None:
    """生成每名专家的评分表（最近一轮）。"""
    from ipgov.procedures import expert_scoring

    made = expert_scoring.sheets(_cycle(programme, period, as_of), panel)
    output.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        write(output / name, data)
    print(f"已生成 {len(made)} 份专家评分表：{output}")


@experts_app.command("receive")
def receive(
    files: list[Path], by: By, password_file: PasswordFile = None, as_json: Json = False, as_of: AsOf = None
) -> None:
    """接收交回的评分表；有问题的整份不收，一次列出全部问题。"""
    from ipgov.procedures import expert_scoring

    acting(by, password_file, "experts receive")
    day, known_at = moment(as_of)
    received = expert_scoring.receive([(f.name, read(f)) for f in files], day, known_at, known_at)
    if as_json:
        print_json([r.as_dict() for r in received])
    else:
        for r in received:
            print(_received(r))
            for problem in r.problems:
                print(f"  {problem}")
    raise typer.Exit(1 if any(r.problems for r in received) else 0)


def _received(r: Any) -> str:
    who = f"{r.panel} 专家 {r.expert}" if r.expert else "不能识别"
    if r.outcome == "accepted":
        late = "；逾期收到，存档而不计入" if r.late else ""
        return f"{r.file}（{who}）：已收，{r.scores} 个评分，弃评 {r.abstained} 个{late}"
    if r.outcome == "repeated":
        return f"{r.file}（{who}）：与上次交回的相同"
    return f"{r.file}（{who}）：未收，有 {len(r.problems)} 处问题"


@experts_app.command("status")
def status(programme: str, period: str, as_json: Json = False, as_of: AsOf = None) -> None:
    """列出谁未交回、哪些评分不足、哪些评分悬殊。"""
    from ipgov.procedures import scoring_state

    lines = scoring_state.status(_cycle(programme, period, as_of))
    if as_json:
        print_json(lines.as_dict())
    else:
        print("\n".join(lines.lines()))


def _cycle(programme: str, period: str, as_of: str | None) -> Any:
    from ipgov.core.errors import UnknownError
    from ipgov.core.steps import Cycle

    if not (period.isascii() and period.isdigit() and len(period) == 4):
        raise UnknownError(f"年度“{period}”无效，应为四位年份，如 2025")
    day, known_at = moment(as_of)
    return Cycle(programme, period, day, known_at)
