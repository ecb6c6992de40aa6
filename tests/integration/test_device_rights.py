"""What a device may do, by the template's own policy and role: asked of the emulator as a simulated device asks it."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from edge.inspector.publisher import CERTIFICATES, MqttPublisher
from local.account import REGION
from local.device import identity
from local.device.emulator_cloud import EmulatorCloud
from local.device.identity import Identity
from tests.device_account import DeviceAccount


class Account(DeviceAccount):
    """The emulator, and devices that are provisioned as simulated ones are."""

    def device(self, thing: str) -> "Device":
        root = self.root / "devices" / thing
        root.mkdir(parents=True, exist_ok=True)
        iot = self.client("iot")
        iot.create_thing_group(thingGroupName="fleet")
        identity.join(iot, thing, "fleet")
        policy, alias = self.names["DevicePolicy"], self.names["DeviceRoleAlias"]
        own = identity.provision(iot, root, thing, policy, alias, self.endpoint, self.mqtt_port)
        return Device(self, own, root)


class Device:
    """One device with its certificate and the keys that it gets for it."""

    def __init__(self, account: Account, own: Identity, root: Path) -> None:
        self.account, self.own, self.root = account, own, root
        self.cloud = EmulatorCloud(account.endpoint, account.credentials, own)

    def put(self, key: str, bucket: str = "ImagesBucket") -> str:
        return self.refused(lambda s3: s3.put_object(Bucket=self.account.names[bucket], Key=key, Body=b"x"))

    def refused(self, call: Callable[[Any], object]) -> str:
        """Why S3 refuses a call with the device's own keys; an empty text when it does not."""
        keys, connect = self.cloud.tokens.keys(), boto3.client
        s3: Any = connect(
            "s3",
            endpoint_url=self.account.endpoint,
            region_name=REGION,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.token,
        )
        try:
            call(s3)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    def publish(self, topic: str, client_id: str = "") -> bool:
        """Whether the broker takes a message from this device's certificate."""
        publisher = MqttPublisher(self.own.mqtt_url, client_id or self.own.thing)
        try:
            for _ in range(100):
                if publisher._client.is_connected():
                    break
                time.sleep(0.02)
            return publisher.publish(topic, b"{}")
        finally:
            publisher.close()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    root = tmp_path_factory.mktemp("emulator")
    made = Account(root)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def device(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    made = account.device("line-1")
    monkeypatch.setenv(CERTIFICATES, str(made.root / identity.CERTIFICATES))
    yield made
    made.cloud.tokens.close()


def test_a_device_sends_images_under_its_own_name_only(device: Device) -> None:
    assert device.put("incoming/line-1/2026-11-29/1-part.jpg") == ""
    for key in ("incoming/line-2/1-part.jpg", "incoming/part.jpg", "incoming/line-10/1.jpg", "quarantine/line-1/1.jpg"):
        assert device.put(key) == "AccessDenied", key
    assert device.put("components/com.sightline.line.Model/1.0.1/model.zip", "ArtifactsBucket") == "AccessDenied"


def test_a_device_reads_components_and_nothing_else(device: Device) -> None:
    bucket = device.account.names["ArtifactsBucket"]
    root = device.account.client("s3")
    for key in ("components/com.sightline.line.Model/1.0.1/model.zip", "datasets/latest.json"):
        root.put_object(Bucket=bucket, Key=key, Body=b"zip")
    assert device.cloud.artifact(f"s3://{bucket}/components/com.sightline.line.Model/1.0.1/model.zip") == b"zip"
    assert device.refused(lambda s3: s3.get_object(Bucket=bucket, Key="datasets/latest.json")) == "AccessDenied"
    assert device.refused(lambda s3: s3.list_objects_v2(Bucket=bucket)) == "AccessDenied"
    images = device.account.names["ImagesBucket"]
    assert device.refused(lambda s3: s3.delete_object(Bucket=images, Key="incoming/line-1/1.jpg")) == "AccessDenied"


def test_a_device_without_the_right_to_put_objects_sends_none(device: Device) -> None:
    iam, role = device.account.client("iam"), device.account.names["DeviceRole"]
    policy = iam.get_role_policy(RoleName=role, PolicyName="device")["PolicyDocument"]
    less = [statement for statement in policy["Statement"] if statement["Sid"] != "SendOwnImages"]
    iam.put_role_policy(RoleName=role, PolicyName="device", PolicyDocument=json.dumps({**policy, "Statement": less}))
    try:
        assert device.put("incoming/line-1/1-part.jpg") == "AccessDenied"
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="device", PolicyDocument=json.dumps(policy))
    assert device.put("incoming/line-1/1-part.jpg") == ""


def test_a_device_speaks_as_itself_only(device: Device) -> None:
    for topic in ("verdicts", "health", "telemetry", "alarms"):
        assert device.publish(f"sightline/line/line-1/{topic}"), topic
    assert not device.publish("sightline/line/line-2/verdicts")
    assert not device.publish("sightline/line-staging/line-1/verdicts")
    assert not device.publish("sightline/line-1/verdicts")
    assert not device.publish("sightline/line/line-2/verdicts", client_id="line-2")


def test_a_certificate_that_was_taken_back_gets_no_keys(device: Device) -> None:
    iot = device.account.client("iot")
    iot.update_certificate(certificateId=device.own.certificate_id, newStatus="INACTIVE")
    try:
        with pytest.raises(Exception, match="403"):
            device.cloud.tokens.keys()
    finally:
        iot.update_certificate(certificateId=device.own.certificate_id, newStatus="ACTIVE")
