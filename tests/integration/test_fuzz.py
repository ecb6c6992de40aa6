"""Ten thousand requests that nobody has thought of, in a stack with a job, photos and models."""

from collections.abc import Iterator

import pytest

from local import stack
from tests.console_line import Line, photo
from tests.fuzz import Fuzz, parts_of
from tests.scored import approve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

REQUESTS = 10_000
ASKED = 14_000  # some routes have only one request of a kind


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    home = tmp_path_factory.mktemp("home")
    try:
        yield Line.start(home)
    finally:
        stack.down(home)


def test_no_request_is_a_fault_of_ours_and_no_bad_token_opens_anything(line: Line) -> None:
    _, job = line.open_job({f"fuzz-{number}.jpg": photo(number) for number in range(8)})
    approve(line.target, "in-service", 0.6)
    newest = approve(line.target, "judged", 0.6)
    fuzz = Fuzz(line, parts_of(line, job, newest_model=int(newest.rpartition(".")[2])), may_lack_model=False)
    fuzz.run(ASKED)
    print(f"{fuzz.statuses.total()} requests: {dict(sorted(fuzz.statuses.items()))}")
    assert fuzz.wrong == []
    assert fuzz.statuses.total() >= REQUESTS
