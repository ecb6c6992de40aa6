"""Condition keys that AWS fills in and the emulator does not know: the role that a request hands to CloudFormation, the
tags of a user pool, and the ARN of the role of a session.
"""

from typing import Any
from urllib.parse import parse_qs

SESSION = ":assumed-role/"


def register() -> None:
    """Let the emulator tell policies with which role a stack is to be made, whose a user pool is, and who calls."""
    from ministack.core import iam_actions, iam_evaluator
    from ministack.services import iam, tagging

    tags_of, value_of = iam_actions.request_tag_context, iam_evaluator._resolve_condition_key

    def request_context(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        found: dict[str, Any] = tags_of(service, iam_action, body, params)
        if service == "cloudformation" and (role := parse_qs(body.decode(errors="replace")).get("RoleARN")):
            found = {**found, "cloudformation:RoleArn": role[0]}
        return found

    def resolve_condition_key(key: str, ctx: Any) -> Any:
        found = value_of(key, ctx)
        if key.lower() != "aws:principalarn" or SESSION not in found:
            return found
        name = found.split(SESSION)[1].split("/")[0]
        role = iam._roles.get_scoped(ctx.principal_account, None, name)
        return role["Arn"] if role else found

    iam_actions.request_tag_context = request_context
    iam_evaluator._resolve_condition_key = resolve_condition_key
    tagging._RESOURCE_TAG_COLLECTORS["cognito-idp"] = tagging._collect_cognito
