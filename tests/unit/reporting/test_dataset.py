"""The page of a dataset: it stands alone, whatever people wrote, and also without images."""

import re

from tests.drawn_dataset import Version


def test_the_page_stands_alone_and_what_people_wrote_is_escaped(version: Version) -> None:
    page = version.page()
    assert not re.search(r"<script|https?://|src=\"(?!data:)", page)
    assert "&lt;scratch&gt;" in page
    assert "<scratch>" not in page


def test_an_empty_version_has_a_page_too() -> None:
    page = Version().page()
    assert "No image could be looked at." in page
