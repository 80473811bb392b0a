"""Nobody sees or sends anything without Airflow's login and the right to the console."""

from __future__ import annotations

import re

import pytest
from console_browser import HOST, Browser, open_browser, words
from console_sample import PERIOD, PROGRAMME, Sample
from fastapi.routing import APIRoute

PAGES = [
    "/governance/",
    f"/governance/cycle/{PROGRAMME}/{PERIOD}",
    f"/governance/unit/{PROGRAMME}/{PERIOD}/FP01",
    "/governance/round/1",
    "/governance/rating-list/1",
    "/governance/paper-draft/1",
    "/governance/rating-charts/1",
    "/governance/document/1/pdf",
    "/governance/answer/1",
    "/governance/attachment/1",
    "/governance/comparison/1",
    f"/governance/quality/{PROGRAMME}",
    f"/governance/quality/{PROGRAMME}/{PERIOD}",
    f"/governance/quality/{PROGRAMME}/{PERIOD}/xlsx",
    f"/governance/collection/{PROGRAMME}/{PERIOD}",
    f"/governance/explanation/{PROGRAMME}/{PERIOD}/FP01",
    "/governance/duties",
    "/governance/publicities",
    "/governance/duties/xlsx",
    "/governance/duties/calendar/FP01",
    "/governance/static/console.css",
    "/governance/docs",
    "/governance/openapi.json",
    "/governance/whatever/there/is/not",
]


def test_the_pages_tried_here_are_all_there_are() -> None:
    from ipgov.console.app import app

    assert all(isinstance(route, APIRoute) for route in app.routes)  # a mount would stand outside the guard
    for route in app.routes:
        assert any(route.path_regex.match(path.removeprefix("/governance")) for path in PAGES), route.path


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_without_login_is_sent_to_log_in(anonymous: Browser, sample: Sample, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/auth/login?next=")
    assert answer.headers["location"].endswith(path)


@pytest.mark.parametrize("path", PAGES)
def test_a_programme_without_login_gets_401(anonymous: Browser, sample: Sample, path: str) -> None:
    answer = anonymous.get(path, headers={"accept": "application/json"})
    assert (answer.status_code, answer.text) == (401, "未登录")


@pytest.mark.parametrize("path", PAGES)
def test_a_login_without_the_right_is_refused_in_chinese(sample: Sample, path: str) -> None:
    answer = open_browser("stranger1").get(path)
    assert answer.status_code == 403
    assert "您的账户没有查看治理页面的权限" in words(answer.text)


def test_an_expired_login_is_sent_to_the_login_page(sample: Sample) -> None:
    assert open_browser("expired").get("/governance/").status_code == 302


def test_a_forged_login_is_refused_in_chinese(sample: Sample) -> None:
    answer = open_browser("forged").get("/governance/")
    assert answer.status_code == 403
    assert "登录凭据无效" in words(answer.text)
    assert "Invalid" not in answer.text


def test_a_token_in_the_header_is_a_login(anonymous: Browser, sample: Sample) -> None:
    answer = anonymous.get("/governance/", headers={"authorization": "Bearer token-viewer1"})
    assert answer.status_code == 200
    assert "当前账户：viewer1" in words(answer.text)


def test_sending_needs_login(anonymous: Browser, sample: Sample) -> None:
    assert anonymous.upload(sample.round_id, b"PK").status_code == 401


def test_sending_needs_the_right_to_send(viewer: Browser, sample: Sample) -> None:
    answer = viewer.upload(sample.round_id, b"PK")
    assert answer.status_code == 403
    assert "没有在治理页面提交评级表的权限" in words(answer.text)


@pytest.mark.parametrize(
    "origin",
    [
        "http://elsewhere.test",
        "http://governance.test.elsewhere.test",
        "http://governance.test:8081",
        "http://governance.test:notaport",
        "http://elsewhere.test/?http://governance.test",
        "http://governance.test@elsewhere.test",
        "null",
        None,
    ],
)
def test_another_sites_page_cannot_send_in_a_persons_name(
    issuer: Browser, sample: Sample, origin: str | None
) -> None:
    answer = issuer.upload(sample.round_id, b"PK", origin=origin)
    assert answer.status_code == 403
    assert "不是从治理页面发出的" in words(answer.text)


def test_a_referer_of_another_site_counts_where_there_is_no_origin(issuer: Browser, sample: Sample) -> None:
    for referer, refused in (("http://elsewhere.test/x", True), (f"{HOST}/governance/round/1", False)):
        answer = issuer.post(f"/governance/round/{sample.round_id}", headers={"referer": referer})
        assert (answer.status_code == 403) is refused


def test_a_programme_with_its_token_needs_no_origin(anonymous: Browser, sample: Sample) -> None:
    answer = anonymous.post(
        f"/governance/round/{sample.round_id}", headers={"authorization": "Bearer token-issuer1"}
    )
    assert answer.status_code == 422
    assert "没有收到文件" in words(answer.text)


def test_pages_bring_nothing_from_elsewhere_and_run_no_script(viewer: Browser, sample: Sample) -> None:
    answer = viewer.get(f"/governance/cycle/{PROGRAMME}/{PERIOD}")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in answer.text
    assert not re.findall(r'(?:src|href|action)="(?!/governance/|#)', answer.text)
    assert "target=" not in answer.text
    assert " style=" not in answer.text
