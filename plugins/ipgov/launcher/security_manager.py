"""How the login page and ``/auth/token`` check a password: as the command line does (wiring/accounts.py)."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

from airflow import settings as airflow_settings
from airflow.providers.fab.auth_manager.security_manager.override import FabAirflowSecurityManagerOverride
from wtforms.validators import ValidationError

from ipgov.core.settings import settings
from ipgov.wiring import accounts
from ipgov.wiring.roles import SignIn, load_roles


@cache
def limits() -> SignIn:
    """Return the limits of signing in, read once per process."""
    return load_roles(settings().policies).sign_in


def long_enough(password: str) -> None:
    """Refuse a new password that is too short (FAB's pages of passwords and users)."""
    if len(password or "") < limits().password_length:
        raise ValidationError(f"密码不得少于 {limits().password_length} 个字符")


class GovernanceSecurityManager(FabAirflowSecurityManagerOverride):
    """FAB's, but that wrong passwords close an account for a while, at whatever door they were tried."""

    def auth_user_db(self, username: Any, password: Any, rotate_session_id: bool = True) -> Any:
        """Return the user of a login and password, or None; the page rotates the session, REST has none."""
        door: accounts.Door = "page" if rotate_session_id else "token"
        now = dt.datetime.now(dt.UTC)
        found = accounts.verify(airflow_settings.get_engine(), username, password, door, limits(), now)
        if found is None:
            return None
        if rotate_session_id:
            self._rotate_session_id()
        return self.get_user_by_id(found.id)
