"""Whether somebody else must look at what a person made."""

from types import SimpleNamespace
from typing import Any

import pytest

from sightline.aws.people import FourEyes, FourEyesMode, People
from tests.given_aws import GivenAws

AUTO, ON, OFF = FourEyesMode


@pytest.mark.parametrize(
    ("mode", "people", "makers", "allowed"),
    [
        (AUTO, ["anna", "ben"], ["anna"], False),
        (AUTO, ["anna", "ben"], ["ben"], True),
        (AUTO, ["anna"], ["anna"], True),  # nobody else is there
        (AUTO, ["anna", "ben"], ["anna", "ben"], True),  # everybody drew it
        (AUTO, ["anna", "ben", "cleo"], ["anna", "ben"], False),
        (AUTO, ["anna", "ben"], [], True),  # nobody knows who made it
        (ON, ["anna"], ["anna"], False),
        (ON, ["anna"], ["ben"], True),
        (OFF, ["anna", "ben"], ["anna"], True),
    ],
)
def test_who_made_it_decides_only_where_nobody_else_can(
    mode: FourEyesMode, people: list[str], makers: list[str], allowed: bool
) -> None:
    assert FourEyes(mode, lambda: people).allows("anna", makers) == allowed


@pytest.mark.parametrize(
    ("mode", "people", "is_on"),
    [(AUTO, ["anna"], False), (AUTO, ["anna", "ben"], True), (ON, [], True), (OFF, ["anna", "ben"], False)],
)
def test_the_page_says_whether_it_is_on(mode: FourEyesMode, people: list[str], is_on: bool) -> None:
    assert FourEyes(mode, lambda: people).is_on == is_on


def test_people_are_those_who_have_signed_in_and_may_and_are_asked_for_once_in_a_while() -> None:
    asked: list[Any] = []

    def users(**request: Any) -> dict[str, Any]:
        asked.append(request)
        states = [("anna", True, "CONFIRMED"), ("ben", False, "CONFIRMED"), ("cleo", True, "FORCE_CHANGE_PASSWORD")]
        return {"Users": [{"Username": name, "Enabled": on, "UserStatus": status} for name, on, status in states]}

    cognito = SimpleNamespace(list_users=users, list_users_in_group=users)
    people = People(GivenAws(**{"cognito-idp": cognito}), "pool")
    assert people.names() == people.names() == {"anna"}
    assert People(GivenAws(**{"cognito-idp": cognito}), "pool", "engineers").names() == {"anna"}
    assert asked == [{"UserPoolId": "pool", "Limit": 60}, {"UserPoolId": "pool", "GroupName": "engineers", "Limit": 60}]
