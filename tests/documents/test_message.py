"""A letter as an Internet message: no text becomes a header, and what an address is."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from document_samples import KNOWN_AT
from ipgov.documents.channels import Letter, Sent, message

SENDER = "office@example.org"


@pytest.mark.parametrize(
    "title", ["通知\r\nBcc: all@example.org", "通知\u2028X: y", "=?utf-8?q?x?=", "a\x00b", "‮反向‬"]
)
def test_no_text_becomes_a_header(title: str) -> None:
    letter = Letter(
        "<a@ipgov.invalid>", "p", "2025", "32", (title, "js@example.org"), title, title, title,
        KNOWN_AT, title, "", (Sent(f"{title}.pdf", "pdf", b"%PDF"),),
    )  # fmt: skip
    raw = message.build(letter, SENDER)
    got = message_from_bytes(raw, policy=policy.SMTP)
    assert sorted(got.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    assert got["To"].addresses[0].addr_spec == "js@example.org"
    assert len(got["To"].addresses) == 1
    assert message.build(letter, SENDER) == raw


@pytest.mark.parametrize(
    "address",
    [
        *("", "a", "a@", "@b.cn", "a@b", "a b@c.cn", "a@b.cn, c@d.cn", "a@b.cn\r\nBcc: c@d.cn"),
        *("<a@b.cn>", "a@-b.cn", "甲@b.cn", "a" * 65 + "@b.cn", "a@b..cn"),
    ],
)
def test_what_is_no_address(address: str) -> None:
    assert not message.is_address(address)


@pytest.mark.parametrize("address", ["a@b.cn", "a.b+c@x-y.gov.cn", "o'neil_1@example.org"])
def test_what_is_an_address(address: str) -> None:
    assert message.is_address(address)
