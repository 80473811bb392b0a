"""Commands on results: what is it worth, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import Json, print_json, read, write
from ipgov.core.errors import UnknownError

app = typer.Typer()


@app.command()
def evaluate(
    policy: Annotated[Path, typer.Option(help="规则文件（YAML）")],
    values: Annotated[Path, typer.Option(help="数据（CSV）：unit,indicator,value[,group,rater,source]")],
    output: Annotated[Path, typer.Option("-o", "--output", help="结果（CSV）")],
    explain: Annotated[str, typer.Option(help="说明这个单位的得分从哪里来")] = "",
    explain_sheet: Annotated[Path | None, typer.Option(help="把说明写成工作簿（.xlsx）")] = None,
    as_json: Json = False,
) -> None:
    """按规则文件评价一份数据；不用数据库。"""
    from ipgov.evaluation.files import evaluate_files

    if explain_sheet and not explain:
        raise UnknownError("--explain-sheet 须与 --explain 单位 一同使用")
    evaluation = evaluate_files(policy, values, output)
    told = _explained(evaluation, policy, values, explain, explain_sheet) if explain else None
    if as_json:
        counts = {"units": evaluation.results.num_rows, "rounded_values": evaluation.rounded_values}
        summary = counts | {"output": str(output)}
        print_json(summary | ({"explanation": told.as_dict()} if told else {}))
        return
    print(f"已评价 {evaluation.results.num_rows} 个单位，结果见 {output}")
    if evaluation.rounded_values:
        print(f"有 {evaluation.rounded_values} 个数值的小数超过 12 位，已四舍五入到 12 位")
    if told:
        print(told.text())


def _explained(evaluation: Any, policy: Path, values: Path, unit: str, sheet: Path | None) -> Any:
    from ipgov.core.fingerprint import fingerprint, sha256_hex
    from ipgov.documents import explanation_sheet
    from ipgov.evaluation.engine import ENGINE_VERSION
    from ipgov.evaluation.explain_files import explain_evaluated
    from ipgov.policy.store import clauses, parse_scoring

    data = read(policy)
    rules = parse_scoring(data, policy.name)
    told = explain_evaluated(evaluation, rules, values, unit)
    if sheet:
        inputs = [sha256_hex(data), sha256_hex(read(values)), ENGINE_VERSION]
        about = explanation_sheet.About(
            title=f"{rules.title}得分推导",
            author="",
            rules=f"规则文件 {policy.name}（版本 {rules.version}，SHA-256 {inputs[0]}）",
            trace=fingerprint(inputs),
            decimals=rules.scoring.rounding.total,
        )
        write(sheet, explanation_sheet.write([told], about, clauses()))
    return told


@app.command()
def explain(
    programme: str,
    period: str,
    unit: Annotated[str, typer.Argument(help="单位代码；写成工作簿时可省略，即全部单位")] = "",
    result: Annotated[
        int | None, typer.Option(help="结果编号（如重算的，编号见 ipgov compare）；默认最近正式的结果")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写成工作簿（.xlsx）")] = None,
    as_json: Json = False,
) -> None:
    """说明一个单位的得分从哪里来：单元格 → 指标 → 维度 → 总分 → 名次 → 等级。"""
    from ipgov.procedures import explanations

    if output:
        write(output, explanations.sheet(programme, period, unit or None, result))
        message = f"已写入 {output}"
        print_json({"output": str(output)}) if as_json else print(message)
        return
    if not unit:
        raise UnknownError("请写明单位代码；全部单位的说明请用 -o 写成工作簿")
    explanation = explanations.explain(programme, period, unit, result)
    if as_json:
        print_json(explanation.as_dict())
    else:
        print(explanation.text())
