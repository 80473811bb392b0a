"""Commands on rounds of approval."""

from __future__ import annotations

from typing import Annotated

import typer

from ipgov.cli.common import AsOf, Json, group, moment, print_json
from ipgov.cli.person import By, PasswordFile, acting

round_app = group()
app = typer.Typer()
app.add_typer(round_app, name="round", help="审批轮次：撤回送审")


@round_app.command("recall")
def recall(
    round_id: Annotated[int, typer.Argument(help="轮次编号（见“治理”页面或 ipgov status）")],
    by: By,
    reason: Annotated[str, typer.Option(help="事由")],
    password_file: PasswordFile = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """撤回尚未签发的送审：该轮就此结束，不再签发；有关事项改正后可另行送审。"""
    from ipgov.procedures import approval

    done = approval.recall(round_id, acting(by, password_file, "round recall"), reason, moment(as_of)[1])
    if as_json:
        print_json(done.as_dict())
        return
    print(f"轮次 {round_id} {'此前已撤回送审，未作改动' if done.repeated else '已撤回送审'}")
