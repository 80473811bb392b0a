"""What the commands on cases share: arguments, files, what became of what was sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ipgov.cli.common import print_json, read

Number = Annotated[int, typer.Argument(metavar="CASE", help="案件编号")]
Note = Annotated[str, typer.Option(help="意见")]
Reason = Annotated[str, typer.Option(help="理由")]
Sender = Annotated[str, typer.Option(help="整改单位的报送人")]
Said = Annotated[str, typer.Argument(metavar="NOTE", help="报送内容")]
Files = Annotated[list[Path] | None, typer.Argument(help="文件")]


def shown(text: str) -> str:
    """Return another's text so that a terminal shows it as text."""
    return "".join(c if c.isprintable() else "·" for c in text)


def sent(files: list[Path] | None) -> list[Any]:
    """Return files of the command line as they are sent."""
    from ipgov.procedures.case_evidence import Sent

    return [Sent(f.name, read(f)) for f in files or ()]


def received(done: dict[str, Any], as_json: bool, what: str) -> None:
    """Tell what became of what was sent; 1 where a file was refused."""
    refused = done["output"]["refused"]
    if as_json:
        print_json(done)
    else:
        again = "此前已登记，没有变化" if done["repeated"] else "已登记"
        print(f"{what}{again}：收存文件 {len(done['output']['kept'])} 个")
        for name, why in refused.items():
            print(f"  拒收 {shown(name)}：{shown(why)}")
    raise typer.Exit(1 if refused else 0)
