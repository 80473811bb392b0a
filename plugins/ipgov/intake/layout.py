"""What every sheet of a form has in common: cell formats, lists to choose from, heading, page, comments."""

from __future__ import annotations

from typing import Any

FONT, TITLE_FONT = "宋体", "微软雅黑"
CHOICES_SHEET = "_choices"
LINE = "#808080"


class Styles:
    """The cell formats of one workbook, each made once."""

    def __init__(self, book: Any):
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def get(self, **wanted: Any) -> Any:
        """Return the format with these properties upon the house's own."""
        whole = {"font_name": FONT, "font_size": 11, "valign": "vcenter", **wanted}
        key = tuple(sorted(whole.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(whole)
        return self._made[key]

    def boxed(self, **wanted: Any) -> Any:
        """Return a format with a thin border and wrapped text."""
        return self.get(border=1, border_color=LINE, text_wrap=True, **wanted)


class Choices:
    """Lists to choose from, on a sheet of their own: one in the cell's rule may hold 255 characters only."""

    def __init__(self, book: Any):
        self._book = book
        self._lists: list[tuple[str, ...]] = []

    def reference(self, choices: tuple[str, ...]) -> str:
        """Return the range that will hold these choices."""
        if choices not in self._lists:
            self._lists.append(choices)
        column = chr(ord("A") + self._lists.index(choices))
        return f"='{CHOICES_SHEET}'!${column}$1:${column}${len(choices)}"

    def write(self) -> None:
        """Write the lists, if there are any."""
        if self._lists:
            page = self._book.add_worksheet(CHOICES_SHEET)
            for column, listed in enumerate(self._lists):
                page.write_column(0, column, listed)
            page.very_hidden()


def line_count(text: str, width: float) -> int:
    """Return how many lines a text takes in a column of this width; a Chinese character is two wide."""
    widths = (sum(1 + (ord(c) > 0x2E7F or c in "“”‘’…—") for c in line) for line in text.split("\n"))
    return sum(max(1, -(-wide // max(1, int(width) - 2))) for wide in widths)


def heading(page: Any, styles: Styles, title: str, banner: str, columns: int) -> int:
    """Write banner and title across ``columns``; return the next row (from 0)."""
    row = 0
    if banner:
        red = styles.get(
            bold=True, font_color="#C00000", align="center", font_name=TITLE_FONT, text_wrap=True
        )
        page.merge_range(row, 0, row, columns - 1, banner, red)
        page.set_row(row, 22)
        row += 1
    big = styles.get(bold=True, font_size=16, align="center", font_name=TITLE_FONT)
    page.merge_range(row, 0, row, columns - 1, title, big)
    page.set_row(row, 34)
    return row + 1


def set_up_page(page: Any, header_row: int) -> None:
    """Set A4 landscape, one page wide, heading row repeated and frozen, page numbers."""
    page.set_paper(9)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_margins(left=0.6, right=0.6, top=0.7, bottom=0.7)
    page.center_horizontally()
    page.repeat_rows(header_row)
    page.set_footer(f'&C&"{FONT}"&9第 &P 页，共 &N 页')
    page.freeze_panes(header_row + 1, 0)
    page.hide_gridlines(2)


def write_comment(page: Any, row: int, column: int, text: str) -> None:
    """Write what is wrong at a cell as its comment, as large as the text needs."""
    page.write_comment(
        row,
        column,
        text,
        {
            "author": "",
            "x_scale": 2.2,
            "y_scale": max(0.9, 0.35 * (len(text) // 20 + text.count("\n") + 1)),
            "font_name": FONT,
            "font_size": 10,
            "color": "#FFF2CC",
        },
    )
