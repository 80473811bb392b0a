"""The command that lets a simulation database live through days."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from ipgov.cli.common import Json, day, print_json

app = typer.Typer()


@app.command()
def simulate(
    first: Annotated[str, typer.Option("--from", help="从哪一天起，如 2024-01-02")],
    days: Annotated[int, typer.Option(help="快进多少天")],
    people: Annotated[bool, typer.Option("--people", help="虚构单位照剧本报送，虚构人员照剧本审批")] = False,
    as_json: Json = False,
) -> None:
    """快进模拟库：逐日开启年度、接收报送、评价、推进事项、发出文书；业务库拒绝执行。"""
    from ipgov.simulation import actors, fast_forward

    fast_forward.require_simulation()
    begun, played = time.monotonic(), []
    cast = actors.Cast() if people else None
    for one in fast_forward.forward(day(first), days, cast):
        played.append(one)
        if not as_json:
            print(f"{one.day}  " + "；".join(one.told), flush=True)
    seconds = round(time.monotonic() - begun, 1)
    if as_json:
        print_json({"days": [p.as_dict() for p in played], "seconds": seconds})
    else:
        print(f"快进 {days} 天，其中 {len(played)} 天有事，用时 {seconds} 秒")
