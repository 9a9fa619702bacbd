"""Tables as text and as HTML."""

from __future__ import annotations

from fxsim._core.tables import Table

TABLE = Table("A title", ["layer", "bits"], [["a<b>&", 1_234], ["c", ""]], "A remark.")


def test_text_has_title_rows_and_remark() -> None:
    assert TABLE.text().splitlines() == [
        "A title",
        "layer      bits",
        "-------  ------",
        "a<b>&     1,234",
        "c",
        "A remark.",
    ]


def test_html_is_escaped_and_aligned() -> None:
    html = TABLE.html()
    assert "a&lt;b&gt;&amp;" in html
    assert "<b>" not in html
    assert 'text-align: right;"> 1,234' in html
    assert "A title" not in html


def test_a_table_without_rows() -> None:
    assert Table("", ["x"], []).text().splitlines() == ["x", "---"]
