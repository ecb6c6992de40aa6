"""What the emulator's Cognito leaves out: users from a template, and the proof of the first sign-in that whoever
answers the challenge has had the old password.

The emulator takes any `Session` for any user with NEW_PASSWORD_REQUIRED, and any new password: whoever knows a name
could take it over. Here a session is good once, for the user that it was given to, and the pool's rules for passwords
hold.
"""

import contextlib
import json
from typing import Any

from local.emulator.aws_shapes import Structure, check_request

CHALLENGE = "NEW_PASSWORD_REQUIRED"
ANSWERS = ("_admin_respond_to_auth_challenge", "_respond_to_auth_challenge")

_sessions: dict[str, tuple[str, str]] = {}  # session: (pool, user)


def _asked(call: str, properties: Structure) -> None:
    """Send a request of Cognito's that has the properties of a resource. Raise ValueError with what it answers."""
    from ministack.services import cognito

    check_request("cognito-idp", call.title().replace("_", ""), properties)
    status, _, body = getattr(cognito, f"_{call}")(properties)
    if status != 200:
        raise ValueError(json.loads(body)["message"])


def _deleted(call: str, properties: Structure) -> None:
    """Take something back that may be gone already, which CloudFormation takes for deleted."""
    with contextlib.suppress(ValueError):
        _asked(call, properties)


def _create_user(_logical_id: str, properties: Structure, _stack: str) -> tuple[str, dict[str, str]]:
    if "EMAIL" not in properties.get("DesiredDeliveryMediums", []):
        raise ValueError("Cannot send SMS to user as no phone number given")  # what AWS sends unless told otherwise
    _asked("admin_create_user", properties)
    return str(properties["Username"]), {}


def _delete_user(physical_id: str, properties: Structure) -> None:
    _deleted("admin_delete_user", {"UserPoolId": properties["UserPoolId"], "Username": physical_id})


def _attach_user(_logical_id: str, properties: Structure, _stack: str) -> tuple[str, dict[str, str]]:
    _asked("admin_add_user_to_group", properties)
    return "|".join(str(properties[name]) for name in ("UserPoolId", "GroupName", "Username")), {}


def _detach_user(_physical_id: str, properties: Structure) -> None:
    _deleted("admin_remove_user_from_group", properties)


# Nothing of them can be changed: another value is another user.
RESOURCES = {
    "AWS::Cognito::UserPoolUser": ({"create": _create_user, "delete": _delete_user},
                                   ("UserPoolId", "Username", "DesiredDeliveryMediums", "UserAttributes")),
    "AWS::Cognito::UserPoolUserToGroupAttachment": ({"create": _attach_user, "delete": _detach_user},
                                                    ("UserPoolId", "GroupName", "Username")),
}  # fmt: skip


def _make_users_from_templates() -> None:
    from ministack.services.cloudformation import provisioners

    for kind, (handlers, replacing) in RESOURCES.items():
        provisioners._RESOURCE_HANDLERS[kind] = handlers
        provisioners._REPLACING_PROPERTIES[kind] = replacing


def register() -> None:
    """Hook into the emulator of this process."""
    from ministack.services import cognito

    _make_users_from_templates()

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
