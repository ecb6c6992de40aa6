"""What a command works on: the stack on this machine, or one on AWS."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from sightline.aws.clients import Aws
from sightline.errors import SightlineError

API_SECONDS = 30  # the longest that API Gateway waits for an answer
DEFAULT_STACK = "sightline"


class TargetError(SightlineError):
    """The stack that a command should work on can't be found or reached, or is not whole."""


class Outputs(dict[str, str]):
    """The outputs of a stack: asking for one that it does not have is a mistake of whoever chose the stack."""

    def __init__(self, stack: str, *given: Any) -> None:
        super().__init__(*given)
        self.stack = stack

    def __missing__(self, name: str) -> str:
        raise TargetError(
            f"the stack {self.stack} has no output {name}, so it is not deployed to the end, or no Sightline stack; "
            f"`sightline --stack {self.stack} doctor` says more"
        )


def is_missing(error: Exception) -> bool:
    """Return whether CloudFormation says that there is no stack of a name."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return code == "ValidationError" and "does not exist" in str(error)


@dataclass
class Place:
    """Where commands work, whether the stack is there or not: an account and region, and the stack's name."""

    stack: str
    session: Any  # boto3.Session
    endpoint: str | None = None  # of the emulator

    @classmethod
    def find(cls, profile: str | None, region: str | None, stack: str | None, home: Path) -> Self:
        """Return where the AWS stack is or will be when a profile or a stack is named, else the running local one.

        `AWS_ENDPOINT_URL` lets the emulator stand for AWS. Raise SightlineError.
        """
        import boto3

        if not profile and not stack:
            from local.application import NAME
            from local.stack import load

            running = load(home)
            return cls(NAME, boto3.Session(**running.credentials), running.endpoint)
        from botocore.exceptions import BotoCoreError

        try:
            session = boto3.Session(profile_name=profile, region_name=region)
        except BotoCoreError as error:
            raise TargetError(f"stack {stack or DEFAULT_STACK!r} on AWS: {error}") from error
        return cls(stack or DEFAULT_STACK, session, os.environ.get("AWS_ENDPOINT_URL"))

    @cached_property
    def aws(self) -> Aws:
        """Return the account, with the caller's rights."""
        return Aws(self.session, self.endpoint)

    def __str__(self) -> str:
        return f"{self.stack} in {self.session.region_name}"

    def nothing_here(self) -> TargetError:
        """Return what to say where there is no stack of this name."""
        return TargetError(f"there is no stack {self}; deploy it, or choose another --stack, --region or --profile")


@dataclass
class Target:
    """A stack: its outputs, clients with the caller's credentials, and its labelling API."""

    outputs: dict[str, str]
    session: Any  # boto3.Session
    endpoint: str | None = None

    @classmethod
    def find(cls, profile: str | None, region: str | None, stack: str | None, home: Path) -> Self:
        """Return the AWS stack when a profile or a stack is named, else the local one. Raise SightlineError."""
        place = Place.find(profile, region, stack, home)
        if not profile and not stack:
            from local.stack import load

            return cls(load(home).outputs, place.session, place.endpoint)
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = place.aws.client("cloudformation").describe_stacks(StackName=place.stack)["Stacks"][0]
        except (BotoCoreError, ClientError) as error:
            if is_missing(error):
                raise place.nothing_here() from None
            raise TargetError(f"stack {place.stack!r} on AWS: {error}") from error
        outputs = Outputs(place.stack, {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])})
        return cls(outputs, place.session, place.endpoint)

    @cached_property
    def aws(self) -> Aws:
        """Return the stack's account, with the caller's rights."""
        return Aws(self.session, self.endpoint)

    def client(self, service: str) -> Any:
        """Return the client of a service that `aws` has no property for."""
        return self.aws.client(service)

    @cached_property
    def api_url(self) -> str:
        """Return where the labelling API is: the emulator's by path, as its host names do not resolve everywhere."""
        url = self.outputs["LabelingApiUrl"]
        if not self.endpoint:
            return url
        return f"{self.endpoint}/_aws/execute-api/{url.split('//')[1].split('.')[0]}/$default"

    def call_api(
        self, method: str, path: str, body: Mapping[str, object] | None = None, token: str | None = None
    ) -> tuple[int, Any]:
        """Send one request to the console API. Return the status and the JSON answer, None when it is empty."""
        data = json.dumps(body).encode() if body is not None else None
        return self.send(method, path, data, "application/json", token)

    def send(self, method: str, path: str, data: bytes | None, kind: str, token: str | None = None) -> tuple[int, Any]:
        """Send one request with a body of this content type. Return the status and the JSON answer."""
        request = urllib.request.Request(self.api_url + path, method=method)  # noqa: S310 (the stack's own address)
        request.add_header("Content-Type", kind)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, data, timeout=API_SECONDS) as answer:  # noqa: S310
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text else None
