"""Mail over SMTP (RFC 5321): one connection for the letters of a run, each with its fixed Message-ID.

Nothing counts as sent without the server's 250 after the whole letter. What leaves before the closing dot is
never delivered by a server; so the mark ``begun`` is set just before the dot, and only what is cut off
between it and the answer is uncertain.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ipgov.core import private
from ipgov.core.errors import EnvironmentProblemError, TemporaryProblemError
from ipgov.core.settings import settings
from ipgov.documents.channels import (
    ChannelDownError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    Letter,
    message,
    refuse_leaving,
)
from ipgov.documents.channels.loopback import is_loopback


class Mail:
    """``IPGOV_SMTP_…``; connects at the first letter."""

    def __init__(self, simulation: bool):
        s = settings()
        if not s.smtp_host:
            raise ChannelDownError("没有邮件服务器：请设置 IPGOV_SMTP_HOST 与 IPGOV_SMTP_FROM")
        if simulation and not is_loopback(s.smtp_host):
            raise refuse_leaving(f"邮件服务器 {s.smtp_host}")
        if s.smtp_user and s.smtp_security == "none" and not is_loopback(s.smtp_host):
            raise EnvironmentProblemError("邮件口令不得明文传送：IPGOV_SMTP_SECURITY 应为 starttls 或 tls")
        self.where = f"{s.smtp_host}:{s.smtp_port}"
        self.connection: smtplib.SMTP | None = None
        self.half_said = False  # the server waits for the rest of a letter

    def deliver(self, letter: Letter, begun: Callable[[str], None]) -> str:
        """See Channel."""
        sender = settings().smtp_from
        data = message.build(letter, sender)
        assert letter.address is not None  # noqa: S101 - build has seen to it
        address = letter.address[1]
        connection = self._connected()
        self.half_said = True
        try:
            with self._told():
                self._envelope(connection, sender, address, len(data))
                _expect(connection.docmd("DATA"), 354)
                connection.send(_stuffed(data))
            begun(f"{address} {self.where}")
            return f"{address}：{self._finish(connection, letter)}"
        except _AnsweredError as error:
            self.half_said = False
            raise error.meaning from None
        finally:
            if self.half_said:  # what the server has of a letter without its dot, it drops
                self._abandon()

    def _envelope(self, connection: smtplib.SMTP, sender: str, address: str, size: int) -> None:
        options = [f"SIZE={size}"] if connection.has_extn("size") else []
        code, said = connection.mail(sender, options)
        if code == 552:
            raise _AnsweredError(
                DeliveryRefusedError(f"邮件过大（{size} 字节），{self.where} 不收：{_words(code, said)}")
            )
        if code != 250:
            raise ChannelDownError(f"{self.where} 不接受发件地址 {sender}：{_words(code, said)}")
        code, said = connection.rcpt(address)
        if code not in (250, 251):
            raise _answered(f"{self.where} 不接受收件地址 {address}", code, said)

    def _finish(self, connection: smtplib.SMTP, letter: Letter) -> str:
        """Send the dot; from here until the answer the letter may have arrived."""
        assert connection.sock is not None  # noqa: S101
        connection.sock.settimeout(settings().smtp_end_timeout)
        try:
            connection.send(b".\r\n")
            code, said = connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryUncertainError(
                f"{self.where} 收下整封邮件后没有应答（{type(error).__name__}）：可能已送达，不自动重寄。"
                f"请向收件单位或在邮件服务器日志中按 Message-ID {letter.message_id} 核实，"
                "再登记：ipgov dispatch settle"
            ) from error
        self.half_said = False
        connection.sock.settimeout(settings().smtp_timeout)
        if code != 250:
            raise _answered(f"{self.where} 不收这封邮件", code, said)
        return _words(code, said)

    def _connected(self) -> smtplib.SMTP:
        if self.connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                if self.connection.rset()[0] == 250:
                    return self.connection
            self._abandon()
        with self._told():
            self.connection = self._connect()
        return self.connection

    def _connect(self) -> smtplib.SMTP:
        s = settings()
        encrypted = None if s.smtp_security == "none" else ssl.create_default_context(cafile=s.smtp_ca)
        if s.smtp_security == "tls":
            made: smtplib.SMTP = smtplib.SMTP_SSL(
                s.smtp_host, s.smtp_port, timeout=s.smtp_timeout, context=encrypted
            )
        else:
            made = smtplib.SMTP(s.smtp_host, s.smtp_port, timeout=s.smtp_timeout)
        try:
            made.ehlo_or_helo_if_needed()
            if s.smtp_security == "starttls":
                made.starttls(context=encrypted)  # raises where the server has it not
                made.ehlo()
            if s.smtp_user:
                made.login(s.smtp_user, _password())
        except BaseException:
            made.close()
            raise
        return made

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what went wrong before the dot: nothing has arrived, so it may be tried again."""
        try:
            yield
        except _AnsweredError:
            raise
        except smtplib.SMTPAuthenticationError as error:
            said = _words(error.smtp_code, error.smtp_error)
            raise ChannelDownError(f"{self.where} 不接受账号 {settings().smtp_user}：{said}") from error
        except smtplib.SMTPResponseException as error:
            said = _words(error.smtp_code, error.smtp_error)
            raise ChannelDownError(f"{self.where} 拒绝：{said}") from error
        except smtplib.SMTPNotSupportedError as error:
            raise ChannelDownError(
                f"{self.where} 不支持所要求的加密或认证（{error}），请核对 IPGOV_SMTP_SECURITY"
            ) from error
        except ssl.SSLError as error:
            raise ChannelDownError(f"{self.where} 的 TLS 证书不受信任或协商失败：{error.reason}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelDownError(
                f"邮件服务器 {self.where} 连接不上或连接中断（{type(error).__name__}：{error}），可稍后重试"
            ) from error

    def close(self) -> None:
        """See Channel."""
        if self.connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                self.connection.quit()
            self._abandon()

    def _abandon(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class _AnsweredError(Exception):
    """A reply that ends this letter and not the connection."""

    def __init__(self, meaning: Exception):
        super().__init__(str(meaning))
        self.meaning = meaning


def _password() -> str:
    path = settings().smtp_password_file
    if path is None:
        raise ChannelDownError("邮件账号没有口令文件：请设置 IPGOV_SMTP_PASSWORD_FILE")
    return private.read_shared(path).strip()


def _expect(answer: tuple[int, bytes], wanted: int) -> None:
    if answer[0] != wanted:
        raise _answered("邮件服务器不收这封邮件", *answer)


def _answered(doing: str, code: int, said: bytes) -> _AnsweredError:
    """Return the error that a reply stands for: 5yz is permanent, all else is not (RFC 5321 §4.2.1)."""
    text = f"{doing}：{_words(code, said)}"
    return _AnsweredError(DeliveryRefusedError(text) if 500 <= code < 600 else TemporaryProblemError(text))


def _words(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return message.one_line(f"{code} {text}")[:500]


def _stuffed(data: bytes) -> bytes:
    """Return the content as it is sent: lines that begin with a dot get another (RFC 5321 §4.5.2)."""
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in data.split(b"\r\n"))
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"
