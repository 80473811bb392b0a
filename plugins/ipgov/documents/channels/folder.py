"""A folder shared with recipients: files appear whole, and never replace other bytes."""

from __future__ import annotations

from collections.abc import Callable

from ipgov.core.objects import LocalStore
from ipgov.core.settings import settings
from ipgov.documents.channels import ChannelDownError, Letter, put_all, refuse_leaving


class SharedFolder:
    """``IPGOV_SHARED_FOLDER``; one that is not there (not mounted) is not made, since nobody would see it."""

    def __init__(self, simulation: bool):
        folder = settings().shared_folder
        if folder is None:
            raise ChannelDownError("没有共享文件夹：请设置 IPGOV_SHARED_FOLDER")
        if simulation and not folder.resolve().is_relative_to(settings().state.resolve()):
            raise refuse_leaving(f"共享文件夹 {folder}")
        self.folder = folder

    def deliver(self, letter: Letter, begun: Callable[[str], None]) -> str:
        """See Channel."""
        if not self.folder.is_dir():
            raise ChannelDownError(f"共享文件夹 {self.folder} 不存在或未挂载")
        there = LocalStore(self.folder)
        return put_all(lambda key, file: there.put(key, file.data, once=True), letter)

    def close(self) -> None:
        """See Channel."""
