"""Plain-text tables for the console, by `tabulate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, with a title above and a remark below; as text and as HTML."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    remark: str = ""

    def text(self) -> str:
        """As `format_table`, the remark below."""
        return "\n".join(filter(None, [format_table(self.heads, self.rows, title=self.title), self.remark]))

    def html(self) -> str:
        """An HTML table, escaped; title and remark are left to the page."""
        from tabulate import tabulate

        cells = [[cell_text(value) for value in row] for row in self.rows]
        aligned = ["right" if n else "left" for n in _numeric(self.heads, self.rows)] if self.rows else None
        return str(tabulate(cells, list(self.heads), tablefmt="html", disable_numparse=True, colalign=aligned))


def format_table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = "") -> str:
    """A plain table: text flush left, numbers flush right, one blank column between."""
    from tabulate import tabulate

    numeric = _numeric(headers, rows)
    cells = [[cell_text(value) for value in row] for row in rows]
    body = tabulate(
        cells,
        headers=list(headers),
        tablefmt="simple",
        disable_numparse=True,
        colalign=["right" if n else "left" for n in numeric] if rows else None,
    )
    return f"{title}\n{body}" if title else body


def _numeric(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> list[bool]:
    """Which columns hold numbers only."""
    return [all(isinstance(row[i], int | float) or row[i] == "" for row in rows) for i in range(len(headers))]


def cell_text(value: object) -> str:
    """Integers with thousands separators, floats with four significant digits, the rest as `str`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def short_name(name: str, limit: int = 28) -> str:
    """The tail of a long tensor name."""
    return name if len(name) <= limit else "..." + name[-(limit - 3) :]
