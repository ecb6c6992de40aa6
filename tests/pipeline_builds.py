"""CodeBuild, played: the jobs of `pipelines/codepipeline.yaml` run the commands of their buildspecs in a clone.

A job has the session of its own role and the variables of its project, and no token of GitHub.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local.account import ACCOUNT
from local.application import BUILT, PACKED
from tests.pipeline_account import PipelineAccount
from tests.project import ROOT, template
from tests.resolved import Resolver

PIPELINES = template(ROOT / "pipelines" / "codepipeline.yaml")["Resources"]
PHASES = ("install", "pre_build", "build", "post_build")
GIVEN = {f"{stage}Account": ACCOUNT for stage in ("Dev", "Staging", "Prod")}
END = "exported "


def clone(folder: Path) -> Path:
    """Return a clone of this checkout as it is, with what is not committed yet."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        source, target = ROOT / name, folder / name
        if name and (source.is_symlink() or source.exists()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    own = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "--quiet"], ["add", "--all"], [*own, "commit", "--quiet", "--no-verify", "-m", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def environment_with_packages(folder: Path) -> None:
    """Make the virtual environment of a clone that has this one's packages, so that set_up.sh downloads nothing."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True)
    [packages] = (folder / ".venv" / "lib").glob("python*/site-packages")
    (packages / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")


def built(folder: Path) -> Path:
    """Return a folder with what build.sh leaves, made of the application that all tests have built together."""
    archive = folder / "build" / "pipeline" / "built.tar.gz"
    archive.parent.mkdir(parents=True)
    source = BUILT / "build"
    (folder / "template.yaml").write_text((source / PACKED).read_text().replace('"../../../', '"../../'))
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(folder / "template.yaml", ".aws-sam/build/template.yaml")
        for layer in source.glob("*.zip"):
            tar.add(layer, f".aws-sam/build/{layer.name}")
    return folder


@dataclass
class Builds:
    """The jobs of both pipelines, in an account. `parameters` are those of the stack of pipelines."""

    account: PipelineAccount
    source: Path
    parameters: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole = template(ROOT / "pipelines" / "codepipeline.yaml")
        self.resolver = Resolver("sightline-pipelines", whole, **(GIVEN | self.parameters))

    def run(
        self, project: str, *, without: tuple[str, ...] = ("install",), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the commands of a project in one shell, as CodeBuild does. What it exports is printed at the end."""
        properties = PIPELINES[project]["Properties"]
        spec = yaml.safe_load((self.source / properties["Source"]["BuildSpec"]).read_text())
        phases = [spec["phases"].get(phase, {}) for phase in PHASES if phase not in without]
        commands = [command for phase in phases for command in phase.get("commands", [])]
        exported = [f'echo "{END}{name}=${name}"' for name in spec.get("env", {}).get("exported-variables", [])]
        given = {
            one["Name"]: str(self.resolver.value(one["Value"]))
            for one in properties["Environment"]["EnvironmentVariables"]
        }
        done: subprocess.CompletedProcess[str] = self.account.command(
            ["bash", "-ec", "\n".join([*commands, *exported])],
            self.source,
            **(given | self._of_the_action(project, variables) | self.session(project) | variables),
        )
        return done

    def well(self, project: str, **given: Any) -> str:
        """Run a job that ends well; return what it printed."""
        done = self.run(project, **given)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def _of_the_action(self, project: str, variables: dict[str, str]) -> dict[str, str]:
        """Return the variables that the pipeline gives a job, with what an earlier one has exported."""
        actions = [
            action
            for pipeline in PIPELINES.values()
            if pipeline["Type"] == "AWS::CodePipeline::Pipeline"
            for stage in pipeline["Properties"]["Stages"]
            for action in stage["Actions"]
            if action["Configuration"].get("ProjectName") == {"Ref": project}
        ]
        text = actions[0]["Configuration"].get("EnvironmentVariables", "[]")
        found = json.loads(self.resolver.value(text))
        exported = {f"#{{Training.{name}}}": value for name, value in variables.items()}
        return {one["name"]: exported.get(one["value"], one["value"]) for one in found}

    def session(self, project: str) -> dict[str, str]:
        """Return the keys of a job: a session of its role, which has the rights that the template gives it."""
        logical = PIPELINES[project]["Properties"]["ServiceRole"]["Fn::GetAtt"].partition(".")[0]
        role = self.resolver.value(PIPELINES[logical]["Properties"])
        if "RoleName" not in role:
            return {}  # a job that needs no account
        policies = role.get("Policies", []) + [
            self.resolver.value(entry["Properties"])
            for entry in PIPELINES.values()
            if entry["Type"] == "AWS::IAM::Policy" and {"Ref": logical} in entry["Properties"]["Roles"]
        ]
        iam, name = self.account.client("iam"), role["RoleName"]
        # CodeBuild's part is played by the account itself.
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
        assumed = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, Path=role["Path"], AssumeRolePolicyDocument=assumed)
        for policy in policies:
            iam.put_role_policy(
                RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(policy["PolicyDocument"])
            )
        arn = f"arn:aws:iam::{ACCOUNT}:role{role['Path']}{name}"
        keys = self.account.client("sts").assume_role(RoleArn=arn, RoleSessionName="build")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }
