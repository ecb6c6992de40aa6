"""A stack made anew over the data that an earlier one of its name has kept.

CloudFormation imports what is there: a change set of the type IMPORT makes a stack of the kept resources alone, and the
next `sam deploy` adds the rest. Such a template has no transform and no outputs, and imports whatever it holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from client import template_file
from client.doctor.deployed import Deployed
from client.removal import kept, removing
from client.target import Place
from client.template_file import TEMPLATE
from sightline.errors import SightlineError
from sightline.names import check_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ResourceToImportTypeDef

CHANGE_SET = "adopt"
WAIT: Any = {"Delay": 2, "MaxAttempts": 450}
# What tells CloudFormation which resource of a type is meant: the last key is its name or id, as a stack shows it.
IDENTIFIERS = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::KMS::Key": "KeyId",
    "AWS::Cognito::UserPool": "UserPoolId",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupArn",
}


class AdoptingError(SightlineError):
    """What was kept can't be adopted."""


def _as_json(part: Any) -> Any:
    """Return a part of the template as JSON has it: `!GetAtt A.B` is a list there."""
    if isinstance(part, list):
        return [_as_json(one) for one in part]
    if not isinstance(part, dict):
        return part
    attribute = part.get("Fn::GetAtt")
    if isinstance(attribute, str):
        return {"Fn::GetAtt": attribute.split(".", 1)}
    return {key: _as_json(value) for key, value in part.items()}


@dataclass(frozen=True, slots=True)
class KeptTemplate:
    """The part of the template that outlives a stack. `resources` is logical id → type."""

    body: str  # JSON
    resources: Mapping[str, str]

    @classmethod
    def read(cls, path: Path = TEMPLATE) -> KeptTemplate:
        value = _as_json(template_file.read(path))
        found = {name: one for name, one in value["Resources"].items() if one.get("DeletionPolicy") == "Retain"}
        body = {
            "AWSTemplateFormatVersion": value["AWSTemplateFormatVersion"],
            "Parameters": value["Parameters"],
            "Conditions": value["Conditions"],
            "Resources": found,
        }
        return cls(json.dumps(body, separators=(",", ":")), {name: one["Type"] for name, one in found.items()})


def left(place: Place) -> dict[str, str]:
    """Return logical id → name or id of what the last stack of this name has kept; AWS remembers it for 90 days."""
    deleted = removing.last_deleted(place)
    return {one.name: one.id for one in kept.of_deleted(place, deleted)} if deleted else {}


def adopt(place: Place, given: Mapping[str, str], template: KeptTemplate | None = None) -> list[str]:
    """Make the stack of what is kept: `given`, and for the rest what its last one of this name has left.

    Return the logical ids of what it has now. Raise AdoptingError, with nothing made.
    """
    check_stack(place.stack)
    template = template or KeptTemplate.read()
    stack = Deployed.find(place)
    if stack and stack.status != "REVIEW_IN_PROGRESS":
        raise AdoptingError(f"{place.stack} is there already ({stack.status}); adopt before `sam deploy` makes it")
    found = {**left(place), **given}
    unknown = sorted(given.keys() - template.resources.keys())
    if unknown:
        raise AdoptingError(f"{unknown[0]} is not kept by a stack; these are: {', '.join(sorted(template.resources))}")
    missing = sorted(name for name in template.resources if name not in found and name != "EngineersGroup")
    if missing and not found:
        raise AdoptingError(
            f"AWS knows of no stack {place} that was deleted in the last 90 days; choose another --stack, --region or "
            f"--profile, or name what was kept: {' '.join(f'{name}=…' for name in missing)}"
        )
    if missing:
        raise AdoptingError(f"what was kept as {', '.join(missing)}? Name it: {missing[0]}=…")
    _import(place, template, [_identified(name, kind, found) for name, kind in sorted(template.resources.items())])
    return sorted(template.resources)


def _identified(name: str, kind: str, found: Mapping[str, str]) -> ResourceToImportTypeDef:
    if kind == "AWS::Cognito::UserPoolGroup":  # it goes with its pool
        identifier = {"UserPoolId": found["UserPool"], "GroupName": "engineers"}
    else:
        identifier = {IDENTIFIERS[kind]: found[name]}
    return {"ResourceType": kind, "LogicalResourceId": name, "ResourceIdentifier": identifier}


def _import(place: Place, template: KeptTemplate, resources: list[ResourceToImportTypeDef]) -> None:
    client = place.aws.cloudformation
    try:
        client.create_change_set(
            StackName=place.stack,
            ChangeSetName=CHANGE_SET,
            ChangeSetType="IMPORT",
            TemplateBody=template.body,
            ResourcesToImport=resources,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "AlreadyExistsException":
            raise AdoptingError(
                f"another `adopt` of {place} is at work, or one was killed; if so, `sightline remove` that stack first"
            ) from error
        raise AdoptingError(f"AWS refused the import: {error.response['Error']['Message']}") from error
    try:
        client.get_waiter("change_set_create_complete").wait(
            StackName=place.stack, ChangeSetName=CHANGE_SET, WaiterConfig=WAIT
        )
    except (KeyboardInterrupt, SystemExit):
        client.delete_stack(StackName=place.stack)  # which holds nothing yet, and would be in the way of the next try
        raise
    except WaiterError as error:
        said = client.describe_change_set(StackName=place.stack, ChangeSetName=CHANGE_SET)
        client.delete_stack(StackName=place.stack)  # which holds nothing yet
        raise AdoptingError(f"AWS can't import: {said.get('StatusReason', 'no reason given')}") from error
    client.execute_change_set(StackName=place.stack, ChangeSetName=CHANGE_SET)
    try:
        client.get_waiter("stack_import_complete").wait(StackName=place.stack, WaiterConfig=WAIT)
    except WaiterError as error:
        stack = Deployed.find(place)
        reason = f"{stack.status} {stack.reason}".strip() if stack else "the stack is gone"
        raise AdoptingError(f"the import ended as {reason}; everything that was kept is still there") from error
