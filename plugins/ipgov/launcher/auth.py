"""Airflow's auth manager: FAB; answering is not editing, signing in has limits, signing out is final."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager


class GovernanceAuthManager(FabAuthManager):
    """FAB's accounts, roles and permissions.

    FAB asks for the right to edit the DAG of whoever answers an approval, which is also the right to pause
    it. Here a reviewer needs only to read the DAG and to edit its ``HITL Detail``.
    """

    def is_authorized_dag(
        self,
        *,
        method: Any,
        user: Any,
        access_entity: DagAccessEntity | None = None,
        details: Any = None,
    ) -> bool:
        """Tell whether ``user`` may do ``method`` on a DAG or on what belongs to it."""
        if access_entity is DagAccessEntity.HITL_DETAIL and method == "PUT":
            return self._is_authorized(
                method="PUT", resource_type="HITL Detail", user=user
            ) and super().is_authorized_dag(method="GET", user=user, details=details)
        if access_entity is DagAccessEntity.RUN and method == "POST" and details and details.id:
            # whoever may start runs of this one DAG, need not be able to pause it, either
            one = f"DAG Run:{details.id}"
            if self._is_authorized(method="POST", resource_type=one, user=user):
                return super().is_authorized_dag(method="GET", user=user, details=details)
        return super().is_authorized_dag(
            method=method, user=user, access_entity=access_entity, details=details
        )

    def get_fastapi_middlewares(self) -> list[Any]:
        """Put the limits of signing in before everything that the API server answers."""
        from ipgov.launcher.gate import Gate
        from ipgov.launcher.security_manager import limits

        return [
            *super().get_fastapi_middlewares(),
            (Gate, {"requests_per_minute": limits().requests_per_minute}),
        ]

    def get_fastapi_app(self) -> Any:
        """Return FAB's pages; signing out there also ends what is kept on the server.

        FAB's own only deletes the cookies: whoever copied one before would stay signed in.
        """
        app = super().get_fastapi_app()
        if app is None:
            return None

        @app.middleware("http")
        async def end_session(request: Any, call_next: Any) -> Any:
            if request.url.path.rstrip("/").endswith("/auth/logout"):
                from starlette.concurrency import run_in_threadpool

                await run_in_threadpool(self.end_session, dict(request.cookies))
            return await call_next(request)

        return app

    def end_session(self, cookies: dict[str, str]) -> None:
        """Revoke the token and delete the session that these cookies name; foreign ones change nothing."""
        from airflow import settings
        from itsdangerous import BadSignature

        from ipgov.wiring.accounts import SESSION

        if token := cookies.get(COOKIE_NAME_JWT_TOKEN):
            self.revoke_token(token)  # an invalid one is only logged
        interface: Any = self.flask_app.session_interface if self.flask_app else None
        if (signed := cookies.get("session")) and hasattr(interface, "_unsign"):
            with suppress(BadSignature, UnicodeError):
                session_id = interface._unsign(self.flask_app, signed)
                with settings.get_engine().begin() as connection:
                    connection.execute(SESSION.delete().where(SESSION.c.session_id == session_id))
