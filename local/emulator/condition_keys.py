"""Condition keys that AWS fills in from a request and the emulator does not know: `cloudformation:RoleArn`."""

from typing import Any
from urllib.parse import parse_qs


def register() -> None:
    """Let the emulator tell policies with which role a stack or a change set is to be made."""
    from ministack.core import iam_actions

    tags_of = iam_actions.request_tag_context

    def request_context(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        found: dict[str, Any] = tags_of(service, iam_action, body, params)
        if service == "cloudformation" and (role := parse_qs(body.decode(errors="replace")).get("RoleARN")):
            found = {**found, "cloudformation:RoleArn": role[0]}
        return found

    iam_actions.request_tag_context = request_context
