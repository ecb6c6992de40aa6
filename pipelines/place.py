"""Where a step works: the stack, and what `bootstrap.yaml` made for it in the account, whose names follow from it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import boto3

from client.target import Target
from sightline.aws.clients import Aws
from sightline.errors import SightlineError

PATH = "sightline-pipeline"  # of every role and policy in bootstrap.yaml


class StepError(SightlineError):
    """A step lacks something, or ended badly."""


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What there is for one stack in one account and region."""

    stack: str
    account: str
    region: str

    @classmethod
    def from_environment(cls, variables: Mapping[str, str], prefix: str = "") -> Self:
        """Read STACK, ACCOUNT and AWS_REGION, or `TO_STACK` and so on. Raise StepError naming what is missing."""
        region = variables.get(f"{prefix}AWS_REGION") or variables.get("AWS_REGION", "")
        found = {"STACK": variables.get(f"{prefix}STACK", ""), "ACCOUNT": variables.get(f"{prefix}ACCOUNT", "")}
        missing = [f"{prefix}{name}" for name, value in found.items() if not value] + ([] if region else ["AWS_REGION"])
        if missing:
            raise StepError(f"set {' and '.join(missing)}; the head of the step says what they are")
        return cls(found["STACK"], found["ACCOUNT"], region)

    @property
    def partition(self) -> str:
        return str(boto3.Session(region_name=self.region).get_partition_for_region(self.region))

    def role(self, name: str) -> str:
        """Return the ARN of the role `plan`, `deploy` or `cloudformation`."""
        return f"arn:{self.partition}:iam::{self.account}:role/{PATH}/pipeline-{name}-{self.stack}"

    @property
    def boundary(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:policy/{PATH}/pipeline-boundary-{self.stack}"

    @property
    def bucket(self) -> str:
        return f"pipeline-{self.stack}-{self.account}-{self.region}"

    @property
    def aws(self) -> Aws:
        """Return the account, with the rights of the step. `AWS_ENDPOINT_URL` lets the emulator stand for AWS."""
        return Aws(boto3.Session(region_name=self.region), os.environ.get("AWS_ENDPOINT_URL"))

    def target(self) -> Target:
        """Return the deployed stack. Raise SightlineError."""
        return Target.find(None, self.region, self.stack, Path())
