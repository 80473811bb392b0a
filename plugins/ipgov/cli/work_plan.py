"""Commands on what is owed: the work plan as a workbook, a unit's due days as a calendar file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ipgov.cli.common import AsOf, Json, moment, print_json, write

app = typer.Typer()


@app.command("work-plan")
def work_plan(
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写入的 .xlsx 文件")] = None,
    weeks: Annotated[int | None, typer.Option(help="列出今后几周（默认由规则规定）")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """工作计划：逾期的、今后几周到期的事项，按周、按责任单位，标明暂定日期。"""
    from ipgov.procedures import work_plan as procedure

    on, known_at = moment(as_of)
    if output is not None:
        write(output, procedure.workbook(on, known_at, weeks))
    plan, _ = procedure.plan(on, known_at, weeks)
    listed = [procedure.as_dict(i, plan.soon) for i in plan.items]
    if as_json:
        print_json({"as_of": plan.as_of, "until": plan.until, "later": plan.later, "items": listed})
        return
    if output is None:
        for row in listed:
            print(procedure.line(row))
    late = sum(i.late for i in plan.items)
    print(f"{plan.as_of} 至 {plan.until}：{len(plan.items)} 项，其中逾期 {late} 项；其后另有 {plan.later} 项")
    if output is not None:
        print(f"已写入 {output}")


@app.command("calendar-file")
def calendar_file(
    party: Annotated[str, typer.Argument(help="责任单位：如 FP01、统一社会信用代码、省份代码或 office")],
    output: Annotated[Path, typer.Option("-o", "--output", help="写入的 .ics 文件")],
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """责任单位的期限日历（RFC 5545），可导入一般的日历程序；期限有变动时重新导入即可。"""
    from ipgov.procedures import work_plan as procedure

    data = procedure.calendar(party, *moment(as_of))
    write(output, data)
    events = data.count(b"BEGIN:VEVENT")
    if as_json:
        print_json({"party": party, "file": str(output), "events": events})
    else:
        print(f"已写入 {output}：{events} 项")
