"""A letter as an Internet message (RFC 5322, 2045–2047, 2231): the same row gives the same bytes."""

from __future__ import annotations

import email.policy
import re
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage

from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.fingerprint import sha256_hex
from ipgov.documents.channels import MEDIA_TYPES, DeliveryRefusedError, Letter

# RFC 5321 §4.1.2 without quoted local parts; other scripts need SMTPUTF8, which few offices' servers take.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def is_address(text: str) -> bool:
    """Tell whether this is one plain mail address (at most 254 characters, ASCII)."""
    at = text.rfind("@")
    return len(text) <= 254 and at <= 64 and _ADDRESS.fullmatch(text) is not None


def one_line(text: str) -> str:
    """Return the text without anything that could end a header's line or turn its direction."""
    return " ".join(_CONTROL.sub(" ", text).split())


def build(letter: Letter, sender: str) -> bytes:
    """Return the message: summary as text, files attached; lines end with CRLF.

    Raises DeliveryRefusedError for a recipient's address that is none, EnvironmentProblemError for the
    sender's.
    """
    if letter.address is None:
        raise DeliveryRefusedError(
            f"收件单位 {letter.recipient} 没有登记邮箱地址；请登记：ipgov contact import"
        )
    name, address = letter.address
    if not is_address(address):
        raise DeliveryRefusedError(f"收件单位 {letter.recipient} 的邮箱地址“{address}”无效")
    if not is_address(sender):
        raise EnvironmentProblemError(f"发件地址“{sender}”无效：请设置 IPGOV_SMTP_FROM")
    message = EmailMessage(policy=email.policy.SMTP)
    try:
        message["From"] = Address(one_line(letter.issuer), addr_spec=sender)
        message["To"] = Address(one_line(name), addr_spec=address)
    except (HeaderParseError, ValueError) as error:
        raise DeliveryRefusedError(f"收件单位 {letter.recipient} 的名称或地址无效：{error}") from None
    mark = "【模拟】" if letter.banner else ""
    message["Subject"] = one_line(f"{mark}{letter.title}" + (f"（{letter.number}）" if letter.number else ""))
    message["Date"] = letter.queued_at
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note answers
    message.set_content(letter.text, charset="utf-8", cte="base64")
    for file in letter.files:
        main, _, sub = MEDIA_TYPES[file.format].partition(";")[0].partition("/")
        message.add_attachment(file.data, maintype=main, subtype=sub, filename=one_line(file.filename))
    if letter.files:
        # a random one would make other bytes of every attempt
        message.set_boundary(f"=_{sha256_hex(letter.message_id.encode())[:40]}")
    return message.as_bytes()
