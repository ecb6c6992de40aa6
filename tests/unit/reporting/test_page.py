"""The parts that all pages share: what people wrote is escaped, and numbers stand to the right."""

import pytest

from reporting.page import count, figure, page, table, tile


def test_texts_are_escaped_and_html_is_not() -> None:
    made = page("<title>", "<p>body</p>", style=".own {}")
    assert "<title>&lt;title&gt;</title>" in made
    assert made.endswith(".own {}</style>\n<p>body</p></html>")
    assert table(["<a>"], [["<b>"]]) == "<table><tr><th>&lt;a&gt;</th></tr><tr><td>&lt;b&gt;</td></tr></table>"
    assert tile("<1>", "&") == '<div><div class="number">&lt;1&gt;</div>&amp;</div>'
    assert "<figcaption>&lt;i&gt;</figcaption>" in figure("data:,", "<i>")


def test_columns_of_numbers_and_titles_of_rows_are_marked() -> None:
    assert table(["", "AP"], [["dent", 0.5]], numeric=[1], titled=True) == (
        '<table><tr><th></th><th class="n">AP</th></tr><tr><th>dent</th><td class="n">0.5</td></tr></table>'
    )


@pytest.mark.parametrize(
    ("given", "said"), [((0, "photo"), "0 photos"), ((1, "photo"), "1 photo"), ((2, "box", "boxes"), "2 boxes")]
)
def test_a_number_has_the_right_form_of_its_noun(given: tuple[int, str], said: str) -> None:
    assert count(*given) == said
