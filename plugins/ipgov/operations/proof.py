"""Proves what was restored: it takes this code's form, is as it was sealed, and makes its documents again.

Run by a restore as a process of its own: settings, engine and store are read once per process. Prints JSON.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import Any

from sqlalchemy import text

from ipgov.core.errors import GovernanceError


def prove(heads: list[str]) -> dict[str, Any]:
    """Bring the database to this code's form, verify the chain, make the newest document again."""
    from ipgov.core import audit, database
    from ipgov.core.database import reading
    from ipgov.procedures import document_rebuild, policy_changes

    told: dict[str, Any] = {"verified": {}, "document": "", "problems": []}
    policy_changes.migrate(database.kind_before_migration(), "", dt.datetime.now(dt.UTC), database.account())
    with reading() as connection:
        found = audit.verify(connection, heads)
        newest = connection.execute(
            text(
                "SELECT coalesce(number, id::text) FROM document"
                " ORDER BY number IS NOT NULL DESC, id DESC LIMIT 1"
            )
        ).scalar()
    told["verified"] = {"seals": found.seals, "rows": found.rows, "files": found.files, "head": found.head}
    told["problems"] += [str(p) for p in found.problems]
    if newest is not None:
        told["document"] = str(newest)
        same = document_rebuild.rebuild(str(newest)).formats
        told["problems"] += [f"文书 {newest} 的 .{f} 不能逐字节重建" for f, same in same.items() if not same]
    return told


def main() -> None:
    """Prove; a fault is a problem among the others."""
    try:
        told = prove(sys.argv[1:])
    except GovernanceError as error:
        told = {"problems": [error.message, *map(str, error.problems[:50])]}
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
