"""Commands on results: what is it worth, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ipgov.cli.common import Json, print_json

app = typer.Typer()


@app.command()
def evaluate(
    policy: Annotated[Path, typer.Option(help="规则文件（YAML）")],
    values: Annotated[Path, typer.Option(help="数据（CSV）：unit,indicator,value[,group,rater,source]")],
    output: Annotated[Path, typer.Option("-o", "--output", help="结果（CSV）")],
    as_json: Json = False,
) -> None:
    """按规则文件评价一份数据；不用数据库。"""
    from ipgov.evaluation.files import evaluate_files

    evaluation = evaluate_files(policy, values, output)
    if as_json:
        print_json({"units": evaluation.results.num_rows, "output": str(output)})
    else:
        print(f"已评价 {evaluation.results.num_rows} 个单位，结果见 {output}")


@app.command()
def explain(programme: str, period: str, unit: str, as_json: Json = False) -> None:
    """说明一个单位的得分从哪里来：单元格 → 指标 → 维度 → 总分 → 等级。"""
    from ipgov.procedures import explanations

    explanation = explanations.explain(programme, period, unit)
    if as_json:
        print_json(explanation.as_dict())
    else:
        print(explanation.text())
