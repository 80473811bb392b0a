"""Commands that hold results against each other: two of one period, or past years under a draft."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from ipgov.cli.common import Json, moment, print_json, write
from ipgov.core.errors import UnknownError

app = typer.Typer()
_DEFAULT_A = "A 的结果编号；默认最近发文的结果（未发文的为导入的已公布结果，否则最近正式的结果）"


@app.command()
def compare(
    programme: str,
    period: str,
    a: Annotated[
        int | None,
        typer.Option(help=_DEFAULT_A),
    ] = None,
    b: Annotated[int | None, typer.Option(help="B 的结果编号；默认最近重算的结果")] = None,
    order: Annotated[
        str, typer.Option(help="换用次序，如 rules,knowledge,values；默认 knowledge,values,rules")
    ] = "knowledge,values,rules",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写成工作簿（.xlsx）")] = None,
    as_json: Json = False,
) -> None:
    """比较同一年度的两次结果：每项变动归于名单与报送、数值或规则。"""
    from ipgov.procedures import comparison, published_comparison

    if a is None and published_comparison.applies(programme, period):
        _published(programme, period, b, output, as_json)
        return
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


def _published(programme: str, period: str, b: int | None, output: Path | None, as_json: bool) -> None:
    """Compare what was published before this system with a recalculation."""
    from ipgov.procedures import published_comparison

    compared = published_comparison.compare(programme, period, b)
    if output:
        write(output, published_comparison.sheet(compared))
    if as_json:
        print_json(compared.as_dict())
        return
    for line in compared.text():
        print(line)
    if output:
        print(f"已写入 {output}")


@app.command("what-if")
def what_if(
    policy: Annotated[Path, typer.Option(help="规则草案（YAML，整份规则）")],
    programme: Annotated[str, typer.Option(help="业务")],
    periods: Annotated[str, typer.Option(help="年度，如 2023-2025 或 2023,2025")],
    not_asked: Annotated[
        str, typer.Option(help="往年报送表未设的数据：refuse 拒绝并列出；drop 该年度不计所涉指标")
    ] = "refuse",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写成工作簿（.xlsx）")] = None,
    as_json: Json = False,
) -> None:
    """以规则草案试算往年：谁的等级、称号会有不同；不具效力，不写入任何记录。"""
    from ipgov.documents.what_if_sheet import headlines
    from ipgov.evaluation.comparison.changes import said
    from ipgov.evaluation.comparison.what_if import MARK, as_dict
    from ipgov.procedures import what_if as procedure

    if not_asked not in ("refuse", "drop"):
        raise UnknownError(f"--not-asked “{not_asked}”无效；应为 refuse 或 drop")
    known_at = moment(None)[1]
    found = procedure.under_draft(policy, programme, periods, known_at, cast(Any, not_asked))
    if output:
        write(output, procedure.sheet(found, policy))
    if as_json:
        print_json(as_dict(found))
        return
    print(f"【{MARK}】")
    for line in headlines(found):
        print(line)
    for period, unit in found.regraded():
        print(f"  {period} {unit.unit} {unit.name}：{said(unit.before)} → {said(unit.after)}")
    if output:
        print(f"已写入 {output}")
