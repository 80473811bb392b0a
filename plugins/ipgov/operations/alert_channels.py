"""How alerts leave: a signed JSON POST, and mail over the installation's own mail server.

A webhook is an https address (http on this machine alone). No redirect is followed, no proxy is used, every
wait is bounded, and of the address only its host is ever shown: many services keep a token in the path.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import http.client
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ipgov.core import private
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, TemporaryProblemError
from ipgov.core.fingerprint import fingerprint
from ipgov.core.settings import settings
from ipgov.documents.channels import Letter, mail, refuse_leaving
from ipgov.documents.channels.loopback import is_loopback
from ipgov.documents.channels.message import is_address, one_line

Alerts = Sequence[Mapping[str, Any]]
_ANSWER = 500  # bytes of an answer that are told of


def configured() -> dict[str, Callable[[Alerts, dt.datetime, bool], str]]:
    """Return the channels that this installation has: each sends alerts at a moment, and says where to."""
    found: dict[str, Callable[[Alerts, dt.datetime, bool], str]] = {}
    if settings().alert_webhook:
        found["webhook"] = post
    if settings().alert_mail:
        found["mail"] = send_mail
    return found


def post(alerts: Alerts, now: dt.datetime, simulation: bool) -> str:
    """Post alerts to the webhook; return its host and answer. Raises EnvironmentProblemError.

    ``X-IPGOV-Signature`` is ``sha256=`` and the HMAC-SHA256, by the secret, of timestamp, a dot and the body.
    """
    parts = urlsplit(settings().alert_webhook)
    host = parts.hostname or ""
    here = is_loopback(host)
    if (parts.scheme != "https" and not (parts.scheme == "http" and here)) or not host or parts.username:
        raise EnvironmentProblemError("IPGOV_ALERT_WEBHOOK 须为 https://主机/路径，不含账号；仅本机可用 http")
    if simulation and not here:
        raise refuse_leaving(f"告警地址 {host}")
    body = json.dumps(
        {"alerts": list(alerts), "sent_at": now.isoformat(), "simulation": simulation},
        ensure_ascii=False,
        default=str,
    ).encode()
    stamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "ipgov",
        "X-IPGOV-Timestamp": stamp,
        "X-IPGOV-Id": _name(alerts),
    }
    if path := settings().alert_webhook_secret_file:
        secret = private.read(path).strip().encode()
        signed = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers["X-IPGOV-Signature"] = f"sha256={signed}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _connection(parts.scheme, host, parts.port)
    try:
        connection.request("POST", target, body, headers)
        answer = connection.getresponse()
        said = one_line(answer.read(_ANSWER).decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:  # TLS errors and timeouts are OSErrors
        raise TemporaryProblemError(f"告警地址 {host} 无法送达：{type(error).__name__}") from error
    finally:
        connection.close()
    if 300 <= answer.status < 400:
        raise EnvironmentProblemError(
            f"告警地址 {host} 要求转往别处（{answer.status}），不跟随；请改用其最终地址"
        )
    if not 200 <= answer.status < 300:
        raise TemporaryProblemError(f"告警地址 {host} 应答 {answer.status}：{said}")
    return f"{host}：{answer.status}"


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    wait = settings().alert_webhook_timeout
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=wait)
    trusted = ssl.create_default_context(cafile=settings().alert_webhook_ca)
    return http.client.HTTPSConnection(host, port, timeout=wait, context=trusted)


def send_mail(alerts: Alerts, now: dt.datetime, simulation: bool) -> str:
    """Mail alerts to everyone of ``alert_mail``; return the addresses. Raises GovernanceError.

    Where one address is refused, the others still get it, and it is named.
    """
    addresses = [a.strip() for a in settings().alert_mail.split(",") if a.strip()]
    if wrong := [a for a in addresses if not is_address(a)]:
        raise EnvironmentProblemError(f"IPGOV_ALERT_MAIL 中的“{one_line(wrong[0])}”不是邮箱地址")
    mark = "【模拟】" if simulation else ""
    subject = f"{mark}【告警】{alerts[0]['subject']}" + (f" 等 {len(alerts)} 项" if len(alerts) > 1 else "")
    lines = []
    for each in alerts:
        since = f"（自 {each['since']} 起）" if each.get("since") else ""
        again = f"（第 {each['number']} 次提醒）" if each["number"] > 1 else ""
        lines += [f"{each['kind_name']}：{each['subject']}{since}{again}", f"    {each['message']}", ""]
    lines.append("全部事项见 ipgov status 与 ipgov alert list。")
    channel = mail.Mail(simulation)
    refused: list[GovernanceError] = []
    try:
        for address in addresses:
            letter = Letter(
                message_id=f"<alert-{fingerprint([_name(alerts), address])[:40]}@ipgov.invalid>",
                programme="",
                period="",
                recipient=address,
                address=("运行值班", address),
                title=one_line(subject),
                issuer="知识产权运营治理",
                number="",
                queued_at=now,
                text="\n".join(lines),
                banner="",
                files=(),
            )
            try:
                channel.deliver(letter, lambda target: None)
            except GovernanceError as error:
                refused.append(error)
    finally:
        channel.close()
    if len(refused) == len(addresses):
        raise refused[0]
    failures = "；".join(e.message for e in refused)
    return "、".join(addresses) + (f"；其中未送达：{failures}" if failures else "")


def _name(alerts: Alerts) -> str:
    """Return what names a message: sent again after a failure it is the same, and its receiver can tell."""
    return fingerprint([[a["id"], a["number"]] for a in alerts])[:32]
