"""What a state may hand on."""

import pytest

from local.emulator import limits


@pytest.mark.parametrize(("text", "too_large"), [("x" * 262_142, False), ("x" * 262_143, True), ("é" * 131_072, True)])
def test_a_state_hands_on_at_most_256_kb_of_utf8(text: str, too_large: bool) -> None:
    assert limits.is_too_large(text) is too_large
