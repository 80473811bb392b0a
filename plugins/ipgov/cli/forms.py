"""Commands on forms and what is sent in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ipgov.cli.common import AsOf, Json, day, group, moment, print_json, read, report, write
from ipgov.cli.person import By, PasswordFile, acting

form_app, extension_app = group(), group()
app = typer.Typer()
app.add_typer(form_app, name="form", help="报送表：生成空白表、检查填好的表")
app.add_typer(extension_app, name="extension", help="延期")


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

    written = forms.blank(programme, period, unit, *moment(as_of))
    for name, data in written.items():
        target = output if unit else output / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write(target, data)
    print(f"已生成 {len(written)} 份空白报送表：{output}")


@form_app.command("check")
def form_check(files: list[Path], as_json: Json = False, as_of: AsOf = None) -> None:
    """检查填好的报送表，一次列出全部问题；不入库。"""
    from ipgov.procedures import forms

    at = moment(as_of)
    problems = [p for f in files for p in forms.check(f.name, read(f), *at)]
    report(problems, as_json, f"{len(files)} 份报送表检查通过")


@form_app.command("rebuild")
def form_rebuild(
    programme: str,
    period: str,
    unit: Annotated[str | None, typer.Option(help="单位代码；默认全部单位")] = None,
    as_json: Json = False,
) -> None:
    """按归档的规则和当时的登记重新生成年度开启时发出的空白报送表，并逐字节比对。"""
    from ipgov.procedures import document_rebuild

    found = document_rebuild.rebuild_forms(programme, period, unit)
    if as_json:
        print_json([vars(f) for f in found])
    else:
        for f in found:
            there = {None: "；发出的文件已不在原处", False: "；发出的文件已被改动", True: ""}[f.in_folder]
            print(f"{f.object_key}：{'逐字节相同' if f.identical else '不同'}{there}")
            for change in f.changed:
                print(f"说明：{change}", file=sys.stderr)
    raise typer.Exit(0 if all(f.identical and f.in_folder is not False for f in found) else 1)


@extension_app.command("grant")
def extension_grant(
    programme: str,
    period: str,
    unit: str,
    until: str,
    by: By,
    reason: Annotated[str, typer.Option(help="事由")],
    password_file: PasswordFile = None,
    as_of: AsOf = None,
) -> None:
    """准予延期报送（谁、为何、至何日）。"""
    from ipgov.procedures import extensions

    actor = acting(by, password_file, "extension grant")
    _, known_at = moment(as_of)
    extensions.grant(programme, period, unit, day(until), actor, reason, known_at)
    print(f"{unit} {period} 年度报送延至 {until}")
