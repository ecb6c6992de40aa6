"""Both pipelines run the same steps with the variables that these read, no stored key, and a person before prod."""

import re
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml

from tests.project import ROOT, parts, template

STEPS = ROOT / "pipelines" / "steps"
STEP = re.compile(r"pipelines/steps/(\w+\.sh)")
CODEPIPELINE = template(ROOT / "pipelines" / "codepipeline.yaml")["Resources"]
SHARED = {"common.sh", "credentials.sh"}
ONLY_ON_GITHUB = {"reviewers.sh"}  # CodePipeline waits for a person by itself
SET_ON_GITHUB = {"GITHUB_API_URL", "GITHUB_REPOSITORY"}
OPTIONAL = re.compile(r"\$\{(\w+):-")


@cache
def workflow(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    return loaded


def buildspec(name: str) -> str:
    return (ROOT / "pipelines" / "buildspecs" / f"{name}.yml").read_text()


WORKFLOWS = ("deploy", "stage", "train", "promote")
BUILDSPECS = sorted(path.stem for path in (ROOT / "pipelines" / "buildspecs").glob("*.yml"))


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{name}.{key}", job) for name in WORKFLOWS for key, job in workflow(name)["jobs"].items()]


def steps_of(text: str) -> set[str]:
    return set(STEP.findall(text))


def on_github() -> set[str]:
    return set().union(*(steps_of(str(workflow(name))) for name in WORKFLOWS))


def needed(step: str) -> set[str]:
    """Return the variables without which a step ends."""
    text = (STEPS / step).read_text()
    found = {name for line in re.findall(r"^\s*need (.+)$", text, re.MULTILINE) for name in line.split()}
    return found | ({"STACK", "ACCOUNT", "AWS_REGION"} if re.search(r"^in_account$", text, re.MULTILINE) else set())


def test_both_pipelines_run_the_same_steps_and_every_step_is_run() -> None:
    in_codebuild = set().union(*(steps_of(buildspec(name)) for name in BUILDSPECS))
    there = {path.name for path in STEPS.glob("*.sh")} - SHARED
    # check.sh is .ci/run, which GitHub runs through ci.yml.
    assert on_github() | {"check.sh"} == there
    assert in_codebuild == there - ONLY_ON_GITHUB
    assert "exec .ci/run" in (STEPS / "check.sh").read_text()
    assert any(step.get("run") == ".ci/run" for _, job in workflow("ci")["jobs"].items() for step in job["steps"])


@pytest.mark.parametrize(("name", "job"), jobs(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_job_on_github_sets_what_its_steps_need(name: str, job: dict[str, Any]) -> None:
    given = set(workflow(name.partition(".")[0]).get("env", {})) | set(job.get("env", {})) | SET_ON_GITHUB
    for step in job.get("steps", []):
        for script in steps_of(step.get("run", "")):
            assert needed(script) - given - set(step.get("env", {})) == set(), (name, script)


@pytest.mark.parametrize("name", BUILDSPECS)
def test_a_project_of_codebuild_sets_what_its_steps_need(name: str) -> None:
    assigned = set(re.findall(r"(?:^|[\s\"])([A-Z_]+)=", buildspec(name), re.MULTILINE)) | {"AWS_REGION"}
    projects = [
        entry["Properties"]
        for entry in CODEPIPELINE.values()
        if entry["Type"] == "AWS::CodeBuild::Project"
        and entry["Properties"]["Source"]["BuildSpec"].endswith(f"/{name}.yml")
    ]
    assert projects
    for project in projects:
        given = {one["Name"] for one in project["Environment"]["EnvironmentVariables"]} | assigned
        for script in steps_of(buildspec(name)):
            assert needed(script) - given == set(), script


@pytest.mark.parametrize("step", sorted(path.name for path in STEPS.glob("*.sh")))
def test_a_step_stops_at_the_first_failure_and_documents_its_variables_at_its_head(step: str) -> None:
    text = (STEPS / step).read_text()
    head = text.partition("\n\n")[0] if step == "common.sh" else text.partition("set -euo pipefail")[0]
    if step != "common.sh":
        assert text.startswith("#!/usr/bin/env bash\n# ")
        assert "\nset -euo pipefail\n" in text
        assert (STEPS / step).stat().st_mode & 0o111
    own = (needed(step) | set(OPTIONAL.findall(text))) - {"STACK", "ACCOUNT", "AWS_REGION"}
    own = {name for name in own if not name.startswith(("OWN_", "AWS_", "GITHUB_"))}
    missing = {name for name in own if name not in head and name not in (STEPS / "common.sh").read_text()[:900]}
    assert missing == set()


def test_a_step_names_a_variable_that_is_not_set_in_one_line() -> None:
    done = subprocess.run(
        ["bash", STEPS / "deploy.sh"],
        env={"PATH": "/usr/bin:/bin", "STACK": "sightline-dev"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "deploy.sh: set ACCOUNT; the heads of this step and of common.sh say what it is\n"


def test_no_pipeline_has_a_stored_key() -> None:
    texts = [str(workflow(name)) for name in WORKFLOWS] + [buildspec(name) for name in BUILDSPECS]
    for text in [*texts, str(CODEPIPELINE)]:
        assert not re.search(
            r"secrets\.|AWS_(ACCESS_KEY|SECRET)|aws[-_]access[-_]key|SECRETS_MANAGER|PARAMETER_STORE", text
        )


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_workflow_that_is_called_exists(name: str) -> None:
    used = [part["uses"] for part in parts(workflow(name)) if isinstance(part.get("uses"), str)]
    assert all((ROOT / one).exists() for one in used if one.startswith("./"))


def test_a_job_has_only_the_rights_that_it_uses() -> None:
    for name in WORKFLOWS:
        assert workflow(name)["permissions"] == {"contents": "read"}
    for name, job in jobs():
        scripts = " ".join(
            (STEPS / one).read_text() for step in job.get("steps", []) for one in steps_of(step.get("run", ""))
        )
        if "steps" in job:
            wants = "in_account\n" in scripts
            assert (job.get("permissions", {}).get("id-token") == "write") is wants, name
            assert ("environment" in job) is wants, name


def test_a_fork_does_nothing() -> None:
    """Every job of a workflow that is triggered runs only where the account is set, or after one that does."""
    for name in ("deploy", "train"):
        for key, job in workflow(name)["jobs"].items():
            assert "_ACCOUNT != ''" in job.get("if", "") or job.get("needs"), f"{name}.{key}"


def test_staging_and_prod_ask_a_person_on_github() -> None:
    called = workflow("deploy")["jobs"]
    assert {key: called[key]["with"]["approval"] for key in ("dev", "staging", "prod")} == {
        "dev": False, "staging": True, "prod": True,
    }  # fmt: skip
    stage = workflow("stage")["jobs"]
    assert (stage["plan"]["environment"], stage["deploy"]["environment"]) == (
        "${{ inputs.stage }}-plan",
        "${{ inputs.stage }}",
    )
    asked = [step for step in stage["plan"]["steps"] if "reviewers.sh" in step.get("run", "")]
    assert [step["if"] for step in asked] == ["inputs.approval"]
    assert stage["deploy"]["needs"] == "plan"
    assert workflow("promote")["jobs"]["promote"]["needs"] == "ask"


@pytest.mark.parametrize(("pipeline", "stages"), [("InfrastructurePipeline", "Deploy"), ("AssetsPipeline", "Promote")])
def test_staging_and_prod_ask_a_person_in_codepipeline(pipeline: str, stages: str) -> None:
    properties = CODEPIPELINE[pipeline]["Properties"]
    assert properties["PipelineType"] == "V2"
    found = {stage["Name"]: stage["Actions"] for stage in properties["Stages"]}
    for name in ("Staging", "Prod"):
        order = {
            action["ActionTypeId"]["Category"] if action["Name"] == "Approve" else action["Name"]: action["RunOrder"]
            for action in found[name]
        }
        assert order["Approval"] < order[stages]
        assert all(number < order["Approval"] for key, number in order.items() if key not in ("Approval", stages))


def test_the_models_version_goes_from_the_training_to_the_promotion() -> None:
    assert "exported-variables: [MODEL_VERSION]" in buildspec("train")
    assert "#{Training.MODEL_VERSION}" in str(CODEPIPELINE["AssetsPipeline"])
    assert workflow("train")["jobs"]["train"]["outputs"] == {"version": "${{ steps.gate.outputs.version }}"}


def test_what_trains_is_what_starts_the_assets_pipeline() -> None:
    [trigger] = CODEPIPELINE["AssetsPipeline"]["Properties"]["Triggers"]
    [push] = trigger["GitConfiguration"]["Push"]
    assert push["FilePaths"]["Includes"] == workflow("train")[True]["push"]["paths"]  # YAML reads `on` as true
    assert all((ROOT / path.removesuffix("/**")).exists() for path in push["FilePaths"]["Includes"])


def test_the_roles_that_the_jobs_take_on_are_those_of_the_bootstrap() -> None:
    made = {
        entry["Properties"]["RoleName"]["Fn::Sub"]
        for entry in template(ROOT / "pipelines" / "bootstrap.yaml")["Resources"].values()
        if entry["Type"] == "AWS::IAM::Role"
    }
    taken = set(
        re.findall(r"role/sightline-pipeline/(pipeline-\w+-)\$\{(?:Dev|Staging|Prod)Stack\}", str(CODEPIPELINE))
    )
    assert {f"{one}${{StackName}}" for one in taken} == made - {"pipeline-cloudformation-${StackName}"}
    trusted = set(
        re.findall(r"role/sightline-pipeline/job-(\w+-)", (ROOT / "pipelines" / "bootstrap.yaml").read_text())
    )
    names = {
        entry["Properties"]["RoleName"] for entry in CODEPIPELINE.values() if "RoleName" in entry.get("Properties", {})
    }
    assert {f"job-{kind}{stage}" for kind in trusted for stage in ("dev", "staging", "prod")} == names
