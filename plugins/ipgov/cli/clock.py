"""The clock: what it is held against, and the record that it was wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from ipgov.cli.common import Json, group, print_json

app = typer.Typer()
clock_app = group()
app.add_typer(clock_app, name="clock", help="时钟：核对、登记校准")


@clock_app.command("check")
def clock_check(as_json: Json = False) -> None:
    """核对本机时钟与数据库时钟、最新记录；不符则退出码为 2。"""
    from ipgov.core import clock
    from ipgov.core.database import reading

    with reading() as connection:
        now, simulation = clock.read(connection)
    if as_json:
        print_json({"now": now, "simulation": simulation})
    else:
        print("模拟库不核对时钟" if simulation else f"时钟无误：{now.isoformat()}")


@clock_app.command("accept")
def clock_accept(
    reason: Annotated[str, typer.Option(help="时钟何时、为何快了，如何校准")], as_json: Json = False
) -> None:
    """登记：时钟曾经快了，现已校准；其间的记录保持原样，自其所载时刻起视为已知。"""
    from ipgov.core import clock, database

    with database.transaction() as connection:
        upto = clock.accept(connection, reason, database.account())
    if as_json:
        print_json({"wrong_until": upto})
    else:
        print(f"已登记：{upto.isoformat()} 以前的记录出自当时快了的时钟")
