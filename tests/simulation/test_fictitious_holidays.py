"""A provisional due day is confirmed by a fictitious notice, which lies in a simulation's folder alone."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ipgov.core.errors import RefusedError
from ipgov.core.settings import settings
from ipgov.policy.holidays import calendars, read_calendars
from ipgov.simulation import fictitious_holidays

Day = dt.date
MATTER = "functional_platform/finding_rectification/FP12/out_of_scope:超范围经营（模拟）"


@pytest.fixture
def december(database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The nation of the story in a simulation that has the fictitious notice."""
    from ipgov.core.database import transaction
    from ipgov.simulation import actors, nation

    monkeypatch.setenv("IPGOV_CALENDARS", str(fictitious_holidays.supply(database)))
    settings.cache_clear()
    with transaction() as connection:
        nation.register(connection)
        actors.register_pilots(connection)
    yield database
    settings.cache_clear()


def test_the_story_shows_a_provisional_day_that_is_confirmed(december: Path) -> None:
    from ipgov.core.database import reading
    from ipgov.followup.obligations import owed
    from ipgov.simulation import actors, fast_forward
    from ipgov.simulation.holiday_summary import holiday_summary

    first, last = Day(2026, 12, 1), actors.script()["ends"]
    days = list(
        fast_forward.forward(first, (last - first).days + 1, actors.Cast(sends=False), evaluate=False)
    )
    told = {d.day: "；".join(d.told) for d in days}
    assert "期限变更通知" in told[Day(2026, 12, 16)]
    known_at = fast_forward.end_of(last)
    with reading() as connection:
        (then,) = owed(connection, Day(2026, 12, 15), known_at, key=MATTER)
        (now,) = owed(connection, last, known_at, key=MATTER)
    assert (then.due_on, then.provisional, then.earlier_dues) == (Day(2027, 1, 4), True, ())
    assert (now.due_on, now.provisional) == (Day(2027, 1, 5), False)
    (kept,) = now.earlier_dues
    assert (kept.due_on, kept.provisional, kept.set_on) == (Day(2027, 1, 4), True, Day(2026, 12, 5))
    assert kept.calendar_version != now.calendar_version
    assert (now.state, now.met_on, now.late) == ("met", Day(2027, 1, 5), False)
    said = "\n".join(holiday_summary(last))
    assert "虚构放假通知〔2026〕第0号（模拟，非真实文件）：2026-12-15 录入" in said
    assert "原期限 2027-01-04（暂定）（保留在案），2026-12-16 重新推算为 2027-01-05" in said
    assert "期限变更通知 2 件；按期办结" in said
    assert f"2026-12-15 工作计划：{then.reference}  2027-01-04，暂定" in said
    assert f"2026-12-16 工作计划：{then.reference}  2027-01-05  " in said
    assert "2026-12-15 日历文件：20270104 TENTATIVE，第 0 次变更" in said
    assert "2026-12-16 日历文件：20270105 CONFIRMED，第 1 次变更" in said


def test_the_letter_tells_both_days_and_that_it_is_a_simulation(december: Path) -> None:
    from ipgov.core.database import reading
    from ipgov.core.objects import get_content
    from ipgov.documents.model import SIMULATION_BANNER, parse_document
    from ipgov.simulation import actors, fast_forward
    from sqlalchemy import text

    list(fast_forward.forward(Day(2026, 12, 3), 16, actors.Cast(sends=False), evaluate=False))
    query = "SELECT recipient, data_sha256, issued_on FROM document WHERE kind = 'due_day_changed'"
    with reading() as connection:
        rows = list(connection.execute(text(query)))
    assert len({r.recipient for r in rows}) == len(rows) == 2  # whoever owes it, and the body that was told
    for row in rows:
        letter = parse_document(get_content(row.data_sha256))
        said = "".join(p if isinstance(p, str) else p.text for p in letter.paragraphs)
        assert row.issued_on == Day(2026, 12, 16)
        assert "原为2027年1月4日（暂定）。因放假安排公布（" in said
        assert "虚构" in said
        assert "），重新推算，期限变更为2027年1月5日（含当日）" in said
        assert letter.banner == SIMULATION_BANNER


def test_nothing_fictitious_is_among_the_policies(tmp_path: Path) -> None:
    notice = fictitious_holidays.notice()
    assert "虚构" in notice.document
    assert (
        "虚构"
        in (
            Path(fictitious_holidays.__file__)
            .with_suffix(".yaml")
            .read_text(encoding="utf-8")
            .splitlines()[0]
        )
    )
    own = settings().policies / "calendars"
    before = {p.name: p.read_bytes() for p in own.iterdir()}
    supplied = read_calendars(fictitious_holidays.supply(tmp_path))
    assert supplied.notices[notice.year] == notice
    assert {p.name: p.read_bytes() for p in own.iterdir()} == before
    for entered in read_calendars(own).notices.values():
        assert "虚构" not in entered.document
    assert sorted(p.name for p in tmp_path.iterdir()) == ["calendars"]
    assert {p.name for p in (tmp_path / "calendars").iterdir()} == {
        *before,
        "虚构-2027.yaml",
        "虚构-2028.yaml",
    }


def test_what_the_policies_say_goes_before_what_is_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.simulation.fictitious_holidays import supply

    root, state = tmp_path / "root", tmp_path / "state"
    shutil.copytree(settings().policies / "calendars", root / "policies" / "calendars")
    state.mkdir()
    monkeypatch.setenv("IPGOV_ROOT", str(root))
    settings.cache_clear()
    try:
        supply(state)
        assert (state / "calendars" / "虚构-2027.yaml").exists()
        real = Path(fictitious_holidays.__file__).with_suffix(".yaml").read_text(encoding="utf-8")
        real = real.replace(fictitious_holidays.notice().document, "国办发明电〔2026〕试号")
        (root / "policies" / "calendars" / "2027.yaml").write_text(real, encoding="utf-8")
        supplied = read_calendars(supply(state))
        assert supplied.notices[2027].document == "国办发明电〔2026〕试号"
        assert not (state / "calendars" / "虚构-2027.yaml").exists()
    finally:
        settings.cache_clear()


def test_a_production_database_is_not_worked_on_with_other_holidays(
    december: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.core import clock
    from ipgov.core.database import reading

    with reading() as connection:
        clock.read(connection)
        monkeypatch.setattr(clock, "is_simulation", lambda connection: False)
        with pytest.raises(RefusedError, match=r"本库是业务库.*IPGOV_CALENDARS 为 .*/calendars"):
            clock.read(connection)
        monkeypatch.delenv("IPGOV_CALENDARS")
        settings.cache_clear()
        clock.read(connection)
        monkeypatch.setenv("IPGOV_CALENDARS", str(settings().policies / "calendars"))
        settings.cache_clear()
        clock.read(connection)
    assert calendars(settings().calendars_folder).notices.get(2027) is None
