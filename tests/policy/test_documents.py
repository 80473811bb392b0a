"""The register of the governing documents and the clauses taken from them."""

from __future__ import annotations

import datetime as dt

import pytest
from ipgov.core.errors import GovernanceError, UnknownError
from ipgov.policy.documents import document, documents, read_documents
from ipgov.policy.store import clauses
from spoiling import Policies


def test_the_five_documents() -> None:
    assert {d.id: (d.number, d.issuer, d.effective.isoformat()) for d in documents().values()} == {
        "2015-190": ("国知办函管字〔2015〕190号", "国家知识产权局办公室", "2015-04-24"),
        "2021-22": ("国知发运字〔2021〕22号", "国家知识产权局", "2021-07-27"),
        "2022-985": ("国知办函运字〔2022〕985号", "国家知识产权局办公室", "2022-11-15"),
        "2023-156": ("国知发运函字〔2023〕156号", "国家知识产权局", "2023-09-05"),
        "2024-1155": ("国知办函运字〔2024〕1155号", "国家知识产权局办公室", "2024-12-31"),
    }


def test_only_what_a_document_says_of_its_day_of_effect_is_fact() -> None:
    inferred = {d.id for d in documents().values() if d.effective_note}
    assert inferred == {"2015-190", "2021-22", "2022-985", "2023-156"}
    assert all(documents()[i].effective_note.startswith("推断") for i in inferred)


def test_recipients_differ_from_document_to_document() -> None:
    expected = {
        "新疆生产建设兵团知识产权局": {"2021-22", "2022-985", "2023-156", "2024-1155"},
        "计划单列市知识产权局": {"2022-985"},
        "副省级城市知识产权局": {"2022-985"},
        "广东省知识产权保护中心": {"2021-22"},
        "四川省知识产权服务促进中心": {"2021-22", "2022-985", "2023-156"},
    }
    for recipient, ids in expected.items():
        assert {d.id for d in documents().values() if recipient in d.recipients} == ids, recipient


def test_a_document_is_in_force_from_its_day_on() -> None:
    found = document("2023-156")
    assert not found.in_force(dt.date(2023, 9, 4))
    assert found.in_force(dt.date(2023, 9, 5))
    repealed = found.model_copy(update={"repealed": dt.date(2024, 1, 1)})
    assert repealed.in_force(dt.date(2023, 12, 31))
    assert not repealed.in_force(dt.date(2024, 1, 1))


def test_an_unknown_document_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownError, match="没有登记文件“2023-157”；已登记：2015-190、2021-22"):
        document("2023-157")


TWICE = "id: 2015-190\n    number: 国知发运字〔2015〕190号"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("id: 2023-156", "id: 2023-157"), "编号 2023-157 与文号“国知发运函字〔2023〕156号”不符"),
        (("    effective: 2023-09-05", "    effective: 2023-09-04"), "2023-156 的施行日期早于印发日期"),
        (("    issuer: 国家知识产权局办公室\n", ""), "documents[0].issuer 缺少此项"),
        (("    repealed: null", "    repealed: 2015-04-24"), "2015-190 的废止日期不晚于施行日期"),
        (("    repealed: null\n", ""), "documents[0].repealed 缺少此项"),
        (("id: 2021-22\n    number: 国知发运字〔2021〕22号", TWICE), "文件重复登记：2015-190"),
    ],
)
def test_a_register_that_cannot_be_right_is_refused(
    policies: Policies, change: tuple[str, str], message: str
) -> None:
    policies.edit("documents.yaml", change)
    with pytest.raises(GovernanceError) as error:
        read_documents(policies.folder / "documents.yaml")
    assert message in "\n".join(map(str, error.value.problems))
    assert all(p.file == "policies/documents.yaml" for p in error.value.problems)


def test_every_requirement_is_there_with_its_words() -> None:
    rows = clauses()
    assert len(rows) == 215
    assert rows["2023-156#21"]["key_zh"] == "对于连续两年未通过绩效评价的平台…予以取消称号"


def test_an_inferred_day_of_effect_stays_visible_in_every_clause() -> None:
    for clause, row in clauses().items():
        inferred = bool(documents()[clause.partition("#")[0]].effective_note)
        assert row["effective"].endswith("[inferred: date of issue]") == inferred
