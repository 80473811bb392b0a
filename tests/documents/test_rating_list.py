import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from document_samples import HOSTILE, LOADED, RARE, RULES, not_evaluated, rating_list, row
from ipgov.core.errors import Problem, RefusedError, UnknownError
from ipgov.core.fingerprint import sha256_hex
from ipgov.documents.rating_front import dimension_sheet
from ipgov.documents.rating_layout import ACTOR_CELL, ANSWER_CELL, LIST, NOTES, REMARK_CELL, SIGNING
from ipgov.documents.rating_list import read_returned, write
from ipgov.intake.workbook import Sheet, read_workbook
from lxml import etree

DIMENSION = dimension_sheet(1, RULES.scoring.dimensions[0].name)
ISSUED = write(rating_list(), "模拟数据")
FIRST, HEAD = 5, 4


def sheet(data: bytes, name: str) -> Sheet:
    return read_workbook(data).sheets[name]


def column(head: str, name: str = LIST) -> int:
    return next(c for (r, c), v in sheet(ISSUED, name).cells.items() if r == HEAD and v == head)


def edited(edit: Callable[[openpyxl.Workbook], Any], data: bytes = ISSUED) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(data))
    edit(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def put(**cells: Any) -> Callable[[openpyxl.Workbook], None]:
    """``put(评级表_G5=1)`` writes into a cell of a sheet."""

    def edit(book: openpyxl.Workbook) -> None:
        for place, value in cells.items():
            name, _, cell = place.partition("_")
            book[name][cell] = value

    return edit


def address(row_number: int, column_number: int) -> str:
    return openpyxl.utils.get_column_letter(column_number) + str(row_number)


MARK, COMMENT = column("评审意见"), column("评审备注")


def test_every_value_stands_in_its_place_as_the_decimal_it_is() -> None:
    cells = sheet(ISSUED, LIST).cells
    heads = {cells[HEAD, c]: c for c in range(1, COMMENT + 1)}
    assert list(heads)[:11] == [
        "名次", "平台编号", "平台名称", "类别", "省份", "报送情况", "总分", "类内名次", "等级",
        "名次区间", "等级稳定度",
    ]  # fmt: skip
    assert [d.name for d in RULES.scoring.dimensions] == list(heads)[11:16]
    assert list(heads)[16:] == [
        "上年总分", "上年名次", "上年等级", "名次变动", "总分增减", "数据质量提示", "评价说明", "拟办事项",
        "评审意见", "评审备注",
    ]  # fmt: skip
    assert (cells[FIRST, heads["平台编号"]], cells[FIRST, heads["省份"]]) == ("FP001", "广东省")
    assert cells[FIRST, heads["总分"]] == 85.35
    with zipfile.ZipFile(io.BytesIO(ISSUED)) as package:
        xml = package.read("xl/worksheets/sheet3.xml").decode()
    assert "<v>85.35</v>" in xml
    assert "85.349999" not in xml
    assert cells[FIRST + 3, heads["等级"]] == "未评价"
    assert (FIRST + 3, heads["总分"]) not in cells


def test_the_sheet_is_laid_out_for_reading_and_printing() -> None:
    book = openpyxl.load_workbook(io.BytesIO(ISSUED))
    dimensions = [dimension_sheet(n, d.name) for n, d in enumerate(RULES.scoring.dimensions, 1)]
    assert book.sheetnames == [
        "封面", "汇总", LIST, *dimensions, "加分扣分与否决", "数据质量与豁免", "推导", SIGNING, NOTES,
        "_ipgov",
    ]  # fmt: skip
    assert book["_ipgov"].sheet_state == "veryHidden"
    page = book[LIST]
    assert page.freeze_panes == "D5"
    assert page.auto_filter.ref == f"A4:{address(8, COMMENT)}"
    assert page.page_setup.orientation == "landscape"
    assert page.page_setup.paperSize == 9
    assert page.print_title_rows == "$1:$4"
    assert page.cell(FIRST, column("总分")).number_format == "0.00"
    shares = {i.name for i in RULES.scoring.indicators if i.unit == "比值"}
    formats = {
        str(cell.value).split("：")[0]: cell.offset(row=1).number_format
        for name in dimensions
        for cell in book[name][4]
        if "：原值" in str(cell.value)
    }
    assert shares & formats.keys()
    assert all((formats[name] == "0.0###%") is (name in shares) for name in formats)
    assert all(book[n].protection.sheet for n in book.sheetnames)
    assert book[LIST]["A3"].value == "模拟数据"
    assert "模拟数据" in str(page.oddHeader.right.text)
    free = {c.coordinate for line in page.iter_rows() for c in line if not c.protection.locked}
    assert free == {address(r, c) for r in range(FIRST, FIRST + 3) for c in (MARK, COMMENT)}
    signing = book[SIGNING]
    assert {c.coordinate for line in signing.iter_rows() for c in line if not c.protection.locked} == {
        address(*p) for p in (ANSWER_CELL, ACTOR_CELL, REMARK_CELL)
    }
    assert [v.formula1 for v in page.data_validations.dataValidation] == ['"同意,存疑"']
    assert [v.formula1 for v in signing.data_validations.dataValidation] == ['"同意,退回"']


def test_the_notes_name_rules_bases_and_who_was_not_evaluated() -> None:
    notes = sheet(ISSUED, NOTES).cells
    lines = {notes[r, 1]: notes.get((r, 2)) for r, c in notes if c == 1 and r >= HEAD}
    assert LOADED.sha256 in str(lines["规则版本"])
    assert lines["结果指纹"] == "ab12" * 16
    assert lines["评级表\uff1a拟办事项"] == (
        "依据\uff1a取消称号\uff1a2023-156#21、运行方自定\uff1b提醒整改\uff1a运行方自定"
    )
    assert "2023-156#16" in str(
        lines[f"{dimension_sheet(4, RULES.scoring.dimensions[3].name)}\uff1a入驻机构信用评价覆盖率\uff1a得分"]
    )
    assert lines["未评价\uff1aFP004"] == "未报送平台\uff0c未报送"
    assert lines["评价平台数"] == "3家\uff0c未评价1家"


@pytest.mark.parametrize(
    "name",
    [
        "=HYPERLINK(\"http://x\")", "{=1+1}", "+1", "-1", "@SUM(A1)", "'=1", "http://x.cn", "internal:A1",
        "12345678901234567890", "1e5", "TRUE", "#REF!", "<r><t>x</t></r>", "<r></r>", "_x0041_",
        RARE, HOSTILE, " a ",
    ],
)  # fmt: skip
def test_input_is_text_and_never_a_formula_link_number_or_markup(name: str) -> None:
    data = write(rating_list(row("FP001", 1, name=name, kind=name, flags=(name,))), "")
    found = sheet(data, LIST)
    assert found.cells[FIRST, 3] == name
    assert found.cells[FIRST, 4] == name
    assert not found.formulas
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for part in package.namelist():
            content = package.read(part)
            assert b"<f>" not in content
            assert b"<hyperlink" not in content
            etree.fromstring(content)
    assert openpyxl.load_workbook(io.BytesIO(data))[LIST].cell(FIRST, 3).data_type == "s"


def test_text_that_no_cell_can_hold_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"U\+0007"):
        write(rating_list(row("FP001", 1, name="甲\x07")), "")
    with pytest.raises(RefusedError, match="超过单元格上限"):
        write(rating_list(row("FP001", 1, name="甲" * 32_768)), "")
    with pytest.raises(UnknownError, match="没有代码为“99”的省级地区"):
        write(rating_list(row("FP001", 1, province="99")), "")
    with pytest.raises(RefusedError, match="平台编号重复：FP001"):
        rating_list(row("FP001", 1), row("FP001", 2))


def test_the_same_list_is_the_same_bytes_in_another_process() -> None:
    assert write(rating_list(), "模拟数据") == ISSUED
    assert write(rating_list(), "") != ISSUED
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r});"
        "from document_samples import rating_list; from ipgov.documents.rating_list import write;"
        "from ipgov.core.fingerprint import sha256_hex; print(sha256_hex(write(rating_list(), '模拟数据')))"
    )
    run = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={"TZ": "America/New_York", "PYTHONHASHSEED": "7", "PATH": ""},
    )
    assert run.stdout.strip() == sha256_hex(ISSUED)


def test_a_list_that_was_not_touched_has_no_marks_and_no_problems() -> None:
    returned = read_returned(ISSUED, ISSUED)
    assert (returned.answer, returned.marks, returned.problems) == (None, {}, ())
    assert returned.fingerprint == "ab12" * 16
    assert read_returned(edited(lambda book: None), ISSUED).problems == ()


def test_marks_and_answer_are_read() -> None:
    cells = {
        f"{LIST}_{address(FIRST, MARK)}": "同意",
        f"{LIST}_{address(FIRST + 2, MARK)}": " 存疑 ",
        f"{LIST}_{address(FIRST + 2, COMMENT)}": "总分\n待核 ",
        f"{SIGNING}_{address(*ANSWER_CELL)}": "退回",
        f"{SIGNING}_{address(*ACTOR_CELL)}": "shenhe1",
        f"{SIGNING}_{address(*REMARK_CELL)}": "请核对第三家",
    }
    returned = read_returned(edited(put(**cells)), ISSUED)
    assert returned.problems == ()
    assert returned.marks == {"FP001": ("agree", ""), "FP003": ("question", "总分 待核")}
    assert (returned.answer, returned.actor_text, returned.comment) == ("return", "shenhe1", "请核对第三家")
    approved = read_returned(edited(put(**{f"{SIGNING}_{address(*ANSWER_CELL)}": "同意"})), ISSUED)
    assert approved.answer == "approve"


def problems(edit: Callable[[openpyxl.Workbook], Any]) -> tuple[Problem, ...]:
    return read_returned(edited(edit), ISSUED).problems


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (f"{LIST}_G5", 95, "“评级表”表 G5：锁定单元格现为95；应为：85.35（下发时的内容）"),
        (f"{LIST}_G5", "85.35", "“评级表”表 G5：锁定单元格现为“85.35”；应为：85.35（下发时的内容）"),
        (f"{LIST}_G5", None, "“评级表”表 G5：锁定单元格现为空；应为：85.35（下发时的内容）"),
        (f"{LIST}_I7", "良好", "“评级表”表 I7：锁定单元格现为“良好”；应为：“优秀”（下发时的内容）"),
        (f"{LIST}_G8", 1, "“评级表”表 G8：锁定单元格现为1；应为：空（下发时的内容）"),
        (f"{LIST}_A1", "另一标题", "“评级表”表 A1：锁定单元格现为“另一标题”"),
        (f"{LIST}_G4", "得分", "“评级表”表 G4：锁定单元格现为“得分”"),
        (f"{LIST}_AZ6", "旁注", "“评级表”表 AZ6：锁定单元格现为“旁注”；应为：空"),
        (f"{LIST}_B6", "FP009", "“评级表”表 B6：锁定单元格现为“FP009”；应为：“FP002”"),
        (f"{DIMENSION}_E5", 1, f"“{DIMENSION}”表 E5：锁定单元格现为1；应为：85.35"),
        ("封面_B6", "x", "“封面”表 B6：锁定单元格现为“x”；应为：“2025”"),
        ("汇总_B5", 9, "“汇总”表 B5：锁定单元格现为9；应为：4"),
        (f"{SIGNING}_A4", "决定", "“签批”表 A4：锁定单元格现为“决定”；应为：“结论”"),
        (f"{NOTES}_B4", "x", "“说明”表 B4：锁定单元格现为“x”"),
        ("_ipgov_B1", "cd" * 32, f"“_ipgov”表 B1：锁定单元格现为“{'cd' * 32}”"),
        (
            f"{LIST}_{address(8, MARK)}",
            "同意",
            f"“评级表”表 {address(8, MARK)}：锁定单元格现为“同意”；应为：空",
        ),
    ],
)
def test_a_changed_locked_cell_is_named_with_what_it_was(place: str, value: object, message: str) -> None:
    def edit(book: openpyxl.Workbook) -> None:
        name, cell = ("_ipgov", place[7:]) if place.startswith("_ipgov") else place.split("_")
        book[name][cell] = value

    assert any(str(p).startswith(message) for p in problems(edit)), [str(p) for p in problems(edit)]
    assert len(problems(edit)) == 1


def test_every_changed_cell_is_named_at_once() -> None:
    found = problems(put(评级表_G5=1, 评级表_G6=2, 说明_B5="x"))
    assert [(p.sheet, p.cell) for p in found] == [("评级表", "G5"), ("评级表", "G6"), ("说明", "B5")]


def test_a_formula_in_a_locked_cell_is_refused_even_with_the_same_result() -> None:
    xml = "xl/worksheets/sheet3.xml"
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(ISSUED)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(
                name, data.replace(b"<v>85.35</v>", b"<f>80+5.35</f><v>85.35</v>", 1) if name == xml else data
            )
    found = read_returned(buffer.getvalue(), ISSUED).problems
    assert [str(p) for p in found] == [
        "“评级表”表 G5：锁定单元格现为公式，显示 85.35；应为：85.35（下发时的内容）"
    ]


def test_rows_in_another_order_are_the_same_list() -> None:
    def swap(book: openpyxl.Workbook) -> None:
        page = book[LIST]
        for c in range(1, COMMENT + 1):
            one, two = page.cell(FIRST, c), page.cell(FIRST + 2, c)
            one.value, two.value = two.value, one.value
        page.cell(FIRST, MARK).value = "同意"  # now the row of FP003

    returned = read_returned(edited(swap), ISSUED)
    assert returned.problems == ()
    assert returned.marks == {"FP003": ("agree", "")}


def test_a_cell_that_moved_to_another_body_is_refused() -> None:
    def swap_totals(book: openpyxl.Workbook) -> None:
        book[LIST]["C5"].value, book[LIST]["C6"].value = book[LIST]["C6"].value, book[LIST]["C5"].value

    assert [p.cell for p in problems(swap_totals)] == ["C5", "C6"]


def test_added_missing_and_doubled_rows_are_refused() -> None:
    assert next(p.found for p in problems(lambda b: b[LIST].delete_rows(6))) == "缺少平台“FP002”一行"

    def add(book: openpyxl.Workbook) -> None:
        book[LIST]["B9"], book[LIST]["C9"] = "FP009", "新平台"

    assert [(p.found, p.cell) for p in problems(add)] == [("多出一行", "B9")]

    def double(book: openpyxl.Workbook) -> None:
        book[LIST]["B9"] = "FP001"

    assert [(p.found, p.cell) for p in problems(double)] == [("平台编号“FP001”重复出现", "B9")]


def test_sheets_are_neither_added_nor_removed() -> None:
    assert [p.found for p in problems(lambda b: b.create_sheet("草稿"))] == ["多出工作表“草稿”"]
    assert [p.found for p in problems(lambda b: b.remove(b[NOTES]))] == ["缺少工作表“说明”"]
    gone = problems(lambda b: b.remove(b["_ipgov"]))
    assert [p.found for p in gone] == ["缺少工作表“_ipgov”"]


def test_the_list_of_another_round_is_refused() -> None:
    other = write(rating_list(row("FP001", 1, total=Decimal("90")), not_evaluated("FP004")), "模拟数据")
    assert {"缺少平台“FP002”一行", "缺少平台“FP003”一行"} <= {
        p.found for p in read_returned(other, ISSUED).problems
    }


def test_unknown_marks_and_answers_are_problems_that_say_what_is_accepted() -> None:
    mark = problems(put(**{f"{LIST}_{address(FIRST, MARK)}": "可以"}))
    assert [str(p) for p in mark] == [
        f"“评级表”表 {address(FIRST, MARK)}：平台“FP001”的评审意见为“可以”；应为：评审意见为同意、存疑之一"
    ]
    alone = problems(put(**{f"{LIST}_{address(FIRST, COMMENT)}": "注意"}))
    assert [p.found for p in alone] == ["平台“FP001”只填了评审备注"]
    answer = problems(put(**{f"{SIGNING}_{address(*ANSWER_CELL)}": "批准"}))
    assert [str(p) for p in answer] == ["“签批”表 B4：结论为“批准”；应为：同意、退回之一，或留空"]


def test_a_list_issued_before_the_sheets_were_changed_is_still_taken_back() -> None:
    issued = (Path(__file__).parent / "issued_before" / "rating_list.xlsx").read_bytes()
    was = sheet(issued, LIST)
    mark = next(c for (r, c), v in was.cells.items() if r == HEAD and v == "评审意见")
    cells = {f"{LIST}_{address(FIRST, mark)}": "同意", f"{SIGNING}_{address(*ANSWER_CELL)}": "同意"}
    returned = read_returned(edited(put(**cells), issued), issued)
    assert (returned.problems, returned.answer) == ((), "approve")
    assert returned.marks == {"FP001": ("agree", "")}
    changed = edited(put(评级表_G5=1, 指标得分_E6=2), issued)
    assert {(p.sheet, p.cell) for p in read_returned(changed, issued).problems} == {
        ("评级表", "G5"),
        ("指标得分", "E6"),
    }
    assert read_returned(ISSUED, issued).problems  # the new form is not the old one


def test_what_is_no_workbook_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"来件不能读取：.*评级表"):
        read_returned(b"no workbook", ISSUED)
