"""Labels that look wrong are shown to the person."""

from tests.drawn_dataset import Version, jpeg


def test_twins_with_other_labels_are_shown_to_the_person(version: Version) -> None:
    assert "near-twins are labelled alike" in version.page()
    version.add("train", "a3", "a0", jpeg(0, 3))
    assert "100% of the boxes have no counterpart" in version.page()


def test_a_box_that_looks_wrong_is_named_with_its_image(version: Version) -> None:
    version.add("test", "odd", "odd", jpeg(8), {"class_id": 1, "left": 0, "top": 0, "width": 96, "height": 64})
    page = version.page()
    assert "<td>odd.jpeg</td><td>test</td><td>box 1 (96×64 pixels) covers almost the whole image</td>" in page
