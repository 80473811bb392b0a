"""Commands that put a document before the reviewers: any kind, or one that takes back or corrects another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import AsOf, Json, moment, read, round_opened, told, write
from ipgov.cli.person import By, PasswordFile, acting
from ipgov.cli.records import app, document_app
from ipgov.core.errors import GovernanceError

__all__ = ["app"]

Number = Annotated[str, typer.Argument(help="发文字号（如 国知平评函〔2026〕7号）或登记序号")]
Reason = Annotated[str, typer.Option(help="事由：印在文书上，如“所依据的数据有误”")]


Programme = Annotated[str, typer.Option(help="业务，如 industry_centre")]


@document_app.command("propose")
def propose(
    kind: Annotated[str, typer.Argument(help="文书种类（policies/papers.yaml），如 interview_invitation")],
    programme: Programme,
    subject: Annotated[
        Path, typer.Option(help="文书内容：document blank 生成的工作簿，或 YAML（content、parties）")
    ],
    by: By,
    reason: Annotated[str, typer.Option(help="提请的事由：供审核、签发参考，不印在文书上")],
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """拟一件文书（公示、认定、表扬、约谈、通报、答复、数据函等）送审；经审核、签发后方编号、印发、寄发。"""
    from ipgov.procedures import paper_drafts, paper_round

    actor = acting(by, password_file, "document propose")
    given = paper_drafts.given(kind, programme, read(subject), subject.name)
    _told(paper_round.propose(kind, programme, given, actor, reason, *moment(as_of)).as_dict(), as_json)


@document_app.command("blank")
def blank(
    kind: Annotated[str, typer.Argument(help="文书种类（policies/papers.yaml），如 interview_invitation")],
    programme: Programme,
    output: Annotated[Path, typer.Option("-o", "--output", help="写入的文件")],
) -> None:
    """生成一种文书的空白拟稿表；填好后用 document propose 送审。"""
    from ipgov.procedures import paper_drafts

    write(output, paper_drafts.blank(kind, programme))
    print(f"已生成空白拟稿表：{output}")


@document_app.command("withdraw")
def withdraw(
    number: Number,
    by: By,
    reason: Reason,
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """提出撤回已发的文书：另文撤回，经审核、签发后方生效；原文书不改动。"""
    from ipgov.procedures import withdrawal

    actor = acting(by, password_file, "document withdraw")
    _told(withdrawal.withdraw(number, reason, actor, *moment(as_of)).as_dict(), as_json)


@document_app.command("correct")
def correct(
    number: Number,
    by: By,
    reason: Reason,
    changes: Annotated[Path, typer.Option(help="更正事项（YAML 列表，每项写明 place、before、after）")],
    password_file: PasswordFile = None,
    as_json: Json = False,
    as_of: AsOf = None,
) -> None:
    """提出更正已发文书的文字：另文更正，经审核、签发后方生效；评价结果的更正用 correction prepare。"""
    from ipgov.policy.store import read_yaml
    from ipgov.procedures import withdrawal

    actor = acting(by, password_file, "document correct")
    listed = read_yaml(read(changes), changes.name)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise GovernanceError(f"{changes.name} 应为列表，每项写明 place、before（原文）、after（更正为）")
    _told(withdrawal.correct(number, listed, reason, actor, *moment(as_of)).as_dict(), as_json)


def _told(done: dict[str, Any], as_json: bool) -> None:
    told(done, as_json, f"《{done['output']['title']}》{round_opened(done['output'])}")
    if not as_json and done["output"]["by_hand"]:
        print(f"以下收文单位没有登记代码，签发后由经办人送达：{'、'.join(done['output']['by_hand'])}")
