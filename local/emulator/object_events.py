"""Events of S3 name the version of the object, as on AWS: the emulator leaves it out of those that EventBridge gets.

Without it nobody can tell a version that was erased from an object that is gone. Source: S3 user guide, "EventBridge
event message structure".
"""

import json
from contextvars import ContextVar
from typing import Any

_version: ContextVar[str] = ContextVar("version", default="")


def register() -> None:
    """Let the emulator of this process name versions."""
    from ministack.services import eventbridge, s3

    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire_s3_event(*args: Any, version_id: str | None = None, **named: Any) -> Any:
        token = _version.set(version_id or "")
        try:
            return fire(*args, version_id=version_id, **named)
        finally:
            _version.reset(token)

    def dispatch_event(event: Any, *rest: Any, **named: Any) -> Any:
        version = _version.get()
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            event = {**event, "Detail": json.dumps({**detail, "object": {**detail["object"], "version-id": version}})}
        return dispatch(event, *rest, **named)

    s3._fire_s3_event, eventbridge._dispatch_event = fire_s3_event, dispatch_event
