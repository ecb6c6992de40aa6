"""Some hundred requests that nobody has thought of. tests/integration/test_fuzz.py sends ten thousand."""

from tests.console_line import Line, photo
from tests.fuzz import Fuzz, parts_of


def test_no_request_is_a_fault_of_ours_and_no_bad_token_opens_anything(line: Line) -> None:
    _, job = line.open_job({"fuzz.jpg": photo(77)})
    fuzz = Fuzz(line, parts_of(line, job, newest_model=1000), may_lack_model=True)
    fuzz.run(320)
    assert fuzz.wrong == []
    assert fuzz.statuses[200] > 20, fuzz.statuses
