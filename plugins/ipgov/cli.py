"""The command ``ipgov``: Chinese text for people, ``--json`` for machines.

Exit codes: 0 done, 1 found problems, 2 bad usage or environment. A user's mistake never shows a traceback.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.core.errors import EnvironmentProblemError, GovernanceError, Problem

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="知识产权运营体系治理"
)
policy_app, form_app, workday_app = (typer.Typer(no_args_is_help=True) for _ in range(3))
document_app, audit_app, extension_app = (typer.Typer(no_args_is_help=True) for _ in range(3))
app.add_typer(policy_app, name="policy", help="规则：检查 policies/ 中的全部规则")
app.add_typer(form_app, name="form", help="报送表：生成空白表、检查填好的表")
app.add_typer(workday_app, name="workday", help="工作日推算")
app.add_typer(document_app, name="document", help="文书：重建并比对")
app.add_typer(audit_app, name="audit", help="封存：核验")
app.add_typer(extension_app, name="extension", help="延期")

Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="基准日，如 2026-04-16；默认今天")]


def main() -> None:
    """Run the command line; turn every error that a person is meant to read into text and an exit code."""
    try:
        app()
    except EnvironmentProblemError as error:
        _fail(error, 2)
    except GovernanceError as error:
        _fail(error, 1 if error.problems else 2)


def _fail(error: GovernanceError, code: int) -> None:
    if "--json" in sys.argv:
        _print_json({"error": error.message, "problems": [p.as_dict() for p in error.problems]})
    else:
        print(error.message, file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
    sys.exit(code)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _report(problems: Iterable[Problem], as_json: bool, good: str) -> None:
    listed = list(problems)
    if as_json:
        _print_json({"problems": [p.as_dict() for p in listed]})
    elif listed:
        for problem in listed:
            print(problem)
        print(f"共 {len(listed)} 处问题")
    else:
        print(good)
    raise typer.Exit(1 if listed else 0)


def _moment(as_of: str | None) -> tuple[dt.date, dt.datetime]:
    from ipgov.core.database import is_simulation, reading
    from ipgov.core.steps import resolve_moment

    with reading() as connection:
        simulation = is_simulation(connection)
    return resolve_moment(dt.datetime.now(dt.UTC), simulation, as_of=_date(as_of) if as_of else None)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise GovernanceError(f"“{text}”不是日期，应为 2026-04-16 的形式") from None


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise EnvironmentProblemError(f"无法写入 {path}：{error.strerror}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EnvironmentProblemError(f"无法读取 {path}：{error.strerror}") from None


@policy_app.command("check")
def policy_check(as_json: Json = False) -> None:
    """检查全部规则：依据、权重、等级、报送表、模板、期限是否齐全一致。"""
    from ipgov.policy import check, store

    _report(check.check(), as_json, f"规则检查通过：{len(store.programmes())} 项业务")


@workday_app.command("add")
def workday_add(date: str, days: int, as_json: Json = False) -> None:
    """推算某日之后第 N 个工作日（起始日不计）。"""
    from ipgov.calendars.deadlines import add_working_days

    due = add_working_days(_date(date), days)
    if as_json:
        _print_json({"date": due.date, "provisional": due.provisional, "calendar": due.calendar})
    else:
        print(f"{due.date}{'（暂定：放假通知未录入）' if due.provisional else ''}")


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
        _print_json({"units": evaluation.results.num_rows, "output": str(output)})
    else:
        print(f"已评价 {evaluation.results.num_rows} 个单位，结果见 {output}")


@form_app.command("blank")
def form_blank(
    programme: str,
    period: str,
    output: Annotated[Path, typer.Option("-o", "--output", help="写入的文件或文件夹")],
    unit: Annotated[str | None, typer.Option(help="单位代码；默认全部单位，各写一个文件")] = None,
    as_of: AsOf = None,
) -> None:
    """生成空白报送表。"""
    from ipgov.procedures import forms

    written = forms.blank(programme, period, unit, *_moment(as_of))
    for name, data in written.items():
        target = output if unit else output / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, data)
    print(f"已生成 {len(written)} 份空白报送表：{output}")


@form_app.command("check")
def form_check(files: list[Path], as_json: Json = False, as_of: AsOf = None) -> None:
    """检查填好的报送表，一次列出全部问题；不入库。"""
    from ipgov.procedures import forms

    moment = _moment(as_of)
    problems = [p for f in files for p in forms.check(f.name, _read(f), *moment)]
    _report(problems, as_json, f"{len(files)} 份报送表检查通过")


@app.command()
def explain(programme: str, period: str, unit: str, as_json: Json = False) -> None:
    """说明一个单位的得分从哪里来：单元格 → 指标 → 维度 → 总分 → 等级。"""
    from ipgov.procedures import explanations

    explanation = explanations.explain(programme, period, unit)
    if as_json:
        _print_json(explanation.as_dict())
    else:
        print(explanation.text())


@app.command()
def status(as_json: Json = False) -> None:
    """列出各业务、各年度办到哪一步。"""
    from ipgov.procedures import overview

    rows = overview.cycles()
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        print(
            f"{row['programme']} {row['period']}：规则 {row['rules']}，截止 {row['due_on']}，"
            f"合格 {row['accepted']}、退回 {row['returned']}；{row['state']}"
        )
    if not rows:
        print("尚未开启任何年度")


@extension_app.command("grant")
def extension_grant(
    programme: str,
    period: str,
    unit: str,
    until: str,
    by: Annotated[str, typer.Option(help="批准人")],
    reason: Annotated[str, typer.Option(help="事由")],
    as_of: AsOf = None,
) -> None:
    """准予延期报送（谁、为何、至何日）。"""
    from ipgov.procedures import extensions

    _, known_at = _moment(as_of)
    extensions.grant(programme, period, unit, _date(until), by, reason, known_at)
    print(f"{unit} {period} 年度报送延至 {until}")


@document_app.command("rebuild")
def document_rebuild(number: str, as_json: Json = False) -> None:
    """按归档数据重新生成文书并逐字节比对。"""
    from ipgov.core.database import reading
    from ipgov.documents import register

    with reading() as connection:
        rebuilt = register.rebuild(connection, number)
    if as_json:
        _print_json({"number": number, "identical": dict(rebuilt.formats)})
    else:
        for format_, identical in rebuilt.formats.items():
            print(f"{number} .{format_}：{'逐字节相同' if identical else '不同'}")
    raise typer.Exit(0 if all(rebuilt.formats.values()) else 1)


@audit_app.command("verify")
def audit_verify(as_json: Json = False) -> None:
    """核验封存链：指出封存后被改动、删除、插入的每一行和每个文件。"""
    from ipgov.core import seals
    from ipgov.core.database import reading

    with reading() as connection:
        problems = seals.verify(connection)
    _report(problems, as_json, "封存链完好")


@app.command()
def migrate(
    kind: Annotated[str, typer.Option(help="production 或 simulation；建库时定，不可更改")],
    note: Annotated[str, typer.Option(help="说明")] = "",
) -> None:
    """建库或升级数据库（用表所有者的连接）。"""
    from ipgov.core import database

    if kind not in ("production", "simulation"):
        raise GovernanceError(f"数据库类别“{kind}”无效，应为 production 或 simulation")
    database.migrate("production" if kind == "production" else "simulation", note, dt.datetime.now(dt.UTC))
    print("数据库已是最新")
