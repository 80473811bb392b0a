"""What needs a person is told once, reminded of, and over by itself; nothing goes where it should not."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ipgov.core import private
from ipgov.core.errors import EnvironmentProblemError
from ipgov.core.settings import settings

sys.path.append(str(Path(__file__).parents[1] / "documents"))
from mail_server import Office, certificate, running

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


class Hook:
    """What was posted; answers with ``status`` and ``location``."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.location, self.wait = 204, "", threading.Event()
        self.silent = False


@contextmanager
def hook(context: ssl.SSLContext | None = None) -> Iterator[tuple[Hook, str]]:
    told = Hook()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            told.posts.append((self.path, dict(self.headers.items()), data))
            if told.silent:
                told.wait.wait(5)
                return
            self.send_response(told.status)
            if told.location:
                self.send_header("Location", told.location)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    scheme = "https" if context else "http"
    try:
        yield told, f"{scheme}://127.0.0.1:{server.server_port}/secret-path?key=k"
    finally:
        told.wait.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_(**more: object) -> None:
        for name, value in more.items():
            monkeypatch.setenv(f"IPGOV_{name.upper()}", str(value))
        settings.cache_clear()

    return set_


@pytest.fixture
def needs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the conditions find, as a test says."""
    from ipgov.operations import conditions

    listed: list[Any] = []
    monkeypatch.setattr(conditions, "find", lambda *given: list(listed))
    return listed


def need(key: str, kind: str = "disk") -> Any:
    from ipgov.operations.conditions import Need

    return Need(key, kind, f"主题 {key}", "说明", NOW)


def sweep(at: dt.datetime) -> Any:
    from ipgov.operations import alerts

    return alerts.sweep(at.date(), at)


def test_one_alert_is_sent_once_reminded_of_and_over(
    database: Path, use: Callable[..., None], needs: list[Any], tmp_path: Path
) -> None:
    from ipgov.operations import alerts

    context, authority = certificate(tmp_path)
    secret = tmp_path / "hook-secret"
    private.write(secret, "geheim\n")
    with hook(context) as (told, address):
        use(alert_webhook=address, alert_webhook_ca=authority, alert_webhook_secret_file=secret)
        needs.append(need("a"))
        assert sweep(NOW).output == {"raised": ["a"], "ended": [], "sent": 1}
        assert sweep(NOW + HOUR).output == {"raised": [], "ended": [], "sent": 0}
        needs.append(need("b"))
        assert sweep(NOW + 2 * HOUR).output["sent"] == 1
        assert sweep(NOW + 24 * HOUR).output["sent"] == 1  # a reminder of the first alone
        (path, headers, body) = told.posts[-1]
        (sent,) = json.loads(body)["alerts"]
        assert path == "/secret-path?key=k"
        assert (sent["key"], sent["number"], sent["kind_name"]) == ("a", 2, "磁盘将满")
        assert json.loads(body)["simulation"] is True
        signed = hmac.new(b"geheim", f"{headers['X-IPGOV-Timestamp']}.".encode() + body, hashlib.sha256)
        assert headers["X-IPGOV-Signature"] == f"sha256={signed.hexdigest()}"
        assert len({p[1]["X-IPGOV-Id"] for p in told.posts}) == len(told.posts) == 3
        del needs[0]
        assert sweep(NOW + 25 * HOUR).output["ended"] == ["a"]
        assert [a["key"] for a in alerts.listing()] == ["b"]
        needs.append(need("a"))  # again: a new matter
        assert sweep(NOW + 26 * HOUR).output["raised"] == ["a"]
        use(alert_repeat=0)
        assert sweep(NOW + 1000 * HOUR).output["sent"] == 0
        # what cannot be judged is not over
        needs[:] = [need("check_failed/x", "check_failed")]
        assert sweep(NOW + 1001 * HOUR).output["ended"] == []


def test_what_was_not_sent_is_sent_the_next_time(
    database: Path, use: Callable[..., None], needs: list[Any]
) -> None:
    from ipgov.core.database import reading
    from sqlalchemy import text

    needs.append(need("a"))
    with hook() as (told, address):
        use(alert_webhook=address, alert_webhook_timeout=1)
        for status in (500, 302, 500, 500):
            told.status, told.location = status, "http://127.0.0.1:1/elsewhere"
            with pytest.raises(EnvironmentProblemError) as raised:
                sweep(NOW)
            assert "127.0.0.1" in raised.value.message
            assert "secret-path" not in raised.value.message
            assert ("不跟随" in raised.value.message) is (status == 302)
        told.silent = True
        with pytest.raises(EnvironmentProblemError, match="无法送达"):
            sweep(NOW)
        told.silent, told.status, told.location = False, 200, ""
        assert sweep(NOW).output["sent"] == 1
        assert len({p[1]["X-IPGOV-Id"] for p in told.posts}) == 1
    with reading() as connection:
        rows = connection.execute(text("SELECT succeeded, detail FROM alert_notice ORDER BY id")).all()
    assert [r.succeeded for r in rows] == [False, False, False, False, True]  # the same failure is one row


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("http://example.org/x", "须为 https"),
        ("https://user:pw@example.org/", "须为 https"),
        ("ftp://127.0.0.1/", "须为 https"),
        ("https://example.org/x", "模拟库不向外寄发"),
    ],
)
def test_addresses_that_are_not_used(
    database: Path, use: Callable[..., None], ipgov: Callable[..., Any], address: str, word: str
) -> None:
    use(alert_webhook=address)
    code, _, err = ipgov("alert", "test")
    assert (code, word in err, "pw" in err) == (2, True, False)


def test_an_unknown_authority_is_not_believed(
    database: Path, use: Callable[..., None], ipgov: Callable[..., Any], tmp_path: Path
) -> None:
    context, _ = certificate(tmp_path)
    with hook(context) as (told, address):
        use(alert_webhook=address)
        code, _, err = ipgov("alert", "test")
        assert (code, "无法送达" in err, told.posts) == (2, True, [])


def test_mail_and_the_sample(
    database: Path, use: Callable[..., None], needs: list[Any], ipgov: Callable[..., Any]
) -> None:
    assert ipgov("alert", "test")[0] == 2
    office = Office()
    with running(office) as port:
        use(
            alert_mail="duty@office.gov.cn, night@office.gov.cn",
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_security="none",
            smtp_from="ipgov@office.gov.cn",
        )
        assert ipgov("alert", "test")[:2] == (0, "mail：duty@office.gov.cn、night@office.gov.cn\n")
        needs += [need("a"), need("b")]
        assert sweep(NOW).output["sent"] == 2
        assert sweep(NOW).output["sent"] == 0
        letters = office.messages[2:]
        assert [e[1] for e in office.envelopes[2:]] == [["duty@office.gov.cn"], ["night@office.gov.cn"]]
        assert letters[0]["Subject"] == "【模拟】【告警】主题 a 等 2 项"
        body = letters[0].get_content()
        assert "磁盘将满：主题 a" in body
        assert "ipgov alert list" in body
        code, said, _ = ipgov("alert", "list")
        assert (code, said.count("主题")) == (1, 2)
        office.rcpt = "550 no such user"
        with pytest.raises(EnvironmentProblemError):
            sweep(NOW + 25 * HOUR)
