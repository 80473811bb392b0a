"""Commands on changes of the rules, in the group ``policy``: propose, approve, list, compare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import AsOf, Json, moment, print_json, write
from ipgov.cli.person import By, PasswordFile, acting
from ipgov.cli.policy import app, policy_app

__all__ = ["app"]  # that of cli/policy.py with these commands in it

_STATES = {
    "initial": "建库时已有",
    "approved": "已批准",
    "rejected": "已否决",
    "open": "待批准",
    "overtaken": "已由新的提出取代",
}
_ACTS = {"propose": "提出", "approve": "批准", "reject": "否决"}


@policy_app.command("propose")
def policy_propose(
    file: Annotated[Path, typer.Argument(help="规则文件（.yaml）")],
    by: By,
    note: Annotated[str, typer.Option("--note", help="为何变更")],
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """提出规则变更：新的或改动过的规则文件（含职责、案件、往来文书），经另一人批准后方可用于正式办理。"""
    from ipgov.procedures import policy_changes

    actor = acting(by, password_file, "policy propose", judged=True)
    _, known_at = moment(as_of)
    _tell(policy_changes.propose(file, actor, note, known_at), "propose", as_json)


@policy_app.command("approve")
def policy_approve(
    programme: str,
    version: str,
    by: By,
    comment: Annotated[str, typer.Option("--comment", help="意见")] = "",
    code: Annotated[str | None, typer.Option(help="所审内容的校验码（policy changes 所列）")] = None,
    reject: Annotated[bool, typer.Option("--reject", help="不同意")] = False,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """批准（或以 --reject 否决）一个版本最近提出的变更；提出人与批准人须为不同的两人。

    职责、案件、往来文书的文件写作 duties 2023-156、cases functional_platform、correspondence correspondence。
    """
    from ipgov.procedures import policy_changes

    actor = acting(by, password_file, "policy approve", judged=True)
    _, known_at = moment(as_of)
    given: policy_changes.Answer = "reject" if reject else "approve"
    _tell(policy_changes.answer(programme, version, given, actor, comment, known_at, code), given, as_json)


def _tell(acted: Any, act: str, as_json: bool) -> None:
    change = acted.change
    if as_json:
        shown = vars(change) | {"code": change.code} if change else None
        print_json({"change": shown, "refused": acted.refused, "repeated": acted.repeated})
    elif change is None:
        print(f"{_ACTS[act]}未予采纳（已记录）：{acted.refused}", file=sys.stderr)
    else:
        again = "此前已" if acted.repeated else "已"
        print(f"{again}{_ACTS[act]}：“{change.programme}”{change.version} 版，校验码 {change.code}")
        if change.state == "open":
            print(
                f"请由另一人运行：ipgov policy approve {change.programme} {change.version}"
                f" --by 批准人 --comment 意见 --code {change.code}"
            )
    raise typer.Exit(0 if change else 1)


@policy_app.command("changes")
def policy_changes_(
    programme: Annotated[str | None, typer.Argument(help="业务；默认全部")] = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """列出规则变更：谁提出、为何、谁批准，以及未予采纳的办理。"""
    from ipgov.procedures import policy_changes

    _, known_at = moment(as_of)
    listed = policy_changes.changes(programme, known_at)
    refused = policy_changes.refused(programme, known_at)
    if as_json:
        print_json({"changes": [vars(c) | {"code": c.code} for c in listed], "refused": refused})
        return
    for c in listed:
        answered = f"；{c.answered_by}：{c.comment or '（无意见）'}" if c.answered_by else ""
        print(
            f"{c.programme} {c.version}（自 {c.effective} 起）：{_STATES[c.state]}；"
            f"{c.proposed_by}：{c.note}{answered}；校验码 {c.code}，文件指纹 {c.sha256[:12]}"
        )
    for r in refused:
        print(f"未采纳：{r['programme']} {r['version']}，{r['actor']} {_ACTS[str(r['act'])]}：{r['reason']}")
    if not listed:
        print("没有规则变更")


@policy_app.command("diff")
def policy_diff(
    programme: str,
    old: Annotated[str, typer.Argument(help="旧版：版本（如 2023-09-05）或规则文件")],
    new: Annotated[str, typer.Argument(help="新版：版本或规则文件")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写入的差异表（.xlsx）")] = None,
    as_json: Json = False,
) -> None:
    """比较两版规则：逐处列出位置、旧值、新值、各自依据与所涉事项；不用数据库。"""
    from ipgov.procedures import policy_changes

    compared = policy_changes.compare(programme, old, new)
    if output is not None:
        write(output, policy_changes.sheet(compared))
    if as_json:
        print_json([d.as_dict() for d in compared.found])
        return
    for d in compared.found:
        print(f"{d.label}：{d.old or '（未列）'} → {d.new or '（删去）'}")
    written = f"；差异表已写入 {output}" if output else ""
    print(f"共 {len(compared.found)} 处差异{written}" if compared.found else f"两版规则内容相同{written}")
