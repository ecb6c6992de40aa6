"""What `make bench ARGS="list"` and the page say of a benchmark."""

import pytest

from benchmarks.run import ALL, about


@pytest.mark.parametrize("name", ALL)
def test_what_is_said_of_a_benchmark_is_whole(name: str) -> None:
    said = about(name)
    assert said[-1] in ".?"
    assert said[0].isupper()


def test_the_first_paragraph_is_said_in_one_line_without_the_command() -> None:
    assert about("fleet") == "When each device of a simulated fleet takes a roll-out in the local stack."
    assert about("latency").endswith("Sightline, its parts, and YOLOv8n (exported at 480 pixels).")
