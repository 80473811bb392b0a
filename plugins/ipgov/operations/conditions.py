"""What needs a person, found in the record and the installation as they stand; nothing is sent here.

Each condition gives alerts with a key that stays the same while the matter lasts. The backfills of past years
are no matter for anybody. One list for the alerts, for ``ipgov status`` and its exit code.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from ipgov.core.database import reading
from ipgov.core.errors import GovernanceError
from ipgov.core.faults import fault
from ipgov.core.settings import settings
from ipgov.decisions import rounds
from ipgov.documents import dispatch
from ipgov.operations import airflow_state, backups
from ipgov.operations.airflow_state import AirflowState
from ipgov.policy import store
from ipgov.policy.title_words import day_words
from ipgov.procedures import run_alerts

KINDS = {
    "task_failed": "任务失败",
    "seal_broken": "封存链核验失败",
    "component_down": "组件停止",
    "run_overdue": "评价逾期未办",
    "dispatch": "寄发待处理",
    "backup": "备份过旧或有缺漏",
    "rehearsal": "恢复演练过期或失败",
    "disk": "磁盘将满",
    "approval": "审批久候",
    "check_failed": "巡检未能进行",
}


@dataclass(frozen=True)
class Need:
    """Something that needs a person: ``key`` names it as long as it lasts, ``since`` when it began."""

    key: str
    kind: str
    subject: str
    message: str
    since: dt.datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self) | {"kind_name": KINDS[self.kind]}


@dataclass(frozen=True)
class Moment:
    """What the conditions look at."""

    connection: Connection
    as_of: dt.date
    now: dt.datetime
    airflow: AirflowState


def find(as_of: dt.date, now: dt.datetime, airflow: AirflowState | None = None) -> list[Need]:
    """Return everything that needs a person; a condition that cannot be judged is one of them."""
    found: list[Need] = []
    with reading() as connection:
        moment = Moment(connection, as_of, now, airflow or airflow_state.look())
        for check in CHECKS:
            try:
                with connection.begin_nested():
                    found += list(check(moment))
            except Exception as error:
                told = fault(error) or (error if isinstance(error, GovernanceError) else None)
                said = told.message if told else type(error).__name__
                name = check.__name__.strip("_")
                found.append(Need(f"check_failed/{name}", "check_failed", f"巡检项 {name} 未能进行", said))
    return found


def _failed(moment: Moment) -> Iterator[Need]:
    for run in moment.airflow.failed:
        tasks = "、".join(run["tasks"]) or "（运行超时）"
        broken = run["dag_id"] == "nightly_seal" and "verify" in run["tasks"]
        yield Need(
            f"task_failed/{run['dag_id']}/{run['run_id']}",
            "seal_broken" if broken else "task_failed",
            f"流程 {run['dag_id']} 的任务 {tasks} 失败",
            f"运行 {run['run_id']} 已用尽重试或被拒绝；原因见该任务的日志，处理后清除（Clear）重新运行",
            run["since"],
        )


def _components(moment: Moment) -> Iterator[Need]:
    for each in moment.airflow.components:
        if each["healthy"]:
            continue
        beat = each["heartbeat"]
        since = f"最后一次心跳在 {beat:%Y-%m-%d %H:%M:%S %Z}" if beat else "从未有过心跳"
        subject = f"Airflow 组件 {each['component']} 没有心跳"
        yield Need(f"component_down/{each['component']}", "component_down", subject, since, beat)


def _overdue(moment: Moment) -> Iterator[Need]:
    for row in run_alerts.overdue(moment.connection, moment.as_of, moment.now):
        yield Need(
            f"run_overdue/{row['programme']}/{row['period']}",
            "run_overdue",
            f"{row['programme']} {row['period']} 年度未按期提交审核",
            f"{day_words(row['programme']).evaluate_on}为 {row['evaluate_on']}，"
            + ("已开始评价而未提交审核" if row["begun"] else "尚未评价"),
        )


def _dispatch(moment: Moment) -> Iterator[Need]:
    for each in dispatch.unsent(moment.connection):
        if each.state in dispatch.FOR_A_PERSON:
            row = each.row
            yield Need(
                f"dispatch/{row['id']}/{row['attempts']}",
                "dispatch",
                f"第 {row['id']} 件文书{dispatch.STATES[each.state]}",
                f"{row['recipient']}《{row['title']}》（{row['channel']}）；办法见 ipgov dispatch settle",
                row["tried_at"],
            )


def _backup(moment: Moment) -> Iterator[Need]:
    if not settings().backup_destination:
        return
    whole = backups.last(moment.connection, "made")
    limit = dt.timedelta(hours=settings().backup_max_age)
    if whole is None:
        yield Need("backup/none", "backup", "还没有完整的备份", "请运行 ipgov backup create")
    elif moment.now - whole["snapshot_at"] > limit:
        age = _hours(moment.now - whole["snapshot_at"])
        yield Need(
            f"backup/old/{whole['backup']}",
            "backup",
            f"最近的完整备份已过 {age} 小时",
            f"备份 {whole['backup']}，允许 {settings().backup_max_age} 小时（IPGOV_BACKUP_MAX_AGE）",
            whole["snapshot_at"] + limit,
        )
    gap = backups.last(moment.connection, "incomplete")
    if gap and (whole is None or gap["snapshot_at"] > whole["snapshot_at"]):
        said = "；".join(gap["detail"]["problems"][:5])
        subject = f"备份 {gap['backup']} 有缺漏"
        yield Need(f"backup/gap/{gap['backup']}", "backup", subject, said, gap["snapshot_at"])


def _rehearsal(moment: Moment) -> Iterator[Need]:
    made = backups.last(moment.connection, "made")
    tried = backups.last_known(moment.connection, "rehearsed", "rehearsal_failed")
    if tried and tried["kind"] == "rehearsal_failed":
        said = "；".join(tried["detail"]["problems"][:5])
        subject = f"备份 {tried['backup']} 的恢复演练失败"
        yield Need(f"rehearsal/failed/{tried['id']}", "rehearsal", subject, said, tried["known_at"])
    limit = dt.timedelta(days=settings().rehearsal_max_age)
    first = backups.first_known(moment.connection, "made")
    since = tried["known_at"] if tried else first and first["known_at"]
    if settings().backup_destination and made and since and moment.now - since > limit:
        subject = f"{settings().rehearsal_max_age} 天内没有做过恢复演练"
        yield Need("rehearsal/old", "rehearsal", subject, "请运行 ipgov backup rehearse", since + limit)


def _disk(moment: Moment) -> Iterator[Need]:
    for row in disks():
        if row["free_percent"] < settings().disk_free_percent:
            yield Need(
                f"disk/{row['path']}",
                "disk",
                f"{row['path']} 所在磁盘只剩 {row['free_percent']}%",
                f"剩余 {row['free']} 字节；低于 {settings().disk_free_percent}%（IPGOV_DISK_FREE_PERCENT）",
            )


def disks() -> list[dict[str, Any]]:
    """Return the disks that this machine writes to (state, objects, temporary files, backups), each once."""
    places = [settings().state, Path(tempfile.gettempdir())]
    given = (settings().objects_location, settings().backup_destination)
    places += [Path(p) for p in given if p and not p.startswith("s3://")]
    found: dict[int, dict[str, Any]] = {}
    for place in places:
        there = next((p for p in (place, *place.absolute().parents) if p.exists()), None)
        if there is None or there.stat().st_dev in found:
            continue
        usage = shutil.disk_usage(there)
        percent = usage.free * 100 // usage.total if usage.total else 0
        found[there.stat().st_dev] = {
            "path": str(place),
            "total": usage.total,
            "free": usage.free,
            "free_percent": percent,
        }
    return list(found.values())


def _approval(moment: Moment) -> Iterator[Need]:
    limit = dt.timedelta(days=settings().approval_waiting_days)
    for row in waiting_rounds(moment.connection):
        if moment.now - row["since"] > limit:
            yield Need(
                f"approval/{row['round_id']}/{row['step'] or 'issue'}",
                "approval",
                f"{row['label']}等待{row['waiting_for']}已 {(moment.now - row['since']).days} 天",
                f"自 {row['since']:%Y-%m-%d %H:%M %Z} 起；请在“审核与签发”中办理",
                row["since"],
            )


def waiting_rounds(connection: Connection) -> list[dict[str, Any]]:
    """Return every round that is not ended: whose turn it is, and since when (answer or opening)."""
    found = []
    for round_id in rounds.unfinished(connection):
        round_ = rounds.get_round(connection, round_id)
        approval = store.frozen(round_.rule_sha256).rules.approval
        state = rounds.state(connection, round_id, approval)
        since = connection.execute(
            text(
                "SELECT greatest(r.known_at, (SELECT max(d.known_at) FROM decision d WHERE d.round_id = r.id"
                " AND d.answer = 'approve')) FROM review_round r WHERE r.id = :id"
            ),
            {"id": round_id},
        ).scalar_one()
        step = next((s for s in state.steps if s.step == state.next_step), None)
        found.append(
            {
                "round_id": round_id,
                "label": round_.label,
                "step": state.next_step,
                "waiting_for": step.name if step else "发文",
                "role": step.role if step else None,
                "since": since,
            }
        )
    return found


def _hours(age: dt.timedelta) -> int:
    return int(age.total_seconds() // 3600)


CHECKS: tuple[Callable[[Moment], Iterator[Need]], ...] = (
    _failed,
    _components,
    _overdue,
    _dispatch,
    _backup,
    _rehearsal,
    _disk,
    _approval,
)
