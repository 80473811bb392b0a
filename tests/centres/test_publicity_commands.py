"""The commands on public notices and objections, as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from announced_list import DAY, Listed

Ipgov = Callable[..., tuple[int, str, str]]


def test_a_notice_and_an_objection_by_command(database: Path, passwords: Path, ipgov: Ipgov) -> None:
    centres = Listed(("IC01", "IC02"))
    centres.register()
    day = ("--as-of", "2026-05-11")
    assert ipgov("publicity", "list", *day)[1].strip() == "没有公示"
    assert ipgov("publicity", "recognise", "--by", "reviewer1", *day)[2].startswith("没有可以提请认定的单位")
    centres.notice(DAY)
    who = ("--objector", "某人", "--contact", "某处", "--by", "operator1", *day)
    code, said, _ = ipgov("objection", "record", 1, "IC01", "合同不实", "--received-on", "2026-05-11", *who)
    assert (code, said.strip()) == (0, "异议已登记为第 1 号，收存文件 0 个")
    code, said, _ = ipgov("objection", "record", 1, "IC09", "不实", "--received-on", "2026-05-11", *who)
    assert (code, "异议未予受理：“IC09”不在公示名单中" in said) == (1, True)
    given = ("经核对合同属实", "--rejected", "--reason", "核查完毕", "--by", "reviewer1", *day)
    code, said, _ = ipgov("objection", "answer", 1, *given)
    assert (code, "异议 1 拟“不成立”，已开第" in said) == (0, True)
    code, said, _ = ipgov("status", *day)
    assert "公示 1 industry_centre：2 家，2026-05-08 至 2026-05-14，公示中，还有 3 个工作日" in said
    assert "异议 1 件，待答复 1 件，未予受理 1 件" in said
    code, said, _ = ipgov("status", "--json", *day)
    (shown,) = json.loads(said)["publicities"]
    assert "某人" not in said
    assert shown["objections"][0]["outcome_name"] == "待答复"
    assert "合同不实；待答复" in ipgov("objection", "list", *day)[1]
