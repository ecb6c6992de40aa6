"""Limits of AWS on names, policies, sizes and numbers: what is over one is refused, some only at the first call."""

import json
import re
from typing import Any

import pytest

from tests.project import TEMPLATE, functions, references, resources, template
from tests.resolved import REGION, Resolver, as_list

NEW_ACCOUNT = 10  # functions that Lambda runs at a time
LONGEST_STACK = "s" * 40  # so much of a stack's name fits into every name that is made of it
LONGEST_REGION = "ap-northeast-1"
RESOLVER = Resolver(LabelingBackend="ground-truth", CanaryGroup="true", stack=LONGEST_STACK)
FUNCTIONS = sorted(functions())


def compact(document: Any) -> str:
    """A policy without white space, as AWS counts it, in the region with the longest name."""
    return json.dumps(RESOLVER.value(document), separators=(",", ":")).replace(REGION, LONGEST_REGION)


def test_the_policy_of_devices_has_at_most_2048_characters() -> None:
    """White space does not count; a policy that is longer fails the stack in regions with long names only."""
    for policy in resources("AWS::IoT::Policy").values():
        assert len(compact(policy["Properties"]["PolicyDocument"])) <= 2048


@pytest.mark.parametrize("name", sorted(resources("AWS::IAM::ManagedPolicy")))
def test_a_managed_policy_has_at_most_6144_characters(name: str) -> None:
    assert len(compact(resources("AWS::IAM::ManagedPolicy")[name]["Properties"]["PolicyDocument"])) <= 6144


def inline(policies: list[Any]) -> list[Any]:
    return [policy.get("PolicyDocument", policy) for policy in policies if "Statement" in str(policy)]


@pytest.mark.parametrize(
    "where", sorted(resources("AWS::IAM::Role", "AWS::Serverless::Function", "AWS::Serverless::StateMachine"))
)
def test_the_inline_policies_of_a_role_have_at_most_10240_characters_and_ten_managed_ones_fit(where: str) -> None:
    policies = template()["Resources"][where]["Properties"].get("Policies", [])
    assert sum(len(compact(policy)) for policy in inline(policies)) <= 10240
    assert len(policies) - len(inline(policies)) <= 10


def test_policies_of_resources_fit() -> None:
    """Bucket policy 20 KB, queue policy 8,192 and key policy 32,768 characters."""
    for kind, longest in (
        ("AWS::S3::BucketPolicy", 20480),
        ("AWS::SQS::QueuePolicy", 8192),
        ("AWS::SNS::TopicPolicy", 30720),
    ):
        for policy in resources(kind).values():
            assert len(compact(policy["Properties"]["PolicyDocument"])) <= longest
    for key in resources("AWS::KMS::Key").values():
        assert len(compact(key["Properties"]["KeyPolicy"])) <= 32768


def test_the_template_fits() -> None:
    """500 resources with those that SAM makes, 200 parameters and outputs, 1 MB."""
    made = sum(
        {"AWS::Serverless::Function": 4, "AWS::Serverless::StateMachine": 4}.get(entry["Type"], 1)
        for entry in template()["Resources"].values()
    )
    assert made < 500
    assert max(len(template()["Parameters"]), len(template()["Outputs"])) <= 200
    assert len(TEMPLATE.read_bytes()) < 1024 * 1024


@pytest.mark.parametrize("folder", FUNCTIONS)
def test_the_environment_of_a_function_has_at_most_4_kb_and_no_name_of_lambdas_own(folder: str) -> None:
    given = template()["Globals"]["Function"]["Environment"]["Variables"]
    given = given | functions()[folder].get("Environment", {}).get("Variables", {})
    assert sum(len(name) + len(str(RESOLVER.value(value))) for name, value in given.items()) < 4096
    assert [name for name in given if re.match(r"AWS_|LAMBDA_|_HANDLER|_X_AMZN", name)] == []
    assert [name for name in given if not re.fullmatch(r"[a-zA-Z]\w+", name)] == []


@pytest.mark.parametrize("folder", FUNCTIONS)
def test_a_function_runs_at_most_15_minutes_with_at_most_five_layers(folder: str) -> None:
    shared = template()["Globals"]["Function"]
    function = functions()[folder]
    assert function.get("Timeout", shared["Timeout"]) <= 900
    assert len(shared["Layers"]) + len(function.get("Layers", [])) <= 5
    assert 128 <= function.get("MemorySize", shared["MemorySize"]) <= 3008, "a new account has no more"


def test_a_function_behind_the_api_ends_before_the_api_gives_up() -> None:
    """An integration of an HTTP API has 30 seconds; a function that works on answers to nobody."""
    called = references(
        [entry["Properties"]["IntegrationUri"] for entry in resources("AWS::ApiGatewayV2::Integration").values()]
    )
    slow = {
        name: function["Properties"].get("Timeout", template()["Globals"]["Function"]["Timeout"])
        for name, function in resources("AWS::Serverless::Function").items()
        if name in called
    }
    assert {name: seconds for name, seconds in slow.items() if seconds > 30} == {}


def test_a_queue_hides_a_message_six_times_as_long_as_its_function_runs() -> None:
    for folder, function in functions().items():
        for event in function.get("Events", {}).values():
            if event["Type"] == "SQS":
                (queue,) = references(event["Properties"]["Queue"])
                properties = resources("AWS::SQS::Queue")[queue]["Properties"]
                timeout = function.get("Timeout", 60)
                window = event["Properties"].get("MaximumBatchingWindowInSeconds", 0)
                assert properties["VisibilityTimeout"] >= 6 * timeout + window, folder
                assert properties["RedrivePolicy"]["maxReceiveCount"] >= 5, "throttling must not send messages away"
                assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
                assert event["Properties"]["BatchSize"] <= 10 or window >= 1


def test_an_event_source_works_on_2_to_1000_batches_at_once() -> None:
    for name in references([f.get("Events", {}) for f in functions().values()]) & set(template()["Parameters"]):
        if name == "MaxUploadWorkers":
            given = template()["Parameters"][name]
            assert (given["MinValue"], given["MaxValue"]) == (2, 1000)


@pytest.mark.parametrize("name", ["MaxUploadWorkers", "ScoringConcurrency"])
def test_no_default_takes_more_than_half_of_the_functions_that_a_new_account_runs_at_a_time(name: str) -> None:
    assert template()["Parameters"][name]["Default"] <= NEW_ACCOUNT / 2


def test_a_dead_letter_queue_keeps_messages_longer_than_the_queue_before_it() -> None:
    """A message keeps the time of its first arrival; four days is the default, 14 days the most."""
    for name, queue in resources("AWS::SQS::Queue").items():
        if "RedrivePolicy" in queue["Properties"]:
            (dead,) = references(queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"])
            kept = resources("AWS::SQS::Queue")[dead]["Properties"]["MessageRetentionPeriod"]
            assert queue["Properties"].get("MessageRetentionPeriod", 345600) < kept <= 1209600, name


@pytest.mark.parametrize("name", sorted(resources("AWS::DynamoDB::Table")))
def test_a_table_declares_the_attributes_of_its_keys_and_no_others(name: str) -> None:
    """CreateTable refuses one too many as it does one too few; an index projects at most 100 attributes by name."""
    properties = resources("AWS::DynamoDB::Table")[name]["Properties"]
    indexes = properties.get("GlobalSecondaryIndexes", [])
    keys = {key["AttributeName"] for entry in (properties, *indexes) for key in entry["KeySchema"]}
    assert {attribute["AttributeName"] for attribute in properties["AttributeDefinitions"]} == keys
    assert len(indexes) <= 20
    assert sum(len(index["Projection"].get("NonKeyAttributes", [])) for index in indexes) <= 100


@pytest.mark.parametrize("name", sorted(resources("AWS::Events::Rule")))
def test_a_rule_has_at_most_five_targets_and_a_pattern_of_2048_characters(name: str) -> None:
    properties = resources("AWS::Events::Rule")[name]["Properties"]
    assert len(properties["Targets"]) <= 5
    assert len(compact(properties["EventPattern"])) <= 2048


@pytest.mark.parametrize("name", sorted(resources("AWS::CloudWatch::Alarm")))
def test_an_alarm_looks_back_at_most_a_day(name: str) -> None:
    properties = resources("AWS::CloudWatch::Alarm")[name]["Properties"]
    assert properties["Period"] in (10, 30) or properties["Period"] % 60 == 0
    assert properties["Period"] * properties["EvaluationPeriods"] <= 86400
    assert len(as_list(properties["AlarmActions"])) <= 5


@pytest.mark.parametrize("name", sorted(resources("AWS::IoT::TopicRule")))
def test_a_topic_rule_has_at_most_256_kb_of_sql_and_ten_actions(name: str) -> None:
    payload = resources("AWS::IoT::TopicRule")[name]["Properties"]["TopicRulePayload"]
    sql = RESOLVER.value(payload["Sql"])
    assert len(sql) <= 256 * 1024
    assert 1 <= len(payload["Actions"]) <= 10
    topics = re.findall(r"FROM '([^']+)'", sql)
    assert [topic for topic in topics if topic.count("/") > 7] == []


def test_tokens_last_as_long_as_cognito_takes_them() -> None:
    """Id and access tokens 5 minutes to a day, refresh tokens an hour to ten years."""
    for client in resources("AWS::Cognito::UserPoolClient").values():
        properties = client["Properties"]
        assert properties["TokenValidityUnits"] == {
            "IdToken": "minutes",
            "AccessToken": "minutes",
            "RefreshToken": "hours",
        }
        assert all(5 <= properties[key] <= 1440 for key in ("IdTokenValidity", "AccessTokenValidity"))
        assert 1 <= properties["RefreshTokenValidity"] <= 87600
