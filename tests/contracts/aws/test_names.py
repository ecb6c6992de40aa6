"""Names: two stacks in one account and region share none, and each is as long as its service takes it.

Asked of the template as SAM expands it, because SAM names some resources itself, by their logical ids.
"""

import copy
import re
from fnmatch import fnmatchcase
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from samtranslator.translator.transform import transform

from sightline.models import training_plan
from sightline.names import InvalidStackNameError, OwnComponents, check_stack, device_topics
from tests.project import ROOT, template
from tests.resolved import ARNS, REGION, Resolver

GIVEN = {"LabelingBackend": "ground-truth", "CanaryGroup": "true", "EndpointModelPackageArn": "arn"}
LONGEST_STACK = "s" * 40
# The property that names a resource in its account and region, and the longest name that its service takes. Where a
# resource has none, CloudFormation makes one of the stack's name, the logical id and some letters by chance.
NAMES: dict[str, tuple[str, int]] = {
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::CodeBuild::Project": ("Name", 150),
    "AWS::CodeDeploy::Application": ("ApplicationName", 100),
    "AWS::CodeDeploy::DeploymentGroup": ("DeploymentGroupName", 100),
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::ECR::Repository": ("RepositoryName", 256),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::IoT::Policy": ("PolicyName", 128),
    "AWS::IoT::RoleAlias": ("RoleAlias", 128),
    "AWS::IoT::ThingGroup": ("ThingGroupName", 128),
    "AWS::IoT::TopicRule": ("RuleName", 128),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Lambda::LayerVersion": ("LayerName", 140),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::SageMaker::Endpoint": ("EndpointName", 63),
    "AWS::SageMaker::EndpointConfig": ("EndpointConfigName", 63),
    "AWS::SageMaker::FeatureGroup": ("FeatureGroupName", 64),
    "AWS::SageMaker::Model": ("ModelName", 63),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName", 63),
    "AWS::Scheduler::Schedule": ("Name", 64),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}
# AWS makes an id, and takes a name twice; it carries the stack's all the same, for people.
TOLD_APART_BY_ID = {"AWS::ApiGatewayV2::Api": ("Name", 128), "AWS::Cognito::UserPool": ("UserPoolName", 128)}
PART_OF_ANOTHER = {
    "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage", "AWS::Cognito::UserPoolClient", "AWS::Cognito::UserPoolGroup",
    "AWS::Cognito::UserPoolUser", "AWS::Cognito::UserPoolUserToGroupAttachment",
    "AWS::Lambda::Alias", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission", "AWS::Lambda::Version",
    "AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy",
}  # fmt: skip
NAMELESS = {
    "AWS::KMS::Key",
    "AWS::Budgets::Budget",  # its name is in its property Budget, see contracts/test_costs.py
}
ID_IN_ARN = {"AWS::KMS::Key", "AWS::ApiGatewayV2::Api"}  # ARNs that hold no name


@cache
def expanded() -> dict[str, dict[str, Any]]:
    """The resources that the stack really has."""
    given = copy.deepcopy(template())
    for entry in given["Resources"].values():
        uris = {"CodeUri", "ContentUri", "DefinitionUri"} & entry.get("Properties", {}).keys()
        entry["Properties"] |= dict.fromkeys(uris, "s3://bucket/key")  # SAM takes only what is uploaded
    made: dict[str, dict[str, Any]] = transform(given, {}, SimpleNamespace(load=dict))["Resources"]
    return made


def named(stack: str) -> dict[str, str]:
    """Return the names that the template gives, by logical id, in a stack with this name."""
    resolver, kinds, found = Resolver(stack, **GIVEN), NAMES | TOLD_APART_BY_ID, {}
    for logical, resource in expanded().items():
        key, _ = kinds.get(resource["Type"], ("", 0))
        if key in resource.get("Properties", {}):
            found[logical] = str(resolver.value(resource["Properties"][key]))
    return found


def test_of_each_type_it_is_known_whether_it_has_a_name_in_the_account() -> None:
    types = {entry["Type"] for entry in expanded().values()}
    assert types - NAMES.keys() - TOLD_APART_BY_ID.keys() - PART_OF_ANOTHER - NAMELESS == set(), "add these above"


@pytest.mark.parametrize("kind", sorted(NAMES | TOLD_APART_BY_ID))
def test_the_property_that_names_a_type_is_one_of_its_schema(kind: str) -> None:
    """The limits above are those of AWS wherever the schema has one."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    key, longest = (NAMES | TOLD_APART_BY_ID)[kind]
    assert longest <= schema["properties"][key].get("maxLength", longest)


@pytest.mark.parametrize("logical", sorted(named("sightline")))
def test_every_name_carries_the_stacks_and_fits(logical: str) -> None:
    resource = expanded()[logical]
    key, longest = (NAMES | TOLD_APART_BY_ID)[resource["Type"]]
    name = named(LONGEST_STACK)[logical]
    assert LONGEST_STACK in name, f"{resource['Type']} {key}: {name} is one name for all stacks of an account"
    assert len(name) <= longest, f"{resource['Type']} {key} takes {longest} characters"
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource["Type"]).schema
    assert re.search(schema["properties"][key].get("pattern", ""), name), name


def test_two_stacks_have_no_name_of_a_kind_in_common() -> None:
    kinds = {logical: expanded()[logical]["Type"] for logical in named("sightline")}
    one, other = ({(kinds[logical], name) for logical, name in named(stack).items()} for stack in ("line", "line-dev"))
    assert one & other == set()
    assert len(one) == len(kinds), "two resources of a stack have one name"


def allowed(resolver: Resolver) -> set[str]:
    """Return the resources of every Allow in the stack's own policies, and of every condition on an ARN."""

    def walk(value: Any) -> list[str]:
        if isinstance(value, list):
            return [found for entry in value for found in walk(entry)]
        if not isinstance(value, dict):
            return []
        own = value.get("Resource", []) if value.get("Effect") == "Allow" else []
        own = [own] if isinstance(own, str) else own
        sources = value.get("aws:SourceArn", [])
        return [*own, *([sources] if isinstance(sources, str) else sources), *walk(list(value.values()))]

    policies = (entry["Properties"] for entry in template()["Resources"].values() if "Properties" in entry)
    return set(walk([resolver.value(properties) for properties in policies]))


def things_of(stack: str) -> set[str]:
    """Return ARNs of what a stack has in its account, of what its workflows do, and of what its devices have there."""
    resolver = Resolver(stack, **GIVEN)
    kinds = {logical: entry["Type"] for logical, entry in template()["Resources"].items()}
    made = [logical for logical, kind in kinds.items() if kind in ARNS and kind not in ID_IN_ARN]
    found = {resolver.value({"Fn::GetAtt": f"{logical}.Arn"}) for logical in made}
    found |= {f"{arn.replace(':stateMachine:', ':execution:')}:run" for arn in found if ":stateMachine:" in arn}
    place, own = f"{REGION}:123456789012", OwnComponents(stack)
    found |= {f"arn:aws:greengrass:{place}:components:{name}:versions:1.0.1" for name in (own.model, own.inspector)}
    found |= {f"arn:aws:sagemaker:{place}:model-package/{stack}-models/1"}
    job = training_plan.job_name(stack, "7c3b93b0b0abd98f", "run")
    found |= {f"arn:aws:sagemaker:{place}:{kind}-job/{job}" for kind in ("training", "processing", "labeling")}
    return found | {f"arn:aws:iot:{place}:topic/{device_topics(stack, '${iot:Connection.Thing.ThingName}')}/health"}


@pytest.mark.parametrize("neighbour", ["sightline-dev", "dev-sightline", "sightline2", "sightline-7c3b93b0"])
def test_no_right_of_a_stack_reaches_into_another_one_whose_name_begins_the_same(neighbour: str) -> None:
    patterns = allowed(Resolver("sightline", **GIVEN)) - {"*"}
    reached = {(p, arn) for p in patterns for arn in things_of(neighbour) if fnmatchcase(arn, p)}
    assert reached == set()
    assert {arn for arn in things_of("sightline") for p in patterns if fnmatchcase(arn, p)}, (
        "the test finds what it has"
    )


def test_rules_of_aws_iot_hear_the_devices_of_their_stack_only() -> None:
    resolver = Resolver("line", **GIVEN)
    rules = [entry for entry in template()["Resources"].values() if entry["Type"] == "AWS::IoT::TopicRule"]
    for rule in rules:
        sql = resolver.value(rule["Properties"]["TopicRulePayload"]["Sql"])
        [topic] = re.findall(r"FROM '([^']+)'", sql)
        assert topic.startswith(f"{device_topics('line', '+')}/"), sql
        place = topic.split("/").index("+") + 1
        assert f"topic({place}) AS topic_thing" in sql, "a device speaks for the thing of its topic"


def test_metrics_of_a_stack_are_its_own() -> None:
    """They lie in one namespace for the whole account; their dimension `service` tells the stacks apart."""
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert Resolver("line").value(variables["POWERTOOLS_SERVICE_NAME"]) == "line"


@pytest.mark.parametrize("name", ["sightline", "a", "line-2-dev", LONGEST_STACK])
def test_a_stack_may_have_such_a_name(name: str) -> None:
    assert check_stack(name) == name


@pytest.mark.parametrize(
    "name", ["", "Sightline", "2nd", "-line", "my_line", "line.dev", LONGEST_STACK + "s", "line--dev", "line-"]
)
def test_a_stack_with_such_a_name_is_refused_with_one_line(name: str) -> None:
    with pytest.raises(InvalidStackNameError, match="use at most 40 small letters, digits and hyphens") as refused:
        check_stack(name)
    assert len(str(refused.value).splitlines()) == 1


def test_the_stacks_of_samconfig_have_names_that_a_stack_may_have() -> None:
    found = re.findall(r'^stack_name = "(.*)"$', (ROOT / "samconfig.toml").read_text(), re.MULTILINE)
    assert len(found) >= 4
    assert [check_stack(name) for name in found] == found
