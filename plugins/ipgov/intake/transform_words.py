"""What was done to a cell when it was read, in Chinese: a word for every transform that a value may carry."""

from __future__ import annotations

from collections.abc import Mapping

TRANSFORM_WORDS: Mapping[str, str] = {
    "blank": "只有空白，按未填写计",
    "boolean": "逻辑值读作“是”“否”",
    "choice": "按可选项的写法统一",
    "compact_date": "八位数字读作日期",
    "date_text": "文字日期读作日期",
    "fifteen_digits": "按表格软件的 15 位有效数字取值",
    "formula_result": "公式，取所存的计算结果",
    "full_width": "全角字符转为半角",
    "invisible_characters": "去除不可见字符",
    "located_by_label": "按栏目名称找到单元格",
    "number_as_text": "文字形式的数字读作数字",
    "odd_spaces": "特殊空格转为普通空格",
    "percent_format": "百分比格式，乘以 100",
    "serial_1900": "日期序号（1900 年制）读作日期",
    "serial_1904": "日期序号（1904 年制）读作日期",
    "thousands_separators": "去除千位分隔符",
    "time_dropped": "舍去时刻，只取日期",
    "to_text": "按文字保存",
    "trim": "去除首尾空格",
    "unit_suffix": "去除所带的单位",
    "yes_no": "“是”计 1，“否”计 0",
}


def transform_word(name: str) -> str:
    """Return the words for a transform; ``unit:元→万元`` names its units; another stands as it was kept."""
    if name.startswith("unit:"):
        old, _, new = name.removeprefix("unit:").partition("→")
        return f"由{old}换算为{new}"
    if name.startswith("rounded:"):
        return f"四舍五入到 {name.removeprefix('rounded:')} 位小数"
    return TRANSFORM_WORDS.get(name, f"“{name}”")
