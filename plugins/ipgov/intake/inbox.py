"""The inbox: what an object's name says of its sender."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ipgov.core.objects import FOREIGN_BYTE, foreign_bytes

_PARTS = (
    ("业务", re.compile(r"[a-z][a-z0-9_]*")),
    ("评价年度", re.compile(r"[0-9]{4}")),
    ("省级代码", re.compile(r"[0-9]{2}")),
    ("单位代码", re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")),
)
# stands in the place of a unit's code in the keys of what a province itself sends; no code looks like this
PROVINCE_FOLDER = "province"
LAYOUT = "inbox/<业务>/<评价年度>/<省级代码>/<单位代码>/<文件名>"


@dataclass(frozen=True)
class InboxKey:
    """Where an object lies: programme, period (a year), province (two digits), unit code, file name."""

    programme: str
    period: str
    province: str
    unit: str
    filename: str

    @property
    def key(self) -> str:
        """Return the object's key."""
        return f"inbox/{self.programme}/{self.period}/{self.province}/{self.unit}/{self.filename}"


def parse_key(key: str) -> InboxKey | str:
    """Read an object's key; a str is the reason (Chinese) why nobody can be said to have sent it."""
    if FOREIGN_BYTE.search(key):
        read_as = foreign_bytes(key).decode("gb18030", "replace").rpartition("/")[2]
        return f"名称不是 UTF-8 编码（按 GB 18030 读作“{read_as}”）；应为：改名后重新放入"
    first, *parts = key.split("/")
    if first != "inbox" or len(parts) != 5:
        return f"路径不符合“{LAYOUT}”"
    *named, filename = parts
    for (what, pattern), part in zip(_PARTS, named, strict=True):
        if not pattern.fullmatch(part):
            return f"路径中的{what}“{part}”不符合“{LAYOUT}”"
    if not filename or filename.startswith((".", "~$")):
        return f"“{filename}”是系统或编辑软件的临时文件"
    programme, period, province, unit = named
    return InboxKey(programme, period, province, unit, filename)
