"""Reading what devices say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.line.messages import (
    COMPONENT_EVENT,
    Health,
    InvalidMessageError,
    Telemetry,
    parse_reports,
)
from tests.named import OWN


def health(**changes: Any) -> dict[str, Any]:
    said = {"thing": "line-1", "healthy": True, "model_version": "1.0.1", "reason": None, "at": "2026-11-20T10:01:00Z"}
    return said | {"topic_thing": "line-1"} | changes


def test_a_health_report_is_read() -> None:
    assert parse_reports(health(), OWN) == [Health("line-1", "2026-11-20T10:01:00Z", "1.0.1", healthy=True, reason="")]


def test_a_long_reason_is_cut() -> None:
    assert len(parse_reports(health(healthy=False, reason="x" * 10_000), OWN)[0].reason) == 500


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (health(thing="line-2"), "thing 'line-2' reported on the topic of 'line-1'"),
        (health(thing=None, topic_thing=None), "thing None reported"),
        (health(healthy="yes"), "healthy must be true or false, got 'yes' from line-1"),
        (health(healthy=1), "healthy must be true or false, got 1 from line-1"),
        (health(model_version=3), "model_version must be like 1.0.7, got 3 from line-1"),
        (health(model_version=""), "model_version must be like 1.0.7"),
        (health(model_version="pk"), "model_version must be like 1.0.7, got 'pk' from line-1"),
        ([], "must be an object"),
        ({}, "thing None reported"),
    ],
)
def test_a_message_that_is_no_report_of_its_thing_is_refused(message: Any, said: str) -> None:
    with pytest.raises(InvalidMessageError, match=said):
        parse_reports(message, OWN)


def test_a_device_can_not_pass_for_greengrass() -> None:
    broken = {"componentName": "com.sightline.plant.Model", "lifecycleState": "BROKEN"}
    event = {
        "source": "aws.greengrass",
        "detail-type": COMPONENT_EVENT,
        "resources": ["arn:aws:greengrass:eu-west-1:1:coreDevices:line-1"],
        "detail": {"components": [broken]},
    }
    assert [report.thing for report in parse_reports(event, OWN)] == ["line-1"]
    with pytest.raises(InvalidMessageError, match="reported on the topic of 'line-2'"):
        parse_reports(event | {"topic_thing": "line-2"}, OWN)


def test_text_that_no_store_takes_is_made_one_that_it_takes() -> None:
    assert parse_reports(health(healthy=False, reason="bad \ud800"), OWN)[0].reason == "bad ?"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.just(float("inf")) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(shadow=JSON, latency=JSON, since=JSON)
def test_telemetry_is_read_or_refused_whatever_it_holds(shadow: Any, latency: Any, since: Any) -> None:
    message = {"thing": "t", "topic_thing": "t", "model_version": "1.0.1", "from": since, "to": ""}
    try:
        found = parse_reports(message | {"shadow": shadow, "latency_ms": latency}, OWN)
    except InvalidMessageError:
        return
    window = found[0]
    assert isinstance(window, Telemetry)
    assert 0 <= window.disagreements <= window.images


@pytest.mark.parametrize(
    "counts", [{"images": 1, "disagreements": 2}, {"images": -1}, {"images": 5, "disagreements": -1}]
)
def test_counts_that_can_not_be_are_refused(counts: dict[str, int]) -> None:
    message = {"thing": "t", "topic_thing": "t", "model_version": "1.0.1", "from": "", "to": "", "shadow": counts}
    with pytest.raises(InvalidMessageError):
        parse_reports(message, OWN)
