"""Airflow's auth manager: FAB, with the one difference that answering is not editing."""

from __future__ import annotations

from typing import Any

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
        return super().is_authorized_dag(
            method=method, user=user, access_entity=access_entity, details=details
        )
