"""Parameters of the template: which there are, what they may be, and those that the local stack was given."""

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from client import pipeline, template_file
from client.target import Target
from sightline.errors import SightlineError

FILE = "parameters.json"  # in the folder of the local run


class ParameterError(SightlineError):
    """A parameter that the template does not have, or a value that it does not take."""


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """Return NAME=VALUE entries of an option by name. Raise ParameterError."""
    found: dict[str, str] = {}
    for entry in given:
        name, sign, value = entry.partition("=")
        if not (name and sign):
            raise ParameterError(f"{option} takes NAME=VALUE, got {entry!r}")
        if name in found:
            raise ParameterError(f"{option} names {name} twice; give it once")
        found[name] = value
    return found


def check(given: Mapping[str, str], template: Mapping[str, Any] | None = None) -> None:
    """Raise ParameterError for a name that the template does not have, or a value that it does not take."""
    known: Mapping[str, Any] = (template or template_file.read()).get("Parameters", {})
    for name, value in given.items():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}? It" if near else "; it"
            raise ParameterError(f"the template has no parameter {name}{hint} has {', '.join(sorted(known))}")
        if wanted := _wanted(value, known[name]):
            raise ParameterError(f"{name} must be {wanted}, got {value!r}")


def _wanted(value: str, entry: Mapping[str, Any]) -> str:
    """Return what a value should be; nothing where it is right."""
    if "AllowedValues" in entry:
        allowed = [_text(one) for one in entry["AllowedValues"]]
        return "" if value in allowed else f"one of {', '.join(one or 'nothing' for one in allowed)}"
    if entry["Type"] == "Number":
        low, high = entry.get("MinValue"), entry.get("MaxValue")
        limits = [f"at {what} {end}" for what, end in (("least", low), ("most", high)) if end is not None]
        ends = f" of {' and '.join(limits)}" if limits else ""
        try:
            number = float(value)
        except ValueError:
            return f"a number{ends}"
        fits = (low is None or number >= float(low)) and (high is None or number <= float(high))
        return "" if fits else f"a number{ends}"
    if not entry.get("MinLength", 0) <= len(value) <= entry.get("MaxLength", len(value)):
        return f"{entry.get('MinLength', 0)} to {entry.get('MaxLength', 'any number of')} characters long"
    pattern = entry.get("AllowedPattern")
    return "" if not pattern or re.fullmatch(pattern, value) else f"as the pattern {pattern} says"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def defaults(template: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return what each parameter is where nobody gives it."""
    known: Mapping[str, Any] = (template or template_file.read()).get("Parameters", {})
    return {name: _text(entry.get("Default", "")) for name, entry in known.items()}


def kept(home: Path) -> dict[str, str]:
    """Return the parameters that the local stack was given by earlier starts."""
    try:
        found = json.loads((home / FILE).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def keep(home: Path, chosen: Mapping[str, str]) -> None:
    """Keep what the local stack was given for its next starts."""
    (home / FILE).write_text(json.dumps(chosen, indent=1, sort_keys=True))


def choose(given: Mapping[str, str], before: Mapping[str, str], usual: Mapping[str, str]) -> dict[str, str]:
    """Return what the local stack gets: what is given, else what it was given `before`, where that is not `usual`.

    Raise ParameterError.
    """
    check(given)
    known = defaults()  # what was kept by an earlier release may be no parameter any more
    chosen = {**{name: value for name, value in before.items() if name in known}, **given}
    return {name: value for name, value in chosen.items() if usual.get(name, known[name]) != value}


def check_classes(target: Target, chosen: Mapping[str, str]) -> None:
    """Raise ParameterError where the classes of a running stack would get other numbers."""
    classes = pipeline.classes(target)
    wanted = chosen.get("Classes", defaults()["Classes"]).split(",")
    if wanted[: len(classes)] != classes:
        raise ParameterError(
            f"Classes must begin with {','.join(classes)}: labels and models know classes by their number. Add new "
            "ones at the end, or start anew after `sightline down`"
        )
