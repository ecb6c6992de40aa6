"""Keys that nobody can know: of the root user, and of functions.

MiniStack takes `test`, every account's number and no key at all for root, and does not look at root's signature; the
keys of a function follow from its name. Here root has the keys that were made at this start, as a session that has no
end, so that its signature is checked like any other's.
"""

import hashlib
import hmac
import secrets
import time
from pathlib import Path
from typing import Any

from local.account import ACCOUNT, REGION, Credentials, read_credentials
from local.emulator.aws_shapes import Structure

_known: list[Credentials] = []
_salt = secrets.token_bytes(32)


def root_credentials() -> Credentials:
    """Return the keys of the root user of the emulator in this process."""
    return _known[0]


def register(home: Path) -> None:
    """Give the emulator of this process the root user of the stack's folder, and no other."""
    from ministack.core import iam_evaluator, lambda_runtime
    from ministack.services import lambda_svc, sts

    _known[:] = [read_credentials(home)]
    for module in (iam_evaluator, sts):
        module.is_root_access_key = lambda _key: False
    sts.register_session(
        root_credentials()["aws_access_key_id"],
        {
            "Arn": f"arn:aws:iam::{ACCOUNT}:root",
            "UserId": ACCOUNT,
            "AccountId": ACCOUNT,
            "PrincipalType": "Root",
            "SecretAccessKey": root_credentials()["aws_secret_access_key"],
        },
    )
    enforce = iam_evaluator.enforce

    def enforce_but_what_is_open(access_key_id: str, action: str, service: str, *request: Any, **named: Any) -> Any:
        # The API's own authorizer decides about its routes; operations that nobody signs check a token, say.
        is_open = action == "execute-api:Invoke" or iam_evaluator._served_unsigned(service, action)
        if is_open and not access_key_id:
            return None
        return enforce(access_key_id, action, service, *request, **named)

    iam_evaluator.enforce = enforce_but_what_is_open
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = function_credentials


def role_credentials(role_arn: str, session: str, seconds: float = 3600) -> Credentials:
    """Return keys with which a service works in the name of a role, whose trust the caller has looked at."""
    from ministack.services import sts

    role = role_arn.rsplit("/", 1)[-1]
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30), secrets.token_urlsafe(90)
    known: Structure = {
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
        "UserId": f"{role}:{session}",
        "AccountId": ACCOUNT,
        "PrincipalType": "AssumedRole",
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": time.time() + seconds,
    }
    sts.register_session(key, known)
    return {
        "aws_access_key_id": key,
        "aws_secret_access_key": secret,
        "aws_session_token": token,
        "region_name": REGION,
    }


def function_credentials(config: Structure) -> dict[str, str]:
    """Return the environment with the keys of a function's role, the same for all its workers of this start."""
    from ministack.services import sts

    arn, role = str(config["FunctionArn"]), str(config["Role"]).rsplit("/", 1)[-1]

    def derived(what: str) -> str:
        return hmac.new(_salt, f"{what} {arn} {role}".encode(), hashlib.sha256).hexdigest()

    key, secret, token = f"ASIA{derived('key')[:16].upper()}", derived("secret"), derived("token")
    session = {
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{config['FunctionName'][:64]}",
        "UserId": f"{role}:{config['FunctionName'][:64]}",
        "SecretAccessKey": secret,
        "SessionToken": token,
    }
    sts.register_session(key, session)
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}
