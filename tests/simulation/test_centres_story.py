"""The centres of the synthetic nation live from application to their fates by the procedures of every day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from ipgov.core.settings import settings
from ipgov.simulation import actors
from ipgov.simulation.centres import Centres

FATES = {
    "IC01": "recognised", "IC02": "recognised", "IC03": "not_recognised", "IC04": "recognised",
    "IC05": "cancelled", "IC06": "not_recognised", "IC07": "cancelled",
}  # fmt: skip


class Cast(Centres):
    """The centres' people, and whoever publishes the filing data month by month."""

    def acts_on(self, day: dt.date) -> bool:
        return day.day == 8 or super().acts_on(day)

    def morning(self, day: dt.date, known_at: dt.datetime) -> list[str]:
        monthly = actors.script()["monthly"]
        if day.day == monthly["day"]:
            actors.ACTS["report"](monthly, day, known_at)
        return super().morning(day, known_at)


@pytest.fixture
def lived(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[dt.date, str]]:
    """What was told of each day of the story, in a simulation with the fictitious notices."""
    from ipgov.launcher import accounts
    from ipgov.simulation import centres, fast_forward, fictitious_holidays

    monkeypatch.setenv("IPGOV_CALENDARS", str(fictitious_holidays.supply(database)))
    settings.cache_clear()
    accounts.register_officers(accounts.DEMO_PEOPLE)
    first, last = centres.script()["begins"], centres.script()["ends"]
    days = (last - first).days + 1
    told = {}
    for played in fast_forward.forward(first, days, Cast(), evaluate=centres.PROGRAMMES):
        told[played.day] = "；".join(played.told)
    yield told
    settings.cache_clear()


@pytest.mark.clause("2024-1155#43", "2024-1155#44", "2024-1155#45", "2024-1155#46")
def test_each_fate(lived: dict[dt.date, str]) -> None:
    from ipgov.core.database import reading
    from ipgov.registry.titles import standings
    from ipgov.simulation import centre_summary, centres, fast_forward

    last = centres.script()["ends"]
    known_at = fast_forward.end_of(last)
    with reading() as connection:
        found = standings(connection, centres.TITLE, last, known_at)
    assert {u: s.code for u, s in found.items()} == FATES
    fates = "\n".join(centre_summary.centre_summary(last, known_at))
    for words in (
        "综合评价优秀（国知产评函〔2028〕",
        "综合评价合格（国知产评函〔2028〕",
        "异议成立不予认定（国知异复函〔2025〕1号；第七条(三)，2024-1155#33）",
        "对公示的异议（2025-07-10）不成立",
        "整改后再评价合格（国知产改函〔2028〕",
        "取消资格（国知产改函〔2028〕",
        "未通过复核评审（第七条(三)，2024-1155#31）",
        "不少于 20 家：不符合（2024-1155#24）",
        "取消资格（违法违规且后果严重）（国知产改函〔2026〕1号；第十条，2024-1155#46）",
        "综合评价优秀单位的通报（国知产通〔2028〕1号；",
        # each fate with its reason
        "：持有资格——综合评价优秀：总分 86.58，列第 1 位",
        "：未予认定——异议成立不予认定：经核对，所列合同并未履行（模拟）",
        "：持有资格——整改后再评价合格：共 11 项，已解决 11 项；",
        "：资格已取消——取消资格：共 11 项，已解决 0 项；",
        "：未予认定——未通过复核评审：辐射带动重点企业、高校和科研机构等不少于 20 家：不符合",
        "：资格已取消——取消资格（违法违规且后果严重）：报送的转化金额与合同不符（模拟）；已由生效裁判认定；",
        "符合申报条件，专家评审 92.00 分，列第 1 位",
    ):
        assert words in fates, fates
    # a batch to which nobody applied ends by itself, and nobody is told that it is late
    assert "2026 年度没有单位申报，不进行评审" in "".join(lived.values())
    assert "未按期办结" not in "".join(lived.values())
