"""install.sh: what is missing on a device is one sentence, and the nucleus is installed once, with the right files.

The programs of a device are stand-ins here; the script, the shell and the files are real.
"""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from client.device_folder import Connection, DeviceFolder

CONNECTION = Connection("eu-west-1", "abc-ats.iot.eu-west-1.amazonaws.com", "abc.credentials.iot", "line-device")
STAND_INS = {
    "id": "echo 0",
    "uname": "echo Linux",
    "java": 'echo "java $*" >> "$LOG"; case "$*" in *--version*) echo "AWS Greengrass v2.14.3";; esac',
    "systemctl": 'echo "systemctl $*" >> "$LOG"; [ "$1" = restart ] || [ -e "$ACTIVE" ]',
    "getent": "exit 2",
    "groupadd": 'echo "groupadd $*" >> "$LOG"',
    "useradd": 'echo "useradd $*" >> "$LOG"',
    "chown": 'echo "chown $*" >> "$LOG"',
    "curl": 'while [ "$1" != --output ]; do shift; done; cp "$NUCLEUS" "$2"',
}
COMMON = ("sh", "dirname", "df", "awk", "mkdir", "cp", "chmod", "mv", "mktemp", "rm", "unzip", "sha256sum", "cut")
COMMON += ("grep", "head", "sed", "date", "python3")


class Device:
    """A device whose programs are stand-ins, and the folder that was copied to it."""

    def __init__(self, root: Path) -> None:
        self.root, self.greengrass = root, root / "greengrass" / "v2"
        self.bin = root / "bin"
        self.bin.mkdir()
        for name in COMMON:
            found = subprocess.run(["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True)
            (self.bin / name).symlink_to(found.stdout.strip())
        for name, body in STAND_INS.items():
            self.program(name, body)
        self.folder = DeviceFolder.open(root / "line-3", "line-3", "line")
        self.folder.signing_request()
        self.folder.keep_certificate("0" * 64, "certificate")
        self.folder.complete(CONNECTION, "root")
        self.nucleus = root / "nucleus.zip"
        with zipfile.ZipFile(self.nucleus, "w") as archive:
            archive.writestr("lib/Greengrass.jar", b"a jar")

    def program(self, name: str, body: str) -> None:
        file = self.bin / name
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)

    def install(self, *arguments: str) -> tuple[int, str, str]:
        environment = {
            "PATH": str(self.bin),
            "GREENGRASS_ROOT": str(self.greengrass),
            "SIGHTLINE_IMAGES": str(self.root / "images"),
            "LOG": str(self.root / "log"),
            "ACTIVE": str(self.root / "active"),
            "NUCLEUS": str(self.nucleus),
            "TMPDIR": str(self.root),
        }
        command = [str(self.folder.path / "install.sh"), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    @property
    def log(self) -> list[str]:
        return (self.root / "log").read_text().splitlines()


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


@pytest.mark.parametrize("offline", [True, False])
def test_the_nucleus_is_installed_with_the_folders_certificate_and_configuration(device: Device, offline: bool) -> None:
    digest = hashlib.sha256(device.nucleus.read_bytes()).hexdigest()
    given = ["--nucleus", str(device.nucleus), "--sha256", digest] if offline else []
    kept = 'echo "java $*" >> "$LOG"; for one; do case $one in *config.yaml) cat "$one" > "$LOG.yaml";; esac; done; '
    device.program("java", kept + 'case "$*" in *--version*) echo "AWS Greengrass v2.14.3";; esac')
    (device.bin / "cat").symlink_to("/bin/cat")
    code, said, wrong = device.install(*given)
    assert (code, wrong) == (0, "")
    assert said.startswith(f"The nucleus 2.14.3 (SHA-256 {digest}) is installed and runs.")
    root = device.greengrass
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in root.iterdir()} == {
        "AmazonRootCA1.pem": "0o400",
        "device.pem.crt": "0o400",
        "private.pem.key": "0o400",
    }
    configuration = (device.root / "log.yaml").read_text()
    assert f"privateKeyPath: {root}/private.pem.key" in configuration
    assert "version: 2.14.3" in configuration
    (started,) = [line for line in device.log if "--init-config" in line]
    assert started.startswith(f"java -Droot={root} -Dlog.store=FILE -jar ")
    assert started.endswith("--component-default-user ggc_user:ggc_group --setup-system-service true")
    assert f"chown ggc_user:ggc_group {device.root / 'images'}" in device.log


def test_a_device_that_has_the_nucleus_gets_the_certificate_and_keeps_the_rest(device: Device) -> None:
    (device.root / "active").touch()
    code, said, _ = device.install()
    assert (code, said) == (0, "The nucleus was installed already; it has the certificate of this folder now.\n")
    assert "systemctl restart greengrass.service" in device.log
    assert [line for line in device.log if line.startswith("java")] == []
    assert (device.greengrass / "device.pem.crt").read_text() == "certificate"


@pytest.mark.parametrize(
    ("key", "known"), [("thingName", "line-2"), ("iotRoleAlias", "staging-device"), ("thingName", '"line-2"')]
)
def test_a_nucleus_of_another_thing_or_stack_is_left_alone(device: Device, key: str, known: str) -> None:
    """It would keep its own name and role, and connect with a certificate that is another thing's."""
    own = {"thingName": "line-3", "iotRoleAlias": "line-device"} | {key: known}
    config = device.greengrass / "config" / "effectiveConfig.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("system:\n" + "".join(f"  {name}: {value}\n" for name, value in own.items()))
    (device.root / "active").touch()
    name = known.strip('"')
    assert device.install()[2].startswith(f"install.sh: a nucleus is here with {key} {name}; stop it (systemctl stop")
    config.write_text('system:\n  thingName: "line-3"\n  iotRoleAlias: "line-device"\n')
    assert device.install()[0] == 0


@pytest.mark.parametrize(
    ("program", "body", "said"),
    [
        ("id", "echo 1000", "run it as root: sudo ./install.sh"),
        ("uname", "echo Darwin", "the nucleus is installed on Linux only"),
        ("java", None, "Java is missing; install it: apt-get install default-jre-headless"),
        ("unzip", None, "unzip is missing"),
        ("systemctl", None, "systemd is missing"),
        ("python3", None, "Python is missing; install python3, version 3.9 to 3.13"),
        (
            "python3",
            'case "$*" in *sys*) exit 1;; *-V*) echo "Python 3.8.10";; esac',
            "the inspector needs Python 3.9 to 3.13, and python3 is Python 3.8.10",
        ),
        (
            "python3",
            'case "$*" in *ensurepip*) exit 1;; esac',
            "Python can't make virtual environments; install python3-venv: apt-get install python3-venv",
        ),
        ("df", "printf 'x\\nx 1 2 1234 x\\n'", "has 1234 KB left, and 1500000 KB are needed"),
        ("curl", "exit 6", "the nucleus can't be fetched; on a device without internet"),
        ("jarsigner", "exit 1", "AWS did not sign"),
        ("java", "exit 1", "Java can't run the nucleus"),
    ],
)
def test_what_is_missing_is_one_sentence(device: Device, program: str, body: str | None, said: str) -> None:
    (device.bin / program).unlink(missing_ok=True)
    if body is not None:
        device.program(program, body)
    code, _, wrong = device.install()
    assert code == 1
    assert wrong.startswith("install.sh: ")
    assert said in wrong
    assert wrong.count("\n") == 1


def test_a_clock_that_is_behind_is_said_before_tls_fails(device: Device) -> None:
    device.program("date", 'case "$*" in *+%s*) echo 1700000000;; *) echo 2023-11-14;; esac')
    code, _, wrong = device.install()
    assert (code, wrong) == (
        1,
        "install.sh: the clock says 2023-11-14, before this folder was made; set it, or turn on NTP\n",
    )


def test_files_that_are_not_what_they_should_be_are_named(device: Device) -> None:
    wrong = device.root / "wrong.zip"
    wrong.write_bytes(b"not a zip")
    assert device.install("--nucleus", str(device.root / "none.zip"))[2].startswith("install.sh: ")
    assert "none.zip is no file" in device.install("--nucleus", str(device.root / "none.zip"))[2]
    assert "is no zip" in device.install("--nucleus", str(wrong))[2]
    assert "has SHA-256 " in device.install("--nucleus", str(device.nucleus), "--sha256", "0" * 64)[2]
    (device.folder.path / "private.pem.key").unlink()
    assert "private.pem.key is missing; copy the whole folder" in device.install()[2]
