"""Greengrass IPC: settings and messages, over a client that answers as the SDK's does."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from edge.inspector.nucleus import IpcSettings
from edge.inspector.publisher import IpcPublisher


class Client:
    """GreengrassCoreIPCClientV2 with the calls that the inspector makes; their keywords are the SDK's (1.31)."""

    def __init__(self) -> None:
        self.values: Any = {"modelVersion": "1.0.3"}
        self.reports: list[Any] = []
        self.published: list[tuple[str, str, bytes]] = []
        self.fails = False

    def subscribe_to_configuration_update(self, *, key_path: Any, on_stream_event: Any, on_stream_error: Any) -> None:
        self.update = on_stream_event

    def subscribe_to_validate_configuration_updates(self, *, on_stream_event: Any, on_stream_error: Any) -> None:
        self.validate = on_stream_event

    def get_configuration(self, *, key_path: Any) -> Any:
        if self.fails:
            raise RuntimeError("away")
        return SimpleNamespace(value=self.values)

    def send_configuration_validity_report(self, *, configuration_validity_report: Any) -> None:
        self.reports.append(configuration_validity_report)

    def publish_to_iot_core(self, *, topic_name: str, qos: str, payload: bytes) -> None:
        if self.fails:
            raise RuntimeError("spooler is full")
        self.published.append((topic_name, qos, payload))

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's classes of data; the SDK itself is on devices only."""
    model: Any = ModuleType("awsiot.greengrasscoreipc.model")
    model.ConfigurationValidityReport = SimpleNamespace
    model.ConfigurationValidityStatus = SimpleNamespace(ACCEPTED="ACCEPTED", REJECTED="REJECTED")
    model.QOS = SimpleNamespace(AT_LEAST_ONCE="1")
    for name in ("awsiot", "awsiot.greengrasscoreipc"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "awsiot.greengrasscoreipc.model", model)


def test_settings_are_read_at_the_start_and_when_they_change_and_again_after_an_error() -> None:
    client = Client()
    settings = IpcSettings(client)
    assert [settings.changed(), settings.changed()] == [{"modelVersion": "1.0.3"}, None]
    client.values = {"modelVersion": "1.0.4"}
    client.update(object())
    client.fails = True
    assert settings.changed() is None
    client.fails = False
    assert settings.changed() == {"modelVersion": "1.0.4"}


@pytest.mark.parametrize(("values", "status"), [({"sampleRate": 0.5}, "ACCEPTED"), ({"sampleRate": 5}, "REJECTED")])
def test_a_deployment_is_told_whether_its_settings_can_be_used(values: Any, status: str) -> None:
    client = Client()
    IpcSettings(client)
    event = SimpleNamespace(configuration=values, deployment_id="d-1")
    client.validate(SimpleNamespace(validate_configuration_update_event=event))
    (report,) = client.reports
    assert (report.status, report.deployment_id) == (status, "d-1")
    assert hasattr(report, "message") == (status == "REJECTED")


def test_a_message_is_handed_to_the_nucleus_or_kept() -> None:
    client = Client()
    publisher = IpcPublisher(client)
    assert publisher.publish("sightline/line-1/verdicts", b"{}") is True
    assert client.published == [("sightline/line-1/verdicts", "1", b"{}")]
    client.fails = True
    assert publisher.publish("sightline/line-1/verdicts", b"{}") is False
