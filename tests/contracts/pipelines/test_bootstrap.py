"""What a pipeline may do in an account: enough for every resource of the stack, never more for itself.

What CloudFormation needs is asked of the schemas of the resource types, which name the permissions of their handlers.
"""

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests import authorization
from tests.contracts.aws.test_names import GIVEN, expanded
from tests.project import ROOT, template
from tests.resolved import ACCOUNT, REGION, Resolver, allows, as_list

BOOTSTRAP = template(ROOT / "pipelines" / "bootstrap.yaml")
STACK = "sightline-dev"
GIVEN_HERE = {"StackName": STACK, "Stage": "dev", "GitHubRepository": "plant/sightline"}
EXECUTION = ("ChangeComputePolicy", "ChangeDataPolicy", "ChangeModelsPolicy", "ChangeRolesPolicy")
MADE_HERE = f"arn:aws:iam::{ACCOUNT}:role/sightline-pipeline/", f"arn:aws:iam::{ACCOUNT}:policy/sightline-pipeline/"
# What handlers of the schemas ask for only with properties that the template does not use, or what a pipeline must not.
NOT_GIVEN = {
    "dynamodb:*Replica": "no replicas",
    "dynamodb:*Item": "CloudFormation copies no rows without an import",
    "dynamodb:BatchWriteItem": "the same",
    "dynamodb:*Import*": "the same",
    "dynamodb:Query": "the same",
    "dynamodb:Scan": "the same",
    "dynamodb:*ableKinesisStreamingDestination": "no streams",
    "dynamodb:UpdateKinesisStreamingDestination": "no streams",
    "ec2:*": "no function is in a VPC",
    "elasticfilesystem:*": "no file systems",
    "s3files:*": "no file systems",
    "firehose:*": "no group of logs is delivered to Firehose",
    "kinesis:*": "no streams",
    "s3tables:*": "no S3 tables",
    "s3:*MetadataTable*": "no tables of metadata",
    "s3:*BucketMetadata*": "no tables of metadata",
    "s3:Put*AccelerateConfiguration": "not used",
    "s3:Put*AnalyticsConfiguration": "not used",
    "s3:PutIntelligentTieringConfiguration": "not used",
    "s3:PutInventoryConfiguration": "not used",
    "s3:PutMetricsConfiguration": "not used",
    "s3:PutReplicationConfiguration": "not used",
    "s3:*Website": "not used",
    "s3:PutObjectAcl": "not used",
    "s3:*LockConfiguration": "not used",
    "s3:DeleteObject": "CloudFormation empties no bucket",
    "lambda:*CodeSigningConfig": "not used",
    "lambda:PassCapacityProvider": "not used",
    "logs:CreateLogStream": "for imports into tables",
    "logs:DescribeLogStreams": "for imports into tables",
    "logs:PutLogEvents": "for imports into tables",
    "logs:PutIndexPolicy": "no group of logs has an index",
    "logs:DeleteIndexPolicy": "the same",
    "codedeploy:RegisterOnPremisesInstance": "Lambda only",
    "iot:*DynamicThingGroup": "no dynamic groups",
    "iam:*GroupPolicy": "nobody is given a policy here",
    "iam:*UserPolicy": "nobody is given a policy here",
    "iam:CreateServiceLinkedRole": "no resource of the stack makes one",
    "iam:DeleteRolePermissionsBoundary": "a role that has a boundary keeps it",
    "kms:ScheduleKeyDeletion": "the key is kept when the stack goes; a person deletes it",
    "kms:ListAliases": "no aliases",
}
ARNS = {
    "AWS::Budgets::Budget": "budgets::{account}:budget/{name}",
    "AWS::CloudWatch::Alarm": "cloudwatch:{here}:alarm:{name}",
    "AWS::CodeBuild::Project": "codebuild:{here}:project/{name}",
    "AWS::CodeDeploy::Application": "codedeploy:{here}:application:{name}",
    "AWS::Cognito::UserPool": "cognito-idp:{here}:userpool/{name}",
    "AWS::DynamoDB::Table": "dynamodb:{here}:table/{name}",
    "AWS::ECR::Repository": "ecr:{here}:repository/{name}",
    "AWS::Events::Rule": "events:{here}:rule/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::IoT::Policy": "iot:{here}:policy/{name}",
    "AWS::IoT::RoleAlias": "iot:{here}:rolealias/{name}",
    "AWS::IoT::ThingGroup": "iot:{here}:thinggroup/{name}",
    "AWS::IoT::TopicRule": "iot:{here}:rule/{name}",
    "AWS::Lambda::Function": "lambda:{here}:function:{name}",
    "AWS::Lambda::LayerVersion": "lambda:{here}:layer:{name}",
    "AWS::Logs::LogGroup": "logs:{here}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{here}:{name}",
    "AWS::SQS::Queue": "sqs:{here}:{name}",
    "AWS::SageMaker::FeatureGroup": "sagemaker:{here}:feature-group/{name}",
    "AWS::SageMaker::ModelPackageGroup": "sagemaker:{here}:model-package-group/{name}",
    "AWS::Scheduler::Schedule": "scheduler:{here}:schedule/default/{name}",
    "AWS::StepFunctions::StateMachine": "states:{here}:stateMachine:{name}",
}
# Types whose schemas name no permissions.
BY_HAND = {
    "AWS::Budgets::Budget": {"budgets:ModifyBudget", "budgets:ViewBudget", "budgets:TagResource"},
    "AWS::CodeBuild::Project": {f"codebuild:{how}Project" for how in ("Create", "Update", "Delete")},
    "AWS::SageMaker::EndpointConfig": {f"sagemaker:{how}EndpointConfig" for how in ("Create", "Delete", "Describe")},
}
# Given on a resource that the reference does not name; AWS's guides do.
NOT_IN_THE_REFERENCE = {
    "cloudformation:CreateChangeSet",  # on a transform: "Controlling access with IAM", CloudFormation user guide
}
# What the rights of CloudFormation's role reach beyond the stack, because AWS gives these no names.
BEYOND = {"apigateway", "iot"}


def resolver(**given: str) -> Resolver:
    return Resolver(f"pipeline-{STACK}", BOOTSTRAP, **(GIVEN_HERE | given))


def statements(policy: str) -> list[dict[str, Any]]:
    document = resolver().value(BOOTSTRAP["Resources"][policy]["Properties"]["PolicyDocument"])
    found: list[dict[str, Any]] = document["Statement"]
    return found


@cache
def rights(*policies: str) -> list[tuple[str, str]]:
    return [
        (action, place)
        for policy in policies
        for entry in statements(policy)
        for action in as_list(entry["Action"])
        for place in as_list(entry["Resource"])
    ]


POLICIES = [name for name, entry in BOOTSTRAP["Resources"].items() if entry["Type"] == "AWS::IAM::ManagedPolicy"]


@cache
def asked(kind: str) -> frozenset[str]:
    """Return what CloudFormation asks for when it makes, changes and deletes a resource of this type."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema.get("handlers", {})
    named = {
        one for how in ("create", "update", "delete", "read") for one in handlers.get(how, {}).get("permissions", [])
    }
    if not named:
        named = BY_HAND[kind]
    real = {one for one in named if authorization.exists(one)}
    return frozenset(one for one in real if not any(fnmatchcase(one, pattern) for pattern in NOT_GIVEN))


@pytest.mark.parametrize("kind", sorted({entry["Type"] for entry in expanded().values()}))
def test_cloudformation_may_make_change_and_delete_each_type_of_the_stack(kind: str) -> None:
    given = [action.lower() for action, _ in rights(*EXECUTION)]
    missing = sorted(one for one in asked(kind) if not any(fnmatchcase(one.lower(), action) for action in given))
    assert missing == []


@pytest.mark.parametrize("kind", sorted(ARNS))
def test_its_rights_reach_the_resources_of_the_stack_by_their_names(kind: str) -> None:
    names = Resolver(STACK, **GIVEN)
    names.resources = names.resources | expanded()
    for logical, entry in expanded().items():
        if entry["Type"] == kind:
            name = names.name(logical).lower() if kind == "AWS::ECR::Repository" else names.name(logical)
            arn = "arn:aws:" + ARNS[kind].format(here=f"{REGION}:{ACCOUNT}", account=ACCOUNT, name=name)
            of_it = [one for one in asked(kind) if authorization.is_authorised_on(one, arn)]
            assert of_it
            assert [one for one in of_it if not allows(rights(*EXECUTION), one, arn)] == [], logical


def test_what_is_not_given_is_asked_for_by_some_type_and_given_nowhere() -> None:
    handlers = [
        PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema.get("handlers", {})
        for kind in {entry["Type"] for entry in expanded().values()}
    ]
    named = {one for entry in handlers for how in entry.values() for one in how.get("permissions", [])}
    assert [pattern for pattern in NOT_GIVEN if not any(fnmatchcase(one, pattern) for one in named)] == []


@pytest.mark.parametrize("policy", POLICIES)
def test_every_action_of_a_policy_is_one_that_aws_has_on_such_a_resource(policy: str) -> None:
    for entry in statements(policy):
        places = as_list(entry["Resource"])
        for action in as_list(entry["Action"]):
            assert authorization.exists(action), action
            served = "*" in places or any(authorization.is_authorised_on(action, place) for place in places)
            assert served or action in NOT_IN_THE_REFERENCE or "*" in places[0].split(":")[5].split("/")[0], (
                entry["Sid"],
                action,
            )


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_gives_all_of_anything(policy: str) -> None:
    for entry in statements(policy):
        wide = [action for action in as_list(entry["Action"]) if re.fullmatch(r"\*|[\w-]+:\*", action)]
        assert wide == []
    whole = (ROOT / "pipelines" / "bootstrap.yaml").read_text().split(f"  {policy}:\n", 1)[1]
    for found in re.finditer(r'Sid: (\w+)(?:(?!Sid: ).)*?Resource: "\*"', whole.split("\n\n  #")[0], re.DOTALL):
        assert "# reason:" in found[0], f"{found[1]}: write the reason for the star"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_fits_into_what_iam_takes(policy: str) -> None:
    document = resolver().value(BOOTSTRAP["Resources"][policy]["Properties"]["PolicyDocument"])
    assert len(json.dumps(document, separators=(",", ":"))) <= 6144  # IAM quotas: characters of a managed policy


def test_cloudformations_role_can_change_nothing_that_is_made_here() -> None:
    made = [f"{place}{name}" for place in MADE_HERE for name in ("pipeline-x", f"pipeline-deploy-{STACK}", "Boundary")]
    made.append(f"arn:aws:s3:::pipeline-{STACK}-{ACCOUNT}-{REGION}")
    for action, place in rights(*EXECUTION):
        if place != "*" and not action.startswith(("s3:Get", "s3:List", "iam:Get", "iam:List")):
            assert not any(fnmatchcase(arn, place) for arn in made), (action, place)


def test_it_makes_roles_with_the_boundary_only_and_never_takes_one_away() -> None:
    bounded = {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"}
    for entry in statements("ChangeRolesPolicy"):
        if bounded & set(as_list(entry["Action"])):
            assert list(entry["Condition"]) == ["ArnEquals"]
            assert entry["Condition"]["ArnEquals"]["iam:PermissionsBoundary"].endswith(f"pipeline-boundary-{STACK}")
    given = {action for action, _ in rights(*EXECUTION)}
    assert bounded <= given
    assert {
        "iam:DeleteRolePermissionsBoundary",
        "iam:CreateUser",
        "iam:CreateAccessKey",
        "sts:AssumeRole",
    } & given == set()


def test_a_bounded_role_changes_no_rights_and_takes_on_no_other_role() -> None:
    given = {(action, place) for action, place in rights("Boundary") if action.startswith(("iam:", "sts:"))}
    assert given == {("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{STACK}-*")}


def test_only_keys_and_people_of_the_stack_are_reached_where_names_are_ids() -> None:
    for policy in POLICIES:
        for entry in statements(policy):
            if any(place.endswith((":key/*", ":userpool/*")) for place in as_list(entry["Resource"])):
                [(key, value)] = entry["Condition"]["StringEquals"].items()
                assert (key.endswith("Tag/sightline-stack"), value) == (True, STACK), entry["Sid"]
    resources = template()["Resources"]
    assert resources["DataKey"]["Properties"]["Tags"] == [
        {"Key": "sightline-stack", "Value": {"Ref": "AWS::StackName"}}
    ]
    assert resources["UserPool"]["Properties"]["UserPoolTags"] == {"sightline-stack": {"Ref": "AWS::StackName"}}


def test_beyond_the_stack_are_http_apis_and_rules_of_aws_iot_alone() -> None:
    foreign = {
        action.partition(":")[0]
        for entry in (entry for policy in EXECUTION for entry in statements(policy))
        for action in as_list(entry["Action"])
        for place in as_list(entry["Resource"])
        if STACK not in place and place != "*" and "Condition" not in entry
    }
    assert foreign - BEYOND == {"codedeploy", "glue", "lambda", "sagemaker"}  # to read, to tag, or by SageMaker's names


def test_the_boundary_has_every_right_of_the_stacks_roles() -> None:
    bounds = rights("Boundary")
    missing = set()
    for backend in ("console", "ground-truth"):
        stack = Resolver(STACK, **(GIVEN | {"LabelingBackend": backend}))
        for logical, entry in expanded().items():
            if entry["Type"] == "AWS::IAM::Role":
                properties = entry["Properties"]
                held = [
                    *properties.get("Policies", []),
                    *(p for p in properties.get("ManagedPolicyArns", []) if not isinstance(p, str)),
                ]
                for action, place in stack.rights([p for p in held if "Fn::Join" not in p]):
                    lesser = place.replace("-Repository", "-repository")
                    if not allows(bounds, action, lesser):
                        missing.add((logical, action, place))
    assert missing == set()


@pytest.mark.parametrize(("role", "environment"), [("PlanRole", "dev-plan"), ("DeployRole", "dev")])
def test_a_job_of_one_repository_in_one_environment_takes_on_a_role(role: str, environment: str) -> None:
    trust = resolver().value(BOOTSTRAP["Resources"][role]["Properties"]["AssumeRolePolicyDocument"])["Statement"]
    assert [entry["Action"] for entry in trust] == ["sts:AssumeRoleWithWebIdentity"]
    assert trust[0]["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"repo:plant/sightline:environment:{environment}",
        }
    }


def test_with_codepipeline_a_build_of_the_stage_takes_on_a_role() -> None:
    given = resolver(GitHubRepository="", CodePipelineAccount="210987654321", Stage="prod")
    for role, build in (("PlanRole", "job-plan-prod"), ("DeployRole", "job-deploy-prod")):
        [entry] = given.value(BOOTSTRAP["Resources"][role]["Properties"]["AssumeRolePolicyDocument"])["Statement"]
        arn = f"arn:aws:iam::210987654321:role/sightline-pipeline/{build}"
        assert entry["Condition"] == {"ArnEquals": {"aws:PrincipalArn": arn}}


def test_who_plans_can_execute_nothing() -> None:
    given = {action for action, _ in rights("PlanPolicy")}
    assert not {one for one in given if re.match(r"cloudformation:(Execute|Update|CreateStack|DeleteStack)", one)}
    held = BOOTSTRAP["Resources"]["PlanRole"]["Properties"]["ManagedPolicyArns"]
    assert held == [{"Ref": "PlanPolicy"}]
    [handed] = [entry for entry in statements("PlanPolicy") if entry["Action"] == "iam:PassRole"]
    assert handed["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


def test_what_carries_a_stacks_name_keeps_all_of_it_in_the_names_that_aws_takes() -> None:
    """Of a name that CloudFormation makes, 13 characters are its own; stack and logical id share the rest."""
    longest = max(n for n in range(99) if re.fullmatch(BOOTSTRAP["Parameters"]["StackName"]["AllowedPattern"], "a" * n))
    assert longest == 24 <= (63 - 13 - 1) / 2  # buckets have the shortest names of those that CloudFormation makes
    names = Resolver("pipeline", BOOTSTRAP, **(GIVEN_HERE | {"StackName": "a" * longest}))
    for entry in BOOTSTRAP["Resources"].values():
        if entry["Type"] == "AWS::IAM::Role":
            assert len(names.value(entry["Properties"]["RoleName"])) <= 64
    [bucket] = [entry for entry in BOOTSTRAP["Resources"].values() if entry["Type"] == "AWS::S3::Bucket"]
    assert len(names.value(bucket["Properties"]["BucketName"]).replace(REGION, "ap-southeast-1")) <= 63


def test_alarms_are_read_with_a_right_on_all_of_them() -> None:
    asks = "cloudwatch:DescribeAlarms"
    given = [entry for policy in POLICIES for entry in statements(policy)]
    readers = [entry for entry in given if any(fnmatchcase(asks, one) for one in as_list(entry["Action"]))]
    assert readers
    assert [entry["Sid"] for entry in readers if entry["Resource"] != "*"] == []


def test_models_behind_an_endpoint_are_reached_by_the_names_that_cloudformation_gives_them() -> None:
    """They don't carry the stack's; the endpoint itself does."""
    resources = template()["Resources"]
    assert resources["Endpoint"]["Properties"]["EndpointName"] == {"Fn::Sub": "${AWS::StackName}-predict"}
    for logical, kind, action in (("EndpointModel", "model", "CreateModel"),
                                  ("EndpointConfiguration", "endpoint-config", "CreateEndpointConfig")):  # fmt: skip
        assert not {name for name in resources[logical]["Properties"] if name in ("ModelName", "EndpointConfigName")}
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{logical.lower()}-0a1b2c3d4e5f"
        assert allows(rights(*EXECUTION), f"sagemaker:{action}", arn)
