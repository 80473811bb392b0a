"""The ways on which a document leaves: one file per channel.

A channel delivers one letter or says what became of it: TemporaryProblemError (tried again by itself),
DeliveryRefusedError (never by itself), DeliveryUncertainError (it may have arrived), ChannelDownError
(temporary; nothing else of this channel is tried in this run).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ipgov.core.errors import GovernanceError, RefusedError, TemporaryProblemError
from ipgov.core.object_keys import OtherContentError

MEDIA_TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}


class DeliveryRefusedError(GovernanceError):
    """It will not be delivered however often it is tried: no address, a refused one, other bytes there."""


class DeliveryUncertainError(GovernanceError):
    """It may have arrived: nobody answered after all of it had left."""


class ChannelDownError(TemporaryProblemError):
    """The channel as a whole does not work for now."""


@dataclass(frozen=True)
class Sent:
    """One file of a letter."""

    filename: str
    format: str
    data: bytes


@dataclass(frozen=True)
class Letter:
    """A row of the outbox as a channel needs it; the same row gives the same letter at every attempt."""

    message_id: str
    programme: str
    period: str
    recipient: str
    address: tuple[str, str] | None  # name and address, of channels that write to one
    title: str
    issuer: str
    number: str
    queued_at: dt.datetime
    text: str  # the summary that stands in the letter itself
    banner: str
    files: tuple[Sent, ...]

    def placed(self) -> Mapping[str, Sent]:
        """Return the files by the name that each has in a folder or bucket shared by all recipients."""
        return {f"{self.programme}/{self.period}/{self.recipient}/{f.filename}": f for f in self.files}


class Channel(Protocol):
    """One way out, open for the letters of one run."""

    def deliver(self, letter: Letter, begun: Callable[[str], None]) -> str:
        """Deliver it and return what to record; ``begun(target)`` before the point of no return, if any."""

    def close(self) -> None:
        """Leave nothing open."""


def open_channel(name: str, simulation: bool) -> Channel:
    """Return a channel by its name; RefusedError where a simulation would reach beyond this machine."""
    from ipgov.documents.channels import folder, mail, outbox, publication

    makers: Mapping[str, Callable[[bool], Channel]] = {
        "outbox": outbox.Outbox,
        "folder": folder.SharedFolder,
        "publication": publication.Publication,
        "mail": mail.Mail,
    }
    return makers[name](simulation)


def refuse_leaving(what: str) -> RefusedError:
    """Return the error for a simulation that is set up to reach other people."""
    return RefusedError(f"模拟库不向外寄发：{what}；只可寄往本机（127.0.0.1）或本安装的状态文件夹")


def put_all(put: Callable[[str, Sent], None], letter: Letter, prefix: str = "") -> str:
    """Put every file once, the same bytes again at a repetition; return the keys, one a line."""
    try:
        for key, file in letter.placed().items():
            put(prefix + key, file)
    except OtherContentError as error:
        raise DeliveryRefusedError(error.message) from error
    return "\n".join(prefix + key for key in letter.placed())
