"""Dispatch by mail through a real SMTP server: what arrives, what is tried again, what waits for a person."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from document_samples import KNOWN_AT
from ipgov.core import database as db
from ipgov.core.errors import GovernanceError, RefusedError, TemporaryProblemError
from ipgov.core.objects import get_content
from ipgov.core.settings import settings
from ipgov.core.tables import dispatch_attempt, dispatch_begun
from ipgov.documents import dispatch, register
from ipgov.registry import contacts
from mail_server import Office, certificate, free_port, running
from sqlalchemy import func, select
from test_register import file

pytestmark = pytest.mark.usefixtures("database")
MINUTE = dt.timedelta(minutes=1)
SENDER = "office@example.org"


def configure(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"IPGOV_{name.upper()}", str(value))
    settings.cache_clear()


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    made = Office()
    with running(made) as port:
        configure(
            monkeypatch,
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_security="none",
            smtp_from=SENDER,
            smtp_timeout=2,
            smtp_end_timeout=1,
            dispatch_pauses="[15, 60]",
        )
        yield made


def contact(
    recipient: str = "32", address: str | None = "js@example.org", name: str = "江苏省知识产权局"
) -> None:
    with db.transaction() as connection:
        there = contacts.Contact(recipient, name, address)
        contacts.record(connection, there, dt.date(2024, 1, 1), "test", "tester", KNOWN_AT)


def queued(key: str = "a", recipient: str = "32", filename: str = "32-评价结果的通知") -> tuple[int, int]:
    with db.transaction() as connection:
        document_id = file(connection, key, filename=filename)
        return document_id, dispatch.queue(connection, document_id, recipient, "mail", KNOWN_AT)


def state(row: int) -> dispatch.Standing:
    with db.reading() as connection:
        return next(s for s in dispatch.unsent(connection) if s.row["id"] == row)


def tried() -> int:
    with db.reading() as connection:
        return connection.execute(select(func.count()).select_from(dispatch_attempt)).scalar_one()


def test_letter_arrives_whole(office: Office) -> None:
    contact()
    document_id, _ = queued()
    assert dispatch.send_pending(KNOWN_AT) == 1
    ((sender, recipients, raw),) = office.envelopes
    assert (sender, recipients) == (SENDER, ["js@example.org"])
    (got,) = office.messages
    assert got["To"].addresses[0].display_name == "江苏省知识产权局"
    assert got["Subject"].startswith("【模拟】关于") or got["Subject"].startswith("关于")
    assert got["Message-ID"].startswith("<")
    assert got["Auto-Submitted"] == "auto-generated"
    text = got.get_body(("plain",))
    assert text is not None
    assert "江苏省知识产权局：" in text.get_content()
    assert "32-评价结果的通知.docx" in text.get_content()
    files = {a.get_filename(): a.get_content() for a in got.iter_attachments()}
    with db.reading() as connection:
        assert files == {
            f["filename"]: get_content(f["sha256"]) for f in register.files(connection, document_id)
        }
    head = raw.split(b"\r\n\r\n")[0]
    assert head.isascii(), "RFC 2047 and 2231 leave no other bytes in a header"
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"filename*=utf-8''" in raw or b"filename*0*=utf-8''" in raw
    assert dispatch.send_pending(KNOWN_AT + 60 * MINUTE) == 0
    assert len(office.envelopes) == 1


def test_one_connection_serves_many_letters(office: Office) -> None:
    contact()
    for n in range(5):
        queued(f"k{n}")
    assert dispatch.send_pending(KNOWN_AT) == 5
    assert office.connections == 1
    assert len({m["Message-ID"] for m in office.messages}) == 5


def test_what_is_tried_again_is_the_same_to_the_byte(office: Office) -> None:
    contact()
    queued()
    office.data = "silent"
    with pytest.raises(GovernanceError, match="可能已送达，不自动重寄"):
        dispatch.send_pending(KNOWN_AT)
    row = 1
    assert state(row).state == "uncertain"
    with db.transaction() as connection:
        dispatch.settle(connection, row, "again", "operator1", "对方称未收到", KNOWN_AT)
    office.data = ""
    assert dispatch.send_pending(KNOWN_AT + 60 * MINUTE) == 1
    assert office.envelopes[0] == office.envelopes[1]


@pytest.mark.parametrize("reply", ["421 4.3.2 closing", "451 4.7.1 greylisted", "452 4.2.2 full"])
@pytest.mark.parametrize("place", ["rcpt", "data"])
def test_passing_failure_is_tried_again_after_growing_pauses(office: Office, place: str, reply: str) -> None:
    contact()
    _, row = queued()
    setattr(office, place, reply)
    for minutes, attempts, after in ((0, 1, "retry"), (14, 1, "retry"), (15, 2, "retry"), (74, 2, "retry")):
        moment = KNOWN_AT + minutes * MINUTE
        if attempts > tried():
            with pytest.raises(TemporaryProblemError, match=f"未能发出：.*{reply[:3]}"):
                dispatch.send_pending(moment)
        else:
            assert dispatch.send_pending(moment) == 0
        assert (tried(), state(row).state) == (attempts, after)
    with pytest.raises(TemporaryProblemError):
        dispatch.send_pending(KNOWN_AT + 75 * MINUTE)
    assert state(row).state == "exhausted"
    assert dispatch.send_pending(KNOWN_AT + 100_000 * MINUTE) == 0
    setattr(office, place, "")
    with db.transaction() as connection:
        dispatch.settle(connection, row, "again", "operator1", "对方邮箱已恢复", KNOWN_AT)
    assert dispatch.send_pending(KNOWN_AT + 100_000 * MINUTE) == 1
    assert len(office.envelopes) == 1


@pytest.mark.parametrize("place", ["rcpt", "data"])
def test_lasting_failure_is_reported_and_not_tried_again(office: Office, place: str) -> None:
    contact()
    _, bad = queued()
    setattr(office, place, "550 5.1.1 no such user\r\n")
    with pytest.raises(GovernanceError, match="550") as told:
        dispatch.send_pending(KNOWN_AT)
    assert not isinstance(told.value, TemporaryProblemError)
    setattr(office, place, "")
    queued("b")
    assert dispatch.send_pending(KNOWN_AT + 10_000 * MINUTE) == 1
    assert state(bad).state == "failed"
    assert len(office.envelopes) == 1


def test_refused_letter_does_not_end_the_connection(office: Office) -> None:
    contact()
    contact("33", "bad address@example.org", "浙江省知识产权局")
    queued("a", "33")
    queued("b")
    queued("c", "34")
    with pytest.raises(GovernanceError, match=r"2 件文书未能发出：.*没有登记邮箱地址|地址.*无效"):
        dispatch.send_pending(KNOWN_AT)
    assert [e[1] for e in office.envelopes] == [["js@example.org"]]
    assert [state(r).state for r in (1, 3)] == ["failed", "failed"]


def test_ended_contact_gets_nothing(office: Office) -> None:
    contact()
    contact(address=None)
    queued()
    with pytest.raises(GovernanceError, match="没有登记邮箱地址"):
        dispatch.send_pending(KNOWN_AT)
    assert office.envelopes == []


def test_server_out_of_reach_leaves_the_rest_for_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact()
    for n in range(3):
        queued(f"k{n}")
    port = settings().smtp_port
    configure(monkeypatch, smtp_port=free_port())
    with pytest.raises(TemporaryProblemError, match=r"1 件文书未能发出：.*连接不上或连接中断"):
        dispatch.send_pending(KNOWN_AT)
    assert tried() == 1
    configure(monkeypatch, smtp_port=port)
    assert dispatch.send_pending(KNOWN_AT) == 2
    assert dispatch.send_pending(KNOWN_AT + 15 * MINUTE) == 1


@pytest.mark.parametrize("way", ["vanish", "silent"])
def test_letter_whose_answer_is_lost_waits_for_a_person(office: Office, way: str) -> None:
    contact()
    _, row = queued()
    office.data = way
    with pytest.raises(GovernanceError, match=r"按 Message-ID <.*> 核实") as told:
        dispatch.send_pending(KNOWN_AT)
    assert not isinstance(told.value, TemporaryProblemError)
    office.data = ""
    assert dispatch.send_pending(KNOWN_AT + 100_000 * MINUTE) == 0
    assert len(office.envelopes) == 1, "never twice by itself"
    with db.transaction() as connection:
        with pytest.raises(RefusedError, match="须说明依据"):
            dispatch.settle(connection, row, "arrived", "operator1", " ", KNOWN_AT)
        dispatch.settle(connection, row, "arrived", "operator1", "对方确认收到", KNOWN_AT)
    with db.reading() as connection:
        assert dispatch.unsent(connection) == []
    with db.transaction() as connection, pytest.raises(RefusedError, match="无须由人处理"):
        dispatch.settle(connection, row, "again", "operator1", "x", KNOWN_AT)


KILLED = """
import datetime as dt, os, sys
from ipgov.documents import dispatch
from ipgov.documents.channels import mail
if sys.argv[1] == "after":
    done = mail.Mail._finish
    def finish(self, connection, letter):
        done(self, connection, letter)
        os.kill(os.getpid(), 9)
    mail.Mail._finish = finish
else:
    import smtplib
    send = smtplib.SMTP.send
    def half(self, s):
        if isinstance(s, bytes) and len(s) > 1000:
            send(self, s)
            os.kill(os.getpid(), 9)
        return send(self, s)
    smtplib.SMTP.send = half
dispatch.send_pending(dt.datetime.fromisoformat(sys.argv[2]))
"""


@pytest.mark.parametrize(("when", "after", "letters"), [("after", "uncertain", 1), ("before", "waiting", 0)])
def test_sender_killed_around_the_dot(office: Office, when: str, after: str, letters: int) -> None:
    """Killed before the dot nothing has arrived and it is sent again; after it nobody knows: it is not."""
    contact()
    _, row = queued()
    killed = subprocess.run([sys.executable, "-c", KILLED, when, KNOWN_AT.isoformat()], env=os.environ)
    assert killed.returncode == -9
    assert len(office.envelopes) == letters
    assert (state(row).state, tried()) == (after, 0)
    sent = dispatch.send_pending(KNOWN_AT + 1000 * MINUTE)
    assert sent == 1 - letters
    assert len(office.envelopes) == 1, "once, whatever is killed when"
    if letters:
        assert state(row).as_dict()["detail"] == "寄发中断，没有记下结果"
        with db.transaction() as connection:
            dispatch.settle(connection, row, "arrived", "operator1", "服务器日志中有此 Message-ID", KNOWN_AT)
        with db.reading() as connection:
            assert dispatch.unsent(connection) == []


def test_two_senders_send_one_letter(office: Office) -> None:
    from concurrent.futures import ThreadPoolExecutor

    contact()
    for n in range(4):
        queued(f"k{n}")
    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(dispatch.send_pending, [KNOWN_AT] * 3)) == 4
    assert len(office.envelopes) == 4
    with db.reading() as connection:
        assert connection.execute(select(func.count()).select_from(dispatch_begun)).scalar() == 4


def test_starttls_and_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contact()
    office = Office()
    context, ca = certificate(tmp_path)
    password = tmp_path / "password"
    password.write_text("geheim\n")
    password.chmod(0o600)
    options = {"tls_context": context, "require_starttls": True, "auth_required": True}
    with running(office, authenticator=office.authenticate, **options) as port:
        configure(
            monkeypatch, smtp_host="127.0.0.1", smtp_port=port, smtp_from=SENDER, smtp_user="office",
            smtp_password_file=password, smtp_timeout=5, dispatch_pauses="[1, 1, 1, 1]",
        )  # fmt: skip
        queued()
        with pytest.raises(TemporaryProblemError, match="TLS 证书不受信任"):
            dispatch.send_pending(KNOWN_AT)
        configure(monkeypatch, smtp_ca=ca)
        password.write_text("wrong")
        with pytest.raises(TemporaryProblemError, match="不接受账号 office：535") as told:
            dispatch.send_pending(KNOWN_AT + MINUTE)
        assert "wrong" not in told.value.message
        password.write_text("geheim\n")
        assert dispatch.send_pending(KNOWN_AT + 2 * MINUTE) == 1
    assert office.tls == [True]


def test_starttls_never_falls_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    contact()
    queued()
    configure(monkeypatch, smtp_security="starttls")
    with pytest.raises(TemporaryProblemError, match="不支持所要求的加密"):
        dispatch.send_pending(KNOWN_AT)
    assert office.envelopes == []


@pytest.mark.parametrize("host", ["mail.example.org", "10.0.0.1", "loopback.example.org"])
def test_simulation_reaches_nobody_else(office: Office, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    contact()
    queued()
    configure(monkeypatch, smtp_host=host)
    with pytest.raises(GovernanceError, match=f"模拟库不向外寄发：邮件服务器 {host}"):
        dispatch.send_pending(KNOWN_AT)
