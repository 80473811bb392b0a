"""Commands on findings: what was found of a body, its statement, whether it holds. Part of ``ipgov case``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ipgov.cli.case_parts import Files, Note, Number, Said, Sender, received, sent
from ipgov.cli.common import AsOf, Json, moment, told
from ipgov.cli.person import By, PasswordFile, acting

app = typer.Typer()


@app.command("find")
def find(
    programme: Annotated[str, typer.Argument(help="业务，如 industry_centre")],
    unit: Annotated[str, typer.Argument(help="单位代码")],
    kind: Annotated[str, typer.Argument(help="违规情形的类别，如 false_data")],
    subject: Annotated[str, typer.Argument(help="事项名称，用以区别同类事项")],
    found: Annotated[str, typer.Argument(help="情况")],
    files: Annotated[list[Path], typer.Argument(help="佐证材料")],
    by: By,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """登记发现的违规情形及其佐证材料；次日立案，不经整改，告知、听取陈述申辩后认定。"""
    from ipgov.procedures import findings

    actor = acting(by, password_file, "case find")
    done = findings.find(programme, unit, kind, subject, found, sent(files), actor, *moment(as_of))
    kept = len(done.output["kept"])
    told(done.as_dict(), as_json, f"{unit} 的“{done.output['kind']}”已登记，佐证材料 {kept} 个，次日立案")


@app.command("statement")
def statement(
    case: Number,
    note: Said,
    by: By,
    sender: Sender,
    files: Files = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """登记收到的陈述、申辩及所附材料（告知书发出以后）。"""
    from ipgov.procedures import inquiries

    acting(by, password_file, "case statement")
    done = inquiries.statement(case, sender, note, sent(files), *moment(as_of))
    received(done.as_dict(), as_json, "陈述申辩")


@app.command("establish")
def establish(
    case: Number,
    by: By,
    note: Note,
    criterion: Annotated[list[str] | None, typer.Option(help="所符合的认定标准；有几个写几次")] = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """认定违规情形成立（收到陈述申辩或其期限届满以后；规则列有认定标准的，须各符合一项）。"""
    _found(case, "establish", criterion, by, note, password_file, as_json, as_of)


@app.command("dismiss")
def dismiss(
    case: Number,
    by: By,
    note: Note,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """认定违规情形不成立。"""
    _found(case, "dismiss", None, by, note, password_file, as_json, as_of)


def _found(
    case: int,
    verdict: str,
    criteria: list[str] | None,
    by: str,
    note: str,
    password_file: Path | None,
    as_json: bool,
    as_of: str | None,
) -> None:
    from ipgov.followup.case_states import EVENTS, State
    from ipgov.procedures import inquiries

    actor = acting(by, password_file, f"case {verdict}")
    done = inquiries.judge(case, verdict, criteria or (), actor, note, *moment(as_of))
    state = State(done.output["state"]).label
    told(done.as_dict(), as_json, f"案件 {case}“{EVENTS[verdict]}”已记录，现为“{state}”")
