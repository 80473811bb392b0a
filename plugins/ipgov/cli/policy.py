"""Commands on rules and days: no database."""

from __future__ import annotations

import typer

from ipgov.cli.common import Json, day, group, print_json, report

policy_app, workday_app = group(), group()
app = typer.Typer()
app.add_typer(policy_app, name="policy", help="规则：检查 policies/ 中的全部规则")
app.add_typer(workday_app, name="workday", help="工作日推算")


@policy_app.command("check")
def policy_check(as_json: Json = False) -> None:
    """检查全部规则：依据、权重、等级、报送表、模板、期限、数据质量规则集是否齐全一致。"""
    from ipgov.policy import check, store
    from ipgov.quality import suite

    report([*check.check(), *suite.problems()], as_json, f"规则检查通过：{len(store.programmes())} 项业务")


@workday_app.command("add")
def workday_add(date: str, days: int, as_json: Json = False) -> None:
    """推算某日之后第 N 个工作日（起始日不计）。"""
    from ipgov.calendars.deadlines import add_working_days

    due = add_working_days(day(date), days)
    if as_json:
        print_json({"date": due.date, "provisional": due.provisional, "calendar": due.calendar})
    else:
        print(f"{due.date}{'（暂定：放假通知未录入）' if due.provisional else ''}")
