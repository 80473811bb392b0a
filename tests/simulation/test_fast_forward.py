"""A simulation lives through its days by the procedures of every day; nothing else may."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from ipgov.core.errors import RefusedError, UnknownError

FIRST = dt.date(2024, 5, 8)


@pytest.fixture
def played(database: Path) -> Path:
    from ipgov.core.database import transaction
    from ipgov.simulation import actors, nation

    with transaction() as connection:
        nation.register(connection)
        actors.register_pilots(connection)
    return database


@pytest.mark.clause("2023-156#15", "2023-156#23")
def test_people_report_in_time_and_a_span_played_twice_changes_nothing(played: Path) -> None:
    from ipgov.core.database import reading
    from ipgov.followup.obligations import owed
    from ipgov.simulation import actors, fast_forward

    days = list(fast_forward.forward(FIRST, 9, actors.Cast(sends=False), evaluate=False))
    told = {d.day: "；".join(d.told) for d in days}
    assert "FP01 发生“负责人变动（模拟）”" in told[dt.date(2024, 5, 10)]
    assert "事项开启 1" in told[dt.date(2024, 5, 11)]
    assert "提醒函" in told[dt.date(2024, 5, 13)]  # the first working day
    assert "收到 1 份" in told[dt.date(2024, 5, 15)]
    assert "办结 1" in told[dt.date(2024, 5, 16)]
    last = fast_forward.end_of(dt.date(2024, 5, 16))
    with reading() as connection:
        (matter,) = owed(connection, dt.date(2024, 5, 16), last, duty="major_matter")
    assert (matter.state, matter.late) == ("met", False)
    assert list(fast_forward.forward(FIRST, 9, evaluate=False)) == []


@pytest.mark.parametrize("left", [0, 1, 2])
def test_an_interrupted_span_is_finished_as_it_would_have_been(
    played: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    from ipgov.core.database import reading
    from ipgov.core.tables import document, obligation_paper
    from ipgov.procedures import follow_up_papers
    from ipgov.simulation import actors, fast_forward
    from sqlalchemy import select

    write, calls = follow_up_papers.write, iter(range(left))

    def dying(day: dt.date, known_at: dt.datetime):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return write(day, known_at)

    monkeypatch.setattr(follow_up_papers, "write", dying)
    with pytest.raises(KeyboardInterrupt):
        list(fast_forward.forward(FIRST, 9, actors.Cast(sends=False), evaluate=False))
    monkeypatch.setattr(follow_up_papers, "write", write)
    list(fast_forward.forward(FIRST, 10, actors.Cast(sends=False), evaluate=False))
    with reading() as connection:
        reasons = connection.execute(select(obligation_paper.c.reason)).scalars().all()
        letters = connection.execute(select(document.c.kind, document.c.issued_on)).all()
    assert set(reasons) == {None}  # none is too old to be sent: it is of its own day
    assert ("reminder", dt.date(2024, 5, 13)) in [tuple(row) for row in letters]


def test_days_are_not_skipped_and_wrong_spans_are_told(played: Path) -> None:
    from ipgov.simulation import fast_forward

    list(fast_forward.forward(FIRST, 1, evaluate=False))
    with pytest.raises(RefusedError, match="须从 2024-05-09 或更早开始"):
        list(fast_forward.forward(FIRST + dt.timedelta(days=3), 1))
    with pytest.raises(UnknownError, match="天数 0 无效"):
        list(fast_forward.forward(FIRST, 0))


def test_elsewhere_than_in_a_simulation_it_is_refused(
    played: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ipgov import cli
    from ipgov.simulation import fast_forward

    monkeypatch.setattr(fast_forward, "is_simulation", lambda connection: False)
    monkeypatch.setattr("sys.argv", ["ipgov", "simulate", "--from", "2024-05-08", "--days", "3"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "只有模拟库才可以快进" in capsys.readouterr().err


def test_the_story_is_of_its_own_nation() -> None:
    from ipgov.policy import store
    from ipgov.policy.duty_store import duties
    from ipgov.simulation import actors, nation

    units = {p["unit"] for p in nation.nation()["platforms"]} | {p["unit"] for p in actors.script()["pilots"]}
    known = set(duties().codes)
    assert store.programmes()
    for act in actors.script()["acts"]:
        assert act["do"] in actors.ACTS
        if "key" in act:
            _, duty, unit, *_ = act["key"].split("/")
            assert duty in known, act
            assert unit == "*" or unit in units, act
            assert "模拟" in act.get("note", "模拟"), act
