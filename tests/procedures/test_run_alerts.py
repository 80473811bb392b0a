"""A period that was not evaluated by its day is told to the office, once."""

from __future__ import annotations

import datetime as dt

from played_nation import Nation, at

ONE_DAY = dt.timedelta(days=1)


def test_a_live_period_that_missed_its_day_is_told_once(nation: Nation) -> None:
    from ipgov.core.database import reading
    from ipgov.core.objects import get_content
    from ipgov.documents import register
    from ipgov.documents.model import parse_document
    from ipgov.procedures import run_alerts

    nation.open(2023)
    day = nation.days(2023).evaluate_on.date
    on_time = run_alerts.alert(day, at(day))
    assert (on_time.found, on_time.written) == (0, 0)
    for n, written in ((1, 1), (1, 0), (2, 0)):
        late = day + n * ONE_DAY
        result = run_alerts.alert(late, at(late))
        assert result.output["overdue"] == ["functional_platform 2023"]
        assert result.written == written
    with reading() as connection:
        (row,) = register.documents(connection, kind="run_overdue")
    text = "".join(str(p) for p in parse_document(get_content(row["data_sha256"])).paragraphs)
    assert row["recipient"] == "office"
    assert "尚未评价，已超过1个工作日" in text
    assert "回填（重算往年）不在核对之列" in text
