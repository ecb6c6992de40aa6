"""Every policy of the template against AWS's Service Authorization Reference.

An action that AWS does not have, or that is authorised on something else, deploys without a word and is AccessDenied on
the first day.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests import authorization
from tests.project import parts, template
from tests.resolved import Resolver

BACKENDS = ("console", "ground-truth")
# What a device asks for with its certificate: in policies of AWS IoT, whose actions the reference of IAM does not list.
# Source: "Device authentication and authorization for AWS IoT Greengrass", minimal policy for core devices.
BY_CERTIFICATE = {
    "greengrass:GetDeploymentConfiguration",
    "greengrass:ListThingGroupsForCoreDevice",
    "iot:AssumeRoleWithCertificate",
}
# Actions on `*` for which the reference names a resource, each with its reason in the template.
STARS_WITH_A_REASON = {
    ("Deploy", "greengrass:CreateDeployment"),  # a group is a resource of Greengrass v1 only
    ("FindDeployment", "greengrass:ListDeployments"),  # the same
    ("GetComponents", "greengrass:GetComponentVersionArtifact"),  # by the certificate
    ("GetComponents", "greengrass:ResolveComponentCandidates"),
    ("WatchAlarms", "cloudwatch:DescribeAlarms"),  # AWS's own policy for CodeDeploy has it on all
    ("WriteMetrics", "cloudwatch:PutMetricData"),  # its condition names the namespace; a dataset is something else
}
# Given beside what the reference names, because it may be asked for too.
GIVEN_TOO = {("sagemaker:ListModelPackages", "model-package-group")}


class Allowed(NamedTuple):
    """A statement of a policy, its references resolved."""

    where: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]


def statements(backend: str) -> Iterator[Allowed]:
    """Every Allow of a policy in the stack that is attached to somebody; policies of resources name their own."""
    resolver = Resolver(LabelingBackend=backend, CanaryGroup="true")
    for name, resource in template()["Resources"].items():
        if resolver.is_made(name):
            documents = parts(resolver.value(resource["Properties"]))
            for found in (part for part in documents if "Effect" in part and "Action" in part):
                if found["Effect"] == "Allow" and "Principal" not in found:
                    actions, resources = (_tuple(found[key]) for key in ("Action", "Resource"))
                    yield Allowed(name, found.get("Sid", ""), actions, resources)


def _tuple(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_action_is_one_that_aws_has(backend: str) -> None:
    named = {(found.where, action) for found in statements(backend) for action in found.actions}
    unknown = {(where, action) for where, action in named if not authorization.exists(action)}
    assert unknown == {("DevicePolicy", action) for action in BY_CERTIFICATE}


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_action_is_given_on_a_resource_that_it_is_authorised_on(backend: str) -> None:
    useless = [
        (found.where, found.sid, action)
        for found in statements(backend)
        for action in found.actions
        if "*" not in found.resources
        and action not in BY_CERTIFICATE
        and not any(authorization.is_authorised_on(action, arn) for arn in found.resources)
    ]
    assert useless == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_resource_of_a_statement_is_one_that_an_action_of_it_asks_for(backend: str) -> None:
    idle = [
        (found.where, found.sid, arn)
        for found in statements(backend)
        for arn in found.resources
        if arn != "*"
        and not BY_CERTIFICATE & set(found.actions)
        and not any(_is_asked_for(action, arn) for action in found.actions)
    ]
    assert idle == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_star_stands_only_where_an_action_has_no_resource(backend: str) -> None:
    wide = {
        (found.sid, action)
        for found in statements(backend)
        for action in found.actions
        if "*" in found.resources and authorization.kinds(action)
    }
    assert wide == STARS_WITH_A_REASON


def _is_asked_for(action: str, arn: str) -> bool:
    return authorization.is_authorised_on(action, arn) or (action, arn.split(":")[5].split("/")[0]) in GIVEN_TOO
