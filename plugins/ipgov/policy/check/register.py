"""The clauses against their own form and against the register of documents."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator

from ipgov.policy.check.finding import Finding
from ipgov.policy.check.sources import Sources

FORCES = {"M": "必须", "F": "禁止", "P": "鼓励", "D": "定义"}
AUTOMATIONS = {"C", "R", "H", "I"}
_ID = re.compile(r"(\d{4}-\d+)#(\d{2})")
_EFFECTIVE = re.compile(r"(\d{4}-\d{2}-\d{2})(?: \[inferred: .+\])?")


def clause_ids(sources: Sources) -> Iterator[Finding]:
    """Prove that ids are unique, well formed, numbered without a gap, and of a registered document."""
    ids = [row["id"] for row in sources.clause_rows]
    for clause, count in Counter(ids).items():
        if count > 1:
            yield Finding(clause, f"出现 {count} 次", "条款编号唯一")
    serials: dict[str, set[int]] = {}
    for clause in ids:
        parts = _ID.fullmatch(clause)
        if parts is None:
            yield Finding(clause, "编号写法不对", "文件编号#两位序号，如 2023-156#21")
        elif parts[1] not in sources.context.documents:
            yield Finding(clause, f"文件 {parts[1]} 未登记", "登记于 policies/documents.yaml")
        else:
            serials.setdefault(parts[1], set()).add(int(parts[2]))
    for document, found in serials.items():
        if missing := sorted(set(range(1, max(found) + 1)) - found):
            yield Finding(f"{document}#{missing[0]:02}", "缺失", f"{document} 的条款序号连续")


def clause_values(sources: Sources) -> Iterator[Finding]:
    """Prove that force and automation are of the known kinds and the quoted words are there."""
    for row in sources.clause_rows:
        if row["force"] not in FORCES:
            expected = "、".join(f"{k}（{v}）" for k, v in FORCES.items())
            yield Finding(row["id"], f"force 为“{row['force']}”", expected)
        kinds = row["auto"].split("+")
        if not set(kinds) <= AUTOMATIONS or len(set(kinds)) != len(kinds):
            yield Finding(row["id"], f"auto 为“{row['auto']}”", "C、R、H、I 或以 + 相连的组合")
        if not row["key_zh"].strip():
            yield Finding(row["id"], "key_zh 为空", "原文字句")


def clauses_agree_with_documents(sources: Sources) -> Iterator[Finding]:
    """Prove that number, name and dates are the document's, and what is inferred is said to be so."""
    for row in sources.clause_rows:
        document = sources.context.documents.get(row["id"].partition("#")[0])
        if document is None:
            continue
        for column, value in (
            ("doc_no", document.number),
            ("doc_title", document.short_title),
            ("dated", document.issued.isoformat()),
        ):
            if row[column] != value:
                yield Finding(row["id"], f"{column} 为“{row[column]}”", f"documents.yaml 所载“{value}”")
        effective = _EFFECTIVE.fullmatch(row["effective"])
        if effective is None or dt.date.fromisoformat(effective[1]) != document.effective:
            yield Finding(
                row["id"], f"effective 为“{row['effective']}”", f"documents.yaml 所载 {document.effective}"
            )
        elif ("[inferred" in row["effective"]) != bool(document.effective_note):
            expected = (
                "施行日期系推断的，条款清单注 [inferred: …]，documents.yaml 写 effective_note，两处一致"
            )
            yield Finding(row["id"], "effective 的推断说明与文件登记簿不一致", expected)
