"""Airflow's REST API and the console, called with an account's own password as its browser would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from ipgov.core.errors import GovernanceError

TIMEOUT = 60


class ApiError(GovernanceError):
    """The server's refusal; ``status`` is the HTTP status (401, 403, 404, 409, 422 …)."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class ApiClient:
    """One account's session with the server. Paths begin with ``/``: ``/api/v2/…`` or the console's."""

    def __init__(self, base_url: str, login: str, password: str):
        self.base_url, self.login = base_url.rstrip("/"), login
        self._password = password
        self._session = requests.Session()
        # neither a proxy nor ~/.netrc has a part in what goes on inside one machine
        self._session.trust_env = False

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a resource; raises ApiError."""
        return self._call("GET", path, params=query).json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a new thing; return the JSON answer; raises ApiError."""
        return self._call("POST", path, json=body).json()

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change a thing; return the JSON answer; raises ApiError."""
        return self._call("PATCH", path, json=body).json()

    def download(self, path: str) -> bytes:
        """Return a file; raises ApiError."""
        return bytes(self._call("GET", path).content)

    def upload(self, path: str, name: str, data: bytes, fields: Mapping[str, str]) -> str:
        """Send a workbook and text fields as a page's form does; return the page that answers."""
        return str(self._call("POST", path, files={"workbook": (name, data)}, data=dict(fields)).text)

    def _call(self, method: str, path: str, **content: Any) -> requests.Response:
        if "Authorization" not in self._session.headers:
            self._sign_in()
        answer = self._session.request(
            method, self.base_url + path, timeout=TIMEOUT, allow_redirects=method == "POST", **content
        )
        if not 200 <= answer.status_code < 300:
            raise ApiError(
                answer.status_code,
                f"{self.login} {method} {path}：服务器答复 {answer.status_code} {answer.text[:300]}",
            )
        return answer

    def _sign_in(self) -> None:
        answer = self._session.post(
            f"{self.base_url}/auth/token",
            json={"username": self.login, "password": self._password},
            timeout=TIMEOUT,
        )
        if answer.status_code != 201:
            raise ApiError(answer.status_code, f"账户 {self.login} 登录失败：服务器答复 {answer.status_code}")
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
