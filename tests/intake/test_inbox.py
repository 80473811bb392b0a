"""What an object's name says of its sender, and why it may say nothing."""

from __future__ import annotations

import pytest
from ipgov.intake.inbox import InboxKey, parse_key


def test_a_key_names_its_sender_and_back() -> None:
    key = "inbox/functional_platform/2023/31/FP01/FP01-2023 报送表(改).xlsx"
    found = parse_key(key)
    assert found == InboxKey("functional_platform", "2023", "31", "FP01", "FP01-2023 报送表(改).xlsx")
    assert isinstance(found, InboxKey)
    assert found.key == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("inbox/报送表.xlsx", "路径不符合"),
        ("outbox/functional_platform/2023/31/FP01/a.xlsx", "路径不符合"),
        ("inbox/functional_platform/2023/31/FP01/old/a.xlsx", "路径不符合"),
        ("inbox/平台/2023/31/FP01/a.xlsx", "业务“平台”"),
        ("inbox/functional_platform/23/31/FP01/a.xlsx", "评价年度“23”"),
        ("inbox/functional_platform/２０２３/31/FP01/a.xlsx", "评价年度“２０２３”"),
        ("inbox/functional_platform/2023/上海/FP01/a.xlsx", "省级代码“上海”"),
        ("inbox/functional_platform/2023/31/平台一/a.xlsx", "单位代码“平台一”"),
        ("inbox/functional_platform/2023/31//a.xlsx", "单位代码“”"),
        ("inbox/functional_platform/2023/31/FP01/~$a.xlsx", "临时文件"),
        ("inbox/functional_platform/2023/31/FP01/.DS_Store", "临时文件"),
        (
            r"inbox/functional_platform/2023/31/FP01/\xb1\xa8\xcb\xcd.xlsx",
            "不是 UTF-8 编码（按 GB 18030 读作“报送.xlsx”",
        ),
    ],
)
def test_what_cannot_be_claimed_has_its_reason(key: str, reason: str) -> None:
    found = parse_key(key)
    assert isinstance(found, str)
    assert reason in found
