"""Why images are in one group, and what lies across splits."""

import re

import pytest

from reporting import dataset_groups
from tests.drawn_dataset import BOX, Version, jpeg


def test_each_member_of_a_group_is_shown_with_its_nearest_and_how_well_they_agree(version: Version) -> None:
    page = version.page()
    assert re.search(r"<b>1</b> a0<br>nearest: picture [23], agreement 0\.\d\d", page)
    assert re.search(r"<b>2</b> b1<br>nearest: picture 1, agreement 0\.\d\d", page)
    assert "3 images, 3 boxes" in page
    assert "No pair of near-twins lies across splits" in page


def test_near_twins_across_splits_are_told_with_their_pictures(version: Version) -> None:
    for part in range(10, 20):  # with few parts, what one part shows is what all share
        version.add("validation", f"v{part}", f"v{part}", jpeg(part))
    version.add("test", "leak", "leak", jpeg(0, 9), BOX)
    page = version.page()
    assert "pairs of near-twins across splits" in page
    assert "No pair of near-twins" not in page


def test_a_large_group_is_cut_and_says_how_many_more(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_groups, "MEMBERS_SHOWN", 2)
    assert "… and 1 more" in version.page()


def test_a_group_that_an_earlier_version_has_split_names_the_nearest_of_the_other_split(version: Version) -> None:
    version.add("test", "a3", "a0", jpeg(0, 7), BOX)
    version.add("test", "a4", "a0", jpeg(1, 7), BOX)
    assert re.search(r"<br>nearest: \w+ in train, agreement 0\.\d\d", version.page())
