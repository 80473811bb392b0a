"""The project's policies in a place of their own, where a test may spoil them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

V1 = "functional_platform/2023-09-05.yaml"
V2 = "functional_platform/2025-06-01.yaml"


@dataclass(frozen=True)
class Policies:
    """``policies/`` of an installation of its own, with every suite and template that they name."""

    folder: Path

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        """Change texts that must be there; the first occurrence of each."""
        text = self.read(name)
        for old, new in changes:
            assert old in text, f"{old!r} is not in {name}: the test would prove nothing"
            text = text.replace(old, new, 1)
        self.write(name, text)


Changes = tuple[tuple[str, str], ...]
Spoiled = dict[str, tuple[Changes, set[str], str]]


def one(old: str, new: str) -> Changes:
    """A single change of the text ``old`` to ``new``."""
    return ((old, new),)
