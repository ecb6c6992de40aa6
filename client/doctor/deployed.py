"""A stack as CloudFormation tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self

from botocore.exceptions import ClientError

from client.target import Outputs, Place, Target, is_missing
from sightline.aws.clients import Aws


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. `id` is what its service calls it: a name, a URL or an ARN, as its type has it."""

    name: str  # in the template
    kind: str
    id: str
    status: str


@dataclass(frozen=True)
class Deployed:
    """A stack that was deployed, or that was deleted. `id` is CloudFormation's ARN of it."""

    place: Place
    stack: str  # its name
    id: str
    status: str
    reason: str
    parameters: Mapping[str, str]
    outputs: dict[str, str]
    changed: datetime | None = None  # when it was last made or updated

    @classmethod
    def find(cls, place: Place, stack_id: str = "") -> Self | None:
        """Return the stack, None where there is none. With `stack_id` also one that is deleted."""
        try:
            found = place.aws.cloudformation.describe_stacks(StackName=stack_id or place.stack)["Stacks"][0]
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return cls(
            place,
            found["StackName"],
            found.get("StackId", ""),
            found["StackStatus"],
            found.get("StackStatusReason", ""),
            {one["ParameterKey"]: str(one.get("ParameterValue", "")) for one in found.get("Parameters", [])},
            Outputs(found["StackName"], {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}),
            found.get("LastUpdatedTime", found.get("CreationTime")),
        )

    @property
    def aws(self) -> Aws:
        return self.place.aws

    @property
    def target(self) -> Target:
        return Target(self.outputs, self.place.session, self.place.endpoint)

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        pages = self.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.stack)
        return tuple(
            Resource(one["LogicalResourceId"], one["ResourceType"], one.get("PhysicalResourceId", ""),
                     one["ResourceStatus"])
            for page in pages
            for one in page["StackResourceSummaries"]
        )  # fmt: skip

    def of_kind(self, kind: str) -> list[Resource]:
        """Return the resources of a type of CloudFormation's, by their names in the template."""
        return sorted((one for one in self.resources if one.kind == kind and one.id), key=lambda one: one.name)

    def id_of(self, name: str) -> str:
        """Return what a resource of the template is called. Raise KeyError."""
        return next((one.id for one in self.resources if one.name == name and one.id), "") or _missing(name)


def _missing(name: str) -> str:
    raise KeyError(f"the stack has no resource {name}")
