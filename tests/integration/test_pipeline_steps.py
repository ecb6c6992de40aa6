"""Each step of the pipelines that works in an account, in the emulator, with the rights of pipelines/bootstrap.yaml.

The emulator stands for AWS, a small server for GitHub's tokens. No step has a key: what signs in is the token, and the
emulator holds the trust and the rights of the roles.
"""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from local import application, emulator_process
from local.account import ACCOUNT, CREDENTIALS, REGION
from local.application import BUILT, PACKED, PROJECT
from tests.project import ROOT

pytestmark = pytest.mark.timeout(900)

STACK = "sightline-dev"
LOCAL = "LabelingWindowSeconds=5"
ISSUER = "token.actions.githubusercontent.com"


class GitHub:
    """The server of a job's tokens: `environment` and `repository` are the job's."""

    def __init__(self) -> None:
        self.repository, self.environment = "plant/sightline", "dev-plan"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert self.headers["Authorization"] == "bearer of-the-job"
                assert self.path.endswith("&audience=sts.amazonaws.com")
                body = json.dumps({"value": outer.token()}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self) -> str:
        claims = {
            "iss": f"https://{ISSUER}",
            "aud": "sts.amazonaws.com",
            "sub": f"repo:{self.repository}:environment:{self.environment}",
        }
        encoded = [
            base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=")
            for one in ({"alg": "RS256"}, claims)
        ]
        return ".".join([*encoded, "signed"])


@dataclass
class Account:
    """An emulated account in which a person has deployed the bootstrap of one stack."""

    endpoint: str
    github: GitHub
    home: Path

    def client(self, service: str) -> Any:
        return boto3.client(service, endpoint_url=self.endpoint, **CREDENTIALS)  # type: ignore[call-overload]

    def step(self, name: str, environment: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a step as a job on GitHub in an environment."""
        self.github.environment = environment
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GITHUB_"))}
        given = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": REGION,
            "ACCOUNT": ACCOUNT,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{self.github.server.server_port}/?api-version=2",
            "BUILT_TEMPLATE": str(BUILT / "build" / PACKED),
            "PARAMETERS": LOCAL,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "RELEASE": "first",
            "SAM_CLI_POLL_DELAY": "0.1",
            "STACK": STACK,
            "TMPDIR": str(self.home),
            "VERIFY": "false",
        }
        command = ["bash", str(ROOT / "pipelines" / "steps" / name)]
        done = subprocess.run(command, env=clean | given | variables, cwd=self.home, capture_output=True, text=True)
        assert "aws_secret" not in done.stdout + done.stderr
        return done

    def well(self, name: str, environment: str, **variables: str) -> str:
        """Run a step that ends well; return what it printed."""
        done = self.step(name, environment, **variables)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def parameter(self, name: str) -> str:
        [found] = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]}[name]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    home = tmp_path_factory.mktemp("home")
    pid = 0
    github = GitHub()
    try:
        with emulator_process.one_start():
            port = emulator_process.free_port(0)
            pid = emulator_process.start(home, port, tied=True)
        application.build(home, application.digest_of([PROJECT / one for one in application.SOURCES]))
        made = Account(f"http://127.0.0.1:{port}", github, home)
        provider = made.client("iam").create_open_id_connect_provider(
            Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
        )["OpenIDConnectProviderArn"]
        given = {"StackName": STACK, "Stage": "dev", "GitHubRepository": "plant/sightline", "OidcProviderArn": provider}
        cloudformation = made.client("cloudformation")
        cloudformation.create_stack(
            StackName=f"pipeline-{STACK}",
            TemplateBody=(ROOT / "pipelines" / "bootstrap.yaml").read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=f"pipeline-{STACK}", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        yield made
    finally:
        github.server.shutdown()
        emulator_process.stop(home, pid)


def test_a_job_of_another_repository_or_environment_is_refused(account: Account) -> None:
    for repository, environment in (("stranger/sightline", "dev-plan"), ("plant/sightline", "prod-plan")):
        account.github.repository = repository
        done = account.step("plan.sh", environment)
        assert done.returncode != 0
        assert "AccessDenied" in done.stdout + done.stderr
    account.github.repository = "plant/sightline"


def test_a_release_is_planned_shown_deployed_and_checked(account: Account) -> None:
    shown = account.well("plan.sh", "dev-plan")
    assert f"### {STACK} in {ACCOUNT}, {REGION}: release first" in shown
    assert "| Add | `ImagesBucket` | AWS::S3::Bucket |" in shown
    refused = account.step("deploy.sh", "dev-plan")
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr

    assert account.well("deploy.sh", "dev") == f"{STACK}: CREATE_COMPLETE\n"
    assert account.parameter("LogRetentionDays") == "7"  # of samconfig.toml
    assert account.parameter("PermissionsBoundaryArn").endswith(f"/pipeline-boundary-{STACK}")
    checked = account.well("check_deployed.sh", "dev")
    # Simulation of its own rights is not given. The emulator asks for the other two by names that AWS does not have:
    # `rule/default/<name>`, and PutFunctionConcurrency where somebody reads it.
    unseen = {line.split()[2].rstrip(":") for line in checked.splitlines() if line.startswith("not checked")}
    assert unseen <= {"rights", "rules", "throttles"}

    assert "Nothing changes." in account.well("plan.sh", "dev-plan", RELEASE="same")
    assert account.well("deploy.sh", "dev", RELEASE="same") == f"{STACK}: nothing to change\n"


def test_a_release_that_is_not_good_goes_back_to_the_one_that_was(account: Account) -> None:
    second = {"RELEASE": "second", "PARAMETERS": f"{LOCAL} LogRetentionDays=14 MinMap=0.6"}
    shown = account.well("plan.sh", "dev-plan", **second)
    assert "| Modify | `FunctionsLogGroup` | AWS::Logs::LogGroup |" in shown
    assert account.well("deploy.sh", "dev", **second) == f"{STACK}: UPDATE_COMPLETE\n"
    assert (account.parameter("LogRetentionDays"), account.parameter("MinMap")) == ("14", "0.6")

    back = account.well("roll_back.sh", "dev", **second)
    assert back == f"{STACK}: UPDATE_COMPLETE\n{STACK} runs release first again\n"
    assert (account.parameter("LogRetentionDays"), account.parameter("MinMap")) == ("7", "0.5")
    assert "as release first left it" in account.well("roll_back.sh", "dev", **second)


def test_a_release_that_was_never_planned_is_not_deployed(account: Account) -> None:
    done = account.step("deploy.sh", "dev", RELEASE="unknown")
    assert done.returncode == 1
    assert done.stderr == f"pipelines: nothing was planned for release unknown of {STACK}; run plan.sh before\n"


def test_a_training_without_labels_says_so_and_there_is_nothing_to_promote(account: Account) -> None:
    arn = account.well("train.sh", "dev").strip()
    assert arn.startswith(f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{STACK}-train-model:")
    output = account.home / "output"
    output.touch()
    said = account.well("wait_for_gate.sh", "dev", GITHUB_OUTPUT=str(output))
    assert said.splitlines()[-1].startswith("nothing new: ")
    assert output.read_text() == "version=\n"
    other = {"TO_STACK": "sightline-staging", "TO_ACCOUNT": ACCOUNT, "MODEL_VERSION": ""}
    assert "Nothing to promote" in account.well("promote.sh", "staging", **other)
    refused = account.step("promote.sh", "dev", **(other | {"MODEL_VERSION": "1"}))
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr  # the environment of a later stage reads models, dev's own does not
