"""What a document says as a workbook: it goes out blank for a kind and comes back filled in.

The first sheet has a row a value (a list takes as many rows as it needs), every list of things a sheet of its
own. Codes are the names of the models of ``paper_subjects``; cells are read as text and judged by those.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

from ipgov.core.errors import GovernanceError, Problem, RefusedError
from ipgov.documents import papers
from ipgov.documents.model import printable
from ipgov.documents.paper_subjects import Subject
from ipgov.policy.papers import Paper

MAIN = "内容"
HEAD_ROW = 5  # of every sheet: heads; below it what is filled in
_SPARE = 6  # rows that a list of texts has in the blank form; more may be added below
_LINES = 40  # rows of a sheet that are set up to be filled in
_PARTY = "parties."

# What each field is called; Model.field where the same name means another thing there.
LABELS: Mapping[str, str] = {
    "bodies": "名单", "name": "名称", "category": "类别（所属产业）", "host": "依托单位（建设主体）",
    "operating": "运营单位", "recommended_by": "推荐单位", "unit": "平台代码", "starts_on": "起始日",
    "ends_on": "截止日", "working_days": "工作日数", "telephone": "联系电话", "address": "通信地址",
    "email": "电子邮箱", "notice_title": "公示的标题", "listed": "公示名单家数", "objections": "异议",
    "received_on": "收到日期", "summary": "异议内容", "finding": "核查情况", "upheld": "是否成立",
    "batch": "批次", "recognised_on": "认定生效日", "first_year": "周期首年", "last_year": "周期末年",
    "evaluated": "参加评价家数", "achievement": "主要成效", "headline": "标题", "situation": "基本情况",
    "practice": "主要做法", "results": "工作成效", "lessons": "经验启示", "figures": "主要数据",
    "value": "数值", "source": "数据来源", "Figure.unit": "计量单位", "subject": "约谈的单位",
    "matters": "约谈事项", "at": "约谈时间（如 2026-05-20T09:30+08:00）", "place": "地点",
    "attendees": "参加人员", "bring": "携带材料", "confirm_by": "回复截止日", "violations": "违法违规行为",
    "Violation.unit": "单位名称", "fact": "事实", "handling": "处理情况", "demands": "有关要求",
    "earlier": "所指文书（发文字号或登记序号）", "claims": "异议事项", "claim": "异议", "holds": "是否成立",
    "remedy": "处理意见（有成立的才填）", "locality": "地方", "month": "月份（如 2026-04）",
    "counted_to": "数据截止日", "places": "各地数据", "filed": "当月备案", "total": "累计备案",
    "firms": "累计企业", "patents": "累计专利", "year": "年度", "due_on": "提交期限",
    "audited_by": "审核报送期限", "contents": "报告内容", "form_title": "自评报告名称",
    "findings": "核查情况",
    "ObjectionOutcome.remedy": "处理结果", "provisional": "期限是否暂定",
    "objection": "公示异议编号（不是对公示的异议，不填）",
}  # fmt: skip
PARTIES: Mapping[str, str] = {
    "subject": "当事单位", "province": "所在省份", "objector": "提出异议者", "locality": "地方",
    "body": "被异议的单位",
}  # fmt: skip


def label(model: type[Subject], field: str) -> str:
    """Return what a field of a model is called."""
    return LABELS.get(f"{model.__name__}.{field}") or LABELS[field]


def _item(annotation: Any) -> Any:
    """Return of what a field is a list, however that is written; None: it holds one value."""
    if get_origin(annotation) is tuple:
        return _bare(get_args(annotation)[0])
    return None


def _bare(annotation: Any) -> Any:
    """Return the type itself, without what is demanded besides and without None."""
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(a for a in get_args(annotation) if a is not type(None)))
    return annotation


def _fields(model: type[Subject]) -> dict[str, tuple[Any, bool]]:
    """Return type and whether it must be filled in, by field."""
    return {name: (_bare(f.annotation), f.is_required()) for name, f in model.model_fields.items()}


def _lists(model: type[Subject]) -> dict[str, type[Subject]]:
    """Return the models of the lists of things, by field."""
    found = {name: _item(kind) for name, (kind, _) in _fields(model).items()}
    return {name: item for name, item in found.items() if _is_model(item)}


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Subject)


def blank(kind: str, paper: Paper, issuer: str) -> bytes:
    """Return the workbook of a kind, to be filled in; the same kind gives the same bytes."""
    from ipgov.documents.sheets import Book, Column, Line

    model = papers.SUBJECTS[kind]
    title = f"{paper.name}拟稿表"
    book = Book(title, issuer, "", f"{paper.kind}")
    meaning = "在“填写”栏填写；一项有多个内容的，每行填一个，可在下方照代码加行；日期写作 2026-05-08"
    sheet = book.sheet(MAIN, title, meaning)
    lines = []
    for name, (kind_of, needed) in _fields(model).items():
        if name in _lists(model):
            continue
        rows = _SPARE if _item(kind_of) else 1
        note = "必填" if needed else "可不填"
        lines += [Line((name, label(model, name), "", f"{note}{'，每行一个' if rows > 1 else ''}"))] * rows
    for party in paper.parties:
        outside = any(a.outside for a in (*paper.to, *paper.copies_to) if a.party == party)
        note = "登记的代码（平台代码、省份代码、统一社会信用代码）" + (
            "；没有登记的写名称" if outside else ""
        )
        lines += [Line((f"{_PARTY}{party}", PARTIES[party], "", f"必填，每行一个：{note}"))] * 3
    columns = (
        Column("代码", 20),
        Column("项目", 30),
        Column("填写", 70, wrap=True),
        Column("说明", 44, wrap=True),
    )
    book.table(sheet, HEAD_ROW, columns, lines)
    _as_text(book, sheet, (2,), len(lines))
    for name, item in _lists(model).items():
        heads = tuple(Column(f"{label(item, f)}\n{f}", 26, wrap=True) for f in item.model_fields)
        sheet = book.sheet(label(model, name), label(model, name), "每行一项")
        book.table(sheet, HEAD_ROW, heads, [Line(("",) * len(heads))] * _LINES)
        _as_text(book, sheet, range(len(heads)), _LINES)
    return book.close()


def _as_text(book: Any, sheet: Any, columns: Any, rows: int) -> None:
    """Make cells keep what is typed as text: no date or number is guessed."""
    style = book.format(num_format="@", border=1, text_wrap=True)
    for row in range(HEAD_ROW, HEAD_ROW + rows):
        for column in columns:
            sheet.write_blank(row, column, None, style)


def read(kind: str, paper: Paper, data: bytes, filename: str) -> dict[str, Any]:
    """Return ``content`` and ``parties`` of a filled-in workbook, as ``paper_subjects.Given`` takes them.

    Raises RefusedError for a file that is no such workbook, GovernanceError with every code or head that the
    kind does not have.
    """
    from ipgov.intake.refusals import NotAWorkbookError
    from ipgov.intake.workbook import read_workbook

    try:
        sheets = read_workbook(data).sheets
    except NotAWorkbookError as error:
        raise RefusedError(f"{filename}不能读取：{error}") from None
    if MAIN not in sheets:
        raise RefusedError(f"{filename}没有“{MAIN}”表；应为：由 ipgov document blank {kind} 生成的工作簿")
    model = papers.SUBJECTS[kind]
    problems: list[Problem] = []
    content, parties = _main(model, paper, sheets[MAIN], filename, problems)
    for name, item in _lists(model).items():
        page = sheets.get(label(model, name))
        rows = _table(item, page, filename, problems) if page is not None else []
        if rows:
            content[name] = rows
    if problems:
        raise GovernanceError(f"{filename} 有 {len(problems)} 处问题", tuple(problems))
    return {"content": content, "parties": parties}


def _main(
    model: type[Subject], paper: Paper, sheet: Any, filename: str, problems: list[Problem]
) -> tuple[dict[str, Any], dict[str, Any]]:
    fields = {n: k for n, (k, _) in _fields(model).items() if n not in _lists(model)}
    content: dict[str, Any] = {}
    parties: dict[str, Any] = {}
    for row in sorted({r for r, _ in sheet.cells.keys() | sheet.formulas if r > HEAD_ROW}):
        code = _text(sheet.cells.get((row, 1)))
        value = _typed(sheet, row, 3, filename, problems)
        if not value:
            continue
        party = code.removeprefix(_PARTY)
        if code.startswith(_PARTY) and party in paper.parties:
            outside = any(a.outside and a.party == party for a in (*paper.to, *paper.copies_to))
            named = outside and not value.isascii()
            parties.setdefault(party, []).append({"name": value} if named else value)
        elif code not in fields:
            expected = "、".join([*fields, *(f"{_PARTY}{p}" for p in paper.parties)])
            problems.append(
                _problem(f"没有代码为“{printable(code)}”的项目", expected, filename, MAIN, row, 1)
            )
        elif _item(fields[code]):
            content.setdefault(code, []).append(value)
        elif code in content:
            problems.append(
                _problem(f"“{label(model, code)}”填写了不止一次", "填写一次", filename, MAIN, row, 3)
            )
        else:
            content[code] = _value(fields[code], value)
    return content, parties


def _table(item: type[Subject], sheet: Any, filename: str, problems: list[Problem]) -> list[dict[str, Any]]:
    heads: dict[int, str] = {}
    for column in sorted({c for r, c in sheet.cells if r == HEAD_ROW}):
        code = _text(sheet.cells[HEAD_ROW, column]).rpartition("\n")[2]
        if code in item.model_fields:
            heads[column] = code
        else:
            found = f"没有名为“{printable(code)}”的栏"
            expected = "、".join(item.model_fields)
            problems.append(_problem(found, expected, filename, sheet.name, HEAD_ROW, column))
    kinds = {name: kind for name, (kind, _) in _fields(item).items()}
    rows: dict[int, dict[str, Any]] = {}
    for row, column in sorted(sheet.cells.keys() | sheet.formulas):
        if row <= HEAD_ROW or column not in heads:
            continue
        if value := _typed(sheet, row, column, filename, problems):
            rows.setdefault(row, {})[heads[column]] = _value(kinds[heads[column]], value)
    return list(rows.values())


def _problem(found: str, expected: str, filename: str, sheet: str, row: int, column: int) -> Problem:
    cell = f"{chr(64 + column)}{row}" if column <= 26 else f"第{row}行"
    return Problem("paper_form", found, expected, filename, sheet, cell)


def _typed(sheet: Any, row: int, column: int, filename: str, problems: list[Problem]) -> str:
    """Return what a person typed into a cell; a formula is a problem, whatever it gives."""
    if (row, column) in sheet.formulas:
        problems.append(_problem("填写了公式", "直接写出内容", filename, sheet.name, row, column))
        return ""
    return _text(sheet.cells.get((row, column)))


def _text(raw: Any) -> str:
    """Return a cell as text; a number or day that a program made of it, as documents of data write it."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "是" if raw else "否"
    if isinstance(raw, dt.datetime):
        return raw.date().isoformat() if raw.time() == dt.time() else raw.isoformat()
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return str(raw).strip()


def _value(kind: Any, text: str) -> Any:
    return {"是": True, "否": False}.get(text, text) if kind is bool else text
