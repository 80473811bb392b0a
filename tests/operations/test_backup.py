"""A backup is whole or told apart, a restore brings back exactly what was there, and damage is found."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ipgov.core.errors import (
    EnvironmentProblemError,
    GovernanceError,
    RefusedError,
    TemporaryProblemError,
    UnknownError,
)
from ipgov.core.settings import settings

sys.path.append(str(Path(__file__).parents[1] / "documents"))
from document_samples import KNOWN_AT
from test_register import file

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def place(database: Path, postgres: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """An empty destination; the database is read by the role of the backups."""
    from ipgov.launcher import postgres as embedded
    from ipgov.operations.place import Place
    from sqlalchemy import make_url

    name = make_url(os.environ["IPGOV_DATABASE_URL"]).database
    monkeypatch.setenv("IPGOV_BACKUP_DATABASE_URL", embedded.url(postgres, str(name), embedded.BACKUP))
    settings.cache_clear()
    return Place(str(tmp_path / "backups"))


def take(place: Any, at: dt.datetime = NOW) -> Any:
    from ipgov.operations import backup

    return backup.create(place, "tester", at)


def seal() -> None:
    from ipgov.core import seals

    assert seals.add("manual", "test", NOW)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def restored(place: Any, state: Path, **more: Any) -> Any:
    from ipgov.operations import backups

    given: dict[str, Any] = {"set_aside": False, "heads": [], "performed_by": "tester", "moment": NOW}
    return backups.bring_back(place.location, None, state, say=lambda text: None, **given | more)


def test_what_is_restored_is_what_was_there(
    place: Any, database: Path, airflow_like: str, outside: Path
) -> None:
    from ipgov.core.database import transaction
    from ipgov.core.objects import open_store, store
    from ipgov.documents import dispatch
    from ipgov.launcher import postgres as embedded
    from ipgov.operations import scratch_installation

    with transaction() as connection:
        for key, channel in (("a", "mail"), ("b", "outbox")):
            document = file(connection, key, filename=f"2025-{key}")
            dispatch.queue(connection, document, "FP001", channel, KNOWN_AT)
    seal()
    store().put("inbox/p/2024/u/waiting.xlsx", b"never read")
    os.utime(database / "objects/inbox/p/2024/u/waiting.xlsx", (1_700_000_000.25, 1_700_000_000.25))
    store().put("outbox/p/2024/u/letter.pdf", b"sent")
    made = take(place)
    assert (made.problems, made.head[:2], bool(made.airflow)) == ([], "1:", True)
    state = outside / "r"
    told = restored(place, state, heads=[made.head])
    assert told.problems == []
    assert told.verified["head"] == made.head
    assert (told.document, told.held) == ("2", 1)  # made again byte by byte; a letter that may have left
    before, after = files(database / "objects"), files(state / "objects")
    assert {k: v for k, v in after.items() if k in before} == before
    assert (state / "objects/inbox/p/2024/u/waiting.xlsx").stat().st_mtime == 1_700_000_000.25
    embedded.start(state / "pg", survive=True, quiet=True)
    try:
        with embedded.connect(state / "pg", "airflow") as connection:
            assert connection.execute("SELECT username FROM ab_user").fetchall() == [("reviewer1",)]
            assert connection.execute("SELECT count(*) FROM session").fetchone() == (0,)
        with embedded.connect(state / "pg", "governance") as connection:
            held = connection.execute("SELECT dispatch_id, number, target FROM dispatch_begun").fetchall()
            assert held == [(1, 1, f"恢复自备份 {made.backup}")]
            kinds = connection.execute("SELECT kind, backup FROM backup_event").fetchall()
            assert kinds == [("restored", made.backup)]
            # the next row of every table goes on where the backup ended
            connection.execute("SET ROLE ipgov_app")
            made_next = connection.execute(
                "INSERT INTO step_run (programme, period, step, mode, fingerprint, result, known_at)"
                " VALUES ('p', '1', 's', 'live', 'f', '{}', now()) RETURNING id"
            ).fetchone()
            assert made_next
            with pytest.raises(Exception, match="refused: facts are appended"):
                connection.execute("RESET ROLE; DELETE FROM step_run")
    finally:
        embedded.stop(state / "pg")
    with pytest.raises(RefusedError, match="已存在，未恢复任何内容"):
        restored(place, state)
    with scratch_installation.installation(state, made, NOW, set_aside=True) as target:
        assert open_store(target.objects).exists("inbox/p/2024/u/waiting.xlsx") is False
    assert len(list(state.glob("pg.set-aside-*"))) == len(list(state.glob("objects.set-aside-*"))) == 1


def test_a_second_backup_copies_only_what_is_new(place: Any) -> None:
    from ipgov.core.database import transaction
    from ipgov.core.objects import put_content, store
    from ipgov.operations import backup_check, manifest

    first = take(place)
    assert first.copied == len({e.sha256 for e in manifest.entries(place, first)}) > 0
    store().put("outbox/new", b"new")
    put_content(b"named by no row")
    with place.workspace("x"):  # what a killed backup leaves
        (place.folder / ".partial-y").mkdir()
    moment = dt.datetime.now(dt.UTC)
    while manifest.new_id(dt.datetime.now(dt.UTC)) == manifest.new_id(moment):
        pass
    second = take(place)
    assert second.copied == 1
    assert second.copied_bytes == 3
    assert second.objects == first.objects + 1
    assert not list(place.folder.glob(".partial-*"))
    assert [r["state"] for r in backup_check.listing(place)] == ["whole", "whole"]
    with transaction() as connection:
        from ipgov.operations import backups

        last = backups.last(connection, "made")
    assert last is not None
    assert (last["backup"], last["detail"]["copied"]) == (second.backup, 1)
    for m in (first, second):
        assert backup_check.problems(place, m) == []
    modes = {p.stat().st_mode & 0o077 for p in place.folder.rglob("*") if p.is_file()}
    assert modes == {0}


def test_damage_is_found_and_nothing_is_restored(place: Any, outside: Path) -> None:
    from ipgov.operations import backup_check, manifest
    from ipgov.operations.place import object_key, part_key

    seal()
    made = take(place)
    key = object_key(next(e.sha256 for e in manifest.entries(place, made) if e.key.startswith("content/")))
    dump, listed = (part_key(made.backup, n) for n in ("governance.dump", "objects.jsonl"))
    about = part_key(made.backup, "manifest.json")

    def cut(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-100])

    def changed(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    for name in (dump, listed, key):
        for damage, word in ((cut, "字节|改动"), (changed, "改动"), (Path.unlink, "缺失")):
            path = place.folder / name
            whole = path.read_bytes()
            damage(path)
            (found,) = backup_check.problems(place, made)
            assert found.file == name
            assert any(w in found.found for w in word.split("|"))
            if name != key or damage is changed:
                with pytest.raises(GovernanceError, match=r"损坏，未恢复|恢复中止，数据库尚未写入"):
                    restored(place, outside / "broken")
            path.write_bytes(whole)
    assert backup_check.problems(place, made) == []
    for damage in (cut, changed):
        whole = (place.folder / about).read_bytes()
        damage(place.folder / about)
        with pytest.raises(EnvironmentProblemError, match="清单被改动或不完整"):
            restored(place, outside / "broken")
        assert backup_check.listing(place)[0]["state"] == "damaged"
        (place.folder / about).write_bytes(whole)
    (place.folder / about).unlink()
    assert backup_check.listing(place)[0]["state"] == "unfinished"
    with pytest.raises(UnknownError, match="没有完成的备份"):
        restored(place, outside / "broken")


def test_what_is_lost_at_the_source_is_a_gap_unless_a_backup_has_it(place: Any, database: Path) -> None:
    from ipgov.core.database import reading
    from ipgov.operations import backup_check, backups
    from sqlalchemy import text

    with reading() as connection:
        digests = list(
            connection.execute(text("SELECT DISTINCT sha256 FROM policy_change ORDER BY 1")).scalars()
        )
    lost, altered = (database / "objects" / "content" / d[:2] / d for d in digests[:2])
    whole = lost.read_bytes()
    lost.unlink()
    altered.write_bytes(b"forged")
    made = take(place)
    missing, wrong = (f"content/{d[:2]}/{d}" for d in digests[:2])
    assert sorted(made.problems) == sorted([f"{missing}：缺失", f"{wrong}：内容与其指纹不符"])
    assert len(backup_check.problems(place, made)) == 2
    with reading() as connection:
        assert backups.last(connection, "made") is None
        assert backups.last(connection, "incomplete") is not None
    lost.write_bytes(whole)


def test_a_backup_of_a_newer_program_is_refused(place: Any, outside: Path) -> None:
    from dataclasses import replace

    from ipgov.operations import manifest

    made = take(place)
    (place.folder / "backups" / made.backup / "manifest.json").unlink()
    manifest.write(place, replace(made, revision="9999", code="9.9"))
    with pytest.raises(RefusedError, match=r"9999 版.*较新的程序（9.9）"):
        restored(place, outside / "newer")
    assert not (outside / "newer" / "pg").exists()


def test_a_backup_lies_apart_and_runs_alone(place: Any, database: Path) -> None:
    from ipgov.operations import backup
    from ipgov.operations.place import Place

    for inside in (database / "objects" / "b", database):
        with pytest.raises(RefusedError, match="不能存放在所备份的对象库中"):
            take(Place(str(inside)))
    with (
        backup._engine(backup._address()) as engine,
        backup._alone(engine),
        pytest.raises(RefusedError, match="另一个备份正在进行"),
    ):
        take(place)
    assert take(place).problems == []


def test_a_full_disk_leaves_no_backup_and_the_next_one_is_whole(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from ipgov.operations import backup_check, tools

    real, left = os.fsync, [0]

    def full(handle: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    for after in (1, 2, 5):
        left[0] = after
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises((TemporaryProblemError, OSError), match=r"磁盘空间已满|No space left"):
            take(place)
        monkeypatch.setattr(os, "fsync", real)
        assert not [r for r in backup_check.listing(place) if r["state"] == "whole"]
        assert not list(place.folder.glob(".partial-*"))
    with pytest.raises(TemporaryProblemError, match="磁盘空间已满"):
        tools.dump(os.environ["IPGOV_BACKUP_DATABASE_URL"], 18, Path("/dev/full"))
    assert take(place).problems == []


def test_a_backup_during_writes_is_one_moment(place: Any, outside: Path) -> None:
    """Steps are committed and sealed all the while: the backup has each of them wholly or not at all."""
    import threading

    from ipgov.core import seals
    from ipgov.core.database import transaction
    from ipgov.core.objects import put_content
    from ipgov.core.tables import clock_correction, step_run
    from ipgov.operations import tools
    from ipgov.operations.restore import Restored

    seal()
    stop, written = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            n = len(written)
            content = put_content(f"content {n}".encode())
            with transaction() as connection:
                shared = {"known_at": NOW}
                for step in ("a", "b"):
                    connection.execute(
                        step_run.insert().values(
                            programme="p",
                            period=str(n),
                            step=step,
                            mode="live",
                            fingerprint=content,
                            result={},
                            **shared,
                        )
                    )
                connection.execute(
                    clock_correction.insert().values(
                        wrong_until=NOW, accepted_by="tester", reason=content, **shared
                    )
                )
            seals.add("manual", str(n), NOW)
            written.append(content)

    writer = threading.Thread(target=write)
    writer.start()
    real, during = tools.dump, []

    def slow(*given: Any) -> None:
        before = len(written)
        while len(written) < before + 5:  # between the snapshot and its dump others go on
            stop.wait(0.02)
        real(*given)
        during.append(len(written))

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tools, "dump", slow)
            made = take(place)
    finally:
        stop.set()
        writer.join()
    assert during
    saved = int(made.head.partition(":")[0])
    assert 0 < saved <= len(written)
    assert made.rows["step_run"] == 2 * made.rows["clock_correction"]
    assert made.rows["seal"] == saved
    told: Restored = restored(place, outside / "w", heads=[made.head] if made.head else [])
    assert told.problems == []


def test_a_killed_backup_is_no_backup(place: Any) -> None:
    """Killed while it copies: nothing counts as a backup, and the next one is whole and finishes the rest."""
    import subprocess
    import sys

    from ipgov.operations import backup_check

    code = (
        "import os, datetime as dt\n"
        "from ipgov.core.objects import LocalStore\n"
        "from ipgov.operations import backup\n"
        "from ipgov.operations.place import Place\n"
        "real, left = LocalStore._put, [8]\n"
        "def put(*given):\n"
        "    left[0] -= 1\n"
        "    if left[0] < 0: os.kill(os.getpid(), 9)\n"
        "    return real(*given)\n"
        "LocalStore._put = put\n"
        f"backup.create(Place({place.location!r}), 'tester', dt.datetime.now(dt.UTC))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    assert backup_check.listing(place) == []
    assert list(place.folder.glob(".partial-*"))
    made = take(place)
    assert 0 < made.copied < made.objects
    assert backup_check.problems(place, made) == []
    assert not list(place.folder.glob(".partial-*"))
