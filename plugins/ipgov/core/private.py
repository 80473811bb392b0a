"""Files that only the account running ipgov may read: secrets, passwords, the list of processes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ipgov.core.errors import EnvironmentProblemError


def write(path: Path, text: str) -> None:
    """Replace ``path`` by a file of mode 0600 holding ``text``: whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(path: Path) -> str:
    """Return the text of a private file; EnvironmentProblemError where others may read it."""
    if path.stat().st_mode & 0o077:
        raise EnvironmentProblemError(f"文件 {path} 的权限过宽：只能由本人读写（chmod 600）")
    return path.read_text(encoding="utf-8")


# Docker and Kubernetes lay a container's secrets here, with a mode of their own; nobody else is in there.
MOUNTED = Path("/run/secrets")


def read_shared(path: Path) -> str:
    """Return the text of a secret file that one group may read, too (a container's account is not its owner).

    Raises EnvironmentProblemError where any other account may read it, or the group may change it; OSError
    where it cannot be read.
    """
    if MOUNTED not in path.parents and path.stat().st_mode & 0o027:
        raise EnvironmentProblemError(f"机密文件 {path} 的权限过宽：至多本人读写、同组可读（chmod 640）")
    return path.read_text(encoding="utf-8")


def secret(path: Path, make: Callable[[], str]) -> str:
    """Return the secret kept in ``path``, made once."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(path, make())
    return read(path)
