"""What one image may cost: the same everywhere, less where a function has less."""

import pytest

from sightline.vision.decode import UndecodableImageError
from sightline.vision.guard import limits
from sightline.vision.guard.limits import MAX_MEMORY, MIB, MIN_MEMORY, check_memory, check_size, max_memory


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((8000, 8001), "at most 64000000 pixels"),
        ((15, 16), "at least 16 on each side"),
        ((16, 1_000_001), "at most 1000000 on each side"),
        ((8000, 8000), ""),
        ((30_000, 2048), ""),
    ],
)
def test_a_size_outside_the_limits_is_refused(size: tuple[int, int], said: str) -> None:
    if not said:
        check_size(*size, limits.MAX_PIXELS)
        return
    with pytest.raises(UndecodableImageError, match=said):
        check_size(*size, limits.MAX_PIXELS)


@pytest.mark.parametrize(("function", "given"), [("", MAX_MEMORY), ("3008", MAX_MEMORY), ("60", MIN_MEMORY)])
def test_a_small_function_gives_what_it_has(monkeypatch: pytest.MonkeyPatch, function: str, given: int) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function)
    assert max_memory() == given


def test_what_the_function_itself_takes_is_not_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory
) -> None:
    statm = tmp_path / "statm"  # type: ignore[operator]
    statm.write_text(f"900000 {200 * MIB // limits.resource.getpagesize()} 1 1 0 1 0")
    monkeypatch.setattr(limits, "STATM", statm)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    assert max_memory() == (512 - 200 - 48) * MIB
    with pytest.raises(
        UndecodableImageError, match="an image needs 265 MiB of memory to be decoded; at most 264 are given"
    ):
        check_memory(265 * MIB, "an image")
