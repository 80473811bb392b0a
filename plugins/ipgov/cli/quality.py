"""Commands on data quality: the report of a check, the history of the rules, waivers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import AsOf, Json, day, group, moment, print_json, write
from ipgov.cli.person import By, PasswordFile, acting

quality_app = group()
app = typer.Typer()
app.add_typer(quality_app, name="quality", help="数据质量：检查报告、各规则历年情况、豁免")
Reason = Annotated[str, typer.Option("--reason", help="理由")]


@quality_app.command("report")
def quality_report(
    programme: str,
    period: str,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写入的工作簿（.xlsx）")] = None,
    check: Annotated[int | None, typer.Option(help="检查编号；默认最近一次")] = None,
    severity: Annotated[str | None, typer.Option(help="只列该严重程度：critical、warning、info")] = None,
    rule: Annotated[str | None, typer.Option(help="只列该规则")] = None,
    province: Annotated[str | None, typer.Option(help="只列该省份代码；direct 为直接报送单位")] = None,
    unit: Annotated[str | None, typer.Option(help="只列该单位")] = None,
    waived: Annotated[str | None, typer.Option(help="yes 只列已豁免的，no 只列未豁免的")] = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """列出一个年度的检查发现：按严重程度、规则、省份、单位，逐处到单元格。有未豁免的严重问题时退出码为 1。"""
    from ipgov.procedures import quality
    from ipgov.quality.report import Filter

    _, known_at = moment(as_of)
    chosen = Filter(severity=severity, rule=rule, province=province, unit=unit, waived=waived)
    found = quality.period_report(programme, period, known_at, check, chosen)
    if output is not None:
        write(output, quality.report_workbook(found))
    if as_json:
        print_json(found.report.as_dict())
    else:
        _tell(found.report)
        if output is not None:
            print(f"全部发现已写入 {output}")
    raise typer.Exit(1 if found.report.total.stopping else 0)


def _tell(report: Any) -> None:
    from ipgov.quality.report import SEVERITY_NAMES

    check = report.check
    verdict = "可以评价" if check.passed else "有严重问题，评价中止"
    print(f"检查 {check.id}（对 {check.as_of} 冻结的数据）：{verdict}；共 {report.total.found} 处发现")
    for r in report.rules:
        waived = f"，已豁免 {r.waived}" if r.waived else ""
        print(
            f"  {SEVERITY_NAMES[r.severity]} {r.rule} {r.title}：{r.found} 处，涉及 {r.bodies} 个单位{waived}"
        )
    for f in report.findings:
        place = "".join(x for x in (f"“{f.sheet}”表 " if f.sheet else "", f.cell or "") if x)
        waived = f"（{f.granted_by}豁免至 {f.waived_until}）" if f.waiver_id else ""
        print(f"    {f.rule} {place}{'：' if place else ''}{f.message}{waived}")


@quality_app.command("history")
def quality_history(programme: str, as_json: Json = False, as_of: AsOf = None) -> None:
    """列出各规则历年（每年度最后一次检查）的发现：处数/单位数，括号内为已豁免。"""
    from ipgov.procedures import quality

    _, known_at = moment(as_of)
    found = quality.rule_history(programme, known_at)
    if as_json:
        print_json(found.as_dict())
        return
    if not found.years:
        print(f"“{programme}”尚未作过数据质量检查")
        return
    periods = [y.period for y in found.years]
    print("  ".join(["规则", *(f"{p} 年度" for p in periods), "首见", "末见", "名称"]))
    for rule in found.rules:
        cells = []
        for period in periods:
            seen = rule.periods.get(period)
            waived = f"（{seen.waived}）" if seen and seen.waived else ""
            told = f"{seen.found}/{seen.bodies}{waived}" if seen and seen.found else "0"
            cells.append("未检查" if seen is None else told)
        print("  ".join([rule.rule, *cells, rule.first_seen or "—", rule.last_seen or "—", rule.title]))


@quality_app.command("waive")
def quality_waive(
    programme: str,
    period: str,
    unit: Annotated[str, typer.Argument(help="单位代码；* 为全部单位")],
    rule: str,
    until: Annotated[str, typer.Option("--until", help="豁免截止日（含），如 2026-04-30")],
    by: By,
    reason: Reason,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """豁免一个单位的一条规则（谁、为何、至何日）；自下一次检查起生效，发现照列，不再中止评价。"""
    from ipgov.procedures import quality

    actor = acting(by, password_file, "quality waive")
    _, known_at = moment(as_of)
    number = quality.waive(programme, period, unit, rule, day(until), actor, reason, known_at)
    print(f"豁免 {number} 已登记：{unit} {rule} 至 {until}；请在流程中重新运行“质量检查”")


@quality_app.command("revoke")
def quality_revoke(
    programme: str,
    period: str,
    unit: str,
    rule: str,
    by: By,
    reason: Reason,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """撤销一项生效中的豁免（谁、为何）；原记录保留，自下一次检查起不再豁免。"""
    from ipgov.procedures import quality

    actor = acting(by, password_file, "quality revoke")
    _, known_at = moment(as_of)
    number = quality.revoke(programme, period, unit, rule, actor, reason, known_at)
    print(f"豁免已撤销（记录 {number}）：{unit} {rule}")


@quality_app.command("waivers")
def quality_waivers(programme: str, period: str, as_json: Json = False, as_of: AsOf = None) -> None:
    """列出一个年度的全部豁免与撤销及其状态。"""
    from ipgov.procedures import quality

    _, known_at = moment(as_of)
    found = quality.period_waivers(programme, period, known_at)
    if as_json:
        print_json([w.as_dict() for w in found])
        return
    for w in found:
        print(f"{w.id} {w.unit} {w.rule} {w.state_name}（截至 {w.until}，{w.granted_by}：{w.reason}）")
    if not found:
        print("没有豁免")


@app.command()
def collection(programme: str, period: str, as_json: Json = False, as_of: AsOf = None) -> None:
    """列出一个年度的报送进度：分省份的应报、已报、受理、退回、未报送、延期，以及未受理的单位。"""
    from ipgov.policy.title_words import day_words
    from ipgov.procedures import audit_routes, correction
    from ipgov.procedures import collection as collecting

    found = collecting.collection(programme, period, *moment(as_of))
    if as_json:
        print_json(found.as_dict())
        return
    provisional, days = "（暂定）" if found.provisional else "", day_words(programme)
    print(
        f"{found.title} {period} 年度，截至 {found.as_of}；"
        f"{days.due} {found.due_on}，宽限至 {found.late_until}，"
        f"{days.evaluate_on} {found.evaluate_on}{provisional}"
    )
    if after := correction.told_after_issue(programme, period, found.known_at):
        print(f"  {after}")
    for count in (found.total, *found.lines):
        states = "、".join(
            f"{name} {getattr(count, state)}"
            for state, name in collecting.STATES.items()
            if getattr(count, state)
        )
        more = "".join(f"；{n} {v}" for n, v in (("免报", count.exempt), ("获准延期", count.extended)) if v)
        print(f"  {count.name}：应报 {count.expected}，已报 {count.received}；{states or '无应报单位'}{more}")
    for line in found.audit.lines if found.audit else ():
        counts = "、".join(f"{audit_routes.TOLD[s]} {n}" for s, n in line.counts.items())
        print(f"  省级审核，{line.name}：应报 {line.expected}；{counts or '尚无可审核的材料'}")
    for body in found.bodies:
        if body.expected and body.state != "accepted":
            overdue = f"，已逾期 {body.overdue_days} 日" if body.overdue_days else ""
            print(
                f"    {body.unit} {body.name}：{collecting.STATES[body.state]}（截止 {body.due_on}{overdue}）"
            )
