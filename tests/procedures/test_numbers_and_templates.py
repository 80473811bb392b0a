"""An approved round between approval and issue: numbers that a person enters, templates that change."""

import dataclasses
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ipgov.core.database import reading
from ipgov.core.objects import get_content
from ipgov.core.settings import settings
from ipgov.core.tables import document_number
from ipgov.documents import register, templates
from ipgov.documents.numbering import NumberAwaitedError
from ipgov.followup import cases
from ipgov.policy import store
from ipgov.procedures import approval, document_numbers, document_rebuild, rectification
from played_cases import follow
from played_nation import Nation, at
from sqlalchemy import func, select

PERIOD = 2023
ENTERED = "result_to_province"


def approved(nation: Nation) -> tuple[int, dt.date]:
    """Play the year until its round is approved; return the round and the day of its issue."""
    nation.collect(PERIOD)
    round_ = nation.evaluate(PERIOD)
    day = nation.days(PERIOD).evaluate_on.date
    assert nation.answer(round_, "audit", "reviewer1", day).status == "open"
    assert nation.answer(round_, "sign", "issuer1", day).status == "approved"
    return round_["round_id"], day


def numbers() -> int:
    with reading() as connection:
        return int(connection.execute(select(func.count()).select_from(document_number)).scalar_one())


@pytest.fixture
def office_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The letters to provinces are numbered in the office's own register."""
    frozen = store.frozen

    def entered(sha256: str) -> Any:
        loaded = frozen(sha256)
        every = tuple(
            n.model_copy(update={"entered": True, "series": "国知办函"}) if n.kind == ENTERED else n
            for n in loaded.rules.notices
        )
        return dataclasses.replace(loaded, rules=loaded.rules.model_copy(update={"notices": every}))

    monkeypatch.setattr(store, "frozen", entered)


@pytest.mark.usefixtures("office_numbers")
def test_an_issue_waits_until_a_person_entered_every_number(
    nation: Nation, passwords: Path, ipgov: Callable[..., tuple[int, str, str]]
) -> None:
    round_id, day = approved(nation)
    problems = approval.numbers_awaited(round_id, day, at(day))
    waiting = document_numbers.awaited()
    assert len(problems) == len(waiting) > 1
    assert "ipgov document number round:1/result_to_province/" in str(problems[0])
    assert "国知办函〔2024〕N号" in str(problems[0])
    assert waiting[0].subject.startswith("《")
    assert waiting[0].subject.endswith("知识产权局）")
    with pytest.raises(NumberAwaitedError, match=f"有 {len(waiting)} 件文书等待录入字号"):
        approval.issue(round_id, day, at(day))
    assert numbers() == 0  # nothing is reserved for what is not made yet
    for n, awaited in enumerate(waiting[:-1], 41):
        assert document_numbers.enter(awaited.key, f"国知办函〔2024〕{n}号", "operator1", day, at(day))
    with pytest.raises(NumberAwaitedError, match="有 1 件") as caught:
        approval.issue(round_id, day, at(day))
    assert waiting[-1].key in str(caught.value.problems[0])
    assert [w.key for w in document_numbers.awaited()] == [waiting[-1].key]
    assert f"待录入字号：{waiting[-1].subject}" in ipgov("status")[1]
    told = ipgov(
        "document", "number", waiting[-1].key, "国知办函〔2024〕99号", "--by", "operator1", "--as-of", day
    )
    assert told[:2] == (0, f"{waiting[-1].key} 的字号 国知办函〔2024〕99号 已录入\n")
    assert ipgov("document", "awaited")[1] == "共 0 件\n"
    assert approval.numbers_awaited(round_id, day, at(day)) == ()
    issued = approval.issue(round_id, day, at(day))
    with reading() as connection:
        row = register.get(connection, "国知办函〔2024〕99号")
        assert row["key"] == waiting[-1].key
        assert all(register.rebuild(connection, row["id"]).formats.values())
        by_us = {
            r["number"] for r in register.documents(connection, round_id=round_id) if r["kind"] != ENTERED
        }
    assert by_us == {f"国知平评函〔2024〕{n}号" for n in range(1, len(by_us) + 1)}
    assert len(by_us) + len(waiting) == issued.written


def changed_templates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An upgrade: every template that a result is told with says something else."""
    folder = tmp_path / "upgraded"
    shutil.copytree(settings().templates, folder)
    for file in folder.glob("result_*/document.yaml"):
        file.write_text(file.read_text(encoding="utf-8") + "note: 新版模板\n", encoding="utf-8")
    monkeypatch.setattr(type(settings()), "templates", folder)
    assert "note" in (settings().templates / "result_notice" / "document.yaml").read_text(encoding="utf-8")


def test_what_was_approved_is_made_with_the_templates_of_its_approval(
    nation: Nation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    round_id, day = approved(nation)
    then = {name: templates.template_sha256(name) for name in ("result_notice", "result_notice_province")}

    # killed after the numbers were reserved and some documents rendered: nothing is filed, numbers are held
    filed = register.file_document
    left = iter(range(3))

    def dying(*args: Any, **values: Any) -> int:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return filed(*args, **values)

    monkeypatch.setattr(register, "file_document", dying)
    with pytest.raises(KeyboardInterrupt):
        approval.issue(round_id, day, at(day))
    held = numbers()
    assert held > 3
    monkeypatch.setattr(register, "file_document", filed)
    changed_templates(monkeypatch, tmp_path)
    assert templates.template_sha256("result_notice") != then["result_notice"]

    approval.issue(round_id, day + dt.timedelta(days=1), at(day + dt.timedelta(days=1)))
    with reading() as connection:
        rows = register.documents(connection, round_id=round_id)
    assert {r["template_sha256"] for r in rows} <= set(then.values()) | {
        templates.template_sha256("title_cancellation")
    }
    assert all("新版模板" not in get_content(r["data_sha256"]).decode() for r in rows)
    assert numbers() == held
    assert sorted(int(r["number"].split("〕")[1][:-1]) for r in rows if r["number"]) == list(
        range(1, held + 1)
    )


def test_the_workbook_of_a_case_comes_again_after_more_time_was_given(nation: Nation) -> None:
    nation.year(PERIOD)
    issued_on = nation.days(PERIOD).evaluate_on.date
    begin = issued_on + dt.timedelta(days=2)
    follow(nation, begin, issued_on)
    with reading() as connection:
        notices = [r for r in register.documents(connection) if r["key"].startswith("case:")]
    assert notices
    case_id = int(notices[0]["key"].split(":")[1].split("/")[0])
    with reading() as connection:
        before = cases.get(connection, case_id, at(begin)).due_on
    until = next(d for n in range(1, 30) if (d := before + dt.timedelta(days=n)).weekday() == 2)
    rectification.extend(case_id, until, "issuer1", "情况复杂", begin, at(begin + dt.timedelta(days=1)))
    with reading() as connection:
        assert cases.get(connection, case_id, at(begin + dt.timedelta(days=1))).due_on == until != before
    for row in notices:
        rebuilt = document_rebuild.rebuild(row["number"])
        assert dict(rebuilt.formats) == dict.fromkeys(("docx", "html", "pdf", "xlsx"), True)
        assert rebuilt.changed == ()


def elsewhere(copy: Path, state: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command as on another machine: fresh copy, other folder, zone, locale, account."""
    home = copy / "home"
    home.mkdir()
    keep = ("IPGOV_DATABASE_URL", "IPGOV_STATE", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in keep if name in os.environ} | {
        "PYTHONPATH": str(copy / "plugins"),
        "PYTHONHASHSEED": "4711",
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "TZ": "Pacific/Chatham",
        "LC_ALL": "tr_TR.ISO-8859-9",
        "LANG": "C",
        "PYTHONIOENCODING": "utf-8",
    }
    assert environment["IPGOV_STATE"] == str(state)
    started = "import ipgov, sys; from ipgov.cli import main; print(ipgov.__file__, file=sys.stderr); main()"
    return subprocess.run(
        [sys.executable, "-c", started, *arguments],
        cwd=home,
        env=environment,
        umask=0o077,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def test_every_byte_comes_again_elsewhere_from_other_templates(nation: Nation, tmp_path: Path) -> None:
    round_id, day = approved(nation)
    approval.issue(round_id, day, at(day))
    copy = tmp_path / "elsewhere"
    for part in ("plugins", "policies", "reports", "sql"):
        shutil.copytree(settings().root / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in copy.glob("reports/templates/*/document.yaml"):  # templates and layouts of another version
        file.write_text("form: letter\ntitle: 另一版\nparagraphs: [另一版]\n", encoding="utf-8")
    for file in copy.glob("reports/templates/layouts/**/*.*"):
        file.write_text("", encoding="utf-8")
    with reading() as connection:
        row = register.documents(connection, round_id=round_id)[0]
        formats = {f["format"]: True for f in register.files(connection, row["id"])}
    done = elsewhere(copy, tmp_path, ["document", "rebuild", row["number"], "--json"])
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == str(copy / "plugins" / "ipgov" / "__init__.py")
    assert json.loads(done.stdout) == {"number": row["number"], "identical": formats, "changed": []}
    assert set(formats) == {"docx", "html", "pdf"}
