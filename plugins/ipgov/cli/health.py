"""What ``ipgov status`` prints of the installation itself."""

from __future__ import annotations

from typing import Any


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    units = ("字节", "KB", "MB", "GB", "TB")
    step = min(max(count.bit_length() - 1, 0) // 10, len(units) - 1)
    return f"{count / 1024**step:.{1 if step else 0}f} {units[step]}"


def show(found: dict[str, Any]) -> None:
    """Print components, runs, waiting rounds, sizes, seal, backups, and last what needs a person."""
    if found["airflow_unknown"]:
        print(f"Airflow：状态不详（{found['airflow_unknown']}）")
    else:
        words = (f"{c['component']} {'正常' if c['healthy'] else '无心跳'}" for c in found["components"])
        print("Airflow：" + "，".join(words))
    for run in found["running"]:
        doing = "、".join(run["tasks"]) or "排队"
        print(f"  运行中：{run['dag_id']} {run['run_id']}（{doing}），自 {_at(run['since'])} 起")
    for row in found["approvals"]:
        role = f"（{row['role']}）" if row["role"] else ""
        print(f"等待审批：{row['label']} 待{row['waiting_for']}{role}，自 {_at(row['since'])} 起")
    last, backup, tried = found["last_seal"], found["last_backup"], found["last_rehearsal"]
    print(f"最近封存：{last['head'][:20]}…，{_at(last['known_at'])}" if last else "最近封存：无")
    if backup:
        print(
            f"最近备份：{backup['backup']}，{backup['age_hours']} 小时前，"
            f"用时 {float(backup['seconds']):.0f} 秒，{size(backup['bytes'])}（{backup['place']}）"
        )
    else:
        print("最近备份：无" + ("" if found["backup_destination"] else "（未设置 IPGOV_BACKUP_DESTINATION）"))
    if tried:
        how = "成功" if tried["kind"] == "rehearsed" else "失败"
        print(f"最近恢复演练：{how}，{_at(tried['known_at'])}，用时 {float(tried['seconds']):.0f} 秒")
    airflow = f"，Airflow 的数据库 {size(found['airflow_database_bytes'])}" if found["components"] else ""
    held = found["objects"]
    print(
        f"容量：数据库 {size(found['database_bytes'])}{airflow}，"
        f"对象库 {held['count']} 个对象 {size(held['bytes'])}"
    )
    for disk in found["disks"]:
        print(f"  磁盘 {disk['path']}：剩余 {size(disk['free'])}（{disk['free_percent']}%）")
    for need in found["needs_person"]:
        since = f"（自 {_at(need['since'])} 起）" if need["since"] else ""
        print(f"需要人处理：{need['kind_name']}：{need['subject']}{since}；{need['message']}")


def _at(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}" if moment else "（不详）"
