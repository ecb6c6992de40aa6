"""The template as the bill needs it: which resources a set of parameters makes, and their plain properties."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from client import parameters, template_file


@dataclass(frozen=True)
class Template:
    """The template under a set of parameters."""

    whole: Mapping[str, Any]
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, given: Mapping[str, str], whole: Mapping[str, Any] | None = None) -> Self:
        """Return the template with its defaults and what is given. Raise ParameterError."""
        template = template_file.read() if whole is None else whole
        parameters.check(given, template)
        return cls(template, parameters.defaults(template) | dict(given))

    @cached_property
    def resources(self) -> dict[str, Mapping[str, Any]]:
        """Return the resources that these parameters make, by logical name."""
        everything: dict[str, Mapping[str, Any]] = self.whole["Resources"]
        return {name: entry for name, entry in everything.items() if self._is_made(entry)}

    def value(self, part: Any) -> Any:
        """Return a property: of a parameter its value, of an `If` its branch, else what is written; None for none."""
        if not isinstance(part, dict) or len(part) != 1:
            return part
        (kind, given), *_ = part.items()
        if kind == "Ref":
            return None if given == "AWS::NoValue" else self.parameters.get(given, part)
        if kind == "Fn::If":
            return self.value(given[1] if self.holds({"Condition": given[0]}) else given[2])
        return part

    def holds(self, test: Mapping[str, Any]) -> bool:
        """Say whether a condition holds."""
        (kind, given), *_ = test.items()
        if kind == "Condition":
            return self.holds(self.whole["Conditions"][given])
        if kind == "Fn::Equals":
            left, right = (str(self.value(side)) for side in given)
            return left == right
        parts = [self.holds(part) for part in given]
        return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[kind]

    def _is_made(self, entry: Mapping[str, Any]) -> bool:
        return "Condition" not in entry or self.holds({"Condition": entry["Condition"]})
