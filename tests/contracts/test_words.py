"""One word for one thing: the page and the command say of an image what the ledger's own words are."""

import re

from sightline.images.image import ImageStatus
from tests.project import ROOT


def test_the_page_says_of_an_image_what_the_command_says() -> None:
    text = (ROOT / "console" / "texts-overview.js").read_text()
    block = re.search(r"imageStates: \{\n(.*?)\n    \}", text, re.DOTALL)
    assert block
    assert dict(re.findall(r'(\w+): "([^"]+)"', block[1])) == {status.value: status.said for status in ImageStatus}


def test_the_page_spells_as_the_documentation_does() -> None:
    texts = "".join(path.read_text() for path in (ROOT / "console").glob("texts*.js"))
    read = re.sub(r"\b(labeling|PendingManualApproval): ", "", texts)  # what the API calls it
    assert re.findall(r"\w*(?:[Ll]abeled|[Ll]abeling|color|gray|center)\w*", read) == []
