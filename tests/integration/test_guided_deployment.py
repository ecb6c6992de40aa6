"""`sam deploy --guided` with nothing but Enter pressed ends in a stack on which the first photo can be labelled."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import users
from client.doctor.template import configured
from client.target import Target
from local import application, emulator_process
from local.account import CREDENTIALS, REGION
from tests.console_line import PASSWORD, Line, until
from tests.fake_cloud import jpeg

pytestmark = pytest.mark.timeout(600)

ENTER = "\n" * 200


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty account."""
    home = tmp_path / "home"
    home.mkdir()
    port = emulator_process.free_port(0)
    pid = emulator_process.start(home, port, tied=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        emulator_process.stop(home, pid)


def deploy(folder: Path) -> subprocess.CompletedProcess[str]:
    """Deploy what `sam build` made, as somebody who presses Enter at each question."""
    shutil.copy(application.PROJECT / "samconfig.toml", folder)
    sources = application.digest_of([application.PROJECT / source for source in application.SOURCES])
    application.build(folder, sources)
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": REGION,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.1",
    }
    command = ["sam", "deploy", "--guided", "--template-file", str(application.BUILT / "build" / application.PACKED),
               "--config-file", str(folder / "samconfig.toml")]  # fmt: skip
    return subprocess.run(
        command, cwd=folder, env=environment, input=ENTER, capture_output=True, text=True, check=False
    )


def test_the_first_photo_can_be_labelled(account: str, tmp_path: Path) -> None:
    deployed = deploy(tmp_path)
    assert deployed.returncode == 0, deployed.stdout[-2000:] + deployed.stderr[-2000:]
    line = Line(Target.find(None, REGION, "sightline", tmp_path))
    assert line.target.endpoint == account
    line.open_job({"first.jpg": jpeg(1)})
    token = users.sign_in(line.target, line.user("anna"), PASSWORD)["id_token"]
    offered = until(lambda: line.target.call_api("GET", "/jobs", token=token)[1]["jobs"])
    assert [(job["kind"], job["remaining"]) for job in offered] == [("labeling", 1)]
    assert configured("sightline", tmp_path / "samconfig.toml")["Classes"] == "scratch"  # as doctor reads it
