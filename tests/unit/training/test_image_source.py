"""What the training image is built from, and the commands of its build up to Docker."""

import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from samcli.lib.package.utils import make_zip_with_lambda_permissions

from scripts.lock import CUDA, entries
from tests.fake_builds import REPOSITORY
from tests.project import ROOT
from training.code_digest import code_digest
from training.image_source import archive

DOCKERFILE = ROOT / "training" / "Dockerfile"
ASK = "from training.code_digest import code_digest; print(code_digest())"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
EXPORT = "--platform linux/amd64 --provenance=false --sbom=false --output type=docker"
MEDIA_TYPE = "--query imageDetails[0].imageManifestMediaType --output text"
OCI = "application/vnd.oci.image.index.v1+json"
# Write down how the command was called; `aws ecr describe-images` answers $MEDIA_TYPE_OF_PUSHED.
STAND_IN = """#!/bin/sh
[ "$1" = login ] && cat >/dev/null
printf '%s\\n' "$(basename "$0") $*" >>"$CALLS"
case "$*" in *get-login-password*) echo password ;; *describe-images*) echo "$MEDIA_TYPE_OF_PUSHED" ;; esac
"""


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The archive as CodeBuild unpacks it."""
    with zipfile.ZipFile(io.BytesIO(archive())) as source:
        source.extractall(tmp_path / "source")
    return tmp_path / "source"


def digest_of(*path: Path) -> str:
    """Return the digest that bare Python computes, with nothing installed."""
    environment = {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"}
    asked = [sys.executable, "-S", "-c", ASK]
    return subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_the_archive_is_the_code_of_the_digest(unpacked: Path) -> None:
    assert archive() == archive()
    assert digest_of(unpacked, unpacked / "layers" / "sightline") == code_digest()


def test_the_archive_has_what_the_dockerfile_copies(unpacked: Path) -> None:
    copied = re.findall(r"^COPY (\S+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    assert len(copied) == DOCKERFILE.read_text().count("COPY ")
    assert [place for place in copied if not (unpacked / place).exists()] == []


def test_the_image_has_the_code_where_it_finds_itself(unpacked: Path, tmp_path: Path) -> None:
    image = tmp_path / "opt"
    for place, name in re.findall(r"^COPY (\S+) /opt/sightline/(\S+)$", DOCKERFILE.read_text(), re.MULTILINE):
        shutil.copytree(unpacked / place, image / name)
    assert digest_of(image) == code_digest()


def test_the_function_s_package_holds_the_same_code_beside_the_layer(tmp_path: Path) -> None:
    """As `sam deploy` packs it: the links of its folder are followed."""
    packed = make_zip_with_lambda_permissions(
        str(tmp_path / "task"), str(ROOT / "functions" / "prepare_training_image")
    )
    with zipfile.ZipFile(packed) as package:
        package.extractall(tmp_path / "task")
    assert (tmp_path / "task" / "app.py").is_file()
    assert digest_of(tmp_path / "task", ROOT / "layers" / "sightline") == code_digest()


def build(unpacked: Path, tmp_path: Path, pushed: str) -> tuple[int, str, list[str]]:
    """Run the commands of each phase in one shell, as CodeBuild does. Return exit code, errors, and calls of Docker
    and AWS.
    """
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("aws", "docker"):
        (commands / name).write_text(STAND_IN)
        (commands / name).chmod(0o755)
    spec = yaml.safe_load((unpacked / "training" / "buildspec.yml").read_text())
    assert list(spec["phases"]) == ["pre_build", "build"]  # post_build runs after a failed build, too
    script = "\n".join(
        f"{command}\n[ $? -eq 0 ] || exit 1" for phase in spec["phases"].values() for command in phase["commands"]
    )
    calls = tmp_path / "calls"
    environment = {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(calls),
        "MEDIA_TYPE_OF_PUSHED": pushed,
        "REPOSITORY_URI": REPOSITORY,
        "IMAGE_TAG": code_digest(),
    }
    done = subprocess.run(
        ["sh", "-c", script], cwd=unpacked, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr, calls.read_text().splitlines()


def test_the_build_pushes_docker_s_own_manifest_for_x86(unpacked: Path, tmp_path: Path) -> None:
    code, said, calls = build(unpacked, tmp_path, DOCKER)
    registry, _, repository = REPOSITORY.partition("/")
    assert (code, said) == (0, "")
    assert sorted(calls[:2]) == [
        "aws ecr get-login-password",
        f"docker login --username AWS --password-stdin {registry}",
    ]
    assert calls[2:] == [
        f"docker buildx build {EXPORT} --file training/Dockerfile --tag {REPOSITORY}:{code_digest()} .",
        f"docker push {REPOSITORY}:{code_digest()}",
        f"aws ecr describe-images --repository-name {repository} --image-ids imageTag={code_digest()} {MEDIA_TYPE}",
    ]


def test_an_image_that_sagemaker_refuses_fails_the_build_and_is_removed(unpacked: Path, tmp_path: Path) -> None:
    code, said, calls = build(unpacked, tmp_path, OCI)
    assert (code, said) == (1, f"SageMaker does not take an image of the type {OCI}; it is removed again.\n")
    assert calls[-1].startswith("aws ecr batch-delete-image ")


def test_a_build_without_the_code_ends_before_docker(unpacked: Path, tmp_path: Path) -> None:
    shutil.rmtree(unpacked / "reporting")
    (tmp_path / "calls").write_text("")
    assert build(unpacked, tmp_path, DOCKER)[::2] == (1, [])


@pytest.mark.slow
def test_the_image_s_packages_fit_its_python_and_its_system(tmp_path: Path) -> None:
    """All but NVIDIA's libraries, as wheels for the base image: Python 3.11 and glibc 2.36, which Debian 12 has."""
    base = re.findall(r"^FROM \S+:(\d+\.\d+)\.\d+-slim-(\w+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert base == [("3.11", "bookworm")]
    locked = entries((ROOT / "training" / "requirements.txt").read_text())
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("\n".join(text for name, text in locked.items() if not CUDA.match(name)))
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(36, 16, -1)] + ["manylinux2014_x86_64"]
    target = tmp_path / "packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--no-cache-dir"]
    command += ["--only-binary=:all:", "--python-version", "3.11", "--target", str(target), "-r", str(wanted)]
    try:
        subprocess.run([*command, *(word for name in platforms for word in ("--platform", name))], check=True)
        assert {"numpy", "onnx", "onnxruntime", "torch"} <= {path.name for path in target.iterdir()}
    finally:
        shutil.rmtree(target, ignore_errors=True)  # more than a gigabyte
