"""审核与签发：每轮一次运行。审核 → 签发 → 发文、称号变更 → 封存、寄发。"""

from __future__ import annotations

import pendulum
from airflow.sdk import Asset, Param, dag, get_current_context, task
from ipgov.wiring.approval_step import ApprovalStep
from ipgov.wiring.run import refusals
from ipgov.wiring.schedules import when_called

DOCS = """
### 审核与签发

每一轮评价结果对应一次运行，由评价流程转来。

- **审核**由评审人员、**签发**由签发人员办理，同一人不得兼任；也可上传填好的评级表，两种方式记入同一决定记录；
- 任何一步“退回修改”，本轮即告结束，此前的同意作废；重新评价后另开一轮；
- 文号由办公室登记簿编列的，**录入字号**一步列出等待字号的文书，逐件以 `ipgov document number` 录入后继续；
- **发文**之后即转“年度后续事项”：该年度的整改、提醒由此开始；
- **发文**只认决定记录：把任务手工标为“成功”不会发布任何内容。

回答在“待办操作”中给出。一人一答；不被采纳的答复（角色不符、兼任、指纹不符等）记录在案并再次询问。
"""
ISSUED = Asset(name="issued", uri="ipgov://issued")  # partitioned by programme and period
LIMIT = pendulum.duration(minutes=30)  # of a task that does something; people may take their time
PRESENTED = "{{ ti.xcom_pull('present')['%s'] }}"


@dag(
    dag_display_name="审核与签发",
    description="审核 → 签发 → 发文",
    doc_md=DOCS,
    tags=["审批"],
    **when_called(task_minutes=None, runs=200),
    params={
        "round_id": Param("", type=["string", "integer"], title="审核轮次"),
        "as_of": Param("", type=["null", "string"], title="基准日"),
    },
)
def approval_and_issue():
    @task(task_display_name="呈报", execution_timeout=LIMIT)
    @refusals()
    def present() -> dict:
        from dataclasses import asdict

        from ipgov.procedures import approval

        return asdict(approval.present(int(get_current_context()["dag_run"].conf["round_id"])))

    def step(name: str, label: str) -> ApprovalStep:
        return ApprovalStep(
            task_id=name,
            task_display_name=label,
            step=name,
            round_id=PRESENTED % "round_id",
            fingerprint=PRESENTED % "fingerprint",
            subject=f"{label}：" + PRESENTED % "subject",
            body=PRESENTED % "body",
            # an attempt that dies while somebody answers asks again soon
            retries=10,
            retry_delay=pendulum.duration(seconds=5),
            retry_exponential_backoff=0,
        )

    @task.sensor(
        task_display_name="录入字号",
        mode="reschedule",
        poke_interval=pendulum.duration(minutes=5).total_seconds(),
        timeout=pendulum.duration(days=365).total_seconds(),
        execution_timeout=LIMIT,  # of one look
    )
    @refusals()
    def numbers() -> bool:
        from ipgov.procedures import approval
        from ipgov.wiring.run import moment

        context = get_current_context()
        awaited = approval.numbers_awaited(int(context["dag_run"].conf["round_id"]), *moment(context))
        for problem in awaited:
            print(problem)
        return not awaited

    @task(task_display_name="发文与称号变更", execution_timeout=LIMIT, outlets=[ISSUED])
    @refusals()
    def issue(*, outlet_events) -> dict:
        from ipgov.procedures import approval
        from ipgov.wiring.run import hand_over, moment

        context = get_current_context()
        round_id, (as_of, known_at) = int(context["dag_run"].conf["round_id"]), moment(context)
        result = approval.issue(round_id, as_of, known_at).as_dict()
        hand_over(outlet_events[ISSUED], approval.period_of(round_id), as_of, known_at)
        return result

    @task(task_display_name="寄发", execution_timeout=LIMIT)
    @refusals()
    def send() -> dict:
        from ipgov.procedures import approval
        from ipgov.wiring.run import moment

        _, known_at = moment(get_current_context())
        return approval.send(known_at).as_dict()

    present() >> step("audit", "审核") >> step("sign", "签发") >> numbers() >> issue() >> send()


approval_and_issue()
