"""Sign in: a name and a password, or a refresh token, for an id token; and out again. Open to everybody, as a sign-in
must be.

Requests and answers are in docs/reference/console-api.md.
"""

import os
from collections.abc import Mapping

from sightline.api.http import Access, Api, RequestError
from sightline.api.shapes import Credentials, RefreshToken, Session
from sightline.api.tries import Tries
from sightline.api.users import UserPool
from sightline.aws.clients import Aws

MAX_TEXT = 4096  # characters; a token has some two thousand

users = UserPool(Aws(), os.environ["USER_POOL_ID"], os.environ["USER_POOL_CLIENT_ID"])
api = Api()
tries = Tries()


@api.route("POST /session", access=Access.ANYBODY, body=Credentials, statuses=(401, 429))
def open_session() -> Session:
    """Sign in by name and password, choose the first password, or renew the id token by a refresh token."""
    sent, address = api.json(), api.event["requestContext"]["http"]["sourceIp"]
    tries.check(address)
    try:
        return opened(sent)
    except RequestError as error:
        if error.status == 401:
            tries.note(address)
        raise


@api.route("DELETE /session", access=Access.ANYBODY, body=RefreshToken, statuses=(401, 429))
def close_session() -> None:
    """Sign out: the refresh token is good for nothing from now on."""
    users.revoke(text(api.json(), "refresh_token"))


def opened(sent: Mapping[str, object]) -> Session:
    if "refresh_token" in sent:
        return users.refresh(text(sent, "refresh_token"))
    if "new_password" in sent:
        return users.choose_password(text(sent, "username"), text(sent, "session"), text(sent, "new_password"))
    return users.sign_in(text(sent, "username"), text(sent, "password"))


def text(sent: Mapping[str, object], name: str) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT:
        raise RequestError(f"{name} must be a text of 1 to {MAX_TEXT} characters")
    return value


handler = api.handler
