"""Rectification cases as people type them: Chinese, JSON, exit codes, names that stay text."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ipgov import cli
from played_cases import PDF, PILOT, add_pilot
from played_nation import Nation

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ipgov(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object, on: str = "2023-09-08") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ipgov", "case", *map(str, arguments), "--as-of", on])
        monkeypatch.setattr(
            "ipgov.cli.cases.acting", lambda by, *rest, **more: by
        )  # the door has its own tests
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out, err

    return run


def workbooks(folder: Path) -> tuple[Path, Path]:
    """Fill in the workbook that went out with the notice: once with a locked cell changed, once well."""
    import datetime as dt
    import io

    import openpyxl
    from ipgov.core import objects
    from ipgov.core.database import reading
    from ipgov.core.tables import document_file
    from sqlalchemy import select

    with reading() as connection:
        sha256 = connection.execute(
            select(document_file.c.sha256).where(document_file.c.format == "xlsx")
        ).scalar_one()
    made = []
    for name in ("改动.xlsx", "台账.xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(objects.get_content(sha256)))
        sheet = book["整改台账"]
        sheet["G6"], sheet["H6"], sheet["I6"] = "补签合同", "张三", dt.date(2024, 6, 1)
        if name == "改动.xlsx":
            sheet["D6"] = "没有问题"
        book.save(folder / name)
        made.append(folder / name)
    return made[0], made[1]


def test_a_case_from_the_list_to_the_proposal(nation: Nation, ipgov: Run, tmp_path: Path) -> None:
    assert ipgov("list")[:2] == (0, "没有整改案件\n")
    case = str(add_pilot(nation))
    by = ("--by", "reviewer1")
    assert ipgov("list")[1] == f"{case} PP01 {PILOT} 试点平台整改：已立案，待通知，2023-09-05 至 2024-09-05\n"
    code, _, err = ipgov("notify", case, *by)
    assert (code, "没有问题清单" in err) == (2, True)
    assert ipgov("problem", case, "=交易额", "不足\x1b[31m", *by)[1] == "问题已登记为第 1 项\n"
    assert "国知平改函〔2023〕1号" in ipgov("notify", case, *by)[1]
    (tmp_path / "方案.pdf").write_bytes(PDF)
    (tmp_path / "假.pdf").write_bytes(b"MZ")
    sender = ("--sender", "经办人", "--by", "operator1")
    changed, filled = workbooks(tmp_path)
    code, _, err = ipgov("plan", case, "方案", "--workbook", changed, *sender)
    assert (code, "“整改台账”表 D6：锁定单元格现为" in err) == (1, True)
    plan = ("plan", case, "方案", tmp_path / "方案.pdf", "--workbook", filled, *sender)
    assert "整改方案已登记：收存文件 1 个" in ipgov(*plan)[1]
    code, _, err = ipgov("evidence", case, "材料", tmp_path / "方案.pdf", *sender)
    assert (code, "此前已报送" in err) == (2, True)
    (tmp_path / "材料.pdf").write_bytes(PDF + b"% 2\n%%EOF\n")
    code, out, _ = ipgov("evidence", case, "材料", tmp_path / "假.pdf", tmp_path / "材料.pdf", *sender)
    assert code == 1  # one of them was refused
    assert "拒收 假.pdf：文件内容为空或不是可接收的类型" in out
    code, _, err = ipgov("extend", case, "2024-12-05", "--by", "issuer1", "--reason", "请延")
    assert (code, "延期不超过 0 次" in err) == (2, True)
    late = "2024-09-09"
    assert "验收合格" in ipgov("accept", case, *by, "--note", "已解决", on=late)[1]
    assert "再评价通过”：共 1 项，已解决 1 项" in ipgov("reevaluate", case, *by, "--note", "核查", on=late)[1]
    assert "拟“整改后评价通过”" in ipgov("propose", case, *by, "--reason", "请批", on=late)[1]
    again = ipgov("propose", case, *by, "--reason", "请批", on=late)
    assert again[1].startswith("此前已办理，没有变化。")

    shown = ipgov("show", case, on=late)[1]
    assert "问题 1 项" in shown
    assert "【已解决】" in shown
    assert "台账逐项填报 1 项措施" in shown
    assert "\x1b" not in shown  # what others wrote moves no cursor
    whole = json.loads(ipgov("show", case, "--json", on=late)[1])
    assert [e["event"] for e in whole["events"]] == [
        "notify",
        "plan",
        "evidence",
        "accept",
        "pass_again",
        "propose",
    ]
    assert whole["state"] == "proposed"
    earlier = json.loads(ipgov("show", case, "--json", on="2023-09-08")[1])
    assert earlier["state"] == "rectifying"  # as of that day
    code, _, err = ipgov("show", "999")
    assert (code, "没有编号为 999 的整改案件" in err) == (2, True)
