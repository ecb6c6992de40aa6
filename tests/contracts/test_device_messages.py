"""What the inspector publishes is what the cloud reads: a device ships only the first of the two modules."""

import time
from typing import Any, is_typeddict

import pytest

from edge.inspector import messages as said
from sightline.line import messages as read
from sightline.vision.verdict import Outcome
from tests.fake_device import THING, photo
from tests.named import OWN
from tests.unit.edge.test_service import Device

Message = dict[str, Any]
OLD, NEW, GONE = "1.0.3", "1.0.4", "1.0.9"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Message]]:
    """The messages of a device by topic: it saw a good part, a defect and a black image, with a shadow model, and
    refused a model; each with the thing of its topic, as the rules of the template add it.
    """
    device = Device(tmp_path_factory.mktemp("device"))
    device.model(OLD)
    device.model(NEW, gain=0.6)
    device.set(modelVersion=OLD, shadowVersion=NEW, telemetrySeconds=3600)
    device.start()
    device.until(device.healths)
    time.sleep(1.0)  # the shadow model loads
    device.drop(60)
    device.drop(200)
    (device.images / "black.jpg.part").write_bytes(photo(2, noise=3))
    (device.images / "black.jpg.part").rename(device.images / "black.jpg")
    device.until(lambda: len(device.broker.of("verdicts")) == 3)
    device.set(modelVersion=GONE)
    device.until(lambda: (GONE, False) in device.healths())
    device.stop()
    return {topic: [message | {"topic_thing": THING} for message in device.broker.of(topic)] for topic in said.Topic}


@pytest.mark.parametrize(
    ("topic", "shape"),
    [
        (said.Topic.VERDICTS, said.VerdictMessage),
        (said.Topic.HEALTH, said.HealthMessage),
        (said.Topic.TELEMETRY, said.TelemetryMessage),
        (said.Topic.ALARMS, said.AlarmMessage),
    ],
)
def test_messages_have_the_fields_that_their_type_says(
    published: dict[str, list[Message]], topic: said.Topic, shape: Any
) -> None:
    assert is_typeddict(shape)
    assert published[topic]
    for message in published[topic]:
        fields = message.keys() - {"topic_thing"}
        assert shape.__required_keys__ <= fields <= shape.__required_keys__ | shape.__optional_keys__


def test_the_cloud_reads_verdicts(published: dict[str, list[Message]]) -> None:
    verdicts = [read.Verdict.from_message(message) for message in published["verdicts"]]
    assert [(verdict.thing, verdict.outcome, verdict.fault, verdict.model_version) for verdict in verdicts] == [
        (THING, Outcome.PASS, "", OLD),
        (THING, Outcome.FAIL, "", OLD),
        (THING, Outcome.REVIEW, "black", OLD),
    ]
    assert [verdict.image for verdict in verdicts] == [message["image"] for message in published["verdicts"]]


def test_the_cloud_reads_health(published: dict[str, list[Message]]) -> None:
    told = [read.parse_reports(message, OWN) for message in published["health"]]
    proven, refused = published["health"]
    assert told == [
        [read.Health(THING, proven["at"], OLD, healthy=True, reason="")],
        [read.Health(THING, refused["at"], GONE, healthy=False, reason=f"model {GONE} is not on this device")],
    ]


def test_the_cloud_reads_telemetry(published: dict[str, list[Message]]) -> None:
    (window,) = published["telemetry"]
    assert read.parse_reports(window, OWN) == [
        read.Telemetry(
            THING, window["from"], window["to"], OLD, images=2, disagreements=1, latency_ms=window["latency_ms"]["p95"]
        )
    ]


def test_the_cloud_reads_alarms(published: dict[str, list[Message]]) -> None:
    alarms = [read.Alarm.from_message(message) for message in published["alarms"]]
    assert [(alarm.thing, alarm.alarm, alarm.state, alarm.image) for alarm in alarms] == [
        (THING, "black", read.AlarmState.RAISED, "black.jpg")
    ]
    assert alarms[0].detail == published["alarms"][0]["detail"]
