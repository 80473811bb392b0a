"""A document's list, filled into the workbook: registered whole or not at all, told row by row."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ipgov.core import objects
from ipgov.core.database import reading, transaction
from ipgov.core.errors import GovernanceError, RefusedError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.core.steps import SHANGHAI
from ipgov.core.tables import organisation, title_event, titled_body
from ipgov.intake import registrations as form
from ipgov.procedures import registrations
from ipgov.procedures.registration_rows import Difference
from ipgov.registry.platforms import roster
from ipgov.registry.titles import record_title_event, standings
from ipgov.simulation.nation import fictitious_code
from sqlalchemy import func, select

PROGRAMME, CENTRE = "functional_platform", "industry_centre"
DAY, LATER = dt.date(2023, 9, 5), dt.date(2024, 5, 1)
SOURCE = "国知发运函字〔2023〕156号"
NAME = "国家级新材料产业知识产权运营中心"
NUMBERS = {"交易服务类": 3, "金融服务类": 2, "特色服务类": 4, "工具支撑类": 3}
Change = Callable[[Any], object]


def at(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(18), tzinfo=SHANGHAI)


def host(n: int) -> str:
    return fictitious_code("33", n)


def filled(change: Change | None = None, programme: str = PROGRAMME, empty: bool = False) -> bytes:
    """Fill in the twelve as an operator does, each with a host that operates it; then spoil or change it."""
    book = openpyxl.load_workbook(io.BytesIO(registrations.template(programme, dt.date(2025, 6, 30))))
    organisations, bodies = book[form.ORGANISATIONS], book[form.BODIES]
    kinds = [] if empty else [kind for kind, number in NUMBERS.items() for _ in range(number)]
    for n, kind in enumerate(kinds, 1):
        row = form.HEAD_ROW + n
        for column, value in enumerate((host(n), f"虚构组织{n}", "33 浙江省", "否"), 1):
            organisations.cell(row, column, value)
        route = "直接报送" if kind == "工具支撑类" else "province"
        line = (f"FP{n:02d}", f"虚构平台{n}", kind, "浙江", route, host(n), host(n), "是")
        for column, value in enumerate(line, 1):
            bodies.cell(row, column, value)
    if change is not None:
        change(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def run(data: bytes, day: dt.date = DAY, programme: str = PROGRAMME, **other: Any) -> registrations.Imported:
    given: dict[str, Any] = {"source": SOURCE, "on": DAY, **other}
    source, on, by = given.pop("source"), given.pop("on"), given.pop("by", "operator1")
    return registrations.import_file(programme, "名单.xlsx", data, by, source, on, day, at(day), **given)


def rows() -> int:
    with reading() as connection:
        tables = (organisation, titled_body, title_event)
        return sum(connection.execute(select(func.count()).select_from(t)).scalar_one() for t in tables)


def problems(data: bytes, **given: Any) -> list[Any]:
    before = rows()
    with pytest.raises(GovernanceError) as caught:
        run(data, **given)
    assert rows() == before, "a refused file left something behind"
    assert caught.value.problems
    return list(caught.value.problems)


def test_the_list_of_a_document_is_registered_and_agrees_with_its_numbers(database: Path) -> None:
    empty = registrations.listed(PROGRAMME, DAY, at(DAY))
    assert len(empty.problems) == 4, "the freeze would refuse: twelve are missing"
    data = filled()
    tried = run(data, dry_run=True)
    assert (rows(), len(tried.changes), len(tried.recognised)) == (0, 24, 12)
    done = run(data)
    assert (done.changes, done.recognised, done.repeated) == (tried.changes, tried.recognised, False)
    found = registrations.listed(PROGRAMME, DAY, at(DAY))
    assert (found.problems, found.counted_on) == ((), DAY)
    assert {c.name: (c.registered, c.titled, c.published, c.found) for c in found.counts} == {
        kind: (n, n, n, n) for kind, n in NUMBERS.items()
    }
    first = found.bodies[0]
    assert (first.unit, first.host_name, first.route, first.titled_on) == (
        "FP01",
        "虚构组织1",
        "province",
        DAY,
    )
    assert first.source == f"{SOURCE}（operator1 登记，登记表 {sha256_hex(data)}）"
    assert objects.get_content(sha256_hex(data)) == data
    with reading() as connection:
        event = connection.execute(select(title_event).limit(1)).mappings().one()
        assert len(roster(connection, PROGRAMME, DAY, at(DAY))) == 12
    assert (event["basis"], event["document_number"]) == ("2023-156#01", SOURCE)


def test_the_same_again_changes_nothing_whoever_enters_it(database: Path) -> None:
    run(filled())
    before = rows()
    again = run(filled(), LATER, by="operator2")
    assert (again.repeated, again.rows, rows()) == (True, 24, before)


def test_a_changed_row_is_a_later_version_told_before_and_after(database: Path) -> None:
    run(filled())

    def renamed(book: Any) -> None:
        sheet = book[form.BODIES]
        sheet["B5"], sheet["G6"], sheet["I6"] = "虚构平台（新）", host(3), dt.date(2024, 4, 1)
        for row in range(5, 17):
            sheet.cell(row, 8, "否")
        book[form.ORGANISATIONS]["B8"] = "虚构组织（新）"

    done = run(filled(renamed), LATER, source="虚构函〔2024〕7号", on=LATER)
    assert [(c.code, c.valid_from, c.differences) for c in done.changes] == [
        (host(4), LATER, (Difference("组织名称", "虚构组织4", "虚构组织（新）"),)),
        ("FP02", dt.date(2024, 4, 1), (Difference("运营单位代码", host(2), host(3)),)),
        ("FP01", LATER, (Difference("单位名称", "虚构平台1", "虚构平台（新）"),)),
    ]
    before, after = (registrations.listed(PROGRAMME, d, at(LATER)).bodies for d in (DAY, LATER))
    assert [(b[0].name, b[1].operator_name, b[3].host_name) for b in (before, after)] == [
        ("虚构平台1", "虚构组织2", "虚构组织4"),
        ("虚构平台（新）", "虚构组织3", "虚构组织（新）"),
    ]
    with reading() as connection:
        events = connection.execute(select(title_event).where(title_event.c.event == "renamed")).mappings()
        assert [(e["unit"], e["effective_on"], e["document_number"]) for e in events] == [
            ("FP01", LATER, "虚构函〔2024〕7号")
        ]
    assert run(filled(renamed), LATER, source="虚构函〔2024〕7号", on=LATER).repeated


def test_a_correction_of_the_same_day_is_no_renaming_and_names_the_later_version(database: Path) -> None:
    run(filled())

    def later(book: Any) -> None:
        book[form.BODIES]["B5"] = "虚构平台（新）"
        book[form.BODIES]["I5"] = dt.date(2024, 5, 1)

    run(filled(later), LATER)
    done = run(filled(lambda book: book[form.BODIES].__setitem__("B5", "虚构平台一")), LATER)
    assert [(c.valid_from, c.until) for c in done.changes] == [(DAY, LATER)]
    after = registrations.listed(PROGRAMME, LATER, at(LATER)).bodies[0]
    then = registrations.listed(PROGRAMME, DAY, at(LATER)).bodies[0]
    known = registrations.listed(PROGRAMME, DAY, at(DAY)).bodies[0]
    assert (after.name, then.name, known.name) == ("虚构平台（新）", "虚构平台一", "虚构平台1")
    with reading() as connection:
        renamed = select(func.count()).select_from(title_event).where(title_event.c.event == "renamed")
        assert connection.execute(renamed).scalar_one() == 1


def test_a_pilot_is_registered_without_the_title(database: Path) -> None:
    run(filled(lambda book: book[form.BODIES].__setitem__("H5", "否")))
    found = registrations.listed(PROGRAMME, DAY, at(DAY))
    assert (found.bodies[0].state, found.bodies[0].titled_on) == ("尚未认定", None)
    assert [str(p) for p in found.problems] == ["2023-09-05 交易服务类平台有 2 家；应为：3 家"]


def set_(sheet: str, **cells: object) -> Change:
    def change(book: Any) -> None:
        for cell, value in cells.items():
            book[sheet][cell] = value

    return change


def _bad_check_digit(book: Any) -> None:
    code = book[form.ORGANISATIONS]["A5"].value
    book[form.ORGANISATIONS]["A5"] = code[:-1] + ("0" if code[-1] != "0" else "1")


def _too_many(book: Any) -> None:
    for n in range(form.MAX_ROWS + 1):
        book[form.BODIES].cell(5 + n, 1, f"FP{n:05d}")


ORGS, LIST = form.ORGANISATIONS, form.BODIES
# what is wrong, and where; what is found; what would have been right
FAULTS: dict[str, tuple[Change, tuple[str, str], str, str]] = {
    "a sheet by another name": (
        lambda b: setattr(b[LIST], "title", "Sheet1"), (LIST, ""), "缺少工作表“名单”", "登记表的全部工作表"
    ),
    "a sheet too many": (lambda b: b.create_sheet("汇总"), ("汇总", ""), "多出工作表“汇总”", "只有"),
    "a column missing": (lambda b: b[LIST].delete_cols(3), (LIST, ""), "缺少“类别”一列", "第 4 行的表头"),
    "a column too many": (set_(LIST, J4="备注"), (LIST, "J4"), "多出“备注”一列", "只有登记表的各列"),
    "a head that stands twice": (set_(LIST, I4="类别"), (LIST, "I4"), "表头“类别”重复", "各列表头不同"),
    "a code twice": (set_(LIST, A6="FP01"), (LIST, "A6"), "单位代码“FP01”在 A5 已有一行", "一行"),
    "a name twice": (set_(LIST, B6="虚构平台1"), (LIST, "B6"), "在 B5 已有一行", "一行"),
    "an organisation twice": (set_(ORGS, A6=host(1)), (ORGS, "A6"), "在 A5 已有一行", "一行"),
    "a bad check digit": (_bad_check_digit, (ORGS, "A5"), "校验位（第 18 位）", "核对证照"),
    "a code that is none": (set_(ORGS, A5="12345"), (ORGS, "A5"), "有 5 位，应为 18 位", "18 位代码"),
    "a number for a code": (set_(ORGS, A5=912345678901234567), (ORGS, "A5"), "不是文本格式", "18 位"),
    "an unknown province": (set_(ORGS, C5="火星省"), (ORGS, "C5"), "没有省份“火星省”", "11 北京市"),
    "an unknown kind": (set_(LIST, C5="娱乐类"), (LIST, "C5"), "没有类别“娱乐类”", "trading 交易服务类"),
    "an unknown route": (set_(LIST, E5="邮寄"), (LIST, "E5"), "没有报送渠道“邮寄”", "direct 直接报送"),
    "a formula": (set_(LIST, B5='="虚构"&"平台"'), (LIST, "B5"), "是公式", "文件所载的名称"),
    "a formula for a link": (set_(ORGS, B5='=HYPERLINK("http://x","y")'), (ORGS, "B5"), "是公式", "全称"),
    "merged cells": (lambda b: b[LIST].merge_cells("C5:C6"), (LIST, "C6"), "是合并单元格", "下拉列表"),
    "nothing where something must be": (set_(LIST, H5=None), (LIST, "H5"), "文件公布认定：未填", "是："),
    "a word for a date": (set_(LIST, I5="去年九月"), (LIST, "I5"), "“去年九月”不是日期", "如 2024-05-01"),
    "a day that there is not": (set_(LIST, I5="2023-02-30"), (LIST, "I5"), "不是存在的日期", "如 2024-05-01"),
    "neither yes nor no": (set_(ORGS, D5="大概"), (ORGS, "D5"), "“大概”不是“是”或“否”", "是或否"),
    "an organisation that nobody registered": (
        set_(LIST, F5=host(99)), (LIST, "F5"), "没有登记统一社会信用代码", "“组织”页所列"
    ),
    "a code of another form": (set_(LIST, A5="平台1"), (LIST, "A5"), "单位代码“平台1”格式不符", "如 FP01"),
    "the code of a legal person": (set_(LIST, A5=host(50)), (LIST, "A5"), "是统一社会信用代码", "FP01"),
    "the name of an organisation": (set_(LIST, B5="虚构组织3"), (LIST, "B5"), "是组织", "文件所载的名称"),
    "a name that turns the page round": (set_(ORGS, B5="甲\u2067乙"), (ORGS, "B5"), "U+2067", "可以打印"),
    "a control character": (set_(ORGS, B5="甲\x85乙"), (ORGS, "B5"), "控制字符", "可以打印"),
    "a name too long": (set_(LIST, B5="长" * 201), (LIST, "B5"), "文字有 201 字", "文件所载的名称"),
    "too many rows": (_too_many, (LIST, "A5"), "有 1,001 行", "每页不超过 1,000 行"),
    "registered only after its recognition": (
        set_(LIST, I5="2023-10-01"), (LIST, "H5"), "没有登记代码为“FP01”的单位", "是："
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_told_with_its_cell_and_nothing_is_registered(database: Path, fault: str) -> None:
    change, place, found, expected = FAULTS[fault]
    told = [p for p in problems(filled(change)) if (p.sheet, p.cell) == place]
    assert len(told) == 1, told
    assert found in told[0].found
    assert expected in told[0].expected
    assert told[0].file == "名单.xlsx"


def test_every_fault_at_once_and_none_that_only_follows(database: Path) -> None:
    def spoil(book: Any) -> None:
        for place in (_bad_check_digit, set_(ORGS, C6="火星省"), set_(LIST, C7="娱乐类", I9="去年")):
            place(book)
        book[LIST]["F5"] = book[LIST]["G5"] = book[ORGS]["A5"].value

    told = [(p.sheet, p.cell) for p in problems(filled(spoil))]
    assert told == [(ORGS, "A5"), (ORGS, "C6"), (LIST, "C7"), (LIST, "I9")], "a wrong host is told once"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "文件是空的"),
        (b"<html><table></table></html>", "网页"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ""),
        (b"PK\x03\x04 nonsense", "已损坏"),
        ("代码,名称\nFP01,甲\n".encode(), "不是 Excel 工作簿"),
    ],
)
def test_what_is_no_workbook_is_refused(database: Path, data: bytes, found: str) -> None:
    (told,) = problems(data)
    assert found in told.found


def test_a_damaged_workbook_and_one_of_ones_own_making(database: Path) -> None:
    data = filled()
    (told,) = problems(data[: len(data) // 2])
    assert "已损坏" in told.found
    assert "身份信息页" in problems(filled(lambda b: b.__delitem__(form.IDENTITY)))[0].found
    (told,) = problems(filled(set_(form.IDENTITY, B3=CENTRE)))
    assert "已被改动" in told.found
    assert "没有填写任何一行" in problems(filled(empty=True))[0].found


def test_the_list_of_another_programme_and_its_bodies(database: Path) -> None:
    run(filled())
    (told,) = problems(filled(), programme=CENTRE)
    assert "登记表属于“functional_platform”" in told.found
    assert "registry template industry_centre" in told.expected

    def one(book: Any) -> None:
        book[ORGS]["A5"], book[ORGS]["B5"], book[ORGS]["C5"], book[ORGS]["D5"] = (
            host(1),
            "虚构组织1",
            "33",
            "否",
        )
        line = (
            "FP01",
            "国家级新材料产业知识产权运营中心",
            "materials",
            "33",
            "province",
            host(1),
            host(1),
            "否",
        )
        for column, value in enumerate(line, 1):
            book[LIST].cell(5, column, value)

    day = dt.date(2025, 6, 30)
    (told,) = problems(filled(one, CENTRE, empty=True), programme=CENTRE, day=day, on=day)
    assert "FP01 是业务“functional_platform”的单位" in told.found
    with pytest.raises(UnknownError, match="没有称号周期"):
        run(filled(), programme="none")


def _centre(
    recognised: str, name: str = "国家级新材料产业知识产权运营中心", route: str = "province"
) -> bytes:
    def one(book: Any) -> None:
        book[ORGS]["A5"], book[ORGS]["B5"], book[ORGS]["C5"], book[ORGS]["D5"] = (
            host(1),
            "虚构组织1",
            "33",
            "否",
        )
        line = ("IC21", name, "新材料", "33", route, host(1), host(1), recognised)
        for column, value in enumerate(line, 1):
            book[LIST].cell(5, column, value)

    return filled(one, CENTRE, empty=True)


def test_no_file_recognises_a_centre(database: Path) -> None:
    """Its recognition needs an approval and a notice that is over, whatever a document says."""
    day = dt.date(2025, 6, 30)
    for on in (day, dt.date(2025, 1, 2)):
        (told,) = problems(_centre("是"), programme=CENTRE, day=day, on=on)
        assert (told.cell, told.basis) == ("H5", "2024-1155#33")
        for said in ("经审批签发", "公示期满", "不能凭文件直接登记", "2024-12-31"):
            assert said in told.expected
    told = problems(_centre("是"), programme=CENTRE, day=day, on=dt.date(2023, 5, 1))[0]
    assert "尚无“industry_centre_recognition”的有效规则" in told.found
    done = run(_centre("否"), day, CENTRE, on=day)
    assert (len(done.changes), done.recognised) == (2, ())
    with reading() as connection:
        assert standings(connection, CENTRE, day, at(day))["IC21"].code == "candidate"
    assert run(_centre("否"), day, "industry_centre_recognition", on=day).repeated, "its bodies are the same"


@pytest.mark.parametrize(
    ("given", "found"),
    [({"name": "新材料知识产权中心"}, "不合规定"), ({"route": "direct"}, "不是中央企业，不能直接申报")],
)
def test_a_centre_is_held_to_what_applications_are(database: Path, given: dict[str, str], found: str) -> None:
    day = dt.date(2025, 6, 30)
    (told,) = problems(_centre("否", **given), programme=CENTRE, day=day, on=day)
    assert found in told.found


def test_a_recognition_is_recorded_once_and_of_one_document(database: Path) -> None:
    run(filled())
    told = problems(filled(), day=LATER, source="虚构函〔2023〕9号")
    assert len(told) == 12
    assert "已登记的事项不得改写" in told[0].found
    told = problems(filled(), day=LATER, on=LATER)
    assert "当日状态为“持有称号”，应为“尚未认定或称号已取消”" in told[0].found
    with pytest.raises(RefusedError, match="尚未公布的不予登记"):
        run(filled(), DAY, on=LATER)
    for empty in ("", "  ", "\u200b"):
        with pytest.raises(RefusedError, match="文号应为"):
            run(filled(), source=empty)


def test_a_title_that_was_taken_away_stays_so_when_the_file_comes_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ipgov.registry import title_needs

    run(filled())
    monkeypatch.setattr(title_needs, "missing", lambda *_: [])
    with transaction() as connection:
        record_title_event(
            connection, PROGRAMME, "FP01", "cancelled", LATER, "2023-156#21", "", at(LATER), by="issuer"
        )
    assert run(filled(), LATER).repeated
    assert not registrations.listed(PROGRAMME, LATER, at(LATER)).bodies[0].titled


def test_text_of_a_stranger_stays_text(database: Path) -> None:
    names = ("'=1+1", "<script>alert(1)</script>", "'; DROP TABLE organisation; --", "@SUM(A1)")
    cells = {f"B{5 + n}": name for n, name in enumerate(names)}

    def change(book: Any) -> None:
        for cell, name in cells.items():
            book[LIST][cell].value = name
            book[LIST][cell].data_type = "s"

    run(filled(change))
    found = registrations.listed(PROGRAMME, DAY, at(DAY))
    assert [b.name for b in found.bodies[:4]] == list(names)


def test_a_code_whose_check_digit_is_wrong_needs_who_saw_the_certificate(database: Path) -> None:
    def confirmed(book: Any) -> None:
        _bad_check_digit(book)
        book[ORGS]["E5"] = "核对人甲"
        book[LIST]["F5"] = book[LIST]["G5"] = book[ORGS]["A5"].value

    run(filled(confirmed))
    with reading() as connection:
        assert (
            connection.execute(select(organisation.c.code_confirmed_by)).scalars().all().count("核对人甲")
            == 1
        )
    assert run(filled(confirmed)).repeated


def test_an_organisation_that_is_missing_on_the_day_is_told(database: Path) -> None:
    def later(book: Any) -> None:
        book[ORGS]["F5"] = dt.date(2023, 10, 1)

    told = problems(filled(later))
    assert [(p.sheet, p.cell) for p in told] == [(LIST, "F5"), (LIST, "G5")]


def test_as_it_is_typed(
    database: Path, passwords: Path, ipgov: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "名单.xlsx"
    assert ipgov("registry", "template", PROGRAMME, file, "--as-of", DAY)[0] == 0
    assert set(openpyxl.load_workbook(file).sheetnames) >= {ORGS, LIST, form.GUIDE, form.CHOICES}
    file.write_bytes(filled())
    typed = ("registry", "import", PROGRAMME, file, "--source", SOURCE, "--on", DAY, "--as-of", DAY)
    assert ipgov("registry", "list", PROGRAMME, "--on", DAY)[0] == 1
    code, out, _ = ipgov(*typed, "--by", "operator1", "--dry-run")
    assert (code, "试行，没有登记任何内容。24 行：新登记 24、变更 0、相同 0；认定 12 家" in out) == (0, True)
    code, _, err = ipgov(*typed, "--by", "reviewer1")
    assert (code, "不能办理 registry import；可以办理的角色：运行人员（operator）" in err) == (2, True)
    code, out, _ = ipgov(*typed, "--by", "operator1", "--json")
    assert (code, json.loads(out)["repeated"], len(json.loads(out)["recognised"])) == (0, False, 12)
    code, out, _ = ipgov(*typed, "--by", "operator1")
    assert (code, out) == (0, "24 行均与已登记的相同，没有变化\n")
    code, out, _ = ipgov("registry", "list", PROGRAMME, "--on", DAY)
    assert (code, "与认定文件相符（2023-156#09，2023-09-05）" in out) == (0, True)
    code, out, _ = ipgov(
        "registry", "list", PROGRAMME, "--on", DAY, "--known-at", "2023-09-05T09:00", "--json"
    )
    assert (code, json.loads(out)["bodies"]) == (1, [])
    file.write_bytes(filled(set_(LIST, C5="娱乐类")))
    code, _, err = ipgov(*typed, "--by", "operator1")
    assert code == 1
    assert "名单.xlsx 有 1 处问题，没有登记任何内容" in err
    assert "名单.xlsx “名单”表 C5：没有类别“娱乐类”；应为：trading 交易服务类" in err
    assert ipgov("registry", "list", PROGRAMME, "--known-at", "昨天")[0] == 2


def test_the_form_is_the_same_bytes_again(database: Path) -> None:
    one, other = (registrations.template(PROGRAMME, DAY) for _ in range(2))
    assert one == other
    sheet = openpyxl.load_workbook(io.BytesIO(one))[form.CHOICES]
    assert (sheet["A5"].value, sheet["B5"].value) == ("11 北京市", "trading 交易服务类")


def test_two_who_register_the_same_list_at_once_register_it_once(database: Path) -> None:
    data = filled()
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda by: run(data, by=by), ("operator1", "operator2")))
    assert sorted(d.repeated for d in done) == [False, True]
    assert rows() == 12 * 3
