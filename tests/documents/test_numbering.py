import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor

import pytest
from ipgov.core import database as db
from ipgov.core.errors import RefusedError
from ipgov.core.tables import document_number
from ipgov.documents.numbering import reserve
from numbering_workers import KNOWN_AT, SERIES, reserve_and_die, reserve_many
from sqlalchemy import select


@pytest.mark.usefixtures("database")
def test_numbers_are_written_with_six_angled_brackets_and_no_zeros() -> None:
    assert reserve(SERIES, 2026, "a", KNOWN_AT).text == "国知平评函〔2026〕1号"
    assert reserve(SERIES, 2026, "b", KNOWN_AT).text == "国知平评函〔2026〕2号"
    assert reserve(SERIES, 2027, "c", KNOWN_AT).text == "国知平评函〔2027〕1号"
    assert reserve("国知办函", 2026, "d", KNOWN_AT).text == "国知办函〔2026〕1号"


@pytest.mark.usefixtures("database")
def test_a_retry_takes_up_its_own_number_also_in_the_next_year() -> None:
    first = reserve(SERIES, 2026, "a", KNOWN_AT)
    reserve(SERIES, 2026, "b", KNOWN_AT)
    assert reserve(SERIES, 2026, "a", KNOWN_AT) == first
    assert reserve(SERIES, 2027, "a", KNOWN_AT) == first
    with pytest.raises(RefusedError, match="已预留字号 国知平评函〔2026〕1号，不能改用“国知办函”"):
        reserve("国知办函", 2026, "a", KNOWN_AT)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("series", ["", " ", " 国知", "国\n知"])
def test_a_series_that_is_no_name_is_refused(series: str) -> None:
    with pytest.raises(RefusedError):
        reserve(series, 2026, "a", KNOWN_AT)
    with db.reading() as connection:
        assert connection.execute(select(document_number.c.id)).all() == []


@pytest.mark.usefixtures("database")
def test_200_reservations_by_several_processes_leave_no_gap_and_none_twice() -> None:
    keys = [[f"{p}/{n}" for n in range(67)] for p in range(3)]
    spawn = multiprocessing.get_context("spawn")
    victim = spawn.Process(target=reserve_and_die, args=("x",))
    victim.start()
    with ProcessPoolExecutor(3, mp_context=spawn) as processes:
        found = [pair for part in processes.map(reserve_many, keys) for pair in part]
    victim.join(30)
    assert victim.exitcode == -signal.SIGKILL
    assert sorted(_serial(pair) for pair in found) == list(range(1, 202))
    assert len({row for row, _ in found}) == 201
    # the one that was killed held none, and gets the next when it is tried again
    assert reserve(SERIES, 2026, "x", KNOWN_AT).text == "国知平评函〔2026〕202号"


def _serial(pair: tuple[int, str]) -> int:
    return int(pair[1].split("〕")[1].removesuffix("号"))
