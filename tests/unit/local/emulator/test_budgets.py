"""Budgets from a template: what CloudFormation hands on, and what Budgets takes."""

from local.emulator.aws_shapes import check_request
from local.emulator.budgets import typed

PROPERTIES = {
    "Budget": {"BudgetName": "a-monthly", "BudgetType": "COST", "TimeUnit": "MONTHLY",
               "BudgetLimit": {"Amount": 100, "Unit": "USD"}},
    "NotificationsWithSubscribers": [
        {
            "Notification": {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": "80"},
            "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "eve@example.com"}],
        }
    ],
}  # fmt: skip


def test_texts_and_numbers_become_what_budgets_takes() -> None:
    request = typed(PROPERTIES)
    assert request["Budget"]["BudgetLimit"] == {"Amount": "100", "Unit": "USD"}
    assert request["NotificationsWithSubscribers"][0]["Notification"]["Threshold"] == 80.0
    check_request("budgets", "CreateBudget", request)


def test_a_budget_that_tells_nobody_has_no_notifications() -> None:
    request = typed({"Budget": PROPERTIES["Budget"]})
    assert "NotificationsWithSubscribers" not in request
    check_request("budgets", "CreateBudget", request)
