"""Versions of components: which is the newest."""

import re

from sightline.errors import SightlineError
from sightline.names import INSPECTOR_COMPONENT


class NoInspectorError(SightlineError):
    """No version of the inspector component is published."""


def latest_version(versions: list[str]) -> str:
    """Return the highest of some semantic versions `major.minor.patch`. Raise NoInspectorError when there is none."""
    if not versions:
        raise NoInspectorError(f"no version of {INSPECTOR_COMPONENT} is published; publish the inspector first")
    return max(versions, key=lambda version: [int(part) for part in re.findall(r"\d+", version)[:3]])
