"""The program of one simulated device: `python -m local.device.program --thing NAME …`."""

import argparse
import ctypes
import signal
import sys
import threading
import time
from pathlib import Path

from local.account import REGION, read_credentials
from local.device.emulator_cloud import EmulatorCloud
from local.device.identity import CERTIFICATES, Identity
from local.device.nucleus import Nucleus
from local.device.process_runner import ProcessRunner

POLL_SECONDS = 0.5


def overrides(root: Path, mqtt_url: str) -> dict[str, str]:
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
    for name in ("thing", "endpoint", "home", "root"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    root = Path(given.root)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    own = Identity.read(root)
    cloud = EmulatorCloud(given.endpoint, read_credentials(Path(given.home)), own)
    settings = overrides(root, own.mqtt_url)
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
