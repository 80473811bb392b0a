"""The states of cases as a diagram and as a table, for ``docs/rectification.md``."""

from __future__ import annotations

from ipgov.followup.case_states import GUARDS, TRANSITIONS, State, Transition


def _of(inquiry: bool) -> list[Transition]:
    return [t for t in TRANSITIONS if t.inquiry in (None, inquiry)]


def _states(inquiry: bool) -> list[State]:
    """Return the states that a case of a kind can come to."""
    reached = {State.OPENED}
    while more := {t.target for t in _of(inquiry) if t.target and reached & set(t.sources)} - reached:
        reached |= more
    return [s for s in State if s in reached]


def mermaid(inquiry: bool) -> str:
    """Return the state diagram (Mermaid) of rectifications, or of cases without one (``inquiry``)."""
    states = _states(inquiry)
    lines = ["stateDiagram-v2", f"    [*] --> {State.OPENED}"]
    lines += [f"    {s} : {s.label}" for s in states]
    drawn: dict[tuple[State, State], list[str]] = {}
    for t in _of(inquiry):
        for source in (s for s in t.sources if s in states):
            names = drawn.setdefault((source, t.target or source), [])
            if t.name not in names:
                names.append(t.name)
    lines += [f"    {a} --> {b} : {'、'.join(names)}" for (a, b), names in drawn.items()]
    lines += [f"    {s} --> [*]" for s in (State.CLOSED, State.WITHDRAWN)]
    return "\n".join(lines)


def table(inquiry: bool) -> str:
    """Return the same transitions as a Markdown table."""
    lines = ["| event | 事项 | from | to | who | basis | must hold |", "|---|---|---|---|---|---|---|"]
    states = _states(inquiry)
    for t in _of(inquiry):
        if not (shown := [s for s in t.sources if s in states]):
            continue
        sources = ", ".join(f"`{s}`" for s in shown)
        target = f"`{t.target}`" if t.target else "unchanged"
        held = "；".join(GUARDS[g] for g in t.guards) or "—"
        lines.append(
            f"| `{t.event}` | {t.name} | {sources} | {target} | {t.by} | {', '.join(t.basis)} | {held} |"
        )
    return "\n".join(lines)
