"""An emulated account in which a person has deployed `pipelines/bootstrap.yaml`, and the jobs that sign in to it.

The emulator stands for AWS, a small server for GitHub's tokens. No step has a key: what signs in is the token, or in
CodeBuild the session of the job's role, and the emulator holds the trust and the rights of the roles.
"""

import base64
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3

from local import emulator_process
from local.account import ACCOUNT, REGION, read_credentials
from tests.project import ROOT

ISSUER = "token.actions.githubusercontent.com"
REPOSITORY = "plant/sightline"
STEPS = ROOT / "pipelines" / "steps"


class GitHub:
    """The server of a job's tokens: `environment` and `repository` are the job's."""

    def __init__(self) -> None:
        self.repository, self.environment = REPOSITORY, "dev-plan"
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
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

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

    def variables(self) -> dict[str, str]:
        """Return what GitHub sets in a job that may ask for a token."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{self.server.server_port}/?api-version=2",
        }

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def emulated(home: Path, program: tuple[str, ...] = ("-m", "local.emulator")) -> "Iterator[PipelineAccount]":
    """An account of its own in a folder. `program` is the emulator."""
    pid, github = 0, GitHub()
    try:
        with emulator_process.one_start():
            port = emulator_process.free_port(0)
            pid = emulator_process.start(home, port, tied=True, program=program)
        yield PipelineAccount(f"http://127.0.0.1:{port}", home, github)
    finally:
        github.close()
        emulator_process.stop(home, pid)


@dataclass
class PipelineAccount:
    """The account at an emulator's address. `home` is where its steps find their temporary files."""

    endpoint: str
    home: Path
    github: GitHub = field(default_factory=GitHub)
    provider: str = ""

    def client(self, service: str) -> Any:
        """Return a client with all rights."""
        return boto3.client(service, endpoint_url=self.endpoint, **read_credentials(self.home))  # type: ignore[call-overload]

    def bootstrap(self, stack: str, stage: str) -> None:
        """Prepare the account for one stack, as a person does once; both pipelines may use it."""
        if not self.provider:
            self.provider = self.client("iam").create_open_id_connect_provider(
                Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
            )["OpenIDConnectProviderArn"]
        parameters = {
            "StackName": stack, "Stage": stage, "GitHubRepository": REPOSITORY, "OidcProviderArn": self.provider,
            "CodePipelineAccount": ACCOUNT,
        }  # fmt: skip
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=f"pipeline-{stack}",
            TemplateBody=(ROOT / "pipelines" / "bootstrap.yaml").read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=f"pipeline-{stack}", WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def step(self, name: str, environment: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a step as a job on GitHub in an environment."""
        self.github.environment = environment
        return self.command(["bash", str(STEPS / name)], **(self.github.variables() | variables))

    def command(self, command: list[str], folder: Path | None = None, /, **variables: str) -> Any:
        """Run a command of a job, with nothing of this process's own account."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GITHUB_"))}
        given = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": REGION,
            "ACCOUNT": ACCOUNT,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "SAM_CLI_POLL_DELAY": "0.1",
            "TMPDIR": str(self.home),
        }
        done = subprocess.run(
            command, env=clean | given | variables, cwd=folder or self.home, capture_output=True, text=True, check=False
        )
        assert "aws_secret" not in done.stdout + done.stderr
        return done

    def parameter(self, stack: str, name: str) -> str:
        """Return the value that a stack has of a parameter."""
        [found] = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        values: dict[str, str] = {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]}
        return values[name]
