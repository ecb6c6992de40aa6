"""What the emulator's Cognito leaves out of the first sign-in: who answers the challenge must have had the old
password.

The emulator takes any `Session` for any user with NEW_PASSWORD_REQUIRED, and any new password: whoever knows a name
could take it over. Here a session is good once, for the user that it was given to, and the pool's rules for passwords
hold.
"""

import json
from typing import Any

from local.emulator.aws_shapes import Structure

CHALLENGE = "NEW_PASSWORD_REQUIRED"
ANSWERS = ("_admin_respond_to_auth_challenge", "_respond_to_auth_challenge")

_sessions: dict[str, tuple[str, str]] = {}  # session: (pool, user)


def register() -> None:
    """Hook into the emulator of this process."""
    from ministack.services import cognito

    original = cognito._password_auth_result

    def password_auth_result(pool: Any, pid: str, *args: Any, **kinds: Any) -> Any:
        status, headers, body = original(pool, pid, *args, **kinds)
        challenge = json.loads(body)
        if challenge.get("ChallengeName") == CHALLENGE:
            _sessions[challenge["Session"]] = (pid, challenge["ChallengeParameters"]["USER_ID_FOR_SRP"])
        return status, headers, body

    cognito._password_auth_result = password_auth_result
    for name in ANSWERS:
        setattr(cognito, name, _checked(cognito, getattr(cognito, name)))


def _checked(cognito: Any, respond: Any) -> Any:
    def checked(data: Structure) -> Any:
        if data.get("ChallengeName") != CHALLENGE:
            return respond(data)
        pool_id, username = _sessions.get(data.get("Session", ""), ("", ""))
        given = data.get("ChallengeResponses", {})
        if not username or given.get("USERNAME") != username or data.get("UserPoolId", pool_id) != pool_id:
            return cognito.error_response_json("NotAuthorizedException", "Invalid session for the user.", 400)
        refused = cognito._validate_password(cognito._user_pools[pool_id], given.get("NEW_PASSWORD", ""))
        if refused:
            return refused
        del _sessions[data["Session"]]
        return respond(data)

    return checked
