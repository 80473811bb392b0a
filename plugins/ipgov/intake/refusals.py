"""What is refused of a file, whatever its format: one sentence for what was found, one for what to do.

Each format's own marks of these are a table in its reader (``xlsx.py``, ``xls.py``, ``ods.py``).
"""

from __future__ import annotations

from typing import NamedTuple

from ipgov.core.errors import RefusedError

NEED = "由系统下发的空白表另存的工作簿（.xlsx、.xls 或 .ods）"
RESAVED = "用 Excel 或 WPS 打开后另存的 .xlsx 工作簿"


class Refusal(NamedTuple):
    """What was found and what is expected, in Chinese, for the sender."""

    found: str
    expected: str


EMPTY = Refusal("文件是空的", NEED)
OTHER_KIND = Refusal("文件不是 Excel 工作簿", NEED)
WEB_PAGE = Refusal("文件内容是网页或 XML 文本，不是 Excel 工作簿", RESAVED)
BINARY = Refusal("文件是二进制工作簿（.xlsb）格式", "另存为“Excel 工作簿（.xlsx）”后报送")
BEFORE_97 = Refusal("文件是 Excel 97 以前的旧格式", "另存为“Excel 工作簿（.xlsx）”后报送")
DAMAGED = Refusal("文件已损坏，无法读取", NEED)
STRANGE = Refusal("文件结构异常（压缩包目录不在应在的位置）", RESAVED)
DOUBLED_PARTS = Refusal("文件结构异常（压缩包内有重名或非法的部件）", RESAVED)
PASSWORD = Refusal("文件设有打开密码，无法读取", "取消密码后保存的工作簿")
MACROS = Refusal("工作簿含有宏", "去掉宏，另存为“Excel 工作簿（.xlsx）”")
LINKS = Refusal("工作簿含有指向其他工作簿的外部链接", "断开链接（数据→编辑链接）后重新保存")
CONNECTIONS = Refusal("工作簿含有外部数据连接", "删除数据连接后重新保存")
OBJECTS = Refusal("工作簿含有嵌入对象或控件", "删除嵌入对象、控件后重新保存")


class NotAWorkbookError(RefusedError):
    """The file cannot be read as a workbook at all; ``found`` and ``expected`` are for its sender.

    ``sheet`` and ``cell`` say where, if it is one place.
    """

    def __init__(self, found: str, expected: str = NEED, *, sheet: str = "", cell: str = ""):
        super().__init__(f"{found}；应为：{expected}")
        self.found, self.expected, self.sheet, self.cell = found, expected, sheet, cell
