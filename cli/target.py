"""What a command works on: the stack on this machine, or one on AWS."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sightline.errors import SightlineError


class TargetError(SightlineError):
    """The stack that a command should work on can't be found or reached."""


@dataclass
class Target:
    """A stack: its outputs, clients with the caller's credentials, and its labelling API."""

    outputs: dict[str, str]
    session: Any
    endpoint: str | None = None

    @classmethod
    def find(cls, profile: str | None, region: str | None, stack: str | None, home: Path) -> "Target":
        """The AWS stack when a profile or a stack is named, else the local one. Raises SightlineError."""
        import boto3

        if not profile and not stack:
            from local.stack import CREDENTIALS, load

            local = load(home)
            return cls(local.outputs, boto3.Session(**CREDENTIALS), local.endpoint)
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            session = boto3.Session(profile_name=profile, region_name=region)
            found = session.client("cloudformation").describe_stacks(StackName=stack or "sightline")["Stacks"][0]
        except (BotoCoreError, ClientError) as error:
            raise TargetError(f"stack {stack or 'sightline'!r} on AWS: {error}") from error
        return cls({output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}, session)

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint)

    @cached_property
    def api_url(self) -> str:
        """Where the labelling API is; the emulator's host names do not resolve everywhere, so it is called by path."""
        url = self.outputs["LabelingApiUrl"]
        if not self.endpoint:
            return url
        return f"{self.endpoint}/_aws/execute-api/{url.split('//')[1].split('.')[0]}/$default"

    def call_api(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """One signed request to the labelling API: status and JSON answer (None when it is empty)."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.httpsession import URLLib3Session

        request = AWSRequest(method, self.api_url + path, data=json.dumps(body) if body is not None else None)
        request.headers["Content-Type"] = "application/json"
        SigV4Auth(self.session.get_credentials(), "execute-api", self.session.region_name).add_auth(request)
        answer = URLLib3Session(timeout=30).send(request.prepare())
        text = answer.content.decode()
        return answer.status_code, json.loads(text) if text else None
