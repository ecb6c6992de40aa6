"""The training image, as far as its Dockerfile goes: what SageMaker needs of it, and hadolint's rules."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.project import ROOT, resources

DOCKERFILE = ROOT / "training" / "Dockerfile"


def instructions(name: str) -> list[str]:
    """Return what follows each instruction of this name, continued lines joined."""
    text = re.sub(r" *\\\n *", " ", DOCKERFILE.read_text())
    return re.findall(rf"^{name} (.*)$", text, re.MULTILINE)


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_base_image_is_one_version_from_a_registry_without_a_limit_for_shared_addresses() -> None:
    (base,) = instructions("FROM")
    assert re.fullmatch(r"public\.ecr\.aws/[\w./-]+:\d+\.\d+\.\d+[\w.-]*", base)


def test_packages_are_installed_by_their_hashes() -> None:
    installs = [line for line in instructions("RUN") if re.search(r"\b(pip|apt-get|apk|curl|wget)\b", line)]
    assert installs == ["pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt"]


def test_sagemaker_gives_the_container_its_gpu() -> None:
    variables = dict(entry.split("=", 1) for line in instructions("ENV") for entry in line.split())
    assert variables["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert set(variables["NVIDIA_DRIVER_CAPABILITIES"].split(",")) >= {"compute", "utility"}


def test_the_container_runs_as_root_because_sagemaker_mounts_its_folders_so() -> None:
    assert instructions("USER") == []
    assert "# No USER:" in DOCKERFILE.read_text()


@pytest.mark.parametrize(
    ("given", "repositories"),
    [
        ("", set()),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/mine:1", {"eu-central-1:123456789012:repository/mine*"}),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/a@sha256:0", {"us-east-1:123456789012:repository/team*"}),
    ],
)
@pytest.mark.parametrize("name", ["TrainingRole", "EvaluationRole", "EndpointRole"])
def test_the_roles_of_jobs_may_pull_from_the_repository_of_the_image(
    given: str, repositories: set[str], name: str
) -> None:
    role = resources("AWS::IAM::Role")[name]["Properties"]
    statements = [entry for policy in role["Policies"] for entry in policy["PolicyDocument"]["Statement"]]
    own, other = next(entry["Resource"] for entry in statements if entry["Sid"] == "PullImage")
    assert own == {"Fn::GetAtt": "TrainingImageRepository.Arn"}
    condition, where, nowhere = other["Fn::If"]
    assert (condition, nowhere) == ("HasOwnTrainingImage", {"Ref": "AWS::NoValue"})
    pattern, variables = where["Fn::Sub"]
    found = {name: evaluated(value, given) for name, value in variables.items()}  # for an empty address, too
    arn = re.sub(r"\$\{(\w+)\}", lambda name: found[name[1]], pattern.replace("${AWS::Partition}", "aws"))
    assert {arn.removeprefix("arn:aws:ecr:")} - {":::repository/*", "::repository/*"} == repositories


def evaluated(value: Any, uri: str) -> Any:
    """Return what CloudFormation makes of an expression over the address of the image."""
    match value:
        case {"Ref": "TrainingImageUri"}:
            return uri
        case {"Fn::Sub": text}:
            return text.replace("${TrainingImageUri}", uri)
        case {"Fn::Split": [mark, text]}:
            return evaluated(text, uri).split(mark)
        case {"Fn::Select": [number, parts]}:
            return evaluated(parts, uri)[number]
    raise AssertionError(value)


def test_cloudformation_names_the_repository() -> None:
    (repository,) = resources("AWS::ECR::Repository").values()
    assert "RepositoryName" not in repository["Properties"]
