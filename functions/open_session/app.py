"""Sign in: a name and a password, or a refresh token, for an id token. Open to everybody, as a sign-in must be.

Requests and answers are in docs/architecture.md, "Console API".
"""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.api import web
from sightline.api.users import NEW_PASSWORD, NewPasswordError, UserPool
from sightline.aws.clients import Aws

MAX_TEXT = 4096  # characters; a token has some two thousand

logger = Logger()
aws = Aws()
users = UserPool(aws, os.environ["USER_POOL_ID"], os.environ["USER_POOL_CLIENT_ID"])


def open_session(sent: dict[str, Any]) -> dict[str, Any]:
    if "refresh_token" in sent:
        return users.refresh(text(sent, "refresh_token"))
    if "new_password" in sent:
        return users.choose_password(text(sent, "username"), text(sent, "session"), text(sent, "new_password"))
    return users.sign_in(text(sent, "username"), text(sent, "password"))


def text(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT:
        raise web.RequestError(f"{name} must be a text of 1 to {MAX_TEXT} characters")
    return value


@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    try:
        return web.answer(200, open_session(web.body(event)))
    except NewPasswordError as error:
        challenge = {"challenge": NEW_PASSWORD, "session": error.session}
        return web.answer(error.status, {"message": str(error), **challenge})
    except web.RequestError as error:
        logger.info("sign-in refused", status=error.status)
        return web.answer(error.status, {"message": str(error)})
