"""Which form of the database this program works with: an older one is brought up first, a newer refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from ipgov.core.errors import EnvironmentProblemError, RefusedError
from ipgov.core.settings import settings

_NOT_MADE = "数据库尚未初始化：请先运行 ipgov migrate"
_ROLES = ("ipgov_province", "ipgov_province_reader")


def known() -> tuple[str, ...]:
    """Return the revisions of this program, oldest first; the last is the one that it works with."""
    return _known(settings().sql / "migrations" / "versions")


@cache
def _known(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(f.stem.partition("_")[0] for f in folder.glob("[0-9]*_*.py")))


def check(found: str | None, where: str) -> None:
    """Raise EnvironmentProblemError, with what to do, where a database of this revision is not ours."""
    ours = known()[-1]
    if found == ours:
        return
    if found is None:
        raise EnvironmentProblemError(_NOT_MADE)
    if found in known():
        raise EnvironmentProblemError(
            f"数据库{where}为 {found} 版，早于本程序的 {ours} 版，不能办理："
            "请先以原来的程序备份，再运行 ipgov migrate 升级（办法见 docs/upgrade.md）"
        )
    raise EnvironmentProblemError(
        f"数据库{where}为 {found} 版，本程序只认得 {ours} 版及更早的："
        "数据库已由较新的程序升级，请改用那个程序"
    )


def read(connection: Connection) -> str | None:
    """Return the database's revision; None where it was never made."""
    there = connection.execute(text("SELECT to_regclass('public.alembic_version') IS NOT NULL")).scalar_one()
    if not there:
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM public.alembic_version")).scalar()
    return found


def not_made(error: ProgrammingError) -> bool:
    """Tell whether a statement failed because the database was never made."""
    return getattr(error.orig, "sqlstate", None) == "42P01" and "alembic_version" in str(error.orig)


def require_upgradable(connection: Connection) -> None:
    """Raise RefusedError for a database newer than the program, EnvironmentProblemError without the roles."""
    found = read(connection)
    if found is not None and found not in known():
        raise RefusedError(
            f"数据库为 {found} 版，本程序只到 {known()[-1]} 版：不能用较旧的程序升级，请改用较新的程序"
        )
    roles = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
    if lacking := [r for r in _ROLES if r not in roles]:
        made = "; ".join(
            f"CREATE ROLE {r} NOLOGIN; GRANT {r} TO CURRENT_OWNER WITH ADMIN TRUE, INHERIT FALSE, SET TRUE"
            for r in lacking
        ).replace("CURRENT_OWNER", connection.execute(text("SELECT current_user")).scalar_one())
        missing = "、".join(lacking)
        raise EnvironmentProblemError(f"数据库服务器缺少角色 {missing}；请由数据库管理员运行：{made}")
