import io
import zipfile
from pathlib import Path

import pytest
from document_samples import KNOWN_AT, letter
from ipgov.core import database as db
from ipgov.core.errors import EnvironmentProblemError, GovernanceError, RefusedError, UnknownError
from ipgov.core.objects import content_key, get_content, put_content, store
from ipgov.core.settings import settings
from ipgov.core.tables import document as document_table
from ipgov.documents import docx, fonts, layout, register
from ipgov.documents.numbering import Reserved, reserve
from sqlalchemy import Connection, select, text

pytestmark = pytest.mark.usefixtures("database")


def file(connection: Connection, key: str = "round:1/result/FP001", **changes) -> int:
    number = changes.pop("number", None)
    document = changes.pop("document", None) or letter(number=number.text if number else None)
    values = {
        "key": key,
        "kind": document.kind,
        "programme": "functional_platform",
        "period": "2025",
        "unit": "FP001",
        "recipient": "FP001",
        "document": document,
        "template_sha256": put_content(b"template"),
        "number": number,
        "round_id": None,
        "known_at": KNOWN_AT,
        "filename": "2025-result-FP001",
    }
    return register.file_document(connection, **{**values, **changes})


def test_a_document_is_archived_with_its_data_and_files() -> None:
    number = reserve("国知平评函", 2026, "k", KNOWN_AT)
    with db.transaction() as connection:
        filed = file(connection, number=number)
        row = register.get(connection, number.text)
        assert row["id"] == filed
        assert (row["number"], row["number_id"]) == (number.text, number.id)
        assert (row["seal_code"], row["issued_on"].isoformat()) == ("ABCD-1234-5678", "2026-04-20")
        assert get_content(row["data_sha256"]) == letter(number=number.text).canonical()
        found = {f["format"]: f for f in register.files(connection, filed)}
        assert {f: r["filename"] for f, r in found.items()} == {
            "docx": "2025-result-FP001.docx",
            "pdf": "2025-result-FP001.pdf",
        }
        assert get_content(found["docx"]["sha256"]) == docx.render_docx(letter(number=number.text))
        assert register.file_sha256(connection, filed, "pdf") == found["pdf"]["sha256"]
        with pytest.raises(UnknownError, match="没有 xlsx 文件；有：docx、pdf"):
            register.file_sha256(connection, filed, "xlsx")


def test_filing_again_is_the_same_document_and_other_content_is_refused() -> None:
    with db.transaction() as connection:
        filed = file(connection)
    with db.transaction() as connection:
        assert file(connection) == filed
        with pytest.raises(RefusedError, match=r"已登记且内容不同：.*另文更正或撤回"):
            file(connection, document=letter(number=None, note="另有附注"))
        assert len(connection.execute(select(document_table.c.id)).all()) == 1


def test_ready_made_files_stand_beside_the_rendered_ones() -> None:
    with db.transaction() as connection:
        filed = file(connection, formats=("pdf",), files={"xlsx": b"workbook"})
        assert [f["format"] for f in register.files(connection, filed)] == ["pdf", "xlsx"]
        assert get_content(register.file_sha256(connection, filed, "xlsx")) == b"workbook"
        rebuilt = register.rebuild(connection, filed)
        assert dict(rebuilt.formats) == {"pdf": True}
        assert rebuilt.changed == ("xlsx\uff1a不由归档数据生成\uff0c未作比对",)


def test_a_workbook_made_again_is_compared_and_other_packing_is_told_from_other_content() -> None:
    def packed(content: str, level: int) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as package:
            package.writestr(zipfile.ZipInfo("a"), content * 99, zipfile.ZIP_DEFLATED, level)
        return buffer.getvalue()

    with db.transaction() as connection:
        filed = file(connection, formats=("pdf",), files={"xlsx": packed("甲乙丙", 1)})
        for again, same, told in (
            (packed("甲乙丙", 1), True, []),
            (packed("甲乙丙", 0), False, ["xlsx\uff1a内容相同\uff0c只有压缩方式不同"]),
            (packed("甲乙丁", 1), False, []),
        ):
            rebuilt = register.rebuild(connection, filed, lambda row, made=again: {"xlsx": made})
            assert dict(rebuilt.formats) == {"pdf": True, "xlsx": same}
            assert list(rebuilt.changed) == told


@pytest.mark.parametrize("filename", ["", "../x", "a/b", "a\\b", "甲:乙", "x\n", ".hidden", 'a"b'])
def test_names_that_are_paths_are_refused(filename: str) -> None:
    with db.transaction() as connection, pytest.raises(RefusedError, match=r"文件名“.*无效|U\+000A"):
        file(connection, filename=filename)


def test_the_number_printed_is_the_number_reserved() -> None:
    with db.transaction() as connection:
        with pytest.raises(RefusedError, match="“国知平评函〔2026〕7号”与预留字号“无”不符"):
            file(connection, document=letter())
        with pytest.raises(RefusedError, match="与预留字号“国知平评函〔2026〕8号”不符"):
            file(connection, document=letter(), number=Reserved(1, "国知平评函〔2026〕8号"))


def test_the_register_is_found_by_what_one_looks_for() -> None:
    with db.transaction() as connection:
        one = file(connection, "a")
        two = file(connection, "b", unit="FP002", recipient="FP002", period="2024")
        assert [r["id"] for r in register.documents(connection)] == [one, two]
        assert [r["id"] for r in register.documents(connection, unit="FP002")] == [two]
        assert [r["id"] for r in register.documents(connection, "functional_platform", "2025")] == [one]
        assert register.get(connection, str(two))["key"] == "b"
        with pytest.raises(UnknownError, match="没有登记“国知平评函〔2026〕99号”这一文书"):
            register.get(connection, "国知平评函〔2026〕99号")
        with pytest.raises(UnknownError, match="没有登记“□□”这一文书"):
            register.get(connection, "\udce5\udc9b")


def test_rebuild_gives_every_byte_again() -> None:
    with db.transaction() as connection:
        filed = file(connection)
    with db.reading() as connection:
        rebuilt = register.rebuild(connection, filed)
    assert dict(rebuilt.formats) == {"docx": True, "pdf": True}
    assert rebuilt.changed == ()


def test_a_changed_layout_changes_nothing_that_was_issued(monkeypatch: pytest.MonkeyPatch) -> None:
    with db.transaction() as connection:
        filed = file(connection, formats=("docx", "html", "pdf"))
    now = {n: t.replace("8844", "8000").replace("156mm", "150mm") for n, t in layout.layouts().items()}
    for module in (register, layout):
        monkeypatch.setattr(module, "layouts", lambda: now)
    with db.transaction() as connection:
        rebuilt = register.rebuild(connection, filed)
        again = file(connection, "other", formats=("docx", "pdf"))
        assert (
            register.get(connection, again)["layout_sha256"]
            != register.get(connection, filed)["layout_sha256"]
        )
        assert register.file_sha256(connection, again, "pdf") != register.file_sha256(
            connection, filed, "pdf"
        )
    assert dict(rebuilt.formats) == {"docx": True, "html": True, "pdf": True}
    assert rebuilt.changed == ()


def test_rebuild_says_which_format_differs_and_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    with db.transaction() as connection:
        filed = file(connection)
    monkeypatch.setattr(register, "version", lambda name: "99.0" if name == "jinja2" else "0.15.2")
    render = docx.render
    monkeypatch.setattr(docx, "render", lambda what, parts: render(what, parts) + b"\0")
    with db.reading() as connection:
        rebuilt = register.rebuild(connection, filed)
    assert dict(rebuilt.formats) == {"docx": False, "pdf": True}
    assert [c.partition("\uff1a")[0] for c in rebuilt.changed] == ["docx.jinja2"]


def test_a_rebuild_takes_the_recorded_fonts_and_names_each_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "A-own.otf"
    own.write_bytes(fonts.font_paths()[0].read_bytes() + b"\0")
    with db.transaction() as connection:
        filed = file(connection)
    monkeypatch.setenv("IPGOV_FONTS", str(tmp_path))
    with_fonts = _fresh_settings()
    try:
        with db.transaction() as connection:  # another font is there now: it plays no part
            assert dict(register.rebuild(connection, filed).formats) == {"docx": True, "pdf": True}
            later = file(connection, "later", filename="later", formats=("pdf",))
        own.write_bytes(own.read_bytes() + b"\0")
        with db.reading() as connection, pytest.raises(EnvironmentProblemError) as caught:
            register.rebuild(connection, later)
        assert "缺少当时所用的字体文件\uff1aA-own.otf\uff08SHA-256 " in caught.value.message
    finally:
        monkeypatch.undo()
        with_fonts()


def _fresh_settings():
    settings.cache_clear()
    return settings.cache_clear


def test_a_name_without_a_glyph_stops_the_document_in_any_format() -> None:
    with db.transaction() as connection, pytest.raises(GovernanceError, match=r"U\+20BB7\uff0c见主送机关"):
        file(connection, document=letter(number=None, recipients=("𠮷氏平台",)), formats=("docx",))
    with db.reading() as connection:
        assert register.documents(connection) == []


def test_rebuild_notices_archived_bytes_that_were_tampered_with() -> None:
    with db.transaction() as connection:
        filed = file(connection)
        sha256 = register.file_sha256(connection, filed, "docx")
    store().put(content_key(sha256), b"tampered")
    with db.reading() as connection, pytest.raises(EnvironmentProblemError, match="可能被篡改"):
        register.rebuild(connection, filed)


def test_what_a_document_names_lies_in_the_store() -> None:
    with db.transaction() as connection:
        filed = file(connection)
        for column in ("data_sha256", "template_sha256"):
            assert get_content(register.get(connection, filed)[column])


def test_two_that_file_the_same_document_at_once_file_one() -> None:
    from concurrent.futures import ThreadPoolExecutor

    def once(_: int) -> int:
        with db.transaction() as connection:
            return file(connection)

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(once, range(8)))) == 1
    with db.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM document_file")).scalar() == 2


def test_a_document_whose_layout_was_not_kept_is_made_with_todays_and_that_is_said() -> None:
    older = {"layout_sha256": None, "data_sha256": put_content(letter().canonical())}
    what, layouts, changed = register._archived(older)
    assert docx.render(what, layouts) == docx.render_docx(letter())
    assert changed == ["layout\uff1a当时的版式没有归档\uff0c按现行版式生成"]
