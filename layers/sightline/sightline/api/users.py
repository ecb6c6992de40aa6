"""Sign-in with the user pool: a name and a password become tokens. Passwords and tokens are logged nowhere."""

import base64
import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from sightline.api.http import RequestError, groups_of
from sightline.api.shapes import Session
from sightline.aws.clients import Aws

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.type_defs import AuthenticationResultTypeTypeDef

NEW_PASSWORD = "NEW_PASSWORD_REQUIRED"  # noqa: S105 (the name of a challenge)
WRONG_PASSWORD = "Incorrect username or password."  # noqa: S105 (in Cognito's words)
# What Cognito says of the caller's own mistakes, and the status that they get. The texts are Cognito's.
MISTAKES = {
    "NotAuthorizedException": 401,
    "UserNotFoundException": 401,
    "UserNotConfirmedException": 401,
    "PasswordResetRequiredException": 401,
    "CodeMismatchException": 401,
    "ExpiredCodeException": 401,
    "InvalidPasswordException": 400,
    "InvalidParameterException": 400,
    "UnsupportedTokenTypeException": 400,
    "UnauthorizedException": 401,
    "TooManyRequestsException": 429,
    "LimitExceededException": 429,
}


class NewPasswordError(RequestError):
    """The first sign-in: the person has to choose a password; `session` goes with it."""

    def __init__(self, session: str) -> None:
        super().__init__(
            "choose a new password; the one you were given works once", 409, challenge=NEW_PASSWORD, session=session
        )


class UserPool:
    """The people who may sign in."""

    def __init__(self, aws: Aws, pool_id: str, client_id: str) -> None:
        self.aws = aws
        self.names = {"UserPoolId": pool_id, "ClientId": client_id}

    def sign_in(self, username: str, password: str) -> Session:
        """Tokens for a name and a password. Raises RequestError, and NewPasswordError the first time."""
        parameters = {"USERNAME": username, "PASSWORD": password}
        return self._answer("admin_initiate_auth", AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=parameters)

    def refresh(self, refresh_token: str) -> Session:
        """A new id token for a refresh token. Raises RequestError."""
        parameters = {"REFRESH_TOKEN": refresh_token}
        return self._answer("admin_initiate_auth", AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=parameters)

    def choose_password(self, username: str, session: str, new_password: str) -> Session:
        """Tokens for the password that a person chose at the first sign-in. Raises RequestError."""
        responses = {"USERNAME": username, "NEW_PASSWORD": new_password}
        return self._answer(
            "admin_respond_to_auth_challenge", ChallengeName=NEW_PASSWORD, Session=session, ChallengeResponses=responses
        )

    def revoke(self, refresh_token: str) -> None:
        """End the session of a refresh token. One that is over already is no mistake. Raises RequestError."""
        self._asked("revoke_token", Token=refresh_token, ClientId=self.names["ClientId"])

    def _answer(self, call: str, **request: Any) -> Session:
        answer = self._asked(call, **self.names, **request)
        if answer.get("ChallengeName") == NEW_PASSWORD:
            raise NewPasswordError(answer["Session"])
        if "AuthenticationResult" not in answer:
            raise RequestError(f"the user pool asks for {answer.get('ChallengeName')!r}, which this page can't do", 401)
        return _session(answer["AuthenticationResult"])

    def _asked(self, call: str, **request: Any) -> Any:
        try:
            return getattr(self.aws.cognito, call)(**request)
        except ParamValidationError:  # its message may hold what was sent
            raise RequestError("a name, password, session or token of a length that there is not") from None
        except ClientError as error:
            said = error.response["Error"]
            if said["Code"] not in MISTAKES:
                raise
            # A name that does not exist is answered like a wrong password.
            message = WRONG_PASSWORD if said["Code"] == "UserNotFoundException" else said["Message"]
            raise RequestError(message, MISTAKES[said["Code"]]) from None


def _session(given: "AuthenticationResultTypeTypeDef") -> Session:
    claims = _claims(given["IdToken"])
    session: Session = {
        "id_token": given["IdToken"],
        "expires_in": given["ExpiresIn"],
        "username": str(claims["cognito:username"]),
        "groups": list(groups_of(claims.get("cognito:groups"))),
    }
    if "RefreshToken" in given:
        session["refresh_token"] = given["RefreshToken"]
    return session


def _claims(token: str) -> dict[str, object]:
    """What a token says; it comes from Cognito itself, so its signature needs no check here."""
    payload = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found
