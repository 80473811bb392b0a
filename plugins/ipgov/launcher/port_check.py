"""Whether the interface's port is free, and who has it."""

from __future__ import annotations

import contextlib
import socket

from ipgov.core.errors import EnvironmentProblemError


def require_free(port: int) -> None:
    """Raise EnvironmentProblemError, which names the holder, where the port is taken on this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise EnvironmentProblemError(
                f"端口 {port} 不可用（{error.strerror}）{_holder(port)}："
                "请停止占用它的程序，或用 PORT= 另指定端口"
            ) from None


def _holder(port: int) -> str:
    import psutil

    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"，由进程 {connection.pid}（{psutil.Process(connection.pid).name()}）占用"
    return ""
