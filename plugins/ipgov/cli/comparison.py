"""Commands that hold results against each other: two of one period, or past years under a draft."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from ipgov.cli.common import Json, print_json, write

app = typer.Typer()


@app.command()
def compare(
    programme: str,
    period: str,
    a: Annotated[int | None, typer.Option(help="A 的结果编号；默认最近发文（否则最近正式）的结果")] = None,
    b: Annotated[int | None, typer.Option(help="B 的结果编号；默认最近重算的结果")] = None,
    order: Annotated[
        str, typer.Option(help="换用次序，如 rules,knowledge,values；默认 knowledge,values,rules")
    ] = "knowledge,values,rules",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写成工作簿（.xlsx）")] = None,
    as_json: Json = False,
) -> None:
    """比较同一年度的两次结果：每项变动归于名单与报送、数值或规则。"""
    from ipgov.procedures import comparison

    compared = comparison.compare(programme, period, a, b, cast(Any, tuple(order.split(","))))
    if output:
        write(output, comparison.sheet(compared))
    if as_json:
        sides = {"a": compared.a.facts(), "b": compared.b.facts()}
        print_json({**sides, **compared.comparison.as_dict()})
        return
    for line in compared.comparison.text():
        print(line)
    if output:
        print(f"已写入 {output}")
