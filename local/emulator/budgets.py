"""Budgets from a template: the emulator has the service, but no AWS::Budgets::Budget."""

import json
from typing import Any

from local.account import ACCOUNT
from local.emulator.aws_shapes import Structure, check_request

NAMED = "BudgetName"


def typed(properties: Structure) -> Structure:
    """Return the request of CreateBudget: CloudFormation has numbers as texts, and Budgets amounts as texts."""
    budget = dict(properties["Budget"])
    if "BudgetLimit" in budget:
        budget["BudgetLimit"] = {name: str(value) for name, value in budget["BudgetLimit"].items()}
    told = [
        {**entry, "Notification": {**entry["Notification"], "Threshold": float(entry["Notification"]["Threshold"])}}
        for entry in properties.get("NotificationsWithSubscribers") or []
    ]
    request: Structure = {"AccountId": ACCOUNT, "Budget": budget}
    request |= {"NotificationsWithSubscribers": told} if told else {}
    return request | {key: properties[key] for key in ("ResourceTags",) if key in properties}


def _create(logical_id: str, properties: Structure, stack: str) -> tuple[str, dict[str, str]]:
    from ministack.services import budgets

    request = typed(properties)
    request["Budget"].setdefault(NAMED, f"{stack}-{logical_id}")
    check_request("budgets", "CreateBudget", request)
    status, _, body = budgets._create_budget(request)
    if status != 200:
        raise ValueError(json.loads(body).get("message") or body.decode())
    return str(request["Budget"][NAMED]), {}


def _update(physical_id: str, _old: Structure, new: Structure, stack: str, *_: Any) -> tuple[str, dict[str, str]]:
    _delete(physical_id)
    return _create(physical_id, new, stack)


def _delete(physical_id: str, *_: Any) -> None:
    from ministack.services import budgets

    budgets._delete_budget({NAMED: physical_id})


def register() -> None:
    """Let the emulator of this process make budgets from templates."""
    from ministack.services.cloudformation import provisioners

    provisioners._RESOURCE_HANDLERS["AWS::Budgets::Budget"] = {"create": _create, "update": _update, "delete": _delete}
