"""Letting Airflow's parked human task go on after an answer came by workbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urljoin

DAG = "approval_and_issue"


def release(base_url: str, token: str, round_id: int, decision: Mapping[str, Any]) -> str:
    """Answer the step's task in the caller's own name; return a hint (Chinese) where that failed.

    The decision stands in the record whatever happens here: the task, when it is answered or run again, asks
    the record and not Airflow.
    """
    import httpx

    from ipgov.wiring.approval_step import APPROVE, RETURN

    option = {"approve": APPROVE, "return": RETURN}.get(decision["answer"])
    if option is None:
        return "待办任务没有与该答复对应的选项，请在“待办操作”中处理该任务"
    path = (
        f"api/v2/dags/{DAG}/dagRuns/{quote(f'round__{round_id}')}/taskInstances/{quote(decision['step'])}/-1"
    )
    try:
        # only to our own API server, and never through a proxy: the request carries the caller's token
        with httpx.Client(trust_env=False, timeout=20, follow_redirects=False) as client:
            response = client.patch(
                urljoin(base_url, f"{path}/hitlDetails"),
                json={"chosen_options": [option], "params_input": {"comment": decision["comment"] or None}},
                headers={"Authorization": f"Bearer {token}"},
            )
    except httpx.HTTPError as error:
        return f"未能通知待办任务（{type(error).__name__}）；答复已记录，请稍后在“待办操作”中处理该任务"
    if response.is_success:
        return ""
    return _WHY.get(
        response.status_code, f"待办任务未能继续（HTTP {response.status_code}）；答复已记录，不受影响"
    )


_WHY = {
    403: "您的账户不能办理待办任务（HTTP 403）；答复已记录，请由有权人员在“待办操作”中处理该任务",
    404: "待办任务尚未开始等待；答复已记录，任务开始时会自行采用",
    409: "待办任务此前已被答复；答复已记录，不受影响",
}
