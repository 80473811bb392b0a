"""Faults of the installation as libraries raise them (PostgreSQL, DuckDB, files), in the project's words.

Used where the outside is touched and at the edges; a mistake of our own is not explained away.
"""

from __future__ import annotations

import sys

from ipgov.core.errors import EnvironmentProblemError, TemporaryProblemError, os_problem

# SQLSTATE codes (PostgreSQL manual, appendix A) that say what is wrong with the server, not with a statement.
_PASSING = {
    "53000": "数据库服务器资源不足",
    "53100": "数据库服务器的磁盘空间已满，请腾出空间后重试",
    "53200": "数据库服务器内存不足",
    "53300": "数据库的连接数已满，请稍后重试或调整 max_connections",
    "53400": "超出数据库服务器的限额（如 temp_file_limit），请调整后重试",
    "55P03": "等待锁超时：另一项工作占用同一记录，请稍后重试",
    "57014": "语句超过规定时间，已被数据库中止（IPGOV_DATABASE_STATEMENT_TIMEOUT），请稍后重试",
    "57P01": "数据库服务器正在关闭或重新启动，请稍后重试",
    "57P02": "数据库服务器异常终止，正在恢复，请稍后重试",
    "57P03": "数据库服务器正在启动或恢复，请稍后重试",
    "57P05": "连接闲置过久，已被数据库中止，请重试",
    "25P03": "事务闲置过久，已被数据库中止，请重试",
    "25P04": "事务超过规定时间，已被数据库中止，请重试",
    "40P01": "与另一项工作互相等待，已被数据库中止，请重试",
    "40001": "与另一项工作冲突，已被数据库中止，请重试",
    "58030": "数据库服务器磁盘读写出错",
}
_REFUSED = {
    "25006": "数据库为只读（备库，或设为 default_transaction_read_only），不能写入，请核对数据库地址",
    "28000": "数据库不接受这一账号，请核对数据库地址中的角色",
    "28P01": "数据库口令不符，请核对数据库地址",
    "3D000": "没有这个数据库，请核对数据库地址，或先运行 ipgov migrate",
    "42P01": "数据库缺少所需的表，请先运行 ipgov migrate",
    "XX001": "数据库报告数据页损坏，请停止写入并从备份恢复",
    "XX002": "数据库报告索引损坏，请停止写入并检查",
}
# A connection that was refused carries no code but the server's words (English unless lc_messages says else).
_WORDS = {
    "too many clients": "53300",
    "connection slots": "53300",
    "too many connections": "53300",
    "starting up": "57P03",
    "shutting down": "57P03",
    "in recovery mode": "57P03",
    "password authentication failed": "28P01",
    "no pg_hba.conf entry": "28000",
    "database system is not yet accepting": "57P03",
}


def database_fault(error: BaseException, where: str = "") -> EnvironmentProblemError | None:
    """Return what is wrong with the database in words, or None where the fault is not the server's.

    ``where``: the server and database as they may be shown. Nothing of the transaction is kept; run again it
    finds what is done and does the rest.
    """
    from psycopg import OperationalError
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError

    if isinstance(error, PoolTimeoutError):
        return TemporaryProblemError(f"等不到空闲的数据库连接{where}：请稍后重试")
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or ""
    said = " ".join(str(cause).split("\n")[0].split())
    if not state:
        state = next((code for words, code in _WORDS.items() if words in str(cause)), "")
    if reason := _PASSING.get(state):
        return TemporaryProblemError(f"{reason}{where}。没有写入任何内容。数据库称：{said}")
    if reason := _REFUSED.get(state):
        return EnvironmentProblemError(f"{reason}{where}。没有写入任何内容。数据库称：{said}")
    lost = state.startswith("08") or (not state and isinstance(cause, OperationalError))
    if lost or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return TemporaryProblemError(
            f"数据库无法连接或连接中断{where}：请检查服务是否在运行、地址与网络，然后重试"
            f"（已完成的步骤不会重复）。数据库称：{said}"
        )
    return None


def duckdb_fault(error: BaseException) -> EnvironmentProblemError | None:
    """Return what kept DuckDB from working: disk or memory; None for anything else."""
    duckdb = sys.modules.get("duckdb")  # never imported: then it raised nothing
    if duckdb is None:
        return None
    said = " ".join(str(error).split())
    full = "No space left" in said or "max_temp_directory_size" in said
    if full and isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
        return TemporaryProblemError(
            f"计算用的临时文件写不下：磁盘空间已满，请腾出空间（临时文件夹由 TMPDIR 指定）后重试。{said}"
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return TemporaryProblemError(f"计算所需内存不足：请释放内存后重试。{said}")
    if isinstance(error, duckdb.IOException):
        return EnvironmentProblemError(f"计算用的文件读写出错：{said}")
    return None


def fault(error: BaseException) -> EnvironmentProblemError | None:
    """Return what is wrong with the installation, whatever raised it; None for a mistake of the program."""
    if isinstance(error, EnvironmentProblemError):
        return error
    if isinstance(error, MemoryError):
        return TemporaryProblemError("内存不足：请释放内存后重试")
    if found := duckdb_fault(error):
        return found
    if isinstance(error, OSError):
        if error.errno is None:
            return None
        return os_problem(f"文件 {error.filename or '（未指明）'} 无法读写", error)
    if "sqlalchemy" in sys.modules:
        return database_fault(error)
    return None
