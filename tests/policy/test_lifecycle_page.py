"""The page of lifecycles is drawn from the data, and what stands in ``docs/`` is what would be drawn now."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from unicodedata import east_asian_width

import pytest
from ipgov.policy import lifecycle_page
from ipgov.policy.lifecycles import Lifecycle, every, lifecycle

DOCS = Path(__file__).resolve().parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def test_the_page_in_docs_is_current(tmp_path: Path) -> None:
    lifecycle_page.main(tmp_path)
    drawn = {f.relative_to(tmp_path): f.read_text() for f in tmp_path.rglob("*.*")}
    assert set(drawn) == {
        Path("lifecycles.md"),
        *(f.relative_to(DOCS) for f in (DOCS / "lifecycles").iterdir()),
    }
    for path, text in drawn.items():
        assert (DOCS / path).read_text() == text, f"docs/{path} is stale: make lifecycles"


@pytest.mark.parametrize("life", every(), ids=lambda life: life.programme)
def test_every_state_and_event_is_drawn(life: Lifecycle) -> None:
    page, picture = lifecycle_page.page(), ET.fromstring(lifecycle_page.svg(life))  # noqa: S314 - our own
    said = [element.text or "" for element in picture.iter(f"{SVG}text")]
    named = [e.text for e in picture.iter(f"{SVG}text") if e.get("text-anchor") == "end"]
    for state in life.states:
        assert f'state "{state.name}" as {state.code}' in page
        assert state.name in "".join(said)
    for event in life.events:
        assert f"| {event.name} `{event.code}` |" in page
        assert named.count(event.name) == 1
        for before in event.from_:
            edge = f"    {before} --> {event.to or before} : "
            assert any(line.startswith(edge) and event.name in line for line in page.splitlines())
    rings = [c for c in picture.iter(f"{SVG}circle") if c.get("fill") == "white"]
    assert len(rings) == sum(len(e.from_) for e in life.events)


def test_nothing_of_the_picture_lies_outside_it() -> None:
    picture = ET.fromstring(lifecycle_page.svg(lifecycle("industry_centre")))  # noqa: S314 - our own
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
    places = [(float(e.get("x", 0)), float(e.get("y", 0)), e) for e in picture.iter(f"{SVG}text")]
    for x, y, element in places:
        wide = sum(1 if east_asian_width(c) in "WFA" else 0.6 for c in element.text or "")
        size = float(element.get("font-size", 0)) * wide
        left = {"end": x - size, "middle": x - size / 2}.get(element.get("text-anchor", ""), x)
        assert 0 <= y <= height
        assert left >= 0, element.text
        assert left + size <= width, element.text
