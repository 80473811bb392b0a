"""The differences of two rule versions as a workbook to read: where, what was, what is, under which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ipgov.documents.sheets import TITLE_ROWS, Book, Column, Line
from ipgov.documents.typography import full_width
from ipgov.policy.differences import Difference
from ipgov.policy.store import Loaded

AUTHOR = "知识产权运营体系治理"
_ADDED, _REMOVED = "#E2F0D9", "#FBE2D5"
_LONGEST = 600  # characters of a value that a reader still takes in; the whole stands in the rule file
# Of a path the first that it holds says what the difference touches.
_TOUCHED: tuple[tuple[str, str], ...] = (
    (".weight", "权重"),
    ("normalisation", "评分方法与基准"),
    ("transforms", "数据变换"),
    ("scoring.grades", "等级、分数线与名额"),
    ("scoring.indicators", "指标"),
    ("scoring.dimensions", "维度"),
    ("scoring", "汇总、舍入与名次"),
    ("sensitivity", "敏感性分析"),
    ("rule_checks", "规则检查"),
    ("procedure", "办理程序"),
    ("governs", "所管的称号、资格"),
    ("yearly", "取自年度自评的数据"),
    ("recognition", "认定的条件与评审"),
    ("grade_effects", "等级的后果"),
    ("province_audit", "省级审核"),
    ("subject", "评价对象"),
    ("cycle", "周期与期限"),
    ("form", "报送表"),
    ("quality", "数据质量"),
    ("panel", "专家评分"),
    ("not_submitted", "未报送的处理"),
    ("outcomes", "结果的后果"),
    ("approval", "审批"),
    ("issuer", "发文单位"),
    ("notices", "文书"),
    ("correction", "更正"),
)
_COLUMNS = (
    Column("序号", 6, align="center"),
    Column("涉及", 14, wrap=True),
    Column("变更", 7, align="center"),
    Column("位置", 30, wrap=True),
    Column("旧规定", 30, wrap=True),
    Column("新规定", 30, wrap=True),
    Column("旧依据", 34, wrap=True),
    Column("新依据", 34, wrap=True),
    Column("规则文件中的位置", 30, wrap=True),
)


def touched(path: str) -> str:
    """Return what a difference at a place of the rule file touches; ``其他`` where no word is known."""
    return next((word for part, word in _TOUCHED if part in path), "其他")


def write(
    old: Loaded, new: Loaded, found: Sequence[Difference], clauses: Mapping[str, Mapping[str, str]]
) -> bytes:
    """Return the workbook: an overview and one line per difference; the same files give the same bytes."""
    title = f"{new.rules.title}：规则差异表"
    book = Book(title, AUTHOR, footer=f"旧 {old.sha256[:12]}，新 {new.sha256[:12]}")
    _overview(book, old, new, found)
    sheet = book.sheet(
        "差异",
        title,
        f"{old.rules.version} 版 → {new.rules.version} 版，共 {len(found)} 处；"
        "绿底为新增，红底为删去；依据为条款及其原文",
    )
    book.table(sheet, TITLE_ROWS + 1, _COLUMNS, [_line(n, d, clauses) for n, d in enumerate(found, 1)])
    sheet.freeze_panes(TITLE_ROWS + 1, 4)
    return book.close()


def _overview(book: Book, old: Loaded, new: Loaded, found: Sequence[Difference]) -> None:
    sheet = book.sheet(
        "概览", "两版规则", "各版的身份与指纹，以及变更涉及哪些事项；批准的是新版文件的指纹", landscape=False
    )
    columns = (Column("", 14), Column("旧版", 44, wrap=True), Column("新版", 44, wrap=True))
    sides = old.rules, new.rules
    lines = [
        Line(("版本", *(r.version for r in sides))),
        Line(("施行日", *(r.effective.isoformat() for r in sides))),
        Line(("状态", *({"in_force": "施行", "draft": "草案"}[r.status] for r in sides))),
        Line(("文件", old.source, new.source)),
        Line(("文件指纹", old.sha256, new.sha256)),
        Line(("说明", *(full_width(r.note) for r in sides))),
    ]
    row = book.table(sheet, TITLE_ROWS + 1, columns, lines)
    counted = Counter(touched(d.path) for d in found)
    order = [word for _, word in _TOUCHED] + ["其他"]
    summary = [
        Line(
            (word, counted[word], "；".join(dict.fromkeys(d.label for d in found if touched(d.path) == word)))
        )
        for word in dict.fromkeys(order)
        if counted[word]
    ]
    total = Line(("合计", len(found), ""), bold=True)
    heads = (Column("涉及", 14), Column("处数", 44, align="center"), Column("位置", 44, wrap=True))
    book.table(sheet, row + 1, heads, [*summary, total], main=False)


def _line(number: int, d: Difference, clauses: Mapping[str, Mapping[str, str]]) -> Line:
    what = "新增" if d.old is None else "删去" if d.new is None else "修改"
    cells = (
        number,
        touched(d.path),
        what,
        d.label,
        _short(d.old),
        _short(d.new),
        _words(d.old_basis, clauses),
        "同左" if d.new_basis == d.old_basis else _words(d.new_basis, clauses),
        d.path,
    )
    return Line(cells, colour={"新增": _ADDED, "删去": _REMOVED}.get(what, ""))


def _short(value: str | None) -> str:
    if value is None:
        return "—"
    return value if len(value) <= _LONGEST else value[:_LONGEST] + f"…（共 {len(value)} 字，见规则文件）"


def _words(basis: str, clauses: Mapping[str, Mapping[str, str]]) -> str:
    """Return each clause with its document and words; ``operator`` is the office's own choice."""
    lines = []
    for name in filter(None, basis.split("、")):
        if name == "operator":
            lines.append("运行方自定")
        elif name in clauses:
            clause = clauses[name]
            lines.append(f"{name}（{clause['doc_no']} {clause['section']}）：“{clause['key_zh']}”")
        else:
            lines.append(f"{name}（不在条款清单中）")
    return "\n".join(lines) or "—"
