"""Commands on the registry: the form, its import, what is registered on a day."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ipgov.cli.common import AsOf, Json, day, group, instant, moment, print_json, read, write
from ipgov.cli.person import By, PasswordFile, acting

if TYPE_CHECKING:
    from ipgov.procedures.registrations import Imported, Listed

_HASH = re.compile("([0-9a-f]{12})[0-9a-f]{52}")
registry_app = group()
app = typer.Typer()
app.add_typer(registry_app, name="registry", help="登记组织、单位、已公布的认定：登记表、导入、列出")


@registry_app.command("template")
def registry_template(
    programme: str,
    output: Annotated[Path, typer.Argument(help="写入的文件（.xlsx）")],
    as_of: AsOf = None,
) -> None:
    """生成空白登记表：填写说明、下拉列表、组织与名单两页。"""
    from ipgov.procedures import registrations

    write(output, registrations.template(programme, moment(as_of)[0]))
    print(f"已写入 {output}")


@registry_app.command("import")
def registry_import(
    programme: str,
    file: Path,
    by: By,
    source: Annotated[str, typer.Option(help="所依文件的文号，如“国知发运函字〔2023〕156号”")],
    on: Annotated[str, typer.Option(help="文件的日期，如 2023-09-05；未另写“自何日起”的自该日起生效")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="试行：只列出将要登记的内容")] = False,
    password_file: PasswordFile = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """按已公布的文件登记组织、单位及其认定；有一处不符则一项也不登记，全部问题一次列出。"""
    from ipgov.procedures import registrations

    actor = acting(by, password_file, "registry import")
    done = registrations.import_file(
        programme, file.name, read(file), actor, source, day(on), *moment(as_of), dry_run
    )
    if as_json:
        print_json(done.as_dict())
    else:
        _show_import(done)


def _show_import(done: Imported) -> None:
    if done.repeated:
        print(f"{done.rows} 行均与已登记的相同，没有变化")
        return
    for change in done.changes:
        ends = f"（其后自 {change.until} 起另有登记，仍以其为准）" if change.until else ""
        what = "变更" if change.differences else "新登记"
        print(f"{change.sheet} {change.code} {change.name}：{what}，自 {change.valid_from} 起{ends}")
        for d in change.differences:
            print(f"  {d.field}：{d.before} → {d.after}")
    for unit in done.recognised:
        print(f"认定 {unit}：自 {done.on} 起（{done.source}）")
    new = sum(not c.differences for c in done.changes)
    unchanged = done.rows - len(done.changes)
    changed = len(done.changes) - new
    told = f"{done.rows} 行：新登记 {new}、变更 {changed}、相同 {unchanged}；认定 {len(done.recognised)} 家"
    print(("试行，没有登记任何内容。" if done.dry_run else "已登记。") + told)


@registry_app.command("list")
def registry_list(
    programme: str,
    on: Annotated[str | None, typer.Option(help="某一天的登记，如 2023-09-05；默认今天")] = None,
    known_at: Annotated[
        str | None, typer.Option(help="当时已知的登记，如 2023-09-05T18:00（北京时间）；默认现在")
    ] = None,
    as_json: Json = False,
) -> None:
    """列出某一天登记的单位，并按类别与认定文件所载的数目核对。

    退出码：0 相符；1 不符（逐项列在最后）；2 用法或环境有误。
    """
    from ipgov.procedures import registrations

    at = moment(on, None if known_at is None else instant(known_at))
    found = registrations.listed(programme, *at)
    if as_json:
        print_json(found.as_dict())
    else:
        _show_list(found, at[1])
    raise typer.Exit(1 if found.problems else 0)


def _show_list(found: Listed, known_at: dt.datetime) -> None:
    from ipgov.core.steps import SHANGHAI
    from ipgov.registry.codes import PROVINCES
    from ipgov.registry.platforms import ROUTES

    names = {c.kind: c.name for c in found.counts}
    for b in found.bodies:
        about = f"{names.get(b.kind, b.kind)}，{PROVINCES[b.province].short}，{ROUTES[b.route]}"
        organisations = f"依托单位 {b.host_name or b.host_code}"
        if b.operator_code != b.host_code:
            organisations += f"，运营单位 {b.operator_name or b.operator_code}"
        state = f"{b.state}，{b.titled_on} 认定" if b.titled_on else b.state
        source = _HASH.sub(r"\1…", b.source)
        print(f"{b.unit} {b.name}（{about}）：{organisations}；{state}；自 {b.valid_from} 起，{source}")
    known = f"{known_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    titled = sum(b.titled for b in found.bodies)
    print(f"{found.on} 登记 {len(found.bodies)} 家，其中持有称号 {titled} 家（{known} 所知）")
    for c in found.counts:
        print(
            f"  {c.name}：登记 {c.registered}，持有称号 {c.titled}" + _published(found, c.published, c.found)
        )
    for problem in found.problems:
        print(problem)
    if found.counted_on is not None:
        told = f"共 {len(found.problems)} 处问题" if found.problems else "与认定文件相符"
        print(f"{told}（{found.basis}，{found.counted_on}）")


def _published(found: Listed, published: int | None, there: int | None) -> str:
    if published is None:
        return ""
    counted = "未核对" if there is None else f"登记 {there}"
    return f"；{found.counted_on} 认定文件 {published}，{counted}"
