"""Commands on rectification cases: where they stand, what comes in, what people decide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli import findings
from ipgov.cli.case_parts import Files, Note, Number, Reason, Said, Sender, received, sent, shown
from ipgov.cli.common import AsOf, Json, day, group, moment, print_json, read, round_opened, told
from ipgov.cli.person import By, PasswordFile, acting

case_app = group()
case_app.add_typer(findings.app)
app = typer.Typer()
app.add_typer(
    case_app,
    name="case",
    help="案件：整改（问题、方案、进展、佐证、延期、验收、再评价）与违规情形的核查，拟办送审",
)

Unsolved = Annotated[list[int] | None, typer.Option(help="未解决的问题序号；有几个写几次")]


@case_app.command("list")
def list_(
    programme: Annotated[str | None, typer.Option(help="只列一项业务")] = None,
    unit: Annotated[str | None, typer.Option(help="只列一个单位")] = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """列出案件及其在基准日的状态。"""
    from ipgov.procedures import case_overview

    found = case_overview.listed(*moment(as_of), programme, unit)
    if as_json:
        print_json(found)
        return
    for c in found:
        print(_line(c))
        for late in c["overdue"]:
            print(f"    逾期：{late}")
    if not found:
        print("没有整改案件")


def _line(c: dict[str, Any]) -> str:
    ending = f"（{c['outcome_name']}）" if c["outcome_name"] else ""
    head = f"{c['case']} {c['unit']} {shown(c['name'])} {c['kind']}"
    return f"{head}：{c['state_name']}{ending}，{c['opened_on']} 至 {c['due_on']}"


@case_app.command("show")
def show(case: Number, as_json: Json = False, as_of: AsOf = None) -> None:
    """列出一个案件的全部记录：问题、过程、文件。"""
    from ipgov.procedures import case_overview

    c = case_overview.show(case, *moment(as_of))
    if as_json:
        print_json(c)
        return
    print(_line(c))
    for late in c["overdue"]:
        print(f"  逾期：{late}")
    if c["progress_days"]:
        print(f"  进展报告应报日期：{'、'.join(map(str, c['progress_days']))}")
    print(f"问题 {len(c['problems'])} 项")
    for p in c["problems"]:
        said = f"{p['kind_name']} {shown(p['name'])}：{shown(p['found'])}"
        checked = f"【{p['checked']}】" if p["checked"] else ""
        print(f"  {p['number']}. {said}{checked}")
        if p["place"]:
            print(f"     来源：{shown(p['place'])}")
    print(f"过程 {len(c['events'])} 项")
    for e in c["events"]:
        print(f"  {e['day']} {e['event_name']} {shown(e['actor'])} {shown(e['said'])}".rstrip())
    print(f"文件 {len(c['files'])} 个")
    for f in c["files"]:
        why = f"：{shown(f['reason'])}" if f["reason"] else ""
        kept = "收存" if f["outcome"] == "kept" else "拒收"
        print(f"  {kept} {shown(f['filename'])}（指纹 {f['digest'][:12]}）{why}")
    outcomes = {"accepted": "接收", "returned": "退回更正", "refused": "未予接收"}
    for w in c["workbooks"]:
        why = f"：{shown('；'.join(w['problems']))}" if w["problems"] else ""
        came = f"{shown(w['filename'])}（{w['received_at']:%Y-%m-%d}）"
        print(f"整改台账来件 {came}{outcomes[w['outcome']]}{why}")


@case_app.command("problem")
def problem(
    case: Number,
    name: Annotated[str, typer.Argument(help="项目")],
    found: Annotated[str, typer.Argument(help="情况")],
    by: By,
    basis: Annotated[str, typer.Option(help="依据：条款编号或 operator")] = "operator",
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """登记评价以外认定的问题（整改通知发出以前）。"""
    from ipgov.procedures import case_opening

    actor = acting(by, password_file, "case problem")
    done = case_opening.add_problem(case, name, found, actor, *moment(as_of), basis=basis)
    told(done.as_dict(), as_json, f"问题已登记为第 {done.output['number']} 项")


@case_app.command("notify")
def notify(
    case: Number, by: By, password_file: PasswordFile = None, as_json: Json = False, as_of: AsOf = None
) -> None:
    """发出整改通知或告知书（问题由人登记的案件；其余由每日流程发出）。"""
    from ipgov.procedures import case_opening

    acting(by, password_file, "case notify")
    done = case_opening.notify(case, *moment(as_of))
    told(done.as_dict(), as_json, f"通知 {done.output['document_number']} 已制作，待寄发")


@case_app.command("plan")
def plan(
    case: Number,
    note: Said,
    by: By,
    sender: Sender,
    files: Files = None,
    workbook: Annotated[Path | None, typer.Option(help="随通知下发、填写后交回的整改台账（.xlsx）")] = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """登记收到的整改方案；整改台账改动了锁定单元格或有缺项的，一次列出全部问题，不予登记。"""
    from ipgov.procedures import rectification
    from ipgov.procedures.case_evidence import Sent

    acting(by, password_file, "case plan")
    returned = None if workbook is None else Sent(workbook.name, read(workbook))
    done = rectification.plan(case, sender, note, sent(files), *moment(as_of), workbook=returned)
    received(done.as_dict(), as_json, "整改方案")


@case_app.command("progress")
def progress(
    case: Number,
    note: Said,
    by: By,
    sender: Sender,
    files: Files = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """登记收到的进展报告。"""
    from ipgov.procedures import rectification

    acting(by, password_file, "case progress")
    done = rectification.progress(case, sender, note, sent(files), *moment(as_of))
    received(done.as_dict(), as_json, "进展报告")


@case_app.command("evidence")
def evidence(
    case: Number,
    note: Said,
    files: Annotated[list[Path], typer.Argument(help="文件")],
    by: By,
    sender: Sender,
    problem: Annotated[list[int] | None, typer.Option(help="所证问题序号；默认全部")] = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """登记收到的佐证材料：逐个核对内容并扫描，收存或拒收。"""
    from ipgov.procedures import rectification

    acting(by, password_file, "case evidence")
    done = rectification.evidence(case, sender, note, sent(files), problem or (), *moment(as_of))
    received(done.as_dict(), as_json, "佐证材料")


@case_app.command("extend")
def extend(
    case: Number,
    until: Annotated[str, typer.Argument(help="延至，如 2025-12-31")],
    by: By,
    reason: Reason,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """决定延期（由规则指定的角色，在期限届满以前，不超过规则允许的最晚日期）。"""
    from ipgov.procedures import rectification

    actor = acting(by, password_file, "case extend")
    done = rectification.extend(case, day(until), actor, reason, *moment(as_of))
    told(done.as_dict(), as_json, f"案件 {case} 的整改期限延至 {done.output['until']}")


@case_app.command("accept")
def accept(
    case: Number,
    by: By,
    note: Note,
    unsolved: Unsolved = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """验收合格。"""
    _judge(case, "accept", by, note, unsolved, password_file, as_json, as_of)


@case_app.command("reject")
def reject(
    case: Number,
    by: By,
    note: Note,
    unsolved: Unsolved = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """验收不合格（整改期满以后）。"""
    _judge(case, "reject", by, note, unsolved, password_file, as_json, as_of)


@case_app.command("send-back")
def send_back(
    case: Number,
    by: By,
    note: Note,
    unsolved: Unsolved = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """退回继续整改（整改期内）。"""
    _judge(case, "send_back", by, note, unsolved, password_file, as_json, as_of)


def _judge(
    case: int,
    verdict: str,
    by: str,
    note: str,
    unsolved: list[int] | None,
    password_file: Path | None,
    as_json: bool,
    as_of: str | None,
) -> None:
    from ipgov.followup.case_states import EVENTS, State
    from ipgov.procedures import rectification

    actor = acting(by, password_file, f"case {verdict.replace('_', '-')}")
    done = rectification.judge(case, verdict, actor, unsolved or (), note, *moment(as_of))
    state = State(done.output["state"]).label
    told(done.as_dict(), as_json, f"案件 {case}“{EVENTS[verdict]}”已记录，现为“{state}”")


@case_app.command("reevaluate")
def reevaluate(
    case: Number,
    by: By,
    note: Note,
    unsolved: Unsolved = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """整改后再评价；是否通过由规则算出。"""
    from ipgov.followup.case_states import State
    from ipgov.procedures import rectification

    actor = acting(by, password_file, "case reevaluate")
    done = rectification.reevaluate(case, actor, unsolved or (), note, *moment(as_of))
    state = State(done.output["state"]).label
    told(done.as_dict(), as_json, f"案件 {case}“{state}”：{done.output['reckoned']}")


@case_app.command("propose")
def propose(
    case: Number,
    by: By,
    reason: Reason,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """将结论所对应的处理提请审核、签发。"""
    from ipgov.procedures import rectification

    actor = acting(by, password_file, "case propose")
    done = rectification.propose(case, actor, reason, *moment(as_of))
    opened = round_opened(done.output)
    told(done.as_dict(), as_json, f"案件 {case} 拟“{done.output['name']}”，{opened}")
