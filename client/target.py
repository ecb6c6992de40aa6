"""What a command works on: the stack on this machine, or one on AWS."""

import json
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


class TargetError(SightlineError):
    """The stack that a command should work on can't be found or reached."""


@dataclass
class Target:
    """A stack: its outputs, clients with the caller's credentials, and its labelling API."""

    outputs: dict[str, str]
    session: Any  # boto3.Session
    endpoint: str | None = None

    @classmethod
    def find(cls, profile: str | None, region: str | None, stack: str | None, home: Path) -> Self:
        """Return the AWS stack when a profile or a stack is named, else the local one. Raise SightlineError."""
        import boto3

        if not profile and not stack:
            from local.account import CREDENTIALS
            from local.stack import load

            local = load(home)
            return cls(local.outputs, boto3.Session(**CREDENTIALS), local.endpoint)
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            session = boto3.Session(profile_name=profile, region_name=region)
            found = session.client("cloudformation").describe_stacks(StackName=stack or "sightline")["Stacks"][0]
        except (BotoCoreError, ClientError) as error:
            raise TargetError(f"stack {stack or 'sightline'!r} on AWS: {error}") from error
        return cls({output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}, session)

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
        request = urllib.request.Request(self.api_url + path, method=method)  # noqa: S310 (the stack's own address)
        request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        data = json.dumps(body).encode() if body is not None else None
        try:
            with urllib.request.urlopen(request, data, timeout=API_SECONDS) as answer:  # noqa: S310
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text else None
