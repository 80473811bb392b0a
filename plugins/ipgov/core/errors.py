"""Errors that a person is meant to read, and the problems they carry."""

from __future__ import annotations

import errno
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, where, and what would have been right.

    ``check`` names the rule that found it; ``basis`` is a clause id (``2023-156#19``) or ``operator``.
    Texts are Simplified Chinese: their reader is a body, a province or a reviewer.
    """

    check: str
    found: str
    expected: str
    file: str = ""
    sheet: str = ""
    cell: str = ""
    basis: str = "operator"

    def __str__(self) -> str:
        place = " ".join(p for p in (self.file, f"“{self.sheet}”表" if self.sheet else "", self.cell) if p)
        return (
            f"{place}：{self.found}；应为：{self.expected}"
            if place
            else f"{self.found}；应为：{self.expected}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the problem as plain data for JSON output and storage."""
        return asdict(self)


class GovernanceError(Exception):
    """Something a person must put right; the message (Chinese) says what, where and what is accepted.

    ``problems`` lists every single problem at once where there are several.
    """

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()):
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)


class UnknownError(GovernanceError):
    """An unknown column, unit, code, programme, or a day without a rule in force (never guessed)."""


class RefusedError(GovernanceError):
    """Well understood and not allowed: a rule or the promise forbids it."""


class EnvironmentProblemError(GovernanceError):
    """The installation is at fault: no database, no disk, a missing file of our own."""


class TemporaryProblemError(EnvironmentProblemError):
    """The installation is at fault for now (a full disk, a slow store): the same call may succeed later."""


_OS_REASONS = {
    errno.ENOSPC: "磁盘空间已满，请腾出空间后重试",
    errno.EDQUOT: "磁盘配额已用完，请腾出空间后重试",
    errno.EFBIG: "超出单个文件的大小限制",
    errno.EROFS: "文件系统为只读",
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EIO: "磁盘读写出错",
    errno.EMFILE: "本进程打开的文件过多",
    errno.ENFILE: "本机打开的文件过多",
    errno.ENOENT: "文件或文件夹不存在",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.EISDIR: "该名称是文件夹",
    errno.ENAMETOOLONG: "文件名过长",
}
_MAY_PASS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.EINTR}


def os_reason(error: OSError) -> str:
    """Return why the system refused, in Chinese, with its own words after it for who searches a log."""
    said = error.strerror or str(error)
    known = _OS_REASONS.get(error.errno or 0)
    return f"{known}（{said}）" if known else said


def os_problem(doing: str, error: OSError) -> EnvironmentProblemError:
    """Return the error that says what could not be done (``doing``: with the path) and why."""
    kind = TemporaryProblemError if error.errno in _MAY_PASS else EnvironmentProblemError
    return kind(f"{doing}：{os_reason(error)}")
