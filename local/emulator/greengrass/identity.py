"""Who a device is: role aliases, and the rights that AWS IoT's credentials provider gives to a thing's certificate.

On AWS a device shows its certificate over TLS and gets keys of the role behind a role alias, which carry the thing's
name as `credentials-iot:ThingName`. Here a simulated device names its certificate, the same policies are asked, and the
session's name is the thing's.
"""

from collections.abc import Callable
from typing import Any

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.greengrass.messages import Role
from local.emulator.rights import refuse_unless_trusting, trusts

PROVIDER = "credentials.iot.amazonaws.com"
THING_NAME = "credentials-iot:thingname"  # condition keys are compared in lower case
MIN_SECONDS, MAX_SECONDS = 900, 43_200  # how long a role alias's keys may hold

aliases: dict[str, Role] = {}  # by name


def role_of(thing: str, alias: str, certificate_id: str) -> Role:
    """Return the role behind a role alias. Raise AwsError when the device's policies forbid it."""
    from ministack.services import iot

    certificate = iot._certificates.get_scoped(ACCOUNT, REGION, certificate_id) or {}
    context = iot._mqtt_policy_context(ACCOUNT, REGION, certificate_id, thing)
    attached = context.get("iot:connection.thing.thingname") == thing
    active = certificate.get("status") == "ACTIVE" and attached
    action = ("iot:AssumeRoleWithCertificate", f"rolealias/{alias}")
    if not active or not iot._mqtt_policy_allows(ACCOUNT, REGION, certificate_id, context, *action):
        raise AwsError(
            "AccessDeniedException", f"the certificate of {thing!r} may not use the role alias {alias!r}", 403
        )
    if alias not in aliases:
        raise AwsError("ResourceNotFoundException", f"there is no role alias {alias!r}", 404)
    refuse_unless_trusting(aliases[alias]["roleArn"], PROVIDER)
    return aliases[alias]


def let_sessions_carry_their_thing() -> None:
    """Give `credentials-iot:ThingName` to sessions of roles that AWS IoT's credentials provider assumes."""
    from ministack.core import iam_evaluator
    from ministack.services import iam

    principal_keys: Callable[[Any], dict[str, object]] = iam_evaluator._principal_keys

    def with_thing(credential: Any) -> dict[str, object]:
        keys = principal_keys(credential)
        if credential.principal_type == "AssumedRole":
            role, session = credential.principal_arn.split("/")[-2:]
            found = iam._roles.get_scoped(credential.account_id, None, role)
            if found and trusts(found["AssumeRolePolicyDocument"], PROVIDER):
                keys[THING_NAME] = session
        return keys

    iam_evaluator._principal_keys = with_thing


def _create(_logical_id: str, properties: Structure, _stack: str) -> tuple[str, dict[str, str]]:
    name, seconds = properties["RoleAlias"], int(properties.get("CredentialDurationSeconds", 3600))
    if name in aliases:
        raise ValueError(f"Role alias {name} already exists")
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise ValueError(f"CredentialDurationSeconds must lie in {MIN_SECONDS}..{MAX_SECONDS}, got {seconds}")
    aliases[name] = {"roleArn": properties["RoleArn"], "credentialDurationSeconds": seconds}
    return name, {"RoleAliasArn": f"arn:aws:iot:{REGION}:{ACCOUNT}:rolealias/{name}"}


def _delete(physical_id: str, *_: Any) -> None:
    aliases.pop(physical_id, None)


ROLE_ALIAS_RESOURCE = {"create": _create, "delete": _delete}
