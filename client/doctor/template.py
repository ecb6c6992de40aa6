"""What this checkout would deploy: the template's parameters, outputs and resources, and the profile of a stack."""

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from client import template_file
from client.template_file import PROJECT, TEMPLATE


@dataclass(frozen=True, slots=True)
class Template:
    """The template of this checkout. `defaults` are its parameters' values where nobody gives one."""

    defaults: Mapping[str, str]
    patterns: Mapping[str, str]  # of the parameters whose values have one
    outputs: tuple[str, ...]  # those that every stack has
    types: frozenset[str]  # of resources
    layers: Mapping[str, frozenset[str]]  # of each function, by their names in the template

    @classmethod
    def read(cls, path: Path = TEMPLATE) -> Self:
        value = template_file.read(path)
        everywhere = value["Globals"]["Function"]["Layers"]
        return cls(
            {name: str(parameter["Default"]) for name, parameter in value["Parameters"].items()},
            {name: one["AllowedPattern"] for name, one in value["Parameters"].items() if "AllowedPattern" in one},
            tuple(name for name, output in value["Outputs"].items() if "Condition" not in output),
            frozenset(str(resource["Type"]) for resource in value["Resources"].values()),
            {
                name: frozenset(layer["Ref"] for layer in [*everywhere, *resource["Properties"].get("Layers", [])])
                for name, resource in value["Resources"].items()
                if resource["Type"] == "AWS::Serverless::Function"
            },
        )

    def takes(self, parameter: str, value: str) -> bool:
        """Return whether a parameter may have this value, as far as its pattern says."""
        return re.fullmatch(self.patterns.get(parameter, ".*"), value) is not None


def configured(stack: str, path: Path = PROJECT / "samconfig.toml") -> dict[str, str]:
    """Return the parameters that samconfig.toml gives a stack of this name; none where no profile names it."""
    with path.open("rb") as file:
        profiles = tomllib.load(file)
    for profile in profiles.values():
        if isinstance(profile, dict) and profile.get("global", {}).get("parameters", {}).get("stack_name") == stack:
            text = profile.get("deploy", {}).get("parameters", {}).get("parameter_overrides", "")
            pairs = shlex.split(text) if isinstance(text, str) else text  # a value with spaces or quotes is quoted
            return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {}
