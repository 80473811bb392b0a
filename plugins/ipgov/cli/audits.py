"""Commands on the provinces' audit: send the workbooks, see where it stands."""

from __future__ import annotations

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json

audit_app = group()
app = typer.Typer()
app.add_typer(audit_app, name="province-audit", help="省级审核：发出审核工作簿、查看进度")


@audit_app.command("send")
def send(programme: str, period: str, as_json: Json = False, as_of: AsOf = None) -> None:
    """向所审核的材料有变动的各省发出审核工作簿（“周期日历”每日自动办理）。"""
    from ipgov.core.steps import Cycle
    from ipgov.procedures import province_audits
    from ipgov.registry.codes import province_name

    done = province_audits.send(Cycle(programme, period, *moment(as_of)))
    if as_json:
        print_json(done.as_dict())
        return
    for code, units in done.output["sent"].items():
        print(f"{province_name(code)}：{'、'.join(units)}")
    print(f"发出 {done.written} 省，{done.skipped} 省没有变动")


@audit_app.command("show")
def show(programme: str, period: str, as_json: Json = False, as_of: AsOf = None) -> None:
    """列出各省审核的进度：已报送、退回、逾期、尚未审核；直接报送的有无抄送记录。"""
    from ipgov.procedures import audit_overview

    found = audit_overview.overview(programme, period, *moment(as_of))
    if as_json:
        print_json(found.as_dict())
        return
    print(f"审核期限 {found.due_on}")
    for line in found.lines:
        counted = "、".join(f"{audit_overview.TOLD[s]} {n}" for s, n in line.counts.items())
        waiting = line.expected - sum(line.counts.values())
        more = f"；尚无可审核的材料 {waiting}" if waiting else ""
        print(
            f"  {line.name}：应报 {line.expected}；{counted or '尚无可审核的材料'}{more if counted else ''}"
        )
    for body in found.bodies:
        if body.state not in ("forwarded", "copied"):
            print(f"    {body.unit} {body.name}：{body.told}")
