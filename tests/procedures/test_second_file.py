"""A second file of a unit for a period: whatever its format, it supersedes the first, and both are kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from ipgov.core.database import reading
from ipgov.core.objects import get_content
from ipgov.core.tables import submission
from ipgov.intake import submissions
from sqlalchemy import select

PROGRAMME, PERIOD = "functional_platform", "2023"
SENDERS = Path(__file__).parents[1] / "fixtures" / "workbooks" / "senders"
REFUSED = SENDERS.parent / "should_fail" / "files"


def rows() -> dict[str, dict]:
    """What is recorded of FP01, by file name."""
    with reading() as connection:
        found = connection.execute(select(submission).where(submission.c.unit == "FP01")).mappings()
        return {row["object_key"].rpartition("/")[2]: dict(row) for row in found}


@pytest.mark.clause("2023-156#19")
def test_each_file_supersedes_the_one_that_came_before_it_and_all_are_kept(nation):
    nation.open(2023)
    due = nation.days(2023).due.date
    sent = {
        "一.ods": (SENDERS / "plain.ods", 1),
        "三.xls": (SENDERS / "edited.xls", 3),
        "二.xlsx": (REFUSED / "ref_error.xlsx", 2),  # came before the third, is read after it
        "四.xls": (REFUSED / "password.xls", 4),
    }
    for wave in (("一.ods",), ("三.xls",), ("二.xlsx", "四.xls")):
        for name in wave:
            file, day = sent[name]
            received = nation.at(due - dt.timedelta(days=20 - day), 10)
            nation.put(f"inbox/{PROGRAMME}/{PERIOD}/11/FP01/{name}", file.read_bytes(), received)
        nation.receive(due - dt.timedelta(days=10))
    found = rows()
    assert {name: row["outcome"] for name, row in found.items()} == {
        "一.ods": "accepted",
        "三.xls": "accepted",
        "二.xlsx": "returned",
        "四.xls": "refused",
    }
    ids = {name: row["id"] for name, row in found.items()}
    assert {name: row["supersedes"] for name, row in found.items()} == {
        "一.ods": None,
        "三.xls": ids["一.ods"],
        "二.xlsx": ids["一.ods"],
        "四.xls": None,
    }
    for name, row in found.items():
        assert get_content(row["sha256"]) == sent[name][0].read_bytes()
        assert get_content(row["answer_sha256"])
    with reading() as connection:
        newest = submissions.newest_accepted(connection, PROGRAMME, PERIOD, nation.at(due))
    assert newest["FP01"]["id"] == ids["三.xls"]
