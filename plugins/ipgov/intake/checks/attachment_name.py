"""An attachment is listed under a plain file name, with the suffix of a type that is accepted."""

from collections.abc import Iterator

from ipgov.core.errors import Problem
from ipgov.intake.attachment_list import NAME, name_key
from ipgov.intake.content_type import NAMES, SUFFIXES
from ipgov.intake.submitted import Submitted

_FORBIDDEN = set('/\\:*?"<>|')
_LENGTH = 200


def attachment_name(submitted: Submitted) -> Iterator[Problem]:
    """Find a row without a name, a name with parts of a path or controls in it, and one of another type."""
    asked = submitted.form.attachments
    if asked is None:
        return
    suffixes = [s for t in asked.media_types for s in SUFFIXES[t]]
    for row in submitted.listed.rows:
        name, found = row.name, ""
        if not name:
            found = "此行没有附件名称"
        elif _FORBIDDEN & set(name) or not name.isprintable() or name.startswith((".", "~$")):
            found = f"附件名称“{name}”含有路径或不能用于文件名的字符"
        elif len(name) > _LENGTH:
            found = f"附件名称有 {len(name)} 个字"
        elif not name_key(name).endswith(tuple(suffixes)):
            found = f"附件名称“{name}”没有可接收类型的后缀"
        if found:
            types = "、".join(f"{NAMES[t]}（{'、'.join(SUFFIXES[t])}）" for t in asked.media_types)
            expected = f"文件名本身，含后缀，不超过 {_LENGTH} 字；可接收{types}"
            yield submitted.list_problem("attachment_name", found, expected, row, NAME)
