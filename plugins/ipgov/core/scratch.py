"""Where DuckDB puts what does not fit into memory: never the working folder, never open to others."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

from ipgov.core.errors import EnvironmentProblemError, os_problem


def spill_folder() -> str:
    """Return a name of its own below TMPDIR; DuckDB makes the folder when it needs it and removes it.

    Raises EnvironmentProblemError where the folder above cannot be made or belongs to another account.
    """
    above = Path(tempfile.gettempdir()) / f"ipgov-{os.getuid()}-spill"
    try:
        above.mkdir(mode=0o700, exist_ok=True)
        owner = above.lstat().st_uid
    except OSError as error:
        raise os_problem(f"临时文件夹 {above} 无法使用", error) from error
    if above.is_symlink() or owner != os.getuid():
        raise EnvironmentProblemError(f"临时文件夹 {above} 属于他人，不能使用：请删除它，或以 TMPDIR 另指定")
    return str(above / uuid.uuid4().hex)
