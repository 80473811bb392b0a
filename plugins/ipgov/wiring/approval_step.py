"""The human task of an approval chain: asks in Airflow's UI, believes only the decision record."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from ipgov.wiring.answers import APPROVE, RETURN, Asked, hand_over


class ApprovalStep(HITLOperator):
    """One step of a round's chain. Parks without a slot until somebody answers, here or by workbook.

    Airflow's own record takes one answer by anybody who may answer at all. So each answer is handed to the
    decision record, which knows roles, quorum and that one person never fills two steps; where that refuses
    it, or more people are needed, the task asks again. It never defaults to approval. The API server hands
    the answer over as well (``wiring/answers.py``): an attempt that follows a lost one finds it recorded.
    """

    template_fields = (*HITLOperator.template_fields, "round_id", "fingerprint")

    def __init__(self, *, step: str, round_id: str, fingerprint: str, **kwargs: Any):
        kwargs.setdefault("options", [APPROVE, RETURN])
        kwargs.setdefault(
            "params", {"comment": Param(None, type=["null", "string"], title="意见", maxLength=2000)}
        )
        super().__init__(**kwargs)
        self.step = step
        self.round_id = round_id
        self.fingerprint = fingerprint

    def execute(self, context: Any) -> Any:
        """Ask, unless the step is already decided (a workbook came first) or the round has ended."""
        from ipgov.procedures import approval
        from ipgov.wiring.run import moment

        _, known_at = moment(context)
        return self._go_on(context, approval.resume(int(self.round_id), self.step, known_at))

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Hand the answer to the decision record; ask again where it does not count or is not enough."""
        from ipgov.wiring.run import moment

        answer = super().execute_complete(context, event)
        asked = Asked(int(self.round_id), self.step, self.fingerprint)
        status = hand_over(asked, answer, moment(context)[1])
        if status.refused:
            self.log.warning("答复未被采纳：%s", status.refused)
        return self._go_on(context, status)

    def _go_on(self, context: Any, status: Any) -> Any:
        if status.status in ("returned", "rejected", "recalled"):
            raise AirflowSkipException("本轮已被退回或撤回送审，待修改后重新送审")
        if status.step_complete:
            return status.status
        return super().execute(context)
