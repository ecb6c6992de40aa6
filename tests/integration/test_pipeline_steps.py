"""Each step of the pipelines that works in an account, in the emulator, with the rights of pipelines/bootstrap.yaml."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local import application
from local.account import ACCOUNT, REGION
from local.application import BUILT, PACKED, PROJECT
from tests import pipeline_account
from tests.console_line import until
from tests.fake_cloud import jpeg
from tests.pipeline_account import REPOSITORY, STEPS, PipelineAccount
from tests.pipeline_builds import Builds, built, clone, environment_with_packages

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a stack is changed eight times, and set up from a clone

STACK = "sightline-dev"
LOCAL = "LabelingWindowSeconds=5"


@dataclass
class Dev:
    """The account with one stack's bootstrap, and the jobs of that stack."""

    account: PipelineAccount

    def step(self, name: str, environment: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a step as a job on GitHub in an environment."""
        given = {
            "BUILT_TEMPLATE": str(BUILT / "build" / PACKED),
            "PARAMETERS": LOCAL,
            "RELEASE": "first",
            "STACK": STACK,
            "VERIFY": "false",
        }
        return self.account.step(name, environment, **(given | variables))

    def well(self, name: str, environment: str, **variables: str) -> str:
        """Run a step that ends well; return what it printed."""
        done = self.step(name, environment, **variables)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def name_of(self, logical: str) -> str:
        """Return the name that a resource of the stack has in the account."""
        found = self.account.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId=logical
        )["StackResourceDetail"]
        return str(found["PhysicalResourceId"])

    def set_alarm(self, name: str, state: str) -> None:
        self.account.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="for a test")

    def parameters(self, *names: str) -> tuple[str, ...]:
        return tuple(self.account.parameter(STACK, name) for name in names)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    home = tmp_path_factory.mktemp("home")
    with pipeline_account.emulated(home) as account:
        application.build(home, application.digest_of([PROJECT / one for one in application.SOURCES]))
        account.bootstrap(STACK, "dev")
        yield Dev(account)


def test_a_job_of_another_repository_or_environment_is_refused(dev: Dev) -> None:
    for repository, environment in (("stranger/sightline", "dev"), (REPOSITORY, "prod")):
        dev.account.github.repository = repository
        done = dev.step("deploy.sh", environment)
        assert done.returncode != 0
        assert "AccessDenied" in done.stdout + done.stderr
    dev.account.github.repository = REPOSITORY


def test_a_release_is_planned_shown_deployed_and_checked(dev: Dev) -> None:
    shown = dev.well("plan.sh", "dev-plan")
    ready = {line.split()[1] for line in shown.splitlines() if line.startswith("ok ")}
    assert {"sam:", "credentials:", "services:", "lambda", "quota"} <= ready  # `sightline doctor --before`
    assert f"### {STACK} in {ACCOUNT}, {REGION}: release first" in shown
    assert "| Add | `ImagesBucket` | AWS::S3::Bucket |" in shown
    refused = dev.step("deploy.sh", "dev-plan")
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr

    assert dev.well("deploy.sh", "dev") == f"{STACK}: CREATE_COMPLETE\n"
    # LogRetentionDays is that of samconfig.toml.
    assert dev.parameters("LogRetentionDays", "PermissionsBoundaryArn") == (
        "7",
        f"arn:aws:iam::{ACCOUNT}:policy/sightline-pipeline/pipeline-boundary-{STACK}",
    )
    checked = dev.well("check_deployed.sh", "dev")
    unseen = [line.split()[2] for line in checked.splitlines() if line.startswith("not checked")]
    assert unseen == ["rights:"]  # simulation of its own rights is not given

    assert "Nothing changes." in dev.well("plan.sh", "dev-plan", RELEASE="same")
    assert dev.well("deploy.sh", "dev", RELEASE="same") == f"{STACK}: nothing to change\n"


def test_a_release_that_is_not_good_goes_back_to_the_one_that_was(dev: Dev) -> None:
    second = {"RELEASE": "second", "PARAMETERS": f"{LOCAL} LogRetentionDays=14 MinMap=0.6"}
    shown = dev.well("plan.sh", "dev-plan", **second)
    assert "| Modify | `FunctionsLogGroup` | AWS::Logs::LogGroup |" in shown
    assert dev.well("deploy.sh", "dev", **second) == f"{STACK}: UPDATE_COMPLETE\n"
    assert dev.parameters("LogRetentionDays", "MinMap") == ("14", "0.6")

    back = dev.well("roll_back.sh", "dev", **second)
    assert back == f"{STACK}: UPDATE_COMPLETE\n{STACK} runs release first again\n"
    assert dev.parameters("LogRetentionDays", "MinMap") == ("7", "0.5")
    assert "as release first left it" in dev.well("roll_back.sh", "dev", **second)

    done = dev.step("deploy.sh", "dev", **second)  # as where another release was deployed in between
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the change set of release second is gone: {STACK} was changed after it was planned" in done.stderr


def test_an_alarm_that_goes_on_before_the_update_ends_takes_it_back(dev: Dev) -> None:
    third = {"RELEASE": "third", "PARAMETERS": f"{LOCAL} LogRetentionDays=30"}
    dev.well("plan.sh", "dev-plan", **third)
    alarm = dev.name_of("PredictFailed")
    dev.set_alarm(alarm, "ALARM")
    done = dev.step("deploy.sh", "dev", **third)
    dev.set_alarm(alarm, "OK")
    assert done.returncode == 1
    assert f"CloudFormation took the release back: {STACK} is UPDATE_ROLLBACK_COMPLETE" in done.stderr
    assert alarm in done.stderr
    assert dev.parameters("LogRetentionDays") == ("7",)


def test_a_release_that_was_never_planned_is_not_deployed(dev: Dev) -> None:
    done = dev.step("deploy.sh", "dev", RELEASE="unknown")
    assert done.returncode == 1
    assert done.stderr == f"pipelines: nothing was planned for release unknown of {STACK}; run plan.sh before\n"


def test_a_training_without_labels_says_so_and_there_is_nothing_to_promote(dev: Dev) -> None:
    arn = dev.well("train.sh", "dev").strip()
    assert arn.startswith(f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{STACK}-train-model:")
    output = dev.account.home / "output"
    output.touch()
    said = dev.well("wait_for_gate.sh", "dev", GITHUB_OUTPUT=str(output))
    assert said.splitlines()[-1].startswith("nothing new: ")
    assert output.read_text() == "version=\n"
    other = {"TO_STACK": "sightline-staging", "TO_ACCOUNT": ACCOUNT, "MODEL_VERSION": ""}
    assert "Nothing to promote" in dev.well("promote.sh", "staging", **other)
    refused = dev.step("promote.sh", "dev", **(other | {"MODEL_VERSION": "1"}))
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr  # the environment of a later stage reads models, dev's own does not


def test_a_stack_with_data_goes_through_the_jobs_of_codebuild_without_the_loop(dev: Dev, tmp_path: Path) -> None:
    bucket, table = dev.name_of("ImagesBucket"), dev.name_of("ImagesTable")
    dev.account.client("s3").put_object(Bucket=bucket, Key="incoming/part.jpg", Body=jpeg(1))

    def is_registered() -> bool:
        rows = dev.account.client("dynamodb").scan(TableName=table)["Items"]
        return any(row["pk"]["S"].startswith("image#") for row in rows)

    until(is_registered)
    source = clone(tmp_path / "source")
    environment_with_packages(source)
    builds = Builds(dev.account, source)

    planned = builds.well("PlanDev", without=(), CODEBUILD_SRC_DIR_Built=str(built(tmp_path / "built")))
    assert "Set-up done." in planned
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=source, capture_output=True, text=True, check=True)
    assert f"release {commit.stdout[:12]}" in planned

    deployed = builds.well("DeployDev")
    assert f"Not verified: {STACK} has 1 images" in deployed
    assert builds.well("Train").splitlines()[-1] == "exported MODEL_VERSION=none"
    promoted = builds.well("PromoteStaging", MODEL_VERSION="none")
    assert promoted == f"Nothing to promote: no model was accepted in {STACK}.\n"


def test_a_job_of_codebuild_takes_on_its_own_role_only(dev: Dev, tmp_path: Path) -> None:
    plan, deploy = (Builds(dev.account, tmp_path).session(project) for project in ("PlanDev", "DeployStaging"))
    for keys in (plan, deploy):
        refused = dev.account.command(["bash", str(STEPS / "deploy.sh")], STACK=STACK, RELEASE="first", **keys)
        assert refused.returncode != 0
        assert "AccessDenied" in refused.stderr
