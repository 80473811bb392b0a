"""A responsible unit's due days as a calendar file (RFC 5545) that ordinary calendar programs open.

One all-day event per obligation. Its UID never changes; a changed due day raises SEQUENCE, so that whoever
opens the newer file sees the event moved, not doubled. A provisional day is TENTATIVE.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ipgov.core.errors import RefusedError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.steps import SHANGHAI
from ipgov.documents.model import plain_text

PRODUCT = "-//ipgov//work plan//ZH"
OCTETS = 75  # of a line, without its end (3.1)
_ONE_DAY = dt.timedelta(days=1)
_SPECIAL = re.compile(r"[\\;,]")


@dataclass(frozen=True)
class Entry:
    """An obligation as a calendar shows it.

    ``changes``: how often the due day was set anew (or the obligation ended) since it was opened;
    ``changed_at``: when it last was. ``ended``: done, or no longer owed (``withdrawn``). ``alarms``: moments
    at which the calendar program speaks up.
    """

    key: str
    summary: str
    description: Sequence[str]
    due_on: dt.date
    provisional: bool
    changes: int
    changed_at: dt.datetime
    ended: bool = False
    withdrawn: bool = False
    late: bool = False
    categories: Sequence[str] = ()
    alarms: Sequence[dt.datetime] = ()


def write(name: str, entries: Sequence[Entry], note: str = "") -> bytes:
    """Return the .ics of a responsible unit. The same entries give the same bytes.

    Raises RefusedError for text that is not one printable line.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{escaped(name)}",
        f"X-WR-CALNAME:{escaped(name)}",
        "X-WR-TIMEZONE:Asia/Shanghai",
    ]
    if note:
        lines += [f"DESCRIPTION:{escaped(note)}", f"X-WR-CALDESC:{escaped(note)}"]
    for entry in sorted(entries, key=lambda e: (e.due_on, e.key)):
        lines += _event(entry)
    lines.append("END:VCALENDAR")
    return b"".join(folded(line) for line in lines)


def uid(key: str) -> str:
    """Return the identifier of an obligation's event: the same in every file, for ever."""
    return f"{sha256_hex(key.encode())[:32]}@ipgov.invalid"


def _event(entry: Entry) -> Iterator[str]:
    status = "CANCELLED" if entry.withdrawn else "TENTATIVE" if entry.provisional else "CONFIRMED"
    marks = [
        text
        for told, text in (
            (entry.withdrawn, "已撤销"),
            (entry.ended and not entry.withdrawn, "已办结"),
            (entry.late and not entry.ended, "逾期"),
            (entry.provisional and not entry.ended, "暂定"),
        )
        if told
    ]
    yield "BEGIN:VEVENT"
    yield f"UID:{uid(entry.key)}"
    yield f"DTSTAMP:{_utc(entry.changed_at)}"
    yield f"LAST-MODIFIED:{_utc(entry.changed_at)}"
    yield f"SEQUENCE:{entry.changes}"
    yield f"STATUS:{status}"
    yield f"DTSTART;VALUE=DATE:{entry.due_on:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{entry.due_on + _ONE_DAY:%Y%m%d}"  # the end is not part of it (3.6.1)
    yield f"SUMMARY:{escaped(''.join(f'【{m}】' for m in marks) + entry.summary)}"
    yield "DESCRIPTION:" + r"\n".join(escaped(p) for p in entry.description)
    if entry.categories:
        yield f"CATEGORIES:{','.join(escaped(c) for c in entry.categories)}"
    yield "TRANSP:TRANSPARENT"
    yield "CLASS:PRIVATE"
    if not entry.ended:
        for moment in sorted(set(entry.alarms)):
            yield "BEGIN:VALARM"
            yield "ACTION:DISPLAY"
            yield f"TRIGGER;VALUE=DATE-TIME:{_utc(moment)}"
            yield f"DESCRIPTION:{escaped(entry.summary)}"
            yield "END:VALARM"
    yield "END:VEVENT"


def alarm_at(day: dt.date) -> dt.datetime:
    """Return the moment of a day at which its reminder speaks up: nine o'clock in the office's time."""
    return dt.datetime.combine(day, dt.time(9), tzinfo=SHANGHAI)


def escaped(text: str) -> str:
    """Return one line of text as a value of type TEXT (3.3.11). Raises RefusedError for anything else."""
    return _SPECIAL.sub(lambda found: "\\" + found[0], plain_text(text))


def folded(line: str) -> bytes:
    """Return a content line with its end, folded at 75 octets and never inside a character (3.1)."""
    if "\r" in line or "\n" in line:
        raise RefusedError(f"日历文件的一行里有换行：{line[:40]}")
    parts: list[bytes] = [b""]
    for character in line:
        octets = character.encode()
        room = OCTETS - (1 if len(parts) > 1 else 0)  # a continued line begins with a space
        if len(parts[-1]) + len(octets) > room:
            parts.append(b"")
        parts[-1] += octets
    return b"\r\n ".join(parts) + b"\r\n"


def _utc(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"
