"""What the tests of the dataset's page start from."""

import pytest

from tests.drawn_dataset import BOX, Version, jpeg


@pytest.fixture
def version() -> Version:
    """Three photos of part 0 and two of part 1 in training, one of another part in each other split."""
    made = Version()
    for photo in range(3):
        made.add("train", f"a{photo}", "a0", jpeg(0, photo), BOX)
    for photo in range(2):
        made.add("train", f"b{photo}", "b0", jpeg(1, photo))
    made.add("validation", "v", "v", jpeg(2), BOX)
    made.add("test", "t", "t", jpeg(3), BOX)
    return made
