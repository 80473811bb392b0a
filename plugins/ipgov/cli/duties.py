"""Commands on duties: what is owed, what happened, what came in, more time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ipgov.cli.common import AsOf, Json, day, group, moment, print_json, read
from ipgov.cli.person import By, PasswordFile, acting

if TYPE_CHECKING:
    from ipgov.followup.obligations import Owed, State

duty_app = group()
app = typer.Typer()
app.add_typer(duty_app, name="duty", help="职责事项：谁在何时之前须办何事；登记事项、报告、延期")

Key = Annotated[str, typer.Argument(help="事项的编号，见 duty list 首列、页面与往来文书，如 17C5-2F0A-9B3E")]
Evidence = Annotated[Path | None, typer.Option(help="佐证文件，存档")]
_EVENTS = {
    "opened": "开启",
    "due_set": "定期限",
    "reminded": "提醒",
    "overdue": "逾期",
    "escalated": "升级提醒",
    "met": "办结",
    "lapsed": "终结",
    "withdrawn": "撤销",
    "resumed": "恢复办理",
}
_STATES: dict[str, State] = {
    "待办": "open",
    "逾期": "overdue",
    "已办结": "met",
    "已期满": "lapsed",
    "未通过": "lapsed",
    "已撤销": "withdrawn",
}


@duty_app.command("list")
def list_(
    programme: Annotated[str | None, typer.Option(help="业务")] = None,
    unit: Annotated[str | None, typer.Option(help="单位代码，如 FP01、IC01")] = None,
    party: Annotated[str | None, typer.Option(help="责任单位的代码")] = None,
    duty: Annotated[str | None, typer.Option(help="职责代码")] = None,
    state: Annotated[str | None, typer.Option(help="、".join(_STATES))] = None,
    every: Annotated[bool, typer.Option("--all", help="含已办结、已期满、未通过、已撤销的")] = False,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """列出待办与逾期的事项，按期限排列。"""
    from ipgov.core.errors import UnknownError
    from ipgov.procedures import follow_up

    if state is not None and state not in _STATES:
        raise UnknownError(f"没有名为“{state}”的状态；可用：{'、'.join(_STATES)}")
    asked: list[State] = [_STATES[state]] if state else ["open", "overdue"]
    states = None if every and not state else asked
    on, known_at = moment(as_of)
    found = follow_up.listed(
        on, known_at, states=states, programme=programme, unit=unit, owed_by=party, duty=duty
    )
    if state in ("已期满", "未通过"):
        found = [o for o in found if o.state_name == state]
    found.sort(key=lambda o: (o.due_on, o.id))
    if as_json:
        print_json([_as_dict(o) for o in found])
        return
    for o in found:
        about = f"（{o.unit_name or o.unit}）" if o.unit and o.unit != o.owed_by else ""
        waits = "，放假通知未录入，不判逾期" if o.waits_for_calendar(on) else ""
        provisional = "（暂定）" if o.provisional else ""
        state = f"{o.due_on}{provisional}{waits}  {o.state_name}"
        print(f"{o.reference}  {state}  {o.owed_by_name}{about}：{o.duty_name}  [{o.clause}]")
    print(f"共 {len(found)} 项")


@duty_app.command("show")
def show(key: Key, as_json: Json = False, as_of: AsOf = None) -> None:
    """说明一个事项：由何事产生、依据哪一条、期限如何得出、办过哪些事。"""
    from ipgov.procedures import follow_up

    on, known_at = moment(as_of)
    o = follow_up.one(key, on, known_at)
    if as_json:
        print_json(_as_dict(o) | {"events": [vars(e) for e in o.events]})
        return
    print(f"{o.duty_name}（编号 {o.reference}，{o.key}）：{o.state_name}")
    print(f"  依据：{o.clause}；规则文件指纹 {o.rule_sha256[:12]}")
    print(f"  由 {o.owed_by_name} 向 {o.owed_to_name}；自 {o.opened_on} 起，因 {o.cause}")
    for earlier in o.earlier_dues:
        print(
            f"  曾定期限：{earlier.due_on}{'（暂定）' if earlier.provisional else ''}（{earlier.set_on} 定）"
        )
    print(f"  期限：{o.due_on}{'（暂定）' if o.provisional else ''}（日历 {o.calendar_version}）")
    if o.met_on is not None:
        lifted = "；此前的逾期予以解除" if o.lifted else ""
        print(f"  办结：{o.met_on}{'，逾期' if o.late else ''}{lifted}")
    for e in o.events:
        to = "、".join(t["name"] for t in e.detail.get("to", ()))
        print(f"  {e.day}  {_EVENTS[e.event]}{f'（{e.step}）' if e.step else ''}{f' → {to}' if to else ''}")


def _as_dict(o: Owed) -> dict[str, Any]:
    names = (
        "reference", "id", "key", "duty", "duty_name", "programme", "period", "unit", "unit_name", "owed_by",
        "owed_by_name", "owed_to", "owed_to_name", "opened_on", "due_on", "provisional", "calendar_version",
        "clause", "rule_sha256", "state", "state_name", "met_on", "late", "lifted", "cause", "part_of_id",
    )  # fmt: skip
    return {n: getattr(o, n) for n in names} | {"earlier_dues": [vars(d) for d in o.earlier_dues]}


@duty_app.command("occur")
def occur(
    programme: str,
    party: Annotated[str, typer.Argument(help="单位代码、省份代码或 office")],
    kind: Annotated[str, typer.Argument(help="事项类别，如 litigation")],
    subject: Annotated[str, typer.Argument(help="事项名称，用以区别同类事项")],
    on: Annotated[str, typer.Option("--on", help="发生日期")],
    by: By,
    reported: Annotated[str | None, typer.Option(help="责任单位报送的日期；由其报送得知的才填")] = None,
    note: Annotated[str, typer.Option(help="情况")] = "",
    evidence: Evidence = None,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """登记已发生的事项（重大事项、违规情形、开始公示等），由此产生的职责次日起办理。"""
    from ipgov.procedures import follow_up

    actor = acting(by, password_file, "duty occur")
    written = follow_up.record_occurrence(
        programme,
        party,
        kind,
        subject,
        day(on),
        actor,
        note,
        moment(as_of)[1],
        reported_on=day(reported) if reported else None,
        evidence=read(evidence) if evidence else None,
    )
    print(f"{party} 的“{subject}”{'已登记' if written else '此前已登记，没有变化'}")


@duty_app.command("retract")
def retract(
    programme: str,
    party: Annotated[str, typer.Argument(help="单位代码、省份代码或 office")],
    kind: Annotated[str, typer.Argument(help="事项类别，如 litigation")],
    subject: Annotated[str, typer.Argument(help="登记时的事项名称")],
    reason: Annotated[str, typer.Option(help="为何撤回")],
    by: By,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """撤回误登的事项：由此产生而未办结的职责次日起撤销，收到过文书的单位另行告知。"""
    from ipgov.procedures import occurrences

    actor = acting(by, password_file, "duty retract")
    written = occurrences.retract(programme, party, kind, subject, actor, reason, moment(as_of)[1])
    print(f"{party} 的“{subject}”{'已撤回' if written else '此前已撤回，没有变化'}")


@duty_app.command("report")
def report(
    key: Key,
    received: Annotated[str, typer.Option("--on", help="收到日期")],
    by: By,
    note: Annotated[str, typer.Option(help="情况")] = "",
    evidence: Evidence = None,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """登记收到的报告；以收到日期为准判定是否逾期。"""
    from ipgov.procedures import follow_up

    actor = acting(by, password_file, "duty report")
    data = read(evidence) if evidence else None
    written = follow_up.record_report(key, day(received), actor, note, moment(as_of)[1], data)
    print(f"{key} 的报告{'已登记' if written else '此前已登记，没有变化'}")


@duty_app.command("extend")
def extend(
    key: Key,
    until: Annotated[str, typer.Option(help="延至哪一天（工作日）")],
    reason: Annotated[str, typer.Option(help="理由")],
    by: By,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """延期：登记批准延期的决定；已办结、已逾期的不能延期。"""
    from ipgov.procedures import follow_up

    actor = acting(by, password_file, "duty extend")
    written = follow_up.extend(key, day(until), actor, reason, moment(as_of)[1])
    print(f"{key} {f'延至 {until}' if written else '此前已如此延期，没有变化'}")
