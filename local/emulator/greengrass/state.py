"""What Greengrass of the emulator keeps, and the services of the account that it uses."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import Structure

PREFIX = f"arn:aws:greengrass:{REGION}:{ACCOUNT}"


@dataclass
class Execution:
    """How a deployment goes on one thing. `handed` is the time at which it was given out, in seconds since 1970."""

    status: str
    reason: str
    handed: float
    modified: datetime


recipes: dict[str, Structure] = {}  # by component version ARN
created: dict[str, datetime] = {}
deployments: dict[str, Structure] = {}
tokens: dict[str, str] = {}
devices: dict[str, Structure] = {}
executions: dict[str, dict[str, Execution]] = {}  # by deployment and thing
lock = threading.RLock()


class Neighbours:
    """Other services of the account, as Greengrass uses them. Tests put their own in its place."""

    clock: Callable[[], float] = staticmethod(time.time)

    def things_in(self, group_arn: str) -> list[str]:
        from ministack.services import iot

        group = iot._thing_groups.get(group_arn.rsplit("/", 1)[-1])
        return list(group.get("things", [])) if group else []

    def is_thing(self, name: str) -> bool:
        from ministack.services import iot

        return name in iot._things

    def read(self, uri: str) -> bytes:
        """Return the bytes of an object. Raise LookupError."""
        from ministack.services import s3

        parts = urlsplit(uri)
        body = s3._get_object_data(parts.netloc, parts.path.lstrip("/"))
        if body is None:
            raise LookupError(uri)
        return bytes(body)

    def emit(self, detail_type: str, detail: Structure, resources: list[str]) -> None:
        from ministack.services import eventbridge

        entry = {
            "Source": "aws.greengrass",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": resources,
            "EventBusName": "default",
        }
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


neighbours = Neighbours()


def now() -> datetime:
    return datetime.fromtimestamp(neighbours.clock(), UTC)


def clear() -> None:
    """Forget everything."""
    for store in (recipes, created, deployments, tokens, devices, executions):
        store.clear()
