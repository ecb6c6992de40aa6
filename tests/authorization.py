"""AWS's Service Authorization Reference, as cfn-lint brings it: which actions there are, and on what kinds of resource.

cfn-lint keeps the reference up to date from AWS's own files; nothing here asks the network.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

STANDINS = ("x", "x/x", "x:x")  # for a star in a policy's resource: a name, or several parts of one


@cache
def reference() -> dict[str, dict[str, Any]]:
    """Actions and Resources by the prefix of a service; names of actions in lower case."""
    found: dict[str, dict[str, Any]] = json.loads(
        (files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json").read_text()
    )
    return found


def exists(action: str) -> bool:
    """Say whether AWS has an action; one with a star must stand for some."""
    service, _, name = action.partition(":")
    pattern = re.compile(re.escape(name.lower()).replace(r"\*", ".*"))
    return any(pattern.fullmatch(known) for known in reference().get(service, {"Actions": {}})["Actions"])


def kinds(action: str) -> frozenset[str]:
    """Return the kinds of resources that an action is authorised on; none for an action that takes `*` alone."""
    service, _, name = action.partition(":")
    pattern = re.compile(re.escape(name.lower()).replace(r"\*", ".*"))
    known = reference()[service]["Actions"]
    return frozenset(kind for key in known if pattern.fullmatch(key) for kind in known[key].get("Resources", ()))


def is_authorised_on(action: str, arn: str) -> bool:
    """Say whether a policy's resource can be one that AWS asks for when it authorises the action."""
    service = action.partition(":")[0]
    formats = [
        form
        for kind in kinds(action)
        for form in reference()[service]["Resources"].get(kind.lower(), {}).get("ARNFormats", ())
    ]
    return any(pattern.fullmatch(arn.replace("*", standin)) for pattern in _compiled(formats) for standin in STANDINS)


def _compiled(formats: Iterable[str]) -> list[re.Pattern[str]]:
    return [
        re.compile(re.sub(r"\$\{(Partition|Region|Account)\}", r"[^:]*", form).replace("$", r"\$")) for form in formats
    ]
