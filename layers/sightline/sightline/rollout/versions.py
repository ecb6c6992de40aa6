"""Versions of components: which is the newest, and which comes next."""

import re

from sightline.errors import SightlineError
from sightline.names import LARGEST_PART

FIRST = "1.0.1"


class NoInspectorError(SightlineError):
    """No version of the inspector component is published."""


def latest_version(versions: list[str]) -> str:
    """Return the highest of some semantic versions `major.minor.patch`. Raise NoInspectorError when there is none."""
    if not versions:
        raise NoInspectorError("no version of the inspector is published; `sightline device publish` does it")
    return max(versions, key=_parts)


def next_version(version: str) -> str:
    """Return the version that comes after `version`: the next patch, or the next minor where patches have ended."""
    major, minor, patch = _parts(version)
    if patch < LARGEST_PART:
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor + 1}.0"


def _parts(version: str) -> tuple[int, int, int]:
    major, minor, patch = (int(part) for part in re.findall(r"\d+", version)[:3])
    return major, minor, patch
