"""Draw the lives of titles from their data: ``docs/lifecycles.md`` and a picture each.

``python -m ipgov.policy.lifecycle_page docs`` writes them (``make lifecycles``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from ipgov.policy.lifecycles import ACTOR_NAMES, NEED_NAMES, Event, Lifecycle, every

PAGE = "lifecycles.md"
_HEAD = """\
# The lives of titles

*Written by `make lifecycles` from `policies/lifecycles/`; do not edit.*

One file per programme that confers a title says in which states a body can be, what can happen to it,
who may cause that and what it needs besides. `title_event` is the only log; `registry/titles.py` refuses
what the file does not allow in the body's state on that day, at every moment of knowledge from then on, and
derives from the log who holds the title. An event that leads somewhere always leads to the same state: the
last one says where a body stands.

- **An approval** is a round of the programme that was issued; the row of the issue stands before anything
  takes effect. **A notice that is over** and **no open objection** are asked of whoever keeps those facts
  (`registry/title_needs.py`); a need that nobody checks is not met.
- `ipgov policy check` proves of every file: no dead state, no event out of nowhere, no title but by
  recognition, none taken away or given back without an approval, every event under a clause or the operator.
- Nothing happens before `effective`: there was no rule.
- To change a life, edit its file; a programme of its own (a province's centres) gets a file of its own.
"""


def page() -> str:
    """Return the whole page (Markdown)."""
    return "\n".join([_HEAD, *(_section(life) for life in every())])


def pictures() -> dict[str, str]:
    """Return every picture (SVG) by the name of its file, which the page refers to."""
    return {f"lifecycles/{life.programme}.svg": svg(life) for life in every()}


def _section(life: Lifecycle) -> str:
    rows = "\n".join(_row(life, event) for event in life.events)
    return f"""\
## {life.title}

`policies/lifecycles/{life.programme}.yaml`，自 {life.effective} 起；{life.note}。

![{life.title}](lifecycles/{life.programme}.svg)

```mermaid
{mermaid(life)}
```

| 事项 | 由（状态） | 至（状态） | 办理 | 须 | 依据 |
|---|---|---|---|---|---|
{rows}
"""


def _row(life: Lifecycle, event: Event) -> str:
    cells = (
        f"{event.name} `{event.code}`",
        "、".join(life.state(code).name for code in event.from_),
        life.state(event.to).name if event.to else "不变",
        _actors(event),
        _needs(event) or "—",
        "；".join(filter(None, ["、".join(event.clause), event.operator])),
    )
    return f"| {' | '.join(cells)} |"


def _actors(event: Event) -> str:
    return "、".join(ACTOR_NAMES[actor] for actor in event.by)


def _needs(event: Event) -> str:
    return "、".join(NEED_NAMES[need] for need in event.needs)


def mermaid(life: Lifecycle) -> str:
    """Return the life as the text of a Mermaid state diagram; events between the same two states together."""
    edges: dict[tuple[str, str], list[str]] = {}
    for event in life.events:
        for before in event.from_:
            edges.setdefault((before, event.to or before), []).append(event.name)
    titled = ",".join(s.code for s in life.states if s.titled)
    return "\n".join(
        [
            "stateDiagram-v2",
            *(f'    state "{s.name}" as {s.code}' for s in life.states),
            f"    [*] --> {life.initial.code}",
            *(f"    {a} --> {b} : {'／'.join(names)}" for (a, b), names in edges.items()),
            "    classDef titled fill:#cfe8d3,stroke:#2e7d32",
            f"    class {titled} titled",
        ]
    )


# of the picture, in pixels: column of names, a state's column, column of who and what, a row, the head
_NAMES, _STATE, _SAID, _ROW, _HEIGHT = 250, 82, 520, 34, 112
_PLAIN, _GIVEN, _TAKEN = "#37474f", "#2e7d32", "#c62828"


def svg(life: Lifecycle) -> str:
    """Return the life as a picture: a column per state, a row per event, from its rings to its arrow."""
    width = _NAMES + _STATE * len(life.states) + _SAID
    height = _HEIGHT + _ROW * len(life.events) + 46
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="Noto Sans CJK SC, Source Han Sans SC, sans-serif">',
            f"<title>{escape(life.title)}</title>",
            f'<rect width="{width}" height="{height}" fill="white"/>',
            *_columns(life, height - 46),
            *(line for number, event in enumerate(life.events) for line in _lane(life, number, event)),
            _text(
                16, height - 16,
                "○ 可发生的状态　▶ 发生后的状态　↻ 状态不变　绿底：持有称号（资格）；绿：授予，红：取消",
                "#546e7a",
            ),
            "</svg>",
            "",
        ]
    )  # fmt: skip


def _x(life: Lifecycle, code: str) -> int:
    codes = [s.code for s in life.states]
    return _NAMES + _STATE * codes.index(code) + _STATE // 2


def _text(x: int, y: int, said: str, fill: str, anchor: str = "start", size: int = 14) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="{anchor}">{escape(said)}</text>'
    )


def _columns(life: Lifecycle, bottom: int) -> Iterator[str]:
    for state in life.states:
        x = _x(life, state.code)
        if state.titled:
            yield (
                f'<rect x="{x - _STATE // 2}" y="{_HEIGHT}" width="{_STATE}" height="{bottom - _HEIGHT}" '
                'fill="#eef7ef"/>'
            )
        fill = "#cfe8d3" if state.titled else "#eceff1"
        yield (
            f'<rect x="{x - _STATE // 2 + 3}" y="22" width="{_STATE - 6}" height="{_HEIGHT - 30}" rx="8" '
            f'fill="{fill}" stroke="{_GIVEN if state.titled else "#90a4ae"}"/>'
        )
        lines = _wrapped(state.name, 5)
        top = 22 + (_HEIGHT - 30) // 2 - 9 * len(lines) + 14
        for number, line in enumerate(lines):
            yield _text(x, top + 18 * number, line, "#212121", "middle")
        if state.initial:
            yield f'<circle cx="{x}" cy="12" r="6" fill="#212121"/>'
        yield (
            f'<line x1="{x}" y1="{_HEIGHT - 8}" x2="{x}" y2="{bottom}" stroke="#cfd8dc" '
            'stroke-dasharray="3 4"/>'
        )


def _wrapped(name: str, length: int) -> list[str]:
    """Break a name into lines of a length; what is in brackets begins a line of its own."""
    head, bracket, rest = name.partition("（")
    parts = [head, *([bracket + rest] if bracket else [])]
    lines = []
    for part in parts:
        count = -(-len(part) // length)
        each = -(-len(part) // count)
        lines += [part[i : i + each] for i in range(0, len(part), each)]
    return lines


def _lane(life: Lifecycle, number: int, event: Event) -> Iterator[str]:
    y = _HEIGHT + _ROW * number + _ROW // 2
    left, right = _NAMES, _NAMES + _STATE * len(life.states)
    gives = event.to is not None and life.state(event.to).titled
    held = any(life.state(code).titled for code in event.from_)
    colour = _TAKEN if event.code in life.ending else _GIVEN if gives and not held else _PLAIN
    yield f'<line x1="0" y1="{y + _ROW // 2}" x2="{right + _SAID}" y2="{y + _ROW // 2}" stroke="#eceff1"/>'
    yield _text(left - 12, y + 5, event.name, colour, "end")
    said = "；".join(filter(None, [_actors(event), _needs(event)]))
    basis = "、".join(event.clause) or "运行方自定"
    yield _text(right + 14, y + 5, f"{said}　〔{basis}〕", "#455a64", size=13)
    places = [_x(life, code) for code in event.from_]
    if event.to is not None:
        to = _x(life, event.to)
        for far, side in ((min(places), -1), (max(places), 1)):
            if (far - to) * side > 0:
                yield (
                    f'<line x1="{far}" y1="{y}" x2="{to + side * 10}" y2="{y}" stroke="{colour}" '
                    'stroke-width="2"/>'
                )
                yield (
                    f'<polygon points="{to},{y} {to + side * 11},{y - 6} {to + side * 11},{y + 6}" '
                    f'fill="{colour}"/>'
                )
    for x in places:
        yield f'<circle cx="{x}" cy="{y}" r="6" fill="white" stroke="{colour}" stroke-width="2"/>'
        if event.to is None:
            yield _text(x + 10, y + 6, "↻", colour, size=16)


def main(folder: Path) -> None:
    """Write page and pictures into a folder."""
    for name, text in {PAGE: page(), **pictures()}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
