"""Where templates run: what they may say, do and cost, whoever wrote them.

Two kinds. A *text* (``document.yaml``) is an expression language: values, conditions, filters and one loop;
no call, no assignment, no multiplication, so what it yields cannot outgrow the data that it is given. A
*layout* (``layouts/``, ``mail/``) may call its own macros besides. Neither sees a file, a module or a private
attribute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from ipgov.core.errors import GovernanceError, RefusedError

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

# No honest text comes near these; what does is a bomb.
LONGEST_SOURCE = 8_000  # characters of one text of a template
LONGEST_TEXT = 100_000  # characters that one text yields
LARGEST_FILE = 1_000_000  # characters of a template's files
DEEPEST_LOOP = {"text": 1, "layout": 4}  # loops within loops

_TEXT = (
    "Template Output TemplateData Name Getattr Getitem Const List Tuple Filter Keyword Test CondExpr "
    "And Or Not Compare Operand Concat Neg Add Sub For If"
)
_NODES = {
    "text": frozenset(_TEXT.split()),
    "layout": frozenset(f"{_TEXT} Call Macro Assign FromImport Slice NSRef Mod Mul Div".split()),
}
_FILTERS = {
    "text": "first join last length list rejectattr selectattr",
    "layout": "e escape first join last length list map max min round safe sum",
}
_WORDS = {
    "Call": "调用", "CallBlock": "调用", "Include": "引用文件（include）", "Import": "引入文件（import）",
    "FromImport": "引入文件（import）", "Extends": "继承文件（extends）", "Assign": "赋值（set）",
    "AssignBlock": "赋值（set）", "Macro": "宏（macro）", "Mul": "乘法", "Pow": "乘方", "Slice": "切片",
    "Mod": "取余、格式化（%）", "Dict": "字典", "FilterBlock": "过滤段（filter）", "Block": "块（block）",
}  # fmt: skip
_WIDE = re.compile(r"%(?![sd%])")  # a width, which may be a billion


@cache
def _class() -> type[ImmutableSandboxedEnvironment]:
    from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

    class Sandbox(ImmutableSandboxedEnvironment):
        """An environment that refuses at compilation what ``allowed`` does not name."""

        intercepted_binops = frozenset({"*", "%"})
        kind = "text"

        def _generate(
            self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
        ) -> str:
            _check(source, self.kind)
            return super()._generate(source, name, filename, defer_init)

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            sequences = (str, list, tuple)
            formatted = operator == "%" and isinstance(left, str) and not _WIDE.search(left)
            if not formatted and (isinstance(left, sequences) or isinstance(right, sequences)):
                raise SecurityError(f"模板以“{operator}”成倍生成文字或列表")
            return super().call_binop(context, operator, left, right)

    return Sandbox


def environment(
    kind: str, filters: Mapping[str, Callable[..., Any]], **options: Any
) -> ImmutableSandboxedEnvironment:
    """Return an immutable sandbox for templates of a ``kind`` (text, layout) with strict undefined."""
    from jinja2 import StrictUndefined
    from jinja2.defaults import DEFAULT_FILTERS
    from jinja2.utils import Namespace

    made = _class()(undefined=StrictUndefined, **options)
    made.kind = kind  # type: ignore[attr-defined]
    made.globals = {"namespace": Namespace} if kind == "layout" else {}
    made.filters = {name: DEFAULT_FILTERS[name] for name in _FILTERS[kind].split()} | dict(filters)
    return made


def text_function(
    environment: ImmutableSandboxedEnvironment, source: str, *, expression: bool = False
) -> Callable[..., Any]:
    """Compile a text, or one expression; every fault of it is a GovernanceError that shows the source."""
    shown = source if len(source) <= 60 else source[:60] + "……"
    if len(source) > LONGEST_SOURCE:
        raise RefusedError(f"模板“{shown}”有 {len(source)} 个字符，超过上限 {LONGEST_SOURCE}")
    with guarded(shown):
        compiled = _compile(environment, source, expression)

    def fill_in(**context: Any) -> Any:
        with guarded(shown):
            value = compiled(**context)
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise RefusedError(f"模板“{shown}”生成了 {len(value)} 个字符，超过上限 {LONGEST_TEXT}")
        return value

    return fill_in


def _compile(environment: ImmutableSandboxedEnvironment, source: str, expression: bool) -> Callable[..., Any]:
    if expression:
        return environment.compile_expression(source, undefined_to_none=False)
    return environment.from_string(source).render


@contextmanager
def guarded(shown: str) -> Iterator[None]:
    """Turn what a template must not do, and what cannot be done with its values, into errors."""
    from jinja2.sandbox import SecurityError

    try:
        yield
    except SecurityError as error:
        said = (error.message or "").replace("access to attribute", "访问属性")
        raise RefusedError(f"模板“{shown}”被拒绝：{said}") from None
    except RecursionError:
        raise RefusedError(f"模板“{shown}”被拒绝：嵌套过深") from None
    except (TypeError, ArithmeticError, ValueError, AttributeError) as error:
        raise GovernanceError(f"模板“{shown}”无法填写：{error}") from error


def _check(tree: nodes.Template, kind: str) -> None:
    """Refuse a template that says more than its kind may."""
    from jinja2 import nodes
    from jinja2.sandbox import SecurityError

    ours = _compiled_expression(tree)
    for node in tree.find_all(nodes.Node):
        name = type(node).__name__
        if name not in _NODES[kind] and node is not ours:
            raise SecurityError(f"不得使用{_WORDS.get(name, name)}")
        private = node.attr if isinstance(node, nodes.Getattr) else ""
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            private = str(node.arg.value)
        if private.startswith("_"):
            raise SecurityError(f"不得访问以下划线开头的属性“{private}”")
        if isinstance(node, nodes.Call) and not isinstance(node.node, nodes.Name):
            raise SecurityError("不得调用值的方法")
    if max(_depths(tree), default=0) > DEEPEST_LOOP[kind]:
        raise SecurityError(f"循环嵌套超过 {DEEPEST_LOOP[kind]} 层")


def _compiled_expression(tree: nodes.Template) -> nodes.Node | None:
    """Return the assignment of which ``compile_expression`` makes a template."""
    from jinja2 import nodes

    first = tree.body[0] if len(tree.body) == 1 else None
    alone = isinstance(first, nodes.Assign) and isinstance(first.target, nodes.Name)
    return first if alone else None


def _depths(node: nodes.Node, depth: int = 0) -> Iterator[int]:
    from jinja2 import nodes

    depth += isinstance(node, nodes.For)
    yield depth
    for child in node.iter_child_nodes():
        yield from _depths(child, depth)
