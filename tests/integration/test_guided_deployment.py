"""`sam deploy --guided` asks for one thing that matters, an address, and ends in a stack where that person labels."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import template_file
from client.doctor.template import configured
from client.target import Target
from local import application, emulator_process
from local.account import REGION, read_credentials
from sightline.api.shapes import Session
from tests.console_line import PASSWORD, Line, until
from tests.fake_cloud import jpeg
from tests.mails import sent
from tests.playing_aws import play_aws

pytestmark = pytest.mark.timeout(600)

ENGINEER = "eve@example.com"
BEFORE_PARAMETERS = 2  # questions: the stack's name, the region


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty account."""
    home = tmp_path / "home"
    home.mkdir()
    port = emulator_process.free_port(0)
    pid = emulator_process.start(home, port, tied=True)
    play_aws(monkeypatch, f"http://127.0.0.1:{port}", read_credentials(home))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        emulator_process.stop(home, pid)


def typed() -> str:
    """Return what somebody types who presses Enter at each question but the one for the first engineer."""
    before = BEFORE_PARAMETERS + list(template_file.read()["Parameters"]).index("FirstEngineer")
    return "\n" * before + ENGINEER + "\n" * 200


def deploy(folder: Path) -> subprocess.CompletedProcess[str]:
    """Deploy what `sam build` made, as that person."""
    shutil.copy(application.PROJECT / "samconfig.toml", folder)
    sources = application.digest_of([application.PROJECT / source for source in application.SOURCES])
    application.build(folder, sources)
    environment = os.environ | {"AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.1"}
    command = ["sam", "deploy", "--guided", "--template-file", str(application.BUILT / "build" / application.PACKED),
               "--config-file", str(folder / "samconfig.toml")]  # fmt: skip
    return subprocess.run(
        command, cwd=folder, env=environment, input=typed(), capture_output=True, text=True, check=False
    )


def first_sign_in(line: Line, password: str) -> Session:
    """Sign in with the password of the invitation, and choose another one."""
    status, asked = line.target.call_api("POST", "/session", {"username": ENGINEER, "password": password})
    assert (status, asked["challenge"]) == (409, "NEW_PASSWORD_REQUIRED")
    chosen = {"username": ENGINEER, "session": asked["session"], "new_password": PASSWORD}
    status, session = line.target.call_api("POST", "/session", chosen)
    assert status == 200
    given: Session = session
    return given


def test_the_first_photo_can_be_labelled(account: str, tmp_path: Path) -> None:
    deployed = deploy(tmp_path)
    assert deployed.returncode == 0, deployed.stdout[-2000:] + deployed.stderr[-2000:]
    line = Line(Target.find(None, REGION, "sightline", tmp_path))
    assert line.target.endpoint == account
    line.open_job({"first.jpg": jpeg(1)})
    [mail] = sent(account, read_credentials(tmp_path / "home"))
    password = re.search(r"Password: (.+?)<br>", mail.text)
    assert (mail.to, bool(password)) == ((ENGINEER,), True)
    session = first_sign_in(line, password[1] if password else "")
    assert session["groups"] == ["engineers"]
    token = session["id_token"]
    offered = until(lambda: line.target.call_api("GET", "/jobs", token=token)[1]["jobs"])
    assert [(job["kind"], job["remaining"]) for job in offered] == [("labeling", 1)]
    assert configured("sightline", tmp_path / "samconfig.toml")["Classes"] == "scratch"  # as doctor reads it
