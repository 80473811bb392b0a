"""Commands of alerts and of housekeeping."""

from __future__ import annotations

from typing import Annotated

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json

app = typer.Typer()
alert_app = group()
app.add_typer(alert_app, name="alert", help="告警：查看、立即巡检并发送、试发")


@alert_app.command("list")
def list_(as_json: Json = False) -> None:
    """列出尚未解除的告警与发送情况；有未解除的，退出码为 1。"""
    from ipgov.operations import alerts

    rows = alerts.listing()
    if as_json:
        print_json(rows)
    for row in rows if not as_json else ():
        sent = "，".join(
            f"{n['channel']} 已发 {n['sent']} 次" + ("" if n["well"] else f"（最近一次未成：{n['last']}）")
            for n in row["notices"]
        )
        print(f"{row['kind_name']}：{row['subject']}（自 {row['known_at']:%Y-%m-%d %H:%M %Z}）")
        print(f"    {row['message']}" + (f"；{sent}" if sent else "；尚未发送"))
    if not rows and not as_json:
        print("没有未解除的告警")
    raise typer.Exit(1 if rows else 0)


@alert_app.command("send")
def send(as_of: AsOf = None, as_json: Json = False) -> None:
    """巡检一次：登记新的告警，解除已过去的，发送应发的（与定时任务同一步骤）。"""
    from ipgov.operations import alerts

    result = alerts.sweep(*moment(as_of))
    if as_json:
        print_json(result.as_dict())
    else:
        out = result.output
        print(
            f"需要人处理的 {result.found} 项：新登记 {result.written} 项，"
            f"解除 {len(out['ended'])} 项，发送 {out['sent']} 项"
        )


@alert_app.command("test")
def sample(as_json: Json = False) -> None:
    """向每个告警渠道试发一条，确认能够送达；不作登记。"""
    from ipgov.operations import alerts

    told = alerts.sample(moment(None)[1])
    if as_json:
        print_json(told)
    else:
        for channel, detail in told.items():
            print(f"{channel}：{detail}")


@app.command()
def housekeeping(
    runs: Annotated[
        bool, typer.Option("--runs", help="一并清理 Airflow 中按钟点频繁运行的流程的旧运行记录")
    ] = False,
    as_json: Json = False,
) -> None:
    """删除超过 IPGOV_LOG_KEEP_DAYS 天的日志文件（与定时任务同一步骤）；业务记录从不删除。"""
    from ipgov.operations import housekeeping as procedure

    now = moment(None)[1]
    result = procedure.clean(now)
    if runs:
        procedure.clean_runs(now)
    if as_json:
        print_json(result.as_dict())
    else:
        print(f"已删除 {result.written} 个过期的日志文件，保留 {result.skipped} 个")
        if runs:
            print("已清理旧运行记录")
