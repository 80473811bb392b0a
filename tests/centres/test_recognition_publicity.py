"""From the list that a round of recognition approved to the title, as the daily flow and people do it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from announced_list import Listed, rows
from applying_centres import Applicants, at, name_of


@pytest.mark.clause("2024-1155#31", "2024-1155#32", "2024-1155#33")
def test_an_approved_list_is_publicised_and_recognised(database: Path) -> None:
    from ipgov.procedures import publicity

    centres = Applicants(database / "objects")
    centres.register()
    centres.collect()
    centres.review()
    centres.approve(centres.evaluate())
    people = Listed(("IC01", "IC02", "IC04"))
    day = centres.days.evaluate_on.date + dt.timedelta(1)
    while centres.states(day)["IC01"] != "listed":
        day += dt.timedelta(1)
    (proposed,) = publicity.propose_notices(day, at(day)).output["proposed"]
    assert proposed["units"] == ["IC01", "IC02", "IC04"]
    assert publicity.propose_notices(day, at(day)).output["proposed"] == []
    people.issue(proposed, day)
    assert publicity.propose_notices(day, at(day)).output["proposed"] == []
    (notice,) = rows("SELECT * FROM publicity")
    (letter,) = rows("SELECT title FROM document WHERE kind = 'public_notice'")
    assert letter["title"] == "关于国家级产业知识产权运营中心拟认定名单的公示"
    listed = rows("SELECT * FROM publicity_unit ORDER BY id")
    assert [u["name"] for u in listed] == [name_of(i) for i in ("智能网联产业", "新材料产业", "新能源产业")]
    (round_,) = rows("SELECT DISTINCT list_round_id AS id FROM publicity_unit")
    assert rows("SELECT programme FROM review_round WHERE id = :id", id=round_["id"]) == [
        {"programme": "industry_centre_recognition"}
    ]
    assert people.daily(notice["last_on"]) == []
    over = notice["last_on"] + dt.timedelta(1)
    (recognition,) = people.daily(over)
    people.issue(recognition, over)
    assert {u: centres.states(over)[u] for u in people.units} == dict.fromkeys(people.units, "recognised")
