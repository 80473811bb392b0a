"""Commands on corrections of issued results."""

from __future__ import annotations

from typing import Annotated

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json
from ipgov.cli.person import PasswordFile, acting
from ipgov.core.errors import RefusedError

correction_app = group()
app = typer.Typer()
app.add_typer(correction_app, name="correction", help="更正：发布后到的数据会改变什么；提出更正")


@correction_app.command("prepare")
def prepare(
    programme: str,
    period: str,
    open_round: Annotated[bool, typer.Option("--open-round", help="提出更正，另开一轮审批")] = False,
    by: Annotated[str | None, typer.Option(help="提出更正的评审人员（账号）；须验证其密码")] = None,
    reason: Annotated[str, typer.Option(help="事由")] = "",
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """按现在所知重算已发布的年度，写出比较表；不加 --open-round 不送审，已发布的内容不变。"""
    from ipgov.procedures import correction

    if open_round != (by is not None):
        raise RefusedError("提出更正须同时写明 --open-round 和 --by（评审人员账号）")
    actor = None if by is None else acting(by, password_file, "correction prepare")
    done = correction.prepare(programme, period, moment(as_of)[1], actor, reason)
    if as_json:
        print_json(done.as_dict())
        return
    print(f"{period} 年度（已发布第 {done.issued_round} 轮）：发布后另有 {done.received} 份")
    print(f"结果会变动的 {len(done.changed)} 家")
    for unit, said in done.said.items():
        print(f"  {unit}：{'；'.join(said)}")
    if done.rank_alone:
        print(f"仅名次变动、按规则不另文更正的 {len(done.rank_alone)} 家：{'、'.join(done.rank_alone)}")
    if done.not_counted:
        units = "、".join(done.not_counted)
        print(f"收到过晚、按规则不计入的 {len(done.not_counted)} 家：{units}（须先准予延期，再重新报送）")
    if done.later:
        print(f"此后已发布 {'、'.join(done.later)} 年度：其“连续”判断以本年度结果为据，须另行复核")
    if done.comparison_key:
        print(f"比较表：{done.comparison_key}")
    if done.round_id is not None:
        print(
            f"已开第 {done.round_number} 轮（更正，轮次编号 {done.round_id}）；"
            "“待审轮次呈报”（present_rounds，每十分钟；模拟库请手工触发）随后转“审核与签发”办理"
        )
