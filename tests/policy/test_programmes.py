"""The cheap reading of what names a version says what the whole reading says."""

from __future__ import annotations

from pathlib import Path

import pytest
from ipgov.core.settings import settings
from ipgov.policy import programmes, store
from ipgov.policy.rules import Procedure


@pytest.mark.parametrize("procedure", Procedure.__args__)
def test_the_cheap_reading_agrees_with_the_rules(procedure: str) -> None:
    newest = {p: [v for v in store.versions(p) if v.rules.status == "in_force"] for p in store.programmes()}
    expected = {(p, v[-1].rules.title) for p, v in newest.items() if v and v[-1].rules.procedure == procedure}
    assert {(p.code, p.title) for p in programmes.of_procedure(procedure)} == expected


def test_a_folder_added_is_found_and_a_draft_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = (
        "# 说明\nprogramme: {code}\nversion: \"2026-01-01\"\nstatus: {status}\ntitle: '某省中心自评' # 注\n"
    )
    head += "procedure: self_evaluation\nsubject:\n  title: 某省中心\n"
    for code, status in (("some_centre", "in_force"), ("another_centre", "draft")):
        (tmp_path / "policies" / code).mkdir(parents=True)
        file = tmp_path / "policies" / code / "2026-01-01.yaml"
        file.write_text(head.format(code=code, status=status), encoding="utf-8")
    monkeypatch.setattr(settings(), "root", tmp_path)
    assert programmes.of_procedure("self_evaluation") == (
        programmes.Programme("some_centre", "某省中心自评"),
    )
    assert programmes.of_procedure("recognition") == ()
