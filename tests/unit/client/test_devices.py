"""What `sightline device` tells of a fleet: also of devices that never connected, and what each said of its model."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from client import devices
from client.pipeline import PipelineError

SEEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


class Pages:
    """A paginator of one page."""

    def __init__(self, page: dict[str, Any]) -> None:
        self._page = page

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [self._page]


class Cloud:
    """Greengrass, IoT and DynamoDB of a fleet: canary-1 is healthy, line-1 refused its model, line-2 was never
    there.
    """

    outputs: ClassVar[dict[str, str]] = {
        "ThingGroupName": "fleet",
        "CanaryThingGroupName": "canary",
        "DeploymentsTableName": "deployments",
    }
    exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)
    session = SimpleNamespace(region_name="eu-west-1")

    def client(self, _service: str) -> "Cloud":
        return self

    def get_paginator(self, operation: str) -> Any:
        if operation == "list_things_in_thing_group":
            return SimpleNamespace(
                paginate=lambda thingGroupName: [  # noqa: N803
                    {"things": {"canary": ["canary-1"], "fleet": ["line-1", "line-2"]}[thingGroupName]}
                ]
            )
        if operation == "list_core_devices":
            names = ("canary-1", "line-1")
            return Pages(
                {
                    "coreDevices": [
                        {"coreDeviceThingName": name, "status": "HEALTHY", "lastStatusUpdateTimestamp": SEEN}
                        for name in names
                    ]
                }
            )
        deployment = {"coreDeviceExecutionStatus": "FAILED", "reason": "no space", "modifiedTimestamp": SEEN}
        return Pages({"effectiveDeployments": [deployment]})

    def list_installed_components(self, **_: Any) -> dict[str, Any]:
        return {"installedComponents": [{"componentName": "com.sightline.Model", "componentVersion": "1.0.3"}]}

    def get_item(self, TableName: str, Key: Any) -> dict[str, Any]:  # noqa: N803
        assert TableName == "deployments"
        thing = Key["pk"]["S"].removeprefix("thing#")
        if thing == "line-2":
            return {}
        said = {"healthy": {"BOOL": thing == "canary-1"}, "reason": {"S": "golden"}, "at": {"S": "2026-11-20"}}
        return {"Item": {"pk": Key["pk"], "1.0.3": {"M": said}}}


@pytest.fixture
def target() -> Any:
    return Cloud()


def test_every_device_is_listed_with_its_health_also_one_that_never_connected(target: Any) -> None:
    columns = ("thing", "group", "status", "model", "healthy", "last_seen")
    assert [tuple(entry[name] for name in columns) for entry in devices.listed(target)] == [
        ("canary-1", "canary", "HEALTHY", "1.0.3", "yes", "2026-11-20T10:00:00+00:00"),
        ("line-1", "fleet", "HEALTHY", "1.0.3", "NO", "2026-11-20T10:00:00+00:00"),
        ("line-2", "fleet", "NEVER SEEN", "", "", ""),
    ]


def test_a_device_is_shown_with_its_deployments_and_what_it_said(target: Any) -> None:
    shown = devices.show(target, "line-1")
    assert [(entry["status"], entry["reason"]) for entry in shown["deployments"]] == [("FAILED", "no space")]
    assert shown["reports"] == [{"model": "1.0.3", "healthy": False, "reason": "golden", "at": "2026-11-20"}]


def test_an_unknown_device_is_named_with_those_that_there_are(target: Any) -> None:
    with pytest.raises(PipelineError, match="no device 'line-9'; there are: canary-1, line-1, line-2"):
        devices.show(target, "line-9")


def test_the_logs_of_a_simulated_device_are_its_nucleus_and_its_components(tmp_path: Path) -> None:
    logs = tmp_path / "devices" / "line-1" / "logs"
    logs.mkdir(parents=True)
    for path in (logs.parent / "nucleus.log", logs / "com.sightline.Inspector.log"):
        path.write_text("hello\n")
    assert [path.name for path in devices.log_files(tmp_path, "line-1")] == [
        "nucleus.log",
        "com.sightline.Inspector.log",
    ]
    with pytest.raises(PipelineError, match="no simulated device 'line-2' was ever started here"):
        devices.log_files(tmp_path, "line-2")


def test_where_logs_are_on_aws_is_one_line(target: Any) -> None:
    said = devices.logs_on_aws(target, "line-1")
    assert "/aws/greengrass/UserComponent/eu-west-1/com.sightline.Inspector" in said
    assert "\n" not in said
