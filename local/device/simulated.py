"""Simulated core devices as processes: `python -m local.device --thing NAME …` runs one; SimulatedDevice starts and
stops it.

What a nucleus does is in nucleus.py; here is how it reaches the emulator and runs scripts.
"""

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.application import CREDENTIALS, REGION
from local.device import identity
from local.device.identity import CERTIFICATES, Identity
from local.device.nucleus import Nucleus, Process
from local.device.token_exchange import Keys, TokenExchange
from sightline.errors import SightlineError

POLL_SECONDS = 0.5
SETTLE_SECONDS = 3.0  # a component that still runs after this counts as started
STOP_SECONDS = 10
# Of the names that AWS IoT takes, those that may also be a folder of a search path, which a colon would end.
THING = re.compile(r"[a-zA-Z0-9_-]{1,128}")


CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, max_pool_connections=4)


class EmulatorCloud:
    """Greengrass and S3 of the emulator. What Greengrass itself does has no role; artifacts come with the device's."""

    def __init__(self, endpoint: str, identity: Identity) -> None:
        self._endpoint = endpoint
        self._identity = identity
        self.tokens = TokenExchange(self._keys)
        self._greengrass = boto3.client("greengrassv2", endpoint_url=endpoint, config=CONFIG, **CREDENTIALS)
        self._sts = boto3.client("sts", endpoint_url=endpoint, config=CONFIG, **CREDENTIALS)
        self._known: dict[tuple[str, str], dict[str, Any]] = {}  # a version never changes

    def exchange(self, thing: str, report: dict[str, Any]) -> dict[str, Any] | None:
        answer = _post(f"{self._endpoint}/greengrass/simulated/{thing}", json.dumps(report).encode())
        found: dict[str, Any] | None = answer["deployment"]
        return found

    def versions(self, name: str) -> list[str]:
        arn = f"arn:aws:greengrass:{REGION}:000000000000:components:{name}"
        pages = self._greengrass.get_paginator("list_component_versions").paginate(arn=arn)
        try:
            return [entry["componentVersion"] for page in pages for entry in page["componentVersions"]]
        except self._greengrass.exceptions.ResourceNotFoundException:
            return []

    def recipe(self, name: str, version: str) -> dict[str, Any]:
        if (name, version) not in self._known:
            arn = f"arn:aws:greengrass:{REGION}:000000000000:components:{name}:versions:{version}"
            try:
                self._known[name, version] = json.loads(self._greengrass.get_component(arn=arn)["recipe"])
            except self._greengrass.exceptions.ResourceNotFoundException as error:
                raise LookupError(str(error)) from error
        return self._known[name, version]

    def _keys(self) -> Keys:
        """Keys of the token exchange role, as AWS IoT's credentials provider gives them to the device's certificate."""
        asked = {"roleAlias": self._identity.role_alias, "certificateId": self._identity.certificate_id}
        url = f"{self._endpoint}/greengrass/simulated/{self._identity.thing}/role"
        role = _post(url, json.dumps(asked).encode())
        given = self._sts.assume_role(
            RoleArn=role["roleArn"],
            RoleSessionName=self._identity.thing,
            DurationSeconds=role["credentialDurationSeconds"],
        )["Credentials"]
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Expiration"])

    def artifact(self, uri: str) -> bytes:
        """Read an artifact as the nucleus does: it asks where the bucket is before each download."""
        parts, keys = urlsplit(uri), self.tokens.keys()
        s3 = boto3.client(
            "s3",
            endpoint_url=self._endpoint,
            config=CONFIG,
            region_name=REGION,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.token,
        )
        try:
            s3.get_bucket_location(Bucket=parts.netloc)
            return bytes(s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read())
        except ClientError as error:
            raise LookupError(str(error)) from error


# Runs a script as $1 and ends its process group when standard input does, so when whoever holds the other end is gone,
# however that came. The copy is needed: a shell gives what it starts in the background no input.
TIED = 'exec 3<&0 </dev/null; (read -r _ <&3; kill -KILL 0) & exec 3<&-; exec /bin/sh -c "$1"'


class RunningScript:
    """A script in a process group of its own, which ends with this process, too."""

    def __init__(self, script: str, work: Path, environment: dict[str, str], log: Path) -> None:
        held, self._held = os.pipe()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", TIED, "sh", script],
                cwd=work,
                env=environment,
                stdin=held,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        os.close(held)

    def poll(self) -> int | None:
        code = self._process.poll()
        if code is not None:
            self._let_go()
        return code

    def wait(self, timeout: float) -> int:
        """Its exit code. Raises TimeoutError, when it is ended."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            self.stop()

    def stop(self) -> None:
        _end(self._process)
        self._let_go()

    def _let_go(self) -> None:
        if self._held >= 0:
            os.close(self._held)
            self._held = -1


class ProcessRunner:
    """Lifecycle scripts as processes of this machine, under the Python that runs this, with `environment` beside their
    own.
    """

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self._environment = environment or {}

    def run(self, script: str, work: Path, environment: dict[str, str], log: Path, timeout: float) -> int:
        return self._begin(script, work, environment, log).wait(timeout)

    def start(self, script: str, work: Path, environment: dict[str, str], log: Path) -> Process:
        return self._begin(script, work, environment, log)

    def _begin(self, script: str, work: Path, environment: dict[str, str], log: Path) -> RunningScript:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return RunningScript(script, work, {"PATH": path, **self._environment, **environment}, log)

    def settle(self, processes: dict[str, Process]) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while processes and time.monotonic() < deadline and all(p.poll() is None for p in processes.values()):
            time.sleep(0.05)


def _post(url: str, body: bytes) -> dict[str, Any]:
    """A signed request to the emulator's own address for simulated devices."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials("test", "test"), "greengrass", REGION).add_auth(request)
    sent = urllib.request.Request(url, body, dict(request.headers.items()), method="POST")  # noqa: S310
    with urllib.request.urlopen(sent, timeout=30) as answer:  # noqa: S310
        found: dict[str, Any] = json.loads(answer.read())
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process group, first politely."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


class SimulatedDevice:
    """A simulated device in a process of its own, below `home/devices/<thing>`; it survives the command that started
    it.
    """

    def __init__(self, home: Path, thing: str) -> None:
        """Raises SightlineError for a name that AWS IoT would refuse, and that may lead out of the folder."""
        if not THING.fullmatch(thing):
            raise SightlineError(f"{thing!r} is no simulated device's name: 1 to 128 letters, digits, _ and -")
        self.thing = thing
        self.root = home.resolve() / "devices" / thing
        self.images = self.root / "images"
        self._pid = self.root / "pid"
        # Held by the nucleus as long as it lives: a number alone may be another's by now.
        self._life = self.root / "lock"

    def register(self, stack: Any, group: str = "") -> Identity:
        """Register the thing in a group (default: the stack's fleet) and in no other; give it a certificate once."""
        self.images.mkdir(parents=True, exist_ok=True)
        iot, outputs = stack.client("iot"), stack.outputs
        identity.join(iot, self.thing, group or outputs["ThingGroupName"])
        return identity.provision(
            iot,
            self.root,
            self.thing,
            outputs["DevicePolicyName"],
            outputs["DeviceRoleAliasName"],
            stack.endpoint,
            stack.mqtt_port,
        )

    def start(self, stack: Any, group: str = "") -> None:
        """Register the thing, and start its nucleus, unless it runs."""
        self.register(stack, group)
        if self.running:
            return
        command = [
            sys.executable,
            "-m",
            "local.device.simulated",
            f"--thing={self.thing}",
            f"--endpoint={stack.endpoint}",
        ]
        command += [f"--root={self.root}"]
        project = Path(__file__).resolve().parents[2]
        environment = {**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{project / 'layers' / 'sightline'}"}
        with (self.root / "nucleus.log").open("ab") as log, self._life.open("w") as life:
            fcntl.flock(life, fcntl.LOCK_EX | fcntl.LOCK_NB)
            process = subprocess.Popen(
                command,
                pass_fds=[life.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid.write_text(str(process.pid))

    @property
    def known(self) -> bool:
        """Whether it was ever started here."""
        return self.root.is_dir()

    @property
    def running(self) -> bool:
        try:
            with self._life.open("r+") as life:
                fcntl.flock(life, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def stop(self) -> None:
        """End the nucleus, which ends its components."""
        if self.running:
            number = int(self._pid.read_text())
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while self.running and time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):  # another command may have started it
                    os.waitpid(number, os.WNOHANG)
                time.sleep(0.05)
        self._pid.unlink(missing_ok=True)


def stop_all(home: Path) -> None:
    """Stop every simulated device below `home`."""
    for pid in (home.resolve() / "devices").glob("*/pid"):
        SimulatedDevice(home, pid.parent.name).stop()


def overrides(root: Path, mqtt_url: str) -> dict[str, Any]:
    """Return the settings of a simulated device: where its images appear, and the emulator's broker."""
    return {"source": str(root / "images"), "mqttUrl": mqtt_url}


def component_environment(root: Path, endpoint: str) -> dict[str, str]:
    """Return what components find here beside a nucleus's own variables.

    The emulator's S3, the certificate with which they speak for their thing, packages to link instead of to install.
    """
    return {
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL_S3": endpoint,
        "SIGHTLINE_CERTIFICATES": str(root / CERTIFICATES),
        "SIGHTLINE_LINK_PACKAGES": "1",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="One simulated Greengrass core device.")
    for name in ("thing", "endpoint", "root"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    root = Path(given.root)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    own = Identity.read(root)
    cloud, settings = EmulatorCloud(given.endpoint, own), overrides(root, own.mqtt_url)
    runner = ProcessRunner(component_environment(root, given.endpoint) | cloud.tokens.environment)
    serve(Nucleus(given.thing, root, cloud, runner, settings, _say_phase), stopping)
    cloud.tokens.close()


def _say_phase(_thing: str, deployment: str, phase: str) -> None:
    print(f"phase {time.time():.1f} {deployment} {phase}", flush=True)


def serve(nucleus: Nucleus, stopping: threading.Event, poll_seconds: float = POLL_SECONDS) -> None:
    """Let a nucleus work until `stopping` is set."""
    nucleus.start()
    failures = 0
    while not stopping.is_set():
        try:
            nucleus.look_after()
            nucleus.step()
            failures = 0
        except Exception as error:  # the cloud is away: a device goes on with what it has
            failures += 1
            print(f"no answer from the cloud ({failures}): {type(error).__name__}: {error}", flush=True)
        stopping.wait(min(poll_seconds * 2**failures, 30))
    nucleus.stop()


if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").prctl(36, 1)  # adopt grandchildren, so that a component's own children can be ended
    main()
