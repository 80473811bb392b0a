"""A province's own centres: its files are added, two people put them in force, no code changes."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from evaluated_cohort import at
from ipgov.core import settings
from ipgov.core.errors import RefusedError
from ipgov.core.steps import Cycle

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "docs" / "examples" / "local-centres"
TITLE, YEARLY = "sample_province_centre", "sample_province_centre_self_evaluation"
APPLYING = "sample_province_centre_recognition"
FIRST = dt.date(2025, 1, 2)
CENTRES = {"SP01": ("equipment", {"F01": 80, "F02": 5}), "SP02": ("agriculture", {"F01": 20, "F02": 10})}


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The project's files with the province's laid beside them; nothing that was there is changed."""
    root = tmp_path / "installation"
    for name in ("policies", "expectations", "reports", "sql"):
        shutil.copytree(ROOT / name, root / name)
    there = {p.relative_to(root) for p in root.rglob("*") if p.is_file()}
    added = {p.relative_to(SAMPLE) for p in SAMPLE.rglob("*") if p.is_file()}
    assert not there & added
    shutil.copytree(SAMPLE, root, dirs_exist_ok=True)
    monkeypatch.setenv("IPGOV_ROOT", str(root))
    settings.settings.cache_clear()
    yield root
    settings.settings.cache_clear()


@pytest.fixture
def province(database: Path, installation: Path) -> Path:
    """The same with a database: two centres recognised, the province's files put in force by two people."""
    from ipgov.core import tables
    from ipgov.core.database import transaction
    from ipgov.decisions.officers import Officer, register_officer
    from ipgov.procedures import policy_changes
    from ipgov.registry.organisations import Organisation, add_organisation
    from ipgov.registry.platforms import add_titled_body
    from ipgov.simulation.nation import SOURCE, fictitious_code

    with transaction() as connection:
        for login, role in (("reviewer1", "reviewer"), ("reviewer2", "reviewer"), ("issuer1", "issuer")):
            register_officer(connection, Officer(login, login, (role,), None, True), at(FIRST))
    for file in sorted((SAMPLE / "policies").rglob("*.yaml")):
        if file.parent.name not in ("titles", "lifecycles"):
            proposed = policy_changes.propose(
                installation / file.relative_to(SAMPLE), "reviewer1", "地方自行确定", at(FIRST)
            )
            change = proposed.change
            policy_changes.answer(change.programme, change.version, "approve", "issuer1", "同意", at(FIRST))
    with transaction() as connection:
        for number, (unit, (kind, _)) in enumerate(CENTRES.items(), 1):
            host = Organisation(fictitious_code("11", 760 + number), f"虚构地方主体{number}", "11", False)
            add_organisation(connection, host, FIRST, SOURCE, at(FIRST))
            add_titled_body(
                connection, TITLE, unit, f"样例省虚构{number}产业知识产权运营中心", kind, "11", "direct",
                host.code, host.code, FIRST, SOURCE, at(FIRST),
            )  # fmt: skip
            connection.execute(
                tables.title_event.insert().values(
                    programme=TITLE, unit=unit, event="recognised", effective_on=dt.date(2025, 3, 3),
                    basis="2024-1155#48", note=SOURCE, known_at=at(dt.date(2025, 3, 3)),
                )
            )  # fmt: skip
    return database / "objects"


def letters(kind: str) -> list[str]:
    """What the letters of a kind say, as their pages show it."""
    from ipgov.core import objects
    from ipgov.core.database import reading
    from ipgov.core.tables import document, document_file
    from sqlalchemy import select

    query = (
        select(document_file.c.sha256, document_file.c.format)
        .join(document, document.c.id == document_file.c.document_id)
        .where(document.c.kind == kind, document.c.programme.in_((TITLE, YEARLY)))
        .order_by(document.c.id)
    )
    with reading() as connection:
        rows = connection.execute(query).all()
    pages = [objects.get_content(r.sha256) for r in rows if r.format == "html"]
    if pages:
        return [re.sub(r"<[^>]+>|\s+", "", page.decode()) for page in pages]
    return [_pdf_text(objects.get_content(r.sha256)) for r in rows if r.format == "pdf"]


def _pdf_text(data: bytes) -> str:
    import io

    from pypdf import PdfReader

    return re.sub(r"\s+", "", "".join(p.extract_text() for p in PdfReader(io.BytesIO(data)).pages))


@pytest.mark.clause("2024-1155#48")
def test_a_provinces_files_are_whole_and_give_its_dags(installation: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from ipgov.policy.check import check
    from ipgov.policy.programmes import of_procedure

    assert not [p for p in check() if "sample_province" in str(p)]
    assert [p.code for p in of_procedure("self_evaluation")] == ["industry_centre_self_evaluation", YEARLY]
    for name, dag_id in (
        ("center_self_evaluation", YEARLY),
        ("center_comprehensive_evaluation", TITLE),
        ("center_recognition", APPLYING),
    ):
        bag = DagBag(str(ROOT / "dags" / f"{name}.py"))
        assert not bag.import_errors
        assert dag_id in bag.dags
        assert "样例省" in bag.dags[dag_id].dag_display_name
        national = next(d for i, d in bag.dags.items() if i != dag_id)
        assert [t.task_id for t in bag.dags[dag_id].tasks] == [t.task_id for t in national.tasks]


def test_the_words_and_the_office_are_the_provinces_own(installation: Path) -> None:
    from ipgov.policy.correspondence import correspondence
    from ipgov.policy.papers import papers
    from ipgov.policy.title_words import title_words

    assert title_words(YEARLY).title == "样例省产业知识产权运营中心"
    assert correspondence().issuer_of(YEARLY) == papers().issuer_of(TITLE) == "样例省知识产权局"
    assert correspondence().contact_of(TITLE) == "样例省知识产权局知识产权运用促进处"
    for programme in ("industry_centre", "product_filing"):
        assert correspondence().issuer_of(programme) == "国家知识产权局"


@pytest.mark.clause("2024-1155#27")
def test_the_name_of_a_local_centre_has_its_own_level(installation: Path) -> None:
    from ipgov.policy import store

    named = {
        code: store.governing(code, 2025).rules.recognition
        for code in (APPLYING, "industry_centre_recognition")
    }
    names = [r.naming.name("特色农业产业") for r in named.values() if r is not None]
    assert names == ["样例省特色农业产业知识产权运营中心", "国家级特色农业产业知识产权运营中心"]


def send(objects: Path, unit: str, day: dt.date) -> None:
    from ipgov.core.objects import store
    from ipgov.simulation.nation import fill

    blank = store().get(f"outbox/{YEARLY}/2025/{unit}/{unit}-2025-报送表.xlsx")
    key = f"inbox/{YEARLY}/2025/11/{unit}/{unit}-2025.xlsx"
    store().put(key, fill(blank, {**CENTRES[unit][1], "F03": day}))
    moment = at(day, 10).timestamp()
    os.utime(objects / key, (moment, moment))


@pytest.mark.clause("2024-1155#48")
def test_a_provinces_year_is_opened_collected_evaluated_and_issued_in_its_name(province: Path) -> None:
    from ipgov.calendars.deadlines import cycle_days
    from ipgov.policy import store
    from ipgov.procedures import (
        approval,
        cycles,
        evaluation_cycle,
        follow_up,
        follow_up_papers,
        submission_intake,
    )

    days = cycle_days(store.governing(YEARLY, 2025).rules.cycle, 2025)
    opens, due, on = days.opens.date, days.due.date, days.evaluate_on.date
    opened = cycles.open_cycle(Cycle(YEARLY, "2025", opens, at(opens))).output["forms"]
    assert sum("/SP0" in key for key in opened) == 2
    sent = due - dt.timedelta(days=5)
    for unit in CENTRES:
        send(province, unit, sent)
    submission_intake.receive(submission_intake.new_objects(at(sent)), sent, at(sent))
    assert len(letters("receipt")) == 2

    follow_up.advance(sent, at(sent), dt.date(2025, 11, 3))
    follow_up_papers.write(sent, at(sent))
    called = letters("call") + letters("reminder")
    assert called
    for letter in called:
        assert "样例省知识产权局" in letter
        assert "国家知识产权局" not in letter

    cycle = Cycle(YEARLY, "2025", on, at(on))
    frozen: Any = evaluation_cycle.freeze(cycle).output
    evaluation_cycle.check(cycle, frozen["snapshot_id"])
    evaluated: Any = evaluation_cycle.evaluate(cycle, frozen["snapshot_id"]).output
    listed: Any = evaluation_cycle.make_rating_list(cycle, evaluated["result_set_id"]).output
    round_: Any = evaluation_cycle.open_round(
        cycle, evaluated["result_set_id"], listed["rating_list_sha256"]
    ).output
    for step, actor in (("audit", "reviewer2"), ("sign", "issuer1")):
        answered = approval.answer(
            round_["round_id"],
            step,
            "approve",
            actor,
            "同意",
            round_["fingerprint"],
            "console",
            at(on),
            at(on),
        )
        assert not answered.refused
    approval.issue(round_["round_id"], on, at(on))
    told = letters("result_to_unit")
    assert len(told) == 2
    assert "评估得分为65.00分" in told[0]  # 80 of 100 firms and 5 of 10 projects, halves
    for letter in told:
        assert "样例省知识产权局" in letter
        assert "样知产评函〔2026〕" in letter
        for foreign in ("国家级", "国家知识产权局", "优秀", "不合格"):
            assert foreign not in letter, foreign


@pytest.mark.clause("2024-1155#27", "2024-1155#48")
def test_a_provinces_round_of_recognition_is_played_with_no_code_of_its_own(province: Path) -> None:
    from ipgov.calendars.deadlines import cycle_days
    from ipgov.core.database import reading
    from ipgov.core.objects import store as objects_store
    from ipgov.policy import store
    from ipgov.procedures import (
        applications,
        approval,
        cycles,
        evaluation_cycle,
        recognition,
        recognition_list,
        submission_intake,
    )
    from ipgov.procedures.applications import Candidate
    from ipgov.registry.organisations import Organisation
    from ipgov.registry.titles import standings
    from ipgov.simulation.nation import fictitious_code, fill

    days = cycle_days(store.governing(APPLYING, 2025).rules.cycle, 2025)
    opens, on = days.opens.date, days.evaluate_on.date
    projects = {"SP03": 8, "SP04": 2, "SP05": 5}  # the limit is three, and ten are full marks
    for number, unit in enumerate(projects, 3):
        host = Organisation(fictitious_code("11", 760 + number), f"虚构地方主体{number}", "11", False)
        named = f"样例省虚构{number}产业知识产权运营中心"
        candidate = Candidate(unit, named, "agriculture", "11", "direct", host, host)
        assert applications.register(APPLYING, candidate, "operator1", FIRST, at(FIRST))
    other = Candidate("SP06", "国家级虚构产业知识产权运营中心", "agriculture", "11", "direct", host, host)
    with pytest.raises(RefusedError, match="应为：样例省＋所属产业＋知识产权运营中心"):
        applications.register(APPLYING, other, "operator1", FIRST, at(FIRST))
    opened = cycles.open_cycle(Cycle(APPLYING, "2025", opens, at(opens))).output["forms"]
    assert {unit for unit in projects if any(f"/{unit}/" in key for key in opened)} == set(projects)
    sent = opens + dt.timedelta(days=10)
    for number, (unit, count) in enumerate(projects.items(), 3):
        blank = objects_store().get(f"outbox/{APPLYING}/2025/{unit}/{unit}-2025-报送表.xlsx")
        said = {"A01": f"样例省虚构{number}产业知识产权运营中心", "A02": f"虚构{number}产业"}
        key = f"inbox/{APPLYING}/2025/11/{unit}/{unit}-2025.xlsx"
        objects_store().put(key, fill(blank, {**said, "A03": count, "A04": sent}))
        moment = at(sent, 10).timestamp()
        os.utime(province / key, (moment, moment))
    submission_intake.receive(submission_intake.new_objects(at(sent)), sent, at(sent))

    cycle = Cycle(APPLYING, "2025", on, at(on))
    applications.catch_up(cycle)
    frozen: Any = evaluation_cycle.freeze(cycle).output
    evaluation_cycle.check(cycle, frozen["snapshot_id"])
    evaluated: Any = evaluation_cycle.evaluate(cycle, frozen["snapshot_id"]).output
    listed: Any = recognition.make_list(cycle, evaluated["result_set_id"]).output
    assert listed["listed"] == ["SP03"]
    round_: Any = evaluation_cycle.open_round(
        cycle, evaluated["result_set_id"], listed["rating_list_sha256"]
    ).output
    with reading() as connection:
        proposed = {r["unit"]: r for r in recognition_list.overview(connection, round_["round_id"])}
    assert "年度转化项目不少于 3 个：不符合（2024-1155#48" in proposed["SP04"]["reason"]
    assert "专家评审 50.00 分，低于 60 分" in proposed["SP05"]["reason"]
    for step, actor in (("audit", "reviewer2"), ("sign", "issuer1")):
        answered = approval.answer(
            round_["round_id"], step, "approve", actor, "同意", round_["fingerprint"], "console",
            at(on), at(on),
        )  # fmt: skip
        assert not answered.refused
    approval.issue(round_["round_id"], on, at(on))
    with reading() as connection:
        now = {u: s.code for u, s in standings(connection, TITLE, on, at(on)).items()}
        (first,) = recognition_list.approved(connection, APPLYING, "2025", at(on))
    assert {u: now[u] for u in projects} == {
        "SP03": "listed", "SP04": "not_recognised", "SP05": "not_recognised",
    }  # fmt: skip
    assert (first.unit, first.name) == ("SP03", "样例省虚构3产业知识产权运营中心")
