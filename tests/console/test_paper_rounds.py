"""The page of a round about a withdrawal: the document it names instead of a rating list, all as text."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from console_browser import Browser, words
from console_sample import HOSTILE, KNOWN_AT, PERIOD, PROGRAMME, Sample
from ipgov.core import objects
from ipgov.core.database import transaction
from ipgov.decisions import paper_rounds
from ipgov.policy import store


@pytest.fixture
def paper_round(own_sample: Sample) -> int:
    """The sample's letter, proposed to be taken back for a hostile reason; returns the round."""
    return proposed(own_sample, PROGRAMME, "withdrawal")


def proposed(own_sample: Sample, programme: str, kind: str) -> int:
    proposal = paper_rounds.Proposal(
        programme=programme,
        period=PERIOD,
        kind=kind,
        subject_sha256="c" * 64,
        earlier_id=own_sample.document_id,
        draft_sha256=objects.put_content(b"%PDF draft"),
        fingerprint="b" * 64,
        paper_sha256=objects.put_content(b"PK paper"),
        rule_sha256=objects.put_content(store.governing(PROGRAMME, int(PERIOD)).data),
        opened_by="reviewer1",
        reason=HOSTILE,
    )
    with transaction() as connection:
        return paper_rounds.open_paper_round(connection, proposal, KNOWN_AT).id


def test_the_page_names_the_document_and_no_rating_list(viewer: Browser, paper_round: int) -> None:
    answer = viewer.get(f"/governance/round/{paper_round}")
    assert answer.status_code == 200, answer.text
    assert "<script>alert" not in answer.text
    text = words(answer.text)
    assert "绩效评价" in text.partition("状态")[0]  # by the programme's rules
    for told in ("撤回通知审批表", "国知平评函〔2025〕1号《关于2024年度绩效评价结果的函》", "reviewer1"):
        assert told in text
    for absent in ("上传填写好的评级表", "评审标注", "下载评级表", "整改案件"):
        assert absent not in text


def test_the_paper_is_handed_out_under_its_own_name(viewer: Browser, paper_round: int) -> None:
    answer = viewer.get(f"/governance/rating-list/{paper_round}")
    assert answer.content == b"PK paper"
    assert "撤回通知审批表.xlsx" in unquote(answer.headers["content-disposition"])


def test_the_draft_is_handed_out_as_pdf(viewer: Browser, paper_round: int) -> None:
    assert f"/paper-draft/{paper_round}" in viewer.get(f"/governance/round/{paper_round}").text
    answer = viewer.get(f"/governance/paper-draft/{paper_round}")
    assert answer.content == b"%PDF draft"
    assert answer.headers["content-type"] == "application/pdf"
    assert "撤回通知拟稿.pdf" in unquote(answer.headers["content-disposition"])


def test_a_round_about_results_has_no_draft(viewer: Browser, own_sample: Sample) -> None:
    answer = viewer.get(f"/governance/paper-draft/{own_sample.round_id}")
    assert answer.status_code == 404
    assert "没有文书拟稿" in answer.text


def test_a_programme_without_rules_is_not_called_by_those_of_its_chain(
    viewer: Browser, own_sample: Sample
) -> None:
    letter = proposed(own_sample, "product_filing", "monthly_data_letter")
    text = words(viewer.get(f"/governance/round/{letter}").text)
    assert "按月数据函 2024 年度 第" in text
    assert "绩效评价" not in text.partition("状态")[0]
