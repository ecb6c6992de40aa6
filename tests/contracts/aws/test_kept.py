"""What outlives a stack, and the template with which CloudFormation imports it into a new one."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from client import adopting
from client.adopting import IDENTIFIERS, AdoptingError, KeptTemplate
from client.removal import kept
from client.target import Place
from tests.given_aws import GivenAws
from tests.project import references, template
from tests.resolved import REGION

KEPT = KeptTemplate.read()
DATA = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolGroup", "AWS::SageMaker::ModelPackageGroup")  # fmt: skip


def test_data_outlives_its_stack() -> None:
    found = {name for name, entry in template()["Resources"].items() if entry["Type"] in DATA}
    assert set(KEPT.resources) == found
    for name in found:
        policies = (template()["Resources"][name].get(key) for key in ("DeletionPolicy", "UpdateReplacePolicy"))
        assert set(policies) == {"Retain"}, name


def test_a_template_for_an_import_holds_what_is_imported_and_nothing_that_an_import_refuses() -> None:
    body = json.loads(KEPT.body)
    assert body.keys() == {"AWSTemplateFormatVersion", "Parameters", "Conditions", "Resources"}
    assert len(KEPT.body.encode()) <= 51200, "a template in a request"
    named = references(body["Resources"]) - {name for name in references(body["Resources"]) if "AWS::" in name}
    assert named <= body["Resources"].keys() | body["Parameters"].keys()
    given = {entry["Type"] for entry in body["Resources"].values()}
    assert [kind for kind in given if kind.startswith("AWS::Serverless")] == []


def test_the_imported_properties_are_those_of_the_template() -> None:
    """The next deployment must find nothing to change in what was imported."""
    resources = json.loads(KEPT.body)["Resources"]

    def normal(value: Any) -> Any:
        """GetAtt is a text in one form and a list in the other."""
        if isinstance(value, dict):
            made = {key: normal(entry) for key, entry in value.items()}
            return {"Fn::GetAtt": ".".join(made["Fn::GetAtt"])} if isinstance(made.get("Fn::GetAtt"), list) else made
        return [normal(entry) for entry in value] if isinstance(value, list) else value

    assert normal(resources) == normal({name: template()["Resources"][name] for name in resources})


@pytest.mark.parametrize("kind", sorted(set(KEPT.resources.values()) - {"AWS::Cognito::UserPoolGroup"}))
def test_a_kept_resource_is_imported_by_its_types_primary_identifier(kind: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    assert schema["primaryIdentifier"] == [f"/properties/{IDENTIFIERS[kind]}"]
    assert "read" in schema["handlers"], "CloudFormation reads what it imports"


def test_a_group_of_users_is_imported_with_its_pool() -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, "AWS::Cognito::UserPoolGroup").schema
    assert schema["primaryIdentifier"] == ["/properties/UserPoolId", "/properties/GroupName"]
    group = template()["Resources"]["EngineersGroup"]["Properties"]["GroupName"]
    assert f'"GroupName": "{group}"' in Path(adopting.__file__).read_text()


class CloudFormation:
    """Knows one deleted stack `line`, which has kept its bucket, and takes no import."""

    class exceptions:  # noqa: N801
        pass

    def get_paginator(self, name: str) -> Any:
        pages = {
            "list_stacks": {"StackSummaries": [{"StackName": "line", "StackId": "arn:line", "CreationTime": 1}]},
            "describe_stack_events": {"StackEvents": []},
        }
        return type("Pages", (), {"paginate": lambda self, **_: [pages[name]]})()


def place(monkeypatch: pytest.MonkeyPatch, stack: str) -> Place:
    made = Place(stack, None)
    made.aws = GivenAws(cloudformation=CloudFormation())
    monkeypatch.setattr(adopting.Deployed, "find", lambda _: None)
    return made


def test_what_is_not_known_to_be_kept_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "of_deleted", lambda *_: [])
    with pytest.raises(AdoptingError, match=re.escape("what was kept as ArtifactsBucket, DataKey,")):
        adopting.adopt(place(monkeypatch, "line"), {"ImagesBucket": "images"})


def test_what_no_stack_keeps_is_refused_with_the_names_of_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AdoptingError, match=r"^UploadsQueue is not kept by a stack; these are: ArtifactsBucket, "):
        adopting.adopt(place(monkeypatch, "line"), {"UploadsQueue": "queue"})
