"""What lies outside a rule's range has an answer, too."""

import pytest

from sightline.vision import decode
from sightline.vision.golden import iou


def test_more_bytes_than_an_image_may_have_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_BYTES", 10)
    with pytest.raises(decode.UndecodableImageError, match="11 bytes; at most 10 are taken"), decode.opened(b"x" * 11):
        pass


@pytest.mark.parametrize("other", [(2, 0, 3, 1), (0, 2, 1, 3), (1, 0, 2, 1)])
def test_boxes_that_do_not_meet_share_nothing(other: tuple[int, int, int, int]) -> None:
    assert iou((0, 0, 1, 1), other) == 0.0
