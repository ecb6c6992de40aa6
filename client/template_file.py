"""template.yaml of this checkout, as data."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATE = PROJECT / "template.yaml"


class _Loader(yaml.CSafeLoader):  # in C: ten times as quick
    """YAML with CloudFormation's short forms: `!Ref X` becomes {"Ref": "X"}, `!Sub …` {"Fn::Sub": …}."""


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def read(file: Path = TEMPLATE) -> dict[str, Any]:
    """Return a template with its functions in their long form. It is read once: change a copy."""
    loaded: dict[str, Any] = yaml.load(file.read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return loaded
