"""What every function says of itself on each line, and what it leaves for the next call."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from sightline import runtime

CONTEXT: Any = SimpleNamespace(
    function_name="f", memory_limit_in_mb=128, invoked_function_arn="arn:f", aws_request_id="request-1"
)


@runtime.step
def work(event: Any, context: runtime.Context) -> str:
    if event == "fail":
        runtime.count_metric("Failures")
        raise ValueError(event)
    runtime.correlate(event.get("found"))
    runtime.logger.info("worked")
    return "done"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged, line by line."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(runtime.logger.registered_formatter)
    runtime.logger.addHandler(handler)
    yield lambda: [json.loads(text) for text in written.getvalue().splitlines()]
    runtime.logger.removeHandler(handler)


def test_a_line_has_the_ids_of_its_event_and_not_of_the_event_before(lines: Any) -> None:
    assert work({"correlation_id": "window-1", "execution": "e"}, CONTEXT) == "done"
    work({}, CONTEXT)
    first, second = lines()
    assert (first["correlation_id"], first["execution"], first["function_request_id"]) == ("window-1", "e", "request-1")
    assert {"correlation_id", "execution"} & second.keys() == set()


def test_an_id_that_is_learned_later_is_on_the_lines_after(lines: Any) -> None:
    work({"correlation_id": "deploy", "found": "window-1"}, CONTEXT)
    assert lines()[0]["correlation_id"] == "window-1"


def test_metrics_are_sent_also_when_a_function_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="fail"):
        work("fail", CONTEXT)
    assert [json.loads(text)["Failures"] for text in capsys.readouterr().out.splitlines() if "Failures" in text] == [
        [1.0]
    ]
