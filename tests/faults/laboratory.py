"""A database and an object store of which every state can be copied, compared, and gone back to.

Of two runs that do the same, two things differ by nature: the database's own clock (``recorded_at``) and the
gaps that rolled-back transactions leave in the ids. A seal covers both, so its code does, so does every
document that carries it. Here the clock stands still and ids have no gaps; then nothing has to be left
out of a comparison: every column of every row and every byte of every object is the same, or something broke.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STANDING_STILL = "2030-01-01T00:00:00+08:00"
TRIGGER = """
CREATE FUNCTION laboratory() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last bigint;
BEGIN
    EXECUTE format('SELECT coalesce(max(id), 0) FROM %I', TG_TABLE_NAME) INTO last;
    NEW.id := last + 1;
    NEW.recorded_at := '@moment';
    @also
    RETURN NEW;
END $$
"""
TEMPORARY = ".ipgov-put-"  # a write that was killed: never listed, never read


def still_clock(folder: Path, database: str, *, also: str = "") -> None:
    """Give every fact of a database the next id without a gap, and one moment of writing.

    ``also`` is a further statement of the trigger (PL/pgSQL), for columns that a person's answer fills.
    """
    from ipgov.core.tables import metadata
    from ipgov.launcher import postgres

    with postgres.connect(folder, database) as connection:
        connection.execute(TRIGGER.replace("@moment", STANDING_STILL).replace("@also", also))
        for table in metadata.sorted_tables:
            connection.execute(f'ALTER TABLE "{table.name}" DISABLE TRIGGER append_only')
            connection.execute(f"UPDATE \"{table.name}\" SET recorded_at = '{STANDING_STILL}'")  # noqa: S608
            connection.execute(f'ALTER TABLE "{table.name}" ENABLE ALWAYS TRIGGER append_only')
            connection.execute(
                f'CREATE TRIGGER laboratory BEFORE INSERT ON "{table.name}"'
                " FOR EACH ROW EXECUTE FUNCTION laboratory()"
            )


def careless(folder: Path) -> None:
    """Have a server not wait for its disk: what a killed process wrote the operating system still has."""
    from ipgov.launcher import postgres

    with postgres.connect(folder) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")


@dataclass(frozen=True)
class Contents:
    """Everything that an installation has stored: rows per table, hash per object."""

    rows: dict[str, list[str]] = field(repr=False)
    objects: dict[str, str] = field(repr=False)

    def differences(self, other: Contents) -> list[str]:
        """Tell what the other has that this has not, and the other way round; empty: the same."""
        told = []
        for table in sorted(self.rows.keys() | other.rows.keys()):
            mine, theirs = self.rows.get(table, []), other.rows.get(table, [])
            if mine != theirs:
                told += [f"{table}: only undisturbed: {row}" for row in mine if row not in theirs]
                told += [f"{table}: only disturbed: {row}" for row in theirs if row not in mine]
                told.append(f"{table}: {len(mine)} rows undisturbed, {len(theirs)} disturbed")
        for key in sorted(self.objects.keys() | other.objects.keys()):
            one, two = self.objects.get(key), other.objects.get(key)
            if one != two:
                told.append(f"object {key}: undisturbed {one}, disturbed {two}")
        return told


def contents(folder: Path, database: str, objects: Path) -> Contents:
    """Read everything: each row as JSON with all its columns, each object by the hash of its bytes."""
    from ipgov.core.tables import metadata
    from ipgov.launcher import postgres

    rows = {}
    with postgres.connect(folder, database) as connection:
        connection.execute("SET timezone = 'UTC'")
        for table in metadata.sorted_tables:
            found = connection.execute(f'SELECT to_jsonb(t)::text FROM "{table.name}" t ORDER BY t.id')  # noqa: S608
            rows[table.name] = [row for (row,) in found]
    files = {}
    for path in sorted(objects.rglob("*")):
        if path.is_file() and not path.name.startswith(TEMPORARY):
            files[path.relative_to(objects).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return Contents(rows, files)


def copy_objects(source: Path, target: Path) -> None:
    """Copy an object store by linking its files: a stored object is replaced, never written into."""
    shutil.copytree(source, target, copy_function=os.link)


def numbers(told: Contents) -> list[str]:
    """Return the document numbers given, in order."""
    rows: list[dict[str, Any]] = [json.loads(row) for row in told.rows["document_number"]]
    return [f"{r['series']}〔{r['year']}〕{r['serial']}号 {r['reserved_for']}" for r in rows]
