"""A function's account in tests: what its role in the template may not call is refused, as on AWS.

Names of actions alone are looked at; resources and conditions are the local stack's part.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.given_aws import GivenAws
from tests.project import functions, template

PREFIXES = {"cognito-idp": "cognito-idp", "greengrassv2": "greengrass", "sagemaker-featurestore-runtime": "sagemaker"}
PREFIXES |= {"stepfunctions": "states", "iot-data": "iot"}
# Operations whose right has another name (Service Authorization Reference); an empty tuple needs no right.
RIGHTS = {
    "s3:HeadObject": ("s3:GetObject",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:CopyObject": ("s3:GetObject", "s3:PutObject"),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:UploadPart": ("s3:PutObject",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "dynamodb:TransactWriteItems": ("dynamodb:UpdateItem",),  # the only kind that Table.transact sends
    "sqs:SendMessageBatch": ("sqs:SendMessage",),
    "sqs:DeleteMessageBatch": ("sqs:DeleteMessage",),
    "sts:GetCallerIdentity": (),
    "cognito-idp:RevokeToken": (),  # the token is the right
}


@cache
def actions(function: str) -> frozenset[str]:
    """Return the actions that the role of a function allows, wildcards and all."""
    found: set[str] = set()
    for policy in functions()[function].get("Policies", []):
        document = policy
        if "Ref" in policy:
            document = template()["Resources"][policy["Ref"]]["Properties"]["PolicyDocument"]
        for statement in document["Statement"]:
            named = statement["Action"]
            found |= {named} if isinstance(named, str) else set(named)
    return frozenset(found)


def is_allowed(function: str, right: str) -> bool:
    """Say whether the role of a function allows an action on anything."""
    return any(re.fullmatch(re.escape(given).replace(r"\*", ".*"), right) for given in actions(function))


class FunctionAws(GivenAws):
    """The account with the rights of one function: `function` is its folder's name."""

    def __init__(self, account: GivenAws, function: str) -> None:
        super().__init__(account.session, account.endpoint)
        self.given = account.given  # one dictionary: what a test gives later counts too
        self.function = function

    def client(self, service: str) -> Any:
        if service in self.given:
            return Given(self.given[service], service, self._ask)
        is_new = service not in self._clients
        client = super().client(service)
        if is_new:
            client.meta.events.register("before-call", lambda model, **_: self._ask(service, model.name))
        return client

    def _ask(self, service: str, operation: str) -> None:
        right = f"{PREFIXES.get(service, service)}:{operation}"
        for needed in RIGHTS.get(right, (right,)):
            if not is_allowed(self.function, needed):
                said = f"{self.function} is not authorized to perform {needed}; give its role in infra/ the right"
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": said}}, operation)


class Given:
    """What a test gave for a service, asked for the same rights."""

    def __init__(self, stand_in: Any, service: str, ask: Callable[[str, str], None]) -> None:
        self._stand_in, self._ask, self._service = stand_in, ask, service

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._stand_in, name)
        operation = operations(self._service).get(name)
        if operation is None:
            return value

        def call(*positional: Any, **named: Any) -> Any:
            self._ask(self._service, operation)
            return value(*positional, **named)

        return call


@cache
def operations(service: str) -> dict[str, str]:
    """Return the operations of a service by the names of their methods in boto3."""
    client = boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]
    return dict(client.meta.method_to_api_mapping)
