"""Dispatch by the clock: what is due is sent; what needs a person is shown, and settled by one."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

from ipgov.core.database import reading, transaction
from ipgov.core.errors import GovernanceError, Problem
from ipgov.core.steps import StepResult
from ipgov.documents import dispatch
from ipgov.documents.channels.message import is_address, one_line
from ipgov.registry import contacts

COLUMNS = ("recipient", "name", "address", "valid_from")


def send(known_at: dt.datetime) -> StepResult:
    """Send what is due; ``found`` is what waits for a person. Raises as ``dispatch.send_pending``."""
    sent = dispatch.send_pending(known_at)
    with reading() as connection:
        waiting = [s for s in dispatch.unsent(connection) if s.state in dispatch.FOR_A_PERSON]
    return StepResult(read=sent, written=sent, found=len(waiting))


def outlook() -> dict[str, Any]:
    """Return how many were sent on each channel, and every row that was not sent, with where it stands."""
    with reading() as connection:
        rows = [s.as_dict() for s in dispatch.unsent(connection)]
        return {"sent": dispatch.counts(connection), "unsent": rows}


def settle(ids: list[int], answer: str, settled_by: str, reason: str, known_at: dt.datetime) -> None:
    """Record a person's decision on rows: all of them or none. Raises as ``dispatch.settle``."""
    with transaction() as connection:
        for dispatch_id in ids:
            dispatch.settle(connection, dispatch_id, answer, settled_by, reason, known_at)


def import_contacts(data: bytes, name: str, entered_by: str, as_of: dt.date, known_at: dt.datetime) -> int:
    """Record the contacts of a CSV file (recipient, name, address, valid_from): all or none.

    Returns how many were new or changed. An empty address says that there is none any more; an empty
    valid_from is ``as_of``. Raises GovernanceError naming every line that is wrong.
    """
    read, problems = _read(data, name, as_of)
    written = 0
    with transaction() as connection:
        for line, contact, valid_from in read:
            try:
                written += contacts.record(connection, contact, valid_from, name, entered_by, known_at)
            except GovernanceError as error:
                problems.append(_problem(name, line, error.message, "已登记的单位代码或省份代码"))
        if problems:
            raise GovernanceError(f"{name} 有 {len(problems)} 处问题，未登记任何联系方式", tuple(problems))
    return written


def _read(
    data: bytes, name: str, as_of: dt.date
) -> tuple[list[tuple[int, contacts.Contact, dt.date]], list[Problem]]:
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise GovernanceError(f"{name} 不是 UTF-8 编码的 CSV 文件：{error}") from None
    if not rows or tuple(c.strip() for c in rows[0]) != COLUMNS:
        raise GovernanceError(f"{name} 第 1 行（表头）应为：{','.join(COLUMNS)}")
    read, problems = [], []
    for line, row in enumerate(rows[1:], 2):
        if not any(c.strip() for c in row):
            continue
        if len(row) != len(COLUMNS):
            problems.append(_problem(name, line, f"有 {len(row)} 列", f"{len(COLUMNS)} 列"))
            continue
        recipient, title, address, day = (c.strip() for c in row)
        try:
            valid_from = dt.date.fromisoformat(day) if day else as_of
        except ValueError:
            problems.append(_problem(name, line, f"生效日“{day}”", "2026-04-16 的形式，或空"))
            continue
        if address and not is_address(address):
            problems.append(_problem(name, line, f"邮箱地址“{address}”", "一个邮箱地址（ASCII），如 a@b.cn"))
        if not title or one_line(title) != title:
            problems.append(_problem(name, line, f"名称“{one_line(title)}”", "收件单位名称，不含控制字符"))
        read.append((line, contacts.Contact(recipient, title, address or None), valid_from))
    return read, problems


def _problem(name: str, line: int, found: str, expected: str) -> Problem:
    return Problem("contact", found, expected, file=name, cell=f"第 {line} 行")


def list_contacts(as_of: dt.date, known_at: dt.datetime) -> list[dict[str, Any]]:
    """Return every recipient's contact as valid on a day."""
    with reading() as connection:
        return [dict(row) for row in contacts.everyone(connection, as_of, known_at)]
