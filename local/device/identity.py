"""A simulated device's identity: thing, group, certificate and policy in the cloud, and the files that it keeps."""

import json
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_iot import IoTClient

FILE = "identity.json"
CERTIFICATES = "certificates"  # folder with device.pem, device.key and ca.pem, as a Greengrass nucleus has them


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device is: its certificate, the role alias behind its rights, and where AWS IoT listens."""

    thing: str
    certificate_id: str
    role_alias: str
    mqtt_url: str  # `mqtts://host:port`

    def write(self, root: Path) -> None:
        (root / FILE).write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, root: Path) -> "Identity":
        return cls(**json.loads((root / FILE).read_text()))


def join(iot: "IoTClient", thing: str, group: str) -> None:
    """Register a thing in a group, and in no other."""
    iot.create_thing(thingName=thing)
    found = iot.list_thing_groups_for_thing(thingName=thing)["thingGroups"]
    for other in {entry["groupName"] for entry in found} - {group}:
        iot.remove_thing_from_thing_group(thingGroupName=other, thingName=thing)
    iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)


def provision(
    iot: "IoTClient", root: Path, thing: str, policy: str, role_alias: str, endpoint: str, mqtt_port: int
) -> Identity:
    """Give a thing a certificate with the stack's policy, once, and write its files below `root`."""
    folder = root / CERTIFICATES
    mqtt_url = f"mqtts://127.0.0.1:{mqtt_port}"
    if (root / FILE).is_file():
        known = Identity.read(root)
        if known.certificate_id in {entry["certificateId"] for entry in iot.list_certificates()["certificates"]}:
            current = Identity(thing, known.certificate_id, role_alias, mqtt_url)
            current.write(root)
            return current
    made = iot.create_keys_and_certificate(setAsActive=True)
    iot.attach_policy(policyName=policy, target=made["certificateArn"])
    iot.attach_thing_principal(thingName=thing, principal=made["certificateArn"], thingPrincipalType="EXCLUSIVE_THING")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with urllib.request.urlopen(f"{endpoint}/_ministack/iot/ca.pem", timeout=30) as answer:  # noqa: S310
        (folder / "ca.pem").write_bytes(answer.read())
    (folder / "device.pem").write_text(made["certificatePem"])
    key = folder / "device.key"
    key.touch(mode=0o600)
    key.write_text(made["keyPair"]["PrivateKey"])
    identity = Identity(thing, made["certificateId"], role_alias, mqtt_url)
    identity.write(root)
    return identity
