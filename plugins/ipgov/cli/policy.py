"""Commands on rules and days; only the check of rules on frozen data needs the database."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ipgov.cli.common import Json, day, group, print_json, read, report
from ipgov.core.errors import GovernanceError, Problem

policy_app, workday_app = group(), group()
app = typer.Typer()
app.add_typer(policy_app, name="policy", help="规则：检查、比较、提出与批准变更")
app.add_typer(workday_app, name="workday", help="工作日推算")


@policy_app.command("check")
def policy_check(
    with_data: Annotated[
        bool, typer.Option("--with-data", help="另按各业务最新冻结的数据检查规则本身（施行版本与草案）")
    ] = False,
    policy: Annotated[Path | None, typer.Option(help="只检查这一个规则文件，如草案")] = None,
    values: Annotated[Path | None, typer.Option(help="按此数据（CSV）检查规则本身，不用数据库")] = None,
    as_json: Json = False,
) -> None:
    """检查全部规则：依据、权重、等级、报送表、模板、期限、数据质量规则集是否齐全一致。

    按数据检查：不起作用的指标与维度、说同一件事的指标、影响与权重不符、名额与等级不可及、基准家数不足、越过阈值、缺数过多。
    """
    from ipgov.policy import check, store
    from ipgov.quality import suite

    if policy or values:
        _check_one(policy, values, with_data, as_json)
    if with_data:
        from ipgov.procedures import sensitivity

        found, told = sensitivity.check_with_data()
        _tell([*check.notes(), *told])
        report([*check.check(), *suite.problems(), *found], as_json, "规则检查通过，按数据检查亦无问题")
    _tell(check.notes())
    report([*check.check(), *suite.problems()], as_json, f"规则检查通过：{len(store.programmes())} 项业务")


def _check_one(policy: Path | None, values: Path | None, with_data: bool, as_json: bool) -> None:
    """Check one policy file on a values file, or on its programme's newest frozen data."""
    from ipgov.policy import check, store
    from ipgov.procedures import sensitivity

    if policy is None or bool(values) == with_data:
        raise GovernanceError(
            "用法：--policy 规则文件 加 --values 数据文件，或 --policy 规则文件 加 --with-data"
        )
    data = read(policy)
    problems: list[Problem] = check.check_scoring(store.parse_scoring(data, policy.name), policy.name)
    if not problems:  # a rule that cannot stand need not be tried
        if values:
            problems = sensitivity.check_files(policy, data, values, read(values))
        else:
            problems, told = sensitivity.check_with_data((policy, data))
            _tell(told)
    report(problems, as_json, f"{policy.name} 按数据检查未见问题")


def _tell(lines: Sequence[str]) -> None:
    """Say on the side what was checked on what."""
    for line in lines:
        print(line, file=sys.stderr)


@workday_app.command("add")
def workday_add(date: str, days: int, as_json: Json = False) -> None:
    """推算某日之后第 N 个工作日（起始日不计）。"""
    from ipgov.calendars.deadlines import add_working_days

    due = add_working_days(day(date), days)
    if as_json:
        print_json({"date": due.date, "provisional": due.provisional, "calendar": due.calendar})
    else:
        print(f"{due.date}{'（暂定：放假通知未录入）' if due.provisional else ''}")
