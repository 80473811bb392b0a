"""What the office numbers in a register of its own waits for a person: letters, notices of cases, drafts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ipgov.core.database import reading
from ipgov.core.tables import document_number
from ipgov.documents import register
from ipgov.documents.numbering import NumberAwaitedError
from ipgov.policy import cases as case_policy
from ipgov.policy import papers as paper_policy
from ipgov.policy.correspondence import correspondence
from ipgov.procedures import approval, document_numbers, follow_up, follow_up_papers, paper_round
from played_cases import follow
from played_nation import PROGRAMME, Nation, at
from sqlalchemy import func, select

Ipgov = Callable[..., tuple[int, str, str]]
DAY = dt.date(2024, 3, 4)


def numbers() -> int:
    with reading() as connection:
        return int(connection.execute(select(func.count()).select_from(document_number)).scalar_one())


def enter(ipgov: Ipgov, key: str, number: str, day: dt.date) -> tuple[int, str, str]:
    return ipgov("document", "number", key, number, "--by", "operator1", "--as-of", day)


def documents(**wanted: Any) -> list[Any]:
    with reading() as connection:
        return list(register.documents(connection, **wanted))


@pytest.mark.usefixtures("passwords")
def test_a_letter_waits_for_its_number_and_goes_out_with_it(
    nation: Nation, ipgov: Ipgov, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = correspondence()
    papers = own.papers.model_copy(
        update={"overdue": own.papers.overdue.model_copy(update={"entered": True, "series": "国知办函"})}
    )
    monkeypatch.setattr(follow_up_papers, "correspondence", lambda: own.model_copy(update={"papers": papers}))
    follow_up.record_occurrence(
        PROGRAMME, "FP01", "person_in_charge", "负责人变动", DAY, "运行组", "试", at(DAY)
    )
    overdue = dt.date(2024, 3, 12)  # due on the eleventh
    for number in range(5, 13):
        day = dt.date(2024, 3, number)
        follow_up.advance(day, at(day), None if follow_up.last_day() else dt.date(2024, 3, 1))
        told = follow_up_papers.write(day, at(day)).output
    (waiting,) = document_numbers.awaited()
    assert any(f"等待录入字号（{waiting.key}）" in line for line in told["not_sent"])
    assert (waiting.series, waiting.subject[:5]) == ("国知办函", "催报通知（")
    assert documents(kind="overdue") == []
    assert documents(kind="escalation") == []  # told of the same event, they wait with it
    taken = numbers()

    for wrong, said in (
        ("国知办函〔2024〕零号", "字号"),
        ("国知平催函〔2024〕1号", "国知办函"),
        ("国知办函〔2023〕1号", "2024"),
    ):
        code, _, err = enter(ipgov, waiting.key, wrong, overdue)
        assert (code, said in err) == (2, True), err
    assert enter(ipgov, "no-such-key", "国知办函〔2024〕1号", overdue)[0] == 2
    assert numbers() == taken  # nothing wrong was kept
    code, out, _ = enter(ipgov, waiting.key, "国知办函〔2024〕17号", overdue)
    assert (code, out) == (0, f"{waiting.key} 的字号 国知办函〔2024〕17号 已录入\n")
    again = enter(ipgov, waiting.key, "国知办函〔2024〕18号", overdue)
    assert again[0] == 2  # what was entered is never changed
    follow_up_papers.write(overdue, at(overdue))
    (letter,) = documents(kind="overdue")
    assert (letter["number"], letter["key"]) == ("国知办函〔2024〕17号", waiting.key)
    assert document_numbers.awaited() == []
    assert follow_up_papers.write(overdue, at(overdue)).written == 0
    assert {d["number"] for d in documents(kind="escalation")} == {f"国知平催函〔2024〕{n}号" for n in (1, 2)}


@pytest.mark.usefixtures("passwords")
def test_the_notice_of_a_case_waits_for_its_number(
    nation: Nation, ipgov: Ipgov, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = case_policy.frozen

    def entered(sha256: str) -> Any:
        rules = frozen(sha256)
        notice = rules.notice.model_copy(update={"entered": True, "series": "国知办改函"})
        return rules.model_copy(update={"notice": notice})

    monkeypatch.setattr(case_policy, "frozen", entered)
    nation.year(2023)
    issued_on = nation.days(2023).evaluate_on.date
    day = issued_on + dt.timedelta(days=2)
    told = follow(nation, day, issued_on)
    waiting = document_numbers.awaited()
    assert waiting
    assert told["documents"] == []
    assert [int(w.key.split(":")[1].split("/")[0]) for w in waiting] == told["waiting"]
    for serial, one in enumerate(waiting, 1):
        assert enter(ipgov, one.key, f"国知办改函〔2024〕{serial}号", day)[0] == 0
    used = enter(ipgov, waiting[0].key, f"国知办改函〔2024〕{len(waiting) + 1}号", day)
    assert used[0] == 2
    later = day + dt.timedelta(days=1)
    told = follow(nation, later)
    assert told["documents"] == [f"国知办改函〔2024〕{n}号" for n in range(1, len(waiting) + 1)]
    assert told["waiting"] == []


@pytest.mark.usefixtures("passwords")
def test_a_drafted_document_waits_for_its_number(
    nation: Nation, ipgov: Ipgov, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paper = paper_policy.paper

    def entered(kind: str, programme: str) -> Any:
        return paper(kind, programme).model_copy(update={"entered": True, "series": "国知办约函"})

    monkeypatch.setattr(paper_policy, "paper", entered)
    monkeypatch.setattr(paper_round, "policy_paper", entered)
    name = nation.units(DAY)["FP03"].name
    content = {
        "subject": name,
        "matters": ["逾期未报"],
        "at": "2024-03-20T09:30:00+08:00",
        "place": "我局",
        "attendees": ["负责同志"],
        "confirm_by": "2024-03-15",
    }
    given = {"content": content, "parties": {"subject": ["FP03"], "province": ["33"]}}
    proposed = paper_round.propose(
        "interview_invitation", PROGRAMME, given, "reviewer1", "须约谈", DAY, at(DAY)
    )
    assert not nation.answer(dict(proposed.output), "audit", "reviewer2", DAY).refused
    assert nation.answer(dict(proposed.output), "sign", "issuer1", DAY).status == "approved"
    round_id = proposed.output["round_id"]
    with pytest.raises(NumberAwaitedError, match="有 1 件文书等待录入字号"):
        approval.issue(round_id, DAY, at(DAY))
    (waiting,) = document_numbers.awaited()
    assert (waiting.key, waiting.subject) == (
        f"round:{round_id}/interview_invitation",
        f"《关于约谈{name}的通知》（{name}）",
    )
    assert enter(ipgov, waiting.key, "国知办约函〔2024〕5号", DAY)[0] == 0
    approval.issue(round_id, DAY, at(DAY))
    (row,) = documents(round_id=round_id)
    assert row["number"] == "国知办约函〔2024〕5号"
