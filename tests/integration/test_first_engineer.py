"""The first engineer is a user of the template, made, replaced and taken away with its parameter."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from client import template_file
from client.doctor import people
from client.doctor.deployed import Deployed
from client.doctor.template import Template
from tests.console_line import until
from tests.empty_account import Account, started
from tests.mails import sent

STACK = "sightline-people"
MADE = ("UserPool", "EngineersGroup", "FirstEngineerUser", "FirstEngineerMembership")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An empty account with the part of the template that is about people."""
    with started(tmp_path_factory.mktemp("emulator"), STACK) as account:
        yield account


def body() -> str:
    whole = template_file.read()
    return json.dumps(
        {
            "Parameters": {"FirstEngineer": whole["Parameters"]["FirstEngineer"]},
            "Conditions": {"HasFirstEngineer": whole["Conditions"]["HasFirstEngineer"]},
            "Resources": {name: whole["Resources"][name] for name in MADE},
        }
    )


def deploy(account: Account, address: str) -> str:
    """Make or update the stack. Return the status that it ends in."""
    client = account.client("cloudformation")
    given: Any = {"StackName": STACK, "TemplateBody": body(),
                  "Parameters": [{"ParameterKey": "FirstEngineer", "ParameterValue": address}]}  # fmt: skip
    kind = "update" if Deployed.find(account.place) else "create"
    getattr(client, f"{kind}_stack")(**given)
    return str(until(lambda: None if "IN_PROGRESS" in (status := found(account).status) else status))


def found(account: Account) -> Deployed:
    stack = Deployed.find(account.place)
    assert stack
    return stack


def engineers(account: Account) -> list[str]:
    pool = found(account).id_of("UserPool")
    users = account.client("cognito-idp").list_users_in_group(UserPoolId=pool, GroupName="engineers")["Users"]
    return [user["Username"] for user in users]


def told(account: Account) -> list[tuple[str, str]]:
    """Return what doctor says before the next deployment of the stack as it is."""
    return [(one.verdict, one.text) for one in people.first_engineer(account.place, Template.read(), found(account))]


def test_the_user_follows_the_parameter_and_one_who_is_there_already_fails_the_deployment(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploy(account, "eve@example.com") == "CREATE_COMPLETE"
    assert engineers(account) == ["eve@example.com"]
    [mail] = sent(account.endpoint, account.root)
    assert (mail.to, mail.subject) == (("eve@example.com",), f"Your account of {STACK} (Sightline)")
    assert "Name: eve@example.com<br>Password: " in mail.text
    assert told(account) == [("ok", "eve@example.com was invited")]

    assert deploy(account, "bob@example.com") == "UPDATE_COMPLETE"
    assert engineers(account) == ["bob@example.com"]

    assert deploy(account, "") == "UPDATE_COMPLETE"
    pool, cognito = found(account).id_of("UserPool"), account.client("cognito-idp")
    assert cognito.list_users(UserPoolId=pool)["Users"] == []
    assert told(account) == []

    cognito.admin_create_user(UserPoolId=pool, Username="eve@example.com", MessageAction="SUPPRESS")
    monkeypatch.setattr(people, "configured", lambda _: {"FirstEngineer": "eve@example.com"})
    assert [verdict for verdict, _ in told(account)] == ["wrong"]
    assert deploy(account, "eve@example.com") == "UPDATE_ROLLBACK_COMPLETE"
    events = account.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    assert any("User account already exists" in event.get("ResourceStatusReason", "") for event in events)
