import datetime as dt
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from ipgov.core import database as db
from ipgov.core.errors import RefusedError, UnknownError
from ipgov.core.tables import document_number, entered_number
from ipgov.documents import numbering, register
from ipgov.documents.numbering import number_text, reserve
from numbering_workers import BOUNDARIES, KNOWN_AT, SERIES, campaign, reserve_and_die, reserve_many
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
    # the rules name another series now: what is reserved is finished under its own, or it would be a gap
    assert reserve("国知办函", 2026, "a", KNOWN_AT) == first


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


@pytest.mark.usefixtures("database")
def test_200_issues_by_processes_that_are_killed_leave_no_gap_and_nothing_twice() -> None:
    keys = [f"FP{n:03d}" for n in range(200)]
    spawn = multiprocessing.get_context("spawn")  # without a thread or a connection, so that it may fork
    heard, told = spawn.Pipe(duplex=False)
    driver = spawn.Process(target=campaign, args=(keys, 7, told))
    driver.start()
    assert heard.poll(120)
    met, at_random, failed = heard.recv()
    driver.join(30)
    assert failed == 0
    assert set(met) == set(BOUNDARIES)
    assert at_random > 0
    with db.reading() as connection:
        numbers = connection.execute(select(document_number)).mappings().all()
        filed = register.documents(connection)
        assert sorted(n["serial"] for n in numbers) == list(range(1, 201))
        assert {n["reserved_for"] for n in numbers} == set(keys)
        assert sorted(d["key"] for d in filed) == keys
        number_of = {n["reserved_for"]: (n["id"], n["serial"]) for n in numbers}
        for document in filed:
            number_id, serial = number_of[document["key"]]
            assert (document["number_id"], document["number"]) == (number_id, f"{SERIES}〔2026〕{serial}号")
            every = {f["format"] for f in register.files(connection, document["id"])}
            assert every == {"docx", "html", "pdf"} - ({"pdf"} if document["key"][-1] != "0" else set())
        for key in keys[::40]:
            assert all(
                register.rebuild(connection, number_text(SERIES, 2026, number_of[key][1])).formats.values()
            )


def _serial(pair: tuple[int, str]) -> int:
    return int(pair[1].split("〕")[1].removesuffix("号"))


KEY = "round:1/result_to_unit/FP001"
DAY = dt.date(2026, 4, 20)


def enter(number: str, key: str = KEY, day: dt.date = DAY) -> bool:
    return numbering.enter(key, number, "operator1", day, KNOWN_AT)


@pytest.mark.usefixtures("database")
def test_a_number_of_the_offices_register_is_waited_for_and_entered_by_a_person() -> None:
    assert numbering.ask(SERIES, "《通知》（甲平台）", KEY, KNOWN_AT) is None
    assert numbering.ask(SERIES, "《通知》（甲平台）", KEY, KNOWN_AT) is None
    with db.reading() as connection:
        assert numbering.waiting(connection) == [numbering.Awaited(KEY, SERIES, "《通知》（甲平台）", DAY)]
    assert enter("国知平评函〔2026〕31号")
    assert not enter("国知平评函〔2026〕31号")
    with db.reading() as connection:
        assert numbering.waiting(connection) == []
        by = connection.execute(select(entered_number.c.entered_by)).scalar_one()
    assert by == "operator1"
    got = numbering.ask(SERIES, "《通知》（甲平台）", KEY, KNOWN_AT)
    assert got is not None
    assert got.text == "国知平评函〔2026〕31号"
    with pytest.raises(RefusedError, match="已录入字号 国知平评函〔2026〕31号，不得改为"):
        enter("国知平评函〔2026〕32号")
    # a series that was counted before, or is from now on, goes on after the highest
    assert reserve(SERIES, 2026, "b", KNOWN_AT).text == "国知平评函〔2026〕32号"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("国知平评函[2026]7号", "写法不对"),
        ("国知平评函〔2026〕07号", "写法不对"),
        ("国知平评函〔2026〕第7号", "写法不对"),
        ("国知平评函〔26〕7号", "写法不对"),
        ("国知平评函〔2026〕7号\n", "写法不对"),
        ("国知平评函〔２０２６〕７号", "写法不对"),
        ("国知平评函〔2026〕0号", "写法不对"),
        ("=cmd〔2026〕7号", "机关代字是“=cmd”"),
        ("国知办函〔2026〕7号", "应为：“国知平评函”"),
        ("国知平评函〔2025〕7号", "年份是 2025；应为：2026"),
        ("国知平评函〔2027〕7号", "年份是 2027；应为：2026"),
        ("", "写法不对"),
    ],
)
def test_a_number_that_cannot_be_right_is_refused(number: str, said: str) -> None:
    numbering.ask(SERIES, "通知", KEY, KNOWN_AT)
    with pytest.raises(RefusedError, match=said):
        enter(number)
    with db.reading() as connection:
        assert [w.key for w in numbering.waiting(connection)] == [KEY]


@pytest.mark.usefixtures("database")
def test_a_number_is_given_once_and_only_to_what_waits() -> None:
    counted = reserve(SERIES, 2026, "counted", KNOWN_AT)
    for key in ("a", "b"):
        numbering.ask(SERIES, "通知", key, KNOWN_AT)
    assert enter("国知平评函〔2026〕9号", "a")
    for taken in (counted.text, "国知平评函〔2026〕9号"):
        with pytest.raises(RefusedError, match="不得重复使用"):
            enter(taken, "b")
    with pytest.raises(UnknownError, match="“c”不在等待录入字号；等待录入的有：“b”"):
        enter("国知平评函〔2026〕10号", "c")
    # what waited over the turn of the year may have either year
    assert enter("国知平评函〔2027〕1号", "b", dt.date(2027, 1, 5))


@pytest.mark.usefixtures("database")
def test_of_two_that_enter_one_number_at_once_one_is_refused() -> None:
    for key in ("a", "b", "c", "d"):
        numbering.ask(SERIES, "通知", key, KNOWN_AT)

    def once(key: str) -> str:
        try:
            return str(enter("国知平评函〔2026〕7号", key))
        except RefusedError as error:
            return error.message[-6:]

    with ThreadPoolExecutor(4) as threads:
        found = sorted(threads.map(once, ("a", "b", "c", "d")))
    assert found == ["True"] + ["不得重复使用"] * 3
