"""The page of public notices: how long they run and what was objected, and never who objected."""

from __future__ import annotations

import datetime as dt

from announced_list import Listed
from console_browser import Browser, words
from console_sample import HOSTILE, Sample

DAY = dt.date(2026, 5, 8)


def test_a_notice_with_its_days_bodies_and_objections(viewer: Browser, sample: Sample) -> None:
    assert "没有公示" in words(viewer.get("/governance/publicities?as_of=2026-05-08").text)
    listed = Listed(("IC91", "IC92"))
    listed.register()
    listed.notice(bodies=["IC91", "IC92"])
    listed.object("IC91", DAY, text=f"合同不实{HOSTILE}", name="不能显示的人", contact="不能显示的电话")
    assert listed.object("IC77", DAY)["refused"]
    answer = viewer.get("/governance/publicities?as_of=2026-05-11")
    assert answer.status_code == 200
    text = words(answer.text)
    assert "2026-05-08 至 2026-05-14，还有 3 个工作日" in text
    assert "待答复 1 件" in text
    assert "未予受理 1 件" in text
    assert "合同不实" in text
    assert "不能显示" not in answer.text
    assert "<script>" not in answer.text
    over = words(viewer.get("/governance/publicities?as_of=2026-05-15").text)
    assert "公示期满" in over
    assert viewer.get("/governance/publicities?as_of=x").status_code == 422
    assert viewer.get("/governance/publicities?x=1").status_code == 422
