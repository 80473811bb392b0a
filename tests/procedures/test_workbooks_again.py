"""Correction workbooks and blank forms come again to the byte, whatever the rules are by then."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.errors import EnvironmentProblemError, UnknownError
from ipgov.core.settings import settings
from ipgov.core.tables import blank_form
from ipgov.documents import register
from ipgov.policy import store
from ipgov.procedures import document_rebuild
from played_nation import PROGRAMME, Nation
from sqlalchemy import select

PERIOD = 2023


def collected(nation: Nation) -> None:
    nation.open(PERIOD)
    nation.send(PERIOD)
    nation.receive(nation.days(PERIOD).due.date - dt.timedelta(days=10))


def corrections() -> list[Any]:
    with reading() as connection:
        return list(register.documents(connection, PROGRAMME, str(PERIOD), kind="correction"))


@pytest.fixture
def other_rules(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """An upgrade: every form of the rules' files has another title. What was frozen stands."""
    governing = store.governing

    def change() -> None:
        def changed(programme: str, year: int) -> Any:
            import dataclasses

            loaded = governing(programme, year)
            form = loaded.rules.form.model_copy(update={"title": "另一版报送表"})
            return dataclasses.replace(loaded, rules=loaded.rules.model_copy(update={"form": form}))

        monkeypatch.setattr(store, "governing", changed)

    return change


def test_workbooks_that_went_out_come_again(
    nation: Nation, other_rules: Callable[[], None], ipgov: Callable[..., tuple[int, str, str]]
) -> None:
    collected(nation)
    returned = corrections()
    assert returned
    other_rules()
    for row in returned:
        rebuilt = document_rebuild.rebuild(str(row["id"]))
        assert dict(rebuilt.formats) == {"pdf": True, "xlsx": True}
        assert rebuilt.changed == ()

    found = document_rebuild.rebuild_forms(PROGRAMME, str(PERIOD))
    with reading() as connection:
        assert len(found) == len(list(connection.execute(select(blank_form.c.id)))) > 10
    assert all(f.identical and f.in_folder and f.changed == () for f in found)
    code, out, _ = ipgov("form", "rebuild", PROGRAMME, PERIOD, "--unit", "FP01", "--json")
    (one,) = json.loads(out)
    assert (code, one["unit"], one["identical"], one["in_folder"]) == (0, "FP01", True, True)
    with pytest.raises(UnknownError, match="2024 年度没有登记发出的空白报送表"):
        document_rebuild.rebuild_forms(PROGRAMME, "2024")
    assert ipgov("form", "rebuild", PROGRAMME, "2024")[0] == 2
    _what_was_changed_since_is_told(nation, returned[0], ipgov)


def _what_was_changed_since_is_told(
    nation: Nation, row: Any, ipgov: Callable[..., tuple[int, str, str]]
) -> None:
    form = document_rebuild.rebuild_forms(PROGRAMME, str(PERIOD), "FP01")[0]
    (settings().state / "objects" / form.object_key).write_bytes(b"another")
    code, out, _ = ipgov("form", "rebuild", PROGRAMME, PERIOD, "--unit", "FP01")
    assert (code, out) == (1, f"{form.object_key}：逐字节相同；发出的文件已被改动\n")
    (settings().state / "objects" / form.object_key).unlink()
    code, out, _ = ipgov("form", "rebuild", PROGRAMME, PERIOD, "--unit", "FP01")
    assert (code, out) == (0, f"{form.object_key}：逐字节相同；发出的文件已不在原处\n")
    with reading() as connection:
        sent = document_rebuild._answered(connection, row)
    assert sent is not None
    file = next(p for p in (settings().state / "objects").rglob(sent["sha256"]) if p.is_file())
    file.chmod(0o600)
    file.write_bytes(b"not what was sent")
    with pytest.raises(EnvironmentProblemError):
        document_rebuild.rebuild(str(row["id"]))
    assert objects.store().exists(sent["object_key"])
