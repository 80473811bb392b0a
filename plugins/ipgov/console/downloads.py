"""Files as they were archived, byte for byte, with a name that people can read."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from ipgov.console import queries, review_queries
from ipgov.console import rendering as r
from ipgov.console.access import Id, Name, Reader
from ipgov.core import objects
from ipgov.core.database import reading
from ipgov.core.errors import UnknownError

router = APIRouter()

MEDIA_TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "json": "application/json",
    "ics": "text/calendar; charset=utf-8; method=PUBLISH",
    "png": "image/png",
    "jpg": "image/jpeg",
    "tif": "image/tiff",
}


def download(data: bytes, name: str, extension: str) -> Response:
    """Answer with a file to be kept under a name that people can read."""
    # RFC 6266: a plain name for what cannot read the other, which RFC 5987 encodes
    names = f"filename=download.{extension}; filename*=UTF-8''{quote(name, safe='')}"
    headers = {"Content-Disposition": f"attachment; {names}", **r.HEADERS}
    return Response(data, media_type=MEDIA_TYPES[extension], headers=headers)


@router.get("/document/{document_id}/{format_}")
def document(user: Reader, document_id: Id, format_: Name) -> Response:
    """Hand out a document's file, byte for byte as it was archived."""
    with reading() as connection:
        file = queries.document_file(connection, document_id, format_)
    return download(objects.get_content(file["sha256"]), file["filename"], file["format"])


@router.get("/rating-list/{round_id}")
def rating_list(user: Reader, round_id: Id) -> Response:
    """Hand out the rating list, or the other paper, that a round put before the reviewers."""
    from ipgov.procedures import paper_round, recognition_list

    with reading() as connection:
        head = review_queries.review_round(connection, round_id)
        paper = paper_round.overview(connection, round_id)
        applicants = recognition_list.overview(connection, round_id)
    what = "评级表" if head["result_set_id"] is not None else "整改案件审批表"
    what = f"{paper['name']}审批表" if paper else "拟认定名单" if applicants else what
    name = f"{r.frozen_rules(head['rule_sha256']).title}-{head['period']}-第{head['number']}轮-{what}.xlsx"
    return download(objects.get_content(head["rating_list_sha256"]), name, "xlsx")


@router.get("/paper-draft/{round_id}")
def paper_draft(user: Reader, round_id: Id) -> Response:
    """Hand out the PDF of the document that a round proposes."""
    from ipgov.procedures import paper_round

    with reading() as connection:
        head = review_queries.review_round(connection, round_id)
        paper = paper_round.overview(connection, round_id)
    if paper is None or paper["draft_sha256"] is None:
        raise UnknownError(f"第 {head['number']} 轮没有文书拟稿")
    name = f"{head['period']}-第{head['number']}轮-{paper['name']}拟稿.pdf"
    return download(objects.get_content(paper["draft_sha256"]), name, "pdf")


@router.get("/rating-charts/{round_id}")
def rating_charts(user: Reader, round_id: Id) -> Response:
    """Hand out the pages of charts that went to the reviewers with a round's rating list."""
    with reading() as connection:
        head = review_queries.review_round(connection, round_id)
    if head["charts_sha256"] is None:
        raise UnknownError(f"第 {head['number']} 轮没有图页：只有评价结果及其更正画图")
    name = f"{r.frozen_rules(head['rule_sha256']).title}-{head['period']}-第{head['number']}轮-图页.pdf"
    return download(objects.get_content(head["charts_sha256"]), name, "pdf")


@router.get("/comparison/{round_id}")
def comparison(user: Reader, round_id: Id) -> Response:
    """Hand out the sheet that compares what was published with what a correction puts up."""
    with reading() as connection:
        head = review_queries.review_round(connection, round_id)
        corrected = review_queries.correction(connection, round_id)
    if corrected is None:
        raise UnknownError(f"第 {head['number']} 轮不是更正，没有比较表")
    name = (
        f"{r.frozen_rules(head['rule_sha256']).title}-{head['period']}-第{head['number']}轮-更正比较表.xlsx"
    )
    return download(objects.get_content(corrected["comparison_sha256"]), name, "xlsx")


@router.get("/explanation/{programme}/{period}/{unit}")
def explanation(user: Reader, programme: Name, period: Name, unit: Name) -> Response:
    """Hand out the workbook that derives a body's newest result step by step."""
    from ipgov.procedures import explanations

    data = explanations.sheet(programme, period, unit)
    return download(data, f"{unit}-{period}-得分推导.xlsx", "xlsx")


@router.get("/attachment/{attachment_id}")
def attachment(user: Reader, attachment_id: Id) -> Response:
    """Hand out a kept attachment as it came; one that was refused is not served."""
    from ipgov.procedures import attachment_overview

    with reading() as connection:
        file = attachment_overview.kept_file(connection, attachment_id)
    extension = next(e for e, type_ in MEDIA_TYPES.items() if type_ == file["media_type"])
    return download(objects.get_content(file["sha256"]), f"{file['unit']}-{file['filename']}", extension)


@router.get("/answer/{submission_id}")
def submission_answer(user: Reader, submission_id: Id) -> Response:
    """Hand out what a sender was answered: the receipt (PDF) or the correction workbook."""
    with reading() as connection:
        sent = queries.submission(connection, submission_id)
    data = objects.get_content(sent["answer_sha256"])
    extension = "pdf" if data.startswith(b"%PDF") else "xlsx"
    kind = "回执" if sent["outcome"] == "accepted" else "更正"
    unit_code = sent["unit"] or "未识别单位"
    return download(data, f"{unit_code}-{sent['period']}-{kind}-{sent['sha256'][:8]}.{extension}", extension)
