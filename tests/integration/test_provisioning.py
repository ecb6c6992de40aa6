"""Provisioning and removing devices, with nothing but the rights of the template's policy for it, on the emulator."""

import json
import ssl
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import paho.mqtt.client as mqtt
import pytest
import yaml
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from cli.commands.device import app
from client import devices, provisioning
from client.device_folder import FolderError
from client.provisioning import ProvisioningError, plan_removal, provision, remove
from client.target import Target
from local.account import ACCOUNT, REGION
from local.device.emulator_cloud import EmulatorCloud
from local.device.identity import Identity
from sightline.names import device_topics
from tests.device_account import RESOURCES, STACK, DeviceAccount

PROVISIONED = ("ThingGroup", "CanaryThingGroup", "ProvisionDevicesPolicy")
TOPIC = device_topics(STACK, "")


class Account(DeviceAccount):
    """The emulator with the devices' part of the template, and a person who may provision them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, (*RESOURCES, *PROVISIONED), CanaryGroup="true")
        self.target = Target(self.outputs(), self.person(), self.endpoint)

    def outputs(self) -> dict[str, str]:
        return {
            "StackName": STACK,
            "ThingGroupName": f"{STACK}-fleet",
            "CanaryThingGroupName": f"{STACK}-canary",
            "ThingGroupArn": f"arn:aws:iot:{REGION}:{ACCOUNT}:thinggroup/{STACK}-fleet",
            "DevicePolicyName": self.names["DevicePolicy"],
            "DeviceRoleAliasName": self.names["DeviceRoleAlias"],
            "ArtifactsBucketName": self.names["ArtifactsBucket"],
            "ImagesBucketName": self.names["ImagesBucket"],
        }

    def person(self) -> Any:
        """A session that has the policy's rights and no others."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName="technician", AssumeRolePolicyDocument=document)["Role"]
        iam.attach_role_policy(RoleName="technician", PolicyArn=self.names["ProvisionDevicesPolicy"])
        given = self.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="technician")["Credentials"]
        return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=REGION)

    def certificates(self) -> dict[str, str]:
        """The status of each certificate."""
        found = self.client("iot").list_certificates()["certificates"]
        return {entry["certificateId"]: entry["status"] for entry in found}

    def groups(self, thing: str) -> list[str]:
        found = self.client("iot").list_thing_groups_for_thing(thingName=thing)["thingGroups"]
        return [entry["groupName"] for entry in found]

    def connects(self, thing: str) -> None:
        """Let a nucleus tell that it runs."""
        cloud = EmulatorCloud(self.endpoint, self.credentials, Identity(thing, "", "", ""))
        cloud.exchange(thing, {"status": "HEALTHY", "components": [], "deployment": {}, "events": []})
        cloud.tokens.close()

    def publishes(self, folder: Path, client_id: str, topic: str) -> bool:
        """Whether the broker takes a message of this client, with the certificate of a folder."""
        taken, answered = [], threading.Event()

        def connected(client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if reason.is_failure:
                answered.set()
            else:
                client.publish(topic, b"{}", qos=1)

        def published(*_: Any) -> None:
            taken.append(topic)
            answered.set()

        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id)
        client.tls_set(*(str(folder / name) for name in ("AmazonRootCA1.pem", "device.pem.crt", "private.pem.key")))
        client.on_connect, client.on_publish = connected, published
        client.on_disconnect = lambda *_: answered.set()
        try:
            client.connect("127.0.0.1", self.mqtt_port)
        except (ssl.SSLError, ConnectionError):
            return False
        client.loop_start()
        answered.wait(10)
        client.disconnect()
        client.loop_stop()
        return bool(taken)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    root = tmp_path_factory.mktemp("emulator")
    made = Account(root)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def thing() -> str:
    """A device's name, another one for each test."""
    return f"line-{uuid.uuid4().hex[:8]}"


def test_a_provisioned_device_connects_as_itself_on_every_connection_of_the_nucleus(
    account: Account, thing: str, tmp_path: Path
) -> None:
    folder = tmp_path / "device"
    made = provision(account.target, thing, folder, canary=False)
    assert (made.thing, made.group, made.news) == (thing, f"{STACK}-fleet", True)
    assert account.certificates()[made.certificate_id] == "ACTIVE"
    assert account.groups(thing) == [f"{STACK}-fleet"]
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in [folder, *folder.iterdir()]}
    assert modes == {
        "device": "0o700",
        ".gitignore": "0o600",
        "AmazonRootCA1.pem": "0o600",
        "config.yaml": "0o600",
        "device.json": "0o600",
        "device.pem.crt": "0o600",
        "install.sh": "0o700",
        "private.pem.key": "0o600",
    }
    configuration = yaml.safe_load((folder / "config.yaml").read_text())
    nucleus = configuration["services"]["aws.greengrass.Nucleus"]["configuration"]
    assert configuration["system"]["thingName"] == thing
    assert (nucleus["awsRegion"], nucleus["iotRoleAlias"]) == (REGION, account.names["DeviceRoleAlias"])
    assert (".iot." in nucleus["iotDataEndpoint"], ".credentials.iot." in nucleus["iotCredEndpoint"]) == (True, True)
    for client_id in (thing, f"{thing}#2", f"{thing}#3"):
        assert account.publishes(folder, client_id, f"{TOPIC}{thing}/verdicts"), client_id
    for client_id in ("another", f"{thing}-2", "another#2"):
        assert not account.publishes(folder, client_id, f"{TOPIC}{thing}/verdicts"), client_id
    assert not account.publishes(folder, f"{thing}#2", f"{TOPIC}another/verdicts")


def test_a_certificate_that_is_not_the_things_alone_can_not_connect_as_the_second_client(
    account: Account, thing: str, tmp_path: Path
) -> None:
    """What AWS does where the attachment is not exclusive: the client's id must be the thing's name."""
    made = provision(account.target, thing, tmp_path, canary=False)
    iot = account.client("iot")
    arn = iot.describe_certificate(certificateId=made.certificate_id)["certificateDescription"]["certificateArn"]
    iot.create_thing(thingName=f"{thing}-other")
    with pytest.raises(ClientError, match="exclusive"):
        iot.attach_thing_principal(thingName=f"{thing}-other", principal=arn)
    iot.detach_thing_principal(thingName=thing, principal=arn)
    iot.attach_thing_principal(thingName=thing, principal=arn)
    assert account.publishes(tmp_path, thing, f"{TOPIC}{thing}/verdicts")
    assert not account.publishes(tmp_path, f"{thing}#2", f"{TOPIC}{thing}/verdicts")


def test_provisioning_again_changes_nothing_but_what_is_asked_for(account: Account, thing: str, tmp_path: Path) -> None:
    first = provision(account.target, thing, tmp_path, canary=False)
    key = (tmp_path / "private.pem.key").read_bytes()
    before = account.certificates()
    again = provision(account.target, thing, tmp_path, canary=False)
    assert (again.news, again.certificate_id) == (False, first.certificate_id)
    moved = provision(account.target, thing, tmp_path, canary=True)
    assert (moved.news, moved.group, account.groups(thing)) == (True, f"{STACK}-canary", [f"{STACK}-canary"])
    assert (account.certificates(), (tmp_path / "private.pem.key").read_bytes()) == (before, key)
    iot, policy = account.client("iot"), account.names["DevicePolicy"]
    arn = iot.describe_certificate(certificateId=first.certificate_id)["certificateDescription"]["certificateArn"]
    iot.detach_policy(policyName=policy, target=arn)  # as when the stack was removed and made anew
    assert provision(account.target, thing, tmp_path, canary=True).news
    assert iot.list_targets_for_policy(policyName=policy)["targets"].count(arn) == 1


@pytest.mark.parametrize(
    "step",
    [
        "create_certificate_from_csr",
        "describe_endpoint",
        "add_thing_to_thing_group",
        "attach_policy",
        "attach_thing_principal",
        "update_certificate",
    ],
)
def test_a_half_made_device_is_finished_by_the_same_command(
    account: Account, thing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    iot = account.target.aws.iot

    def fail(**_: Any) -> None:
        raise ConnectionError("the network is gone")

    with monkeypatch.context() as patched:
        patched.setattr(iot, step, fail)
        with pytest.raises(ConnectionError):
            provision(account.target, thing, tmp_path, canary=False)
    known = json.loads((tmp_path / "device.json").read_text())["certificate_id"]
    assert account.certificates().get(known, "INACTIVE") == "INACTIVE", "it is activated last"
    before = account.certificates()
    made = provision(account.target, thing, tmp_path, canary=False)
    assert made.news
    assert set(account.certificates()) - set(before) <= {made.certificate_id}
    assert account.publishes(tmp_path, thing, f"{TOPIC}{thing}/verdicts")


def test_a_removed_device_is_locked_out_and_gone_and_removing_it_twice_is_fine(
    account: Account, thing: str, tmp_path: Path
) -> None:
    folder = tmp_path / "device"
    made = provision(account.target, thing, folder, canary=True)
    kept = {name: (folder / name).read_bytes() for name in ("AmazonRootCA1.pem", "device.pem.crt", "private.pem.key")}
    account.connects(thing)
    plan = plan_removal(account.target, thing, folder)
    assert provisioning.told(plan) == [
        f"thing {thing}, in {STACK}-canary",
        f"certificate {made.certificate_id}",
        f"core device {thing}, HEALTHY",
        f"folder {folder}, with the private key",
    ]
    remove(account.target, plan)
    assert not folder.exists()
    assert made.certificate_id not in account.certificates()
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        account.client("iot").describe_thing(thingName=thing)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        account.client("greengrassv2").get_core_device(coreDeviceThingName=thing)
    folder.mkdir()
    for name, body in kept.items():
        (folder / name).write_bytes(body)
    assert not account.publishes(folder, thing, f"{TOPIC}{thing}/verdicts")
    assert plan_removal(account.target, thing, tmp_path / "elsewhere").is_empty
    remove(account.target, plan_removal(account.target, thing, tmp_path / "elsewhere"))


@pytest.mark.parametrize("step", ["detach_policy", "delete_certificate", "delete_thing"])
def test_a_half_made_removal_is_finished_by_the_same_command(
    account: Account, thing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    made = provision(account.target, thing, tmp_path / "device", canary=False)

    def fail(**_: Any) -> None:
        raise ConnectionError("the network is gone")

    with monkeypatch.context() as patched:
        patched.setattr(account.target.aws.iot, step, fail)
        with pytest.raises(ConnectionError):
            remove(account.target, plan_removal(account.target, thing, tmp_path / "device"))
    assert account.certificates().get(made.certificate_id, "gone") in ("INACTIVE", "gone")
    remove(account.target, plan_removal(account.target, thing, tmp_path / "device"))
    assert made.certificate_id not in account.certificates()
    assert plan_removal(account.target, thing, tmp_path / "device").is_empty


def test_what_belongs_to_others_is_left_alone_and_named(account: Account, thing: str, tmp_path: Path) -> None:
    iot = account.client("iot")
    iot.create_thing(thingName=f"{thing}-hand")
    with pytest.raises(ProvisioningError, match="was not made by `sightline device provision`; choose another name"):
        provision(account.target, f"{thing}-hand", tmp_path / "hand", canary=False)
    with pytest.raises(ProvisioningError, match="is not this stack's; remove it where it was made"):
        plan_removal(account.target, f"{thing}-hand", tmp_path / "none")
    attributes = {"attributes": {provisioning.STACK: "staging"}}
    iot.create_thing(thingName=f"{thing}-staging", attributePayload=attributes)
    with pytest.raises(ProvisioningError, match="belongs to stack staging; choose another name"):
        provision(account.target, f"{thing}-staging", tmp_path / "staging", canary=False)
    provision(account.target, thing, tmp_path / "device", canary=False)
    with pytest.raises(ProvisioningError, match=r"has another certificate, .*…, whose folder is elsewhere"):
        provision(account.target, thing, tmp_path / "second", canary=False)
    with pytest.raises(FolderError, match=f"is the folder of {thing} of stack {STACK}; name another"):
        provision(account.target, f"{thing}-2", tmp_path / "device", canary=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").touch()
    with pytest.raises(FolderError, match="is there already, with other content; name another"):
        provision(account.target, f"{thing}-2", tmp_path / "full", canary=False)
    with pytest.raises(ProvisioningError, match="is no device's name: use 1 to 128 letters"):
        provision(account.target, "line/3", tmp_path / "name", canary=False)
    (tmp_path / "device" / "private.pem.key").unlink()
    with pytest.raises(ProvisioningError, match="has lost its key or certificate; `sightline device remove"):
        provision(account.target, thing, tmp_path / "device", canary=False)


def test_a_certificate_that_is_gone_is_made_anew_with_a_new_key(account: Account, thing: str, tmp_path: Path) -> None:
    first = provision(account.target, thing, tmp_path, canary=False)
    key = (tmp_path / "private.pem.key").read_bytes()
    remove(account.target, plan_removal(account.target, thing, tmp_path / "elsewhere"))
    second = provision(account.target, thing, tmp_path, canary=False)
    assert second.certificate_id != first.certificate_id
    assert (tmp_path / "private.pem.key").read_bytes() != key


def test_the_commands_say_what_they_do_and_ask_before_they_remove(
    account: Account, thing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cli.commands.device.target", lambda: account.target)
    monkeypatch.setattr("cli.screen.is_terminal", lambda: True)

    def run(*arguments: str, typed: str = "") -> tuple[int, str]:
        done = CliRunner().invoke(app, list(arguments), input=typed)
        return done.exit_code, " ".join(done.output.split())

    code, said = run("provision", thing)
    assert code == 0
    assert said == (
        f"{thing} is provisioned, in group {STACK}-fleet. Its private key is in {thing}. "
        f"Copy the folder to the device and run there: sudo ./{thing}/install.sh"
    )
    assert run("provision", thing)[1].startswith(f"{thing} is provisioned already, in group {STACK}-fleet;")
    code, said = run("remove", thing, typed="n\n")
    assert (code, f"thing {thing}, in {STACK}-fleet" in said, (tmp_path / thing).exists()) == (1, True, True)
    code, said = run("remove", thing, "--yes")
    assert (code, (tmp_path / thing).exists()) == (0, False)
    assert said.endswith(f"{thing} is removed. Keys that it already has are valid for at most an hour.")
    assert run("remove", thing) == (0, f"There is nothing of {thing}.")


def test_two_who_publish_the_inspector_at_once_make_one_version(account: Account) -> None:
    target = Target(account.outputs(), boto3.Session(**account.credentials), account.endpoint)
    assert target.aws.s3
    assert target.aws.greengrass
    together = threading.Barrier(4)

    def publish(_: int) -> object:
        together.wait()
        return devices.publish_inspector(target)

    with ThreadPoolExecutor(4) as pool:
        published = list(pool.map(publish, range(4)))
    assert len(set(published)) == 1
    arns = [entry["arn"] for entry in account.client("greengrassv2").list_components()["components"]]
    versions = account.client("greengrassv2").list_component_versions(arn=arns[0])["componentVersions"]
    assert [entry["componentVersion"] for entry in versions] == ["1.0.1"]
