"""Who may sign in: what doctor says before a deployment and after it."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from client.doctor import people
from client.doctor.deployed import Deployed, Resource
from client.doctor.findings import Findings
from client.doctor.template import Template
from client.target import Place
from tests.given_aws import GivenAws

EVE = "eve@example.com"
TEMPLATE = Template.read()


class Pool:
    """A user pool with these users."""

    class exceptions:  # noqa: N801 (as botocore has it)
        UserNotFoundException = KeyError

    def __init__(self, *names: str) -> None:
        self.names = names

    def admin_get_user(self, *, UserPoolId: str, Username: str) -> None:  # noqa: N803
        assert UserPoolId == "pool"
        if Username not in self.names:
            raise KeyError(Username)

    def list_users(self, *, UserPoolId: str, Limit: int) -> dict[str, Any]:  # noqa: N803
        assert (UserPoolId, Limit) == ("pool", 1)
        return {"Users": [{"Username": name} for name in self.names[:Limit]]}


def deployed(pool: Pool, invited: str = "") -> Deployed:
    place = Place("sightline", None)
    place.__dict__["aws"] = GivenAws(SimpleNamespace(), None, **{"cognito-idp": pool})  # type: ignore[arg-type]
    parameters = {"FirstEngineer": invited}
    stack = Deployed(place, "sightline", "arn", "UPDATE_COMPLETE", "", parameters, {"UserPoolId": "pool"})
    made = {"UserPool": "pool"} | ({"FirstEngineerUser": invited} if invited else {})
    stack.__dict__["resources"] = tuple(Resource(name, "", own, "") for name, own in made.items())
    return stack


def asked(
    monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str], stack: Deployed | None = None
) -> list[tuple[str, str]]:
    monkeypatch.setattr(people, "configured", lambda _: given)
    findings: Findings = people.first_engineer(Place("sightline", None), TEMPLATE, stack)
    return [(one.verdict, one.text) for one in findings]


def test_before_the_first_deployment_doctor_says_who_is_invited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, {}) == [("note", "nobody is invited")]
    assert asked(monkeypatch, {"FirstEngineer": EVE}) == [("ok", f"{EVE} is invited")]


@pytest.mark.parametrize("address", ["Eve@example.com", "eve", "eve@example", "eve @example.com", "@example.com"])
def test_what_the_template_takes_for_no_address_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [verdict for verdict, _ in asked(monkeypatch, {"FirstEngineer": address})] == ["wrong"]


def test_a_stack_without_a_first_engineer_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, {}, deployed(Pool("inspector"))) == []


def test_the_one_whom_the_stack_has_invited_may_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = deployed(Pool(EVE), invited=EVE)
    assert asked(monkeypatch, {}, stack) == [("ok", f"{EVE} was invited")]
    assert asked(monkeypatch, {"FirstEngineer": "bob@example.com"}, stack) == [("ok", "bob@example.com is invited")]


def test_a_user_whom_somebody_else_has_made_would_fail_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    [(verdict, text)] = asked(monkeypatch, {"FirstEngineer": EVE}, deployed(Pool(EVE)))
    assert (verdict, EVE in text) == ("wrong", True)


@pytest.mark.parametrize(("names", "verdict"), [((), "note"), (("eve", "anna"), "ok")])
def test_a_page_that_nobody_can_sign_in_to_is_told(names: tuple[str, ...], verdict: str) -> None:
    assert [one.verdict for one in people.users(deployed(Pool(*names)))] == [verdict]
