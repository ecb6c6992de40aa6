"""Sign-in: a person's own mistake gets a status and a line, everything else is an error of the application."""

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from sightline.api.http import RequestError
from sightline.api.users import MISTAKES, NewPasswordError, UserPool
from tests.given_aws import GivenAws


class Cognito:
    """A user pool that answers everything in the same way."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.requests: list[dict[str, Any]] = []

    def admin_initiate_auth(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    admin_respond_to_auth_challenge = revoke_token = admin_initiate_auth


def pool(answer: dict[str, Any] | Exception) -> UserPool:
    return UserPool(GivenAws(**{"cognito-idp": Cognito(answer)}), "pool", "client")


def token(**claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{payload}.signature"


def refusal(code: str, message: str = "as Cognito says it") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "AdminInitiateAuth")


@pytest.mark.parametrize("name", ["anna", "Jörg", "ab", "abc", "a-long-name@example.com"])  # any length of base64
def test_a_session_says_who_signed_in_and_to_which_groups_they_belong(name: str) -> None:
    given = token(**{"cognito:username": name, "cognito:groups": ["engineers", "line-1"]})
    answer = {"AuthenticationResult": {"IdToken": given, "ExpiresIn": 3600, "RefreshToken": "again"}}
    assert pool(answer).sign_in(name, "secret") == {
        "id_token": given,
        "expires_in": 3600,
        "username": name,
        "groups": ["engineers", "line-1"],
        "refresh_token": "again",
    }


def test_who_signs_out_ends_the_session_of_the_refresh_token() -> None:
    cognito = Cognito({})
    UserPool(GivenAws(**{"cognito-idp": cognito}), "pool", "client").revoke("again")
    assert cognito.requests == [{"Token": "again", "ClientId": "client"}]


@pytest.mark.parametrize(("code", "status"), [("UnsupportedTokenTypeException", 400), ("UnauthorizedException", 401)])
def test_what_is_no_refresh_token_of_this_page_ends_nothing(code: str, status: int) -> None:
    with pytest.raises(RequestError) as refused:
        pool(refusal(code)).revoke("an id token")
    assert refused.value.status == status


def test_a_refreshed_session_has_no_other_refresh_token_and_a_person_may_have_no_group() -> None:
    given = token(**{"cognito:username": "anna"})
    answer = {"AuthenticationResult": {"IdToken": given, "ExpiresIn": 60}}
    assert pool(answer).refresh("again") == {"id_token": given, "expires_in": 60, "username": "anna", "groups": []}


def test_the_first_sign_in_asks_for_a_new_password() -> None:
    with pytest.raises(NewPasswordError) as raised:
        pool({"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s"}).sign_in("anna", "given")
    assert raised.value.status == 409
    assert raised.value.details == {"challenge": "NEW_PASSWORD_REQUIRED", "session": "s"}


def test_a_challenge_that_the_page_does_not_know_is_named() -> None:
    with pytest.raises(RequestError, match="the user pool asks for 'SMS_MFA', which this page can't do") as raised:
        pool({"ChallengeName": "SMS_MFA", "Session": "s"}).sign_in("anna", "secret")
    assert raised.value.status == 401


@pytest.mark.parametrize(
    ("code", "status"), [entry for entry in MISTAKES.items() if entry[0] != "UserNotFoundException"]
)
def test_a_mistake_of_the_person_is_said_in_the_words_of_cognito(code: str, status: int) -> None:
    with pytest.raises(RequestError) as raised:
        pool(refusal(code)).choose_password("anna", "session", "new")
    assert (raised.value.status, str(raised.value)) == (status, "as Cognito says it")


def test_a_name_that_does_not_exist_is_answered_like_a_wrong_password() -> None:
    answers = []
    wrong = "Incorrect username or password."
    for error in (refusal("NotAuthorizedException", wrong), refusal("UserNotFoundException", "User does not exist.")):
        with pytest.raises(RequestError) as raised:
            pool(error).sign_in("anna", "secret")
        answers.append((raised.value.status, str(raised.value)))
    assert answers == [(401, wrong)] * 2


def test_what_is_sent_in_a_length_that_there_is_not_is_not_repeated() -> None:
    with pytest.raises(RequestError) as raised:
        pool(ParamValidationError(report="secret")).sign_in("anna", "secret")
    assert (raised.value.status, "secret" in str(raised.value)) == (400, False)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "InternalErrorException"])
def test_what_is_no_mistake_of_the_person_is_an_error_of_the_application(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        pool(refusal(code)).sign_in("anna", "secret")
