"""The command on how firm a result is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ipgov.cli.common import Json, print_json, read, write
from ipgov.core.errors import GovernanceError

if TYPE_CHECKING:
    from ipgov.evaluation.sensitivity.analysis import Sensitivity

app = typer.Typer()


@app.command()
def sensitivity(
    programme: Annotated[str | None, typer.Argument(help="业务")] = None,
    period: Annotated[str | None, typer.Argument(help="年度")] = None,
    policy: Annotated[Path | None, typer.Option(help="规则文件，与 --values 同用，不用数据库")] = None,
    values: Annotated[
        Path | None, typer.Option(help="数据（CSV）：unit,indicator,value[,group,rater,source]")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写入的工作簿（.xlsx，含图）")] = None,
    as_json: Json = False,
) -> None:
    """名次与等级有多稳：按规则的 sensitivity 一节变动权重与方法，给出名次区间与等级稳定度。"""
    from ipgov.procedures import sensitivity as procedure

    if policy and values and programme is None:
        found, workbook = procedure.of_files(policy, read(policy), values, read(values))
    elif programme and period and policy is None and values is None:
        found, workbook = procedure.of_period(programme, period)
    else:
        raise GovernanceError(
            "用法：ipgov sensitivity 业务 年度，或 ipgov sensitivity --policy 规则 --values 数据"
        )
    if output:
        write(output, workbook)
    if as_json:
        print_json(found.as_dict())
        return
    _print(found)
    if output:
        print(f"已写入 {output}")


def _print(found: Sensitivity) -> None:
    for line in found.varied():
        print(line)
    print(f"共 {found.rules.draws} 次，种子 {found.rules.seed}；名次平均变动 {found.rank_shift} 位")
    for u in found.units:
        place = "未排名" if u.rank is None else f"第 {u.rank} 名（区间 {u.low}–{u.high}，中位 {u.median}）"
        grades = "、".join(f"{g or '未评价'} {n * 100 / u.draws:.1f}%" for g, n in u.grades.items())
        print(f"{u.unit} {place}，等级 {u.grade or '未评价'}，稳定度 {u.kept * 100:.1f}%（{grades}）")
    idle = [f for f in found.factors if not f.first_order and not f.rank_shift]
    for f in found.factors:
        if f in idle:
            continue
        share = "—" if f.first_order is None else f"{f.first_order * 100:.1f}%"
        print(f"{f.name}：解释名次变异的 {share}，单独变动时名次平均变动 {f.rank_shift} 位")
    if idle:
        print(f"其余 {len(idle)} 项因素不影响名次")
