"""The application in the local stack: built once for all stacks of this checkout, and deployed to an emulator, by SAM.

What `sam build` makes follows from the sources alone and lies beside them.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from local import disk
from local.account import Credentials, read_credentials
from sightline.errors import SightlineError
from training.code_digest import code_digest

PROJECT = Path(__file__).resolve().parent.parent
NAME = "sightline-local"
SOURCES = (
    "template.yaml", "samconfig.toml", "statemachines", "functions", "layers", "console", "reporting", "training",
)  # fmt: skip
BUILT = PROJECT / ".sightline" / "built"
LAST_LINES = 30  # of SAM's log, in which the reason of its end is looked for
IMAGE_SECONDS = 60  # a cold start of a function, on a machine with much to do
PACKED = "template.json"  # what is deployed: the built template, its layers as archives


class StackError(SightlineError):
    """The local stack could not be started, deployed or found."""


@contextlib.contextmanager
def _built(how: int) -> Iterator[None]:
    """The built application: to oneself (LOCK_EX) or with others who read it (LOCK_SH)."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / "lock").open("w") as lock:
        fcntl.flock(lock, how)
        yield


def build(root: Path, sources: str) -> None:
    """`sam build`, unless nothing changed since the last one; `sources` is the digest of what is built."""
    with _built(fcntl.LOCK_EX):
        _build(root, sources)


def _build(root: Path, sources: str) -> None:
    digest, stamp = f"{sources} {sys.version_info[:2]}", BUILT / "sources.sha256"
    if stamp.is_file() and stamp.read_text() == digest and (BUILT / "build" / PACKED).is_file():
        return
    disk.require(BUILT, disk.BUILD_BYTES)
    stamp.unlink(missing_ok=True)
    _sam(
        ["build", "--template-file", str(PROJECT / "template.yaml"), "--build-dir", str(BUILT / "build"),
         "--cached", "--cache-dir", str(BUILT / "cache"), "--parallel"],
        root,
        {"SIGHTLINE_NATIVE": "1", "PYTHON": sys.executable},
    )  # fmt: skip
    _pack(BUILT / "build")
    stamp.write_text(digest)


def _pack(folder: Path) -> None:
    """Layers as archives, and the template as JSON: else each `sam deploy` compresses 260 MB and reads YAML for
    seconds.
    """
    import yaml

    template = yaml.safe_load((folder / "template.yaml").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            layer = folder / resource["Properties"]["ContentUri"]
            archive = layer.with_suffix(".zip")
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
                for file in sorted(layer.rglob("*")):
                    target.write(file, file.relative_to(layer))
            resource["Properties"]["ContentUri"] = archive.name
    (folder / PACKED).write_text(json.dumps(template))


def digest_of(paths: list[Path]) -> str:
    """SHA-256 over the names and contents of files and folders (without caches)."""
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(PROJECT)}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def parameters(overrides: dict[str, str]) -> dict[str, str]:
    """The template's parameters: those of samconfig.toml's `local`, and `overrides`."""
    return _configured() | overrides


def deploy(root: Path, port: int, parameters: dict[str, str], name: str = NAME) -> dict[str, str]:
    """Run `sam deploy`, and return the stack's outputs. An emulator takes several stacks, as an account does."""
    import boto3

    # Words with spaces or quotes (JSON) are quoted and escaped as SAM's own parser reads them back.
    plain = re.compile(r"[\w.:/,-]+")
    quoted = [
        f"{key}={value if plain.fullmatch(value) else json.dumps(value, ensure_ascii=False)}"
        for key, value in parameters.items()
    ]
    endpoint, keys = f"http://127.0.0.1:{port}", read_credentials(root)
    with _built(fcntl.LOCK_SH):
        _sam(
            ["deploy", "--config-file", str(PROJECT / "samconfig.toml"), "--config-env", "local",
             "--stack-name", name, "--template-file", str(BUILT / "build" / PACKED), "--no-confirm-changeset",
             "--no-fail-on-empty-changeset", "--parameter-overrides", *quoted],
            root,
            {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": keys["aws_access_key_id"],
             "AWS_SECRET_ACCESS_KEY": keys["aws_secret_access_key"], "AWS_DEFAULT_REGION": keys["region_name"]},
        )  # fmt: skip
    client = boto3.client("cloudformation", endpoint_url=endpoint, **keys)
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    if not parameters.get("TrainingImageUri"):
        _wait_for_image(endpoint, keys, outputs["TrainingImageRepositoryUri"])
    return outputs


def _wait_for_image(endpoint: str, keys: Credentials, repository_uri: str) -> None:
    """Wait for the simulated build that the deployment starts, so that a training finds its image. Raise StackError."""
    import boto3

    client = boto3.client("ecr", endpoint_url=endpoint, **keys)
    until = time.monotonic() + IMAGE_SECONDS
    while time.monotonic() < until:
        found = client.list_images(repositoryName=repository_uri.partition("/")[2])["imageIds"]
        if any(image.get("imageTag") == code_digest() for image in found):
            return
        time.sleep(0.1)
    raise StackError("the deployment built no training image; `sightline logs` shows what prepare_training_image said")


def _configured() -> dict[str, str]:
    """The parameter overrides of samconfig.toml's `local`; `--parameter-overrides` would replace them whole."""
    import tomllib

    with (PROJECT / "samconfig.toml").open("rb") as file:
        text = tomllib.load(file)["local"]["deploy"]["parameters"]["parameter_overrides"]
    return dict(entry.split("=", 1) for entry in text.split())


def _sam(arguments: list[str], root: Path, variables: dict[str, str]) -> None:
    """Run the SAM command line. Raise StackError with its last words; everything it said is in `sam.log`."""
    sam = Path(sys.executable).with_name("sam")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | variables
    environment |= {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.1", "TMPDIR": str(root / "tmp")}
    environment["PATH"] = f"{sam.parent}{os.pathsep}{environment.get('PATH', '')}"
    log = root / "sam.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(sam), *arguments],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it starts make and pip, which are to end with it
        )
        try:
            code = process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if code != 0:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        if any(os.strerror(errno.ENOSPC) in line for line in lines[-LAST_LINES:]):
            raise disk.full(root, disk.STACK_BYTES)
        errors = [line for line in lines if line.startswith("Error:")] or lines
        raise StackError(f"`sam {arguments[0]}` failed: {errors[-1].strip()} (whole log: {log})")
