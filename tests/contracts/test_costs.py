"""What is paid says whose it is, and a budget tells people."""

from typing import Any

import pytest

from client.costs.used import TAG
from tests.project import functions, resources, states, template
from tests.resolved import STACK, Resolver

# Types of which something is paid: by the hour, by requests, or by what they store.
PAID = (
    "AWS::ApiGatewayV2::Api", "AWS::CloudWatch::Alarm", "AWS::CodeBuild::Project", "AWS::Cognito::UserPool",
    "AWS::DynamoDB::Table", "AWS::ECR::Repository", "AWS::IoT::TopicRule", "AWS::KMS::Key", "AWS::Logs::LogGroup",
    "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::SageMaker::Endpoint",
    "AWS::SageMaker::FeatureGroup", "AWS::Serverless::StateMachine",
)  # fmt: skip
BUDGET = Resolver(MonthlyBudget="100", AlarmEmail="eve@example.com")


def tags(properties: dict[str, Any]) -> dict[str, str]:
    given = BUDGET.value(properties.get("Tags") or properties.get("UserPoolTags") or {})
    return given if isinstance(given, dict) else {entry["Key"]: entry["Value"] for entry in given}


@pytest.mark.parametrize("name", sorted(resources(*PAID)))
def test_what_is_paid_carries_the_name_of_its_stack(name: str) -> None:
    assert tags(resources(*PAID)[name]["Properties"]) == {TAG: STACK}


def test_every_function_carries_the_name_of_its_stack() -> None:
    assert tags(template()["Globals"]["Function"]) == {TAG: STACK}
    assert [name for name, properties in functions().items() if "Tags" in properties] == []


@pytest.mark.parametrize("state", ["TrainModel", "EvaluateModel"])
def test_a_job_carries_the_name_of_its_stack(state: str) -> None:
    assert states("train_model")[state]["Parameters"]["Tags"] == [{"Key": TAG, "Value": "${StackName}"}]
    given = resources("AWS::Serverless::StateMachine")["TrainModel"]["Properties"]["DefinitionSubstitutions"]
    assert BUDGET.value(given["StackName"]) == STACK


def test_by_default_there_is_no_budget() -> None:
    assert not Resolver().is_made("Budget")


def test_a_budget_tells_people_at_50_80_and_100_percent() -> None:
    assert BUDGET.is_made("Budget")
    properties = resources("AWS::Budgets::Budget")["Budget"]["Properties"]
    told = BUDGET.value(properties["NotificationsWithSubscribers"])
    assert [entry["Notification"]["Threshold"] for entry in told] == [50, 80, 100]
    assert [entry["Subscribers"] for entry in told] == [
        [{"SubscriptionType": "EMAIL", "Address": "eve@example.com"}]
    ] * 3


def test_a_budget_counts_what_carries_the_tag_and_is_named_after_the_stack() -> None:
    budget = BUDGET.value(resources("AWS::Budgets::Budget")["Budget"]["Properties"]["Budget"])
    assert budget["BudgetName"] == f"{STACK}-monthly"
    assert budget["CostFilters"] == {"TagKeyValue": [f"user:{TAG}${STACK}"]}
    assert budget["BudgetLimit"] == {"Amount": "100", "Unit": "USD"}


def test_a_budget_without_anybody_to_tell_has_no_notification_which_budgets_would_refuse() -> None:
    alone = Resolver(MonthlyBudget="100")
    assert alone.is_made("Budget")
    properties = alone.value(resources("AWS::Budgets::Budget")["Budget"]["Properties"])
    assert "NotificationsWithSubscribers" not in properties
