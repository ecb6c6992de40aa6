"""A path that leads nowhere fails the execution with States.Runtime, which no Catch takes.

The emulator would go on with null: a field that a state forgot to hand on would be found by whoever reads it, or not at
all.
"""

from collections.abc import Iterator, Mapping
from typing import Any


def register() -> None:
    """Hook into the emulator of this process."""
    from ministack.services import stepfunctions

    resolve, evaluate = stepfunctions._resolve_params_obj, stepfunctions._evaluate_rule
    apply_input, apply_output = stepfunctions._apply_input_path, stepfunctions._apply_output_path

    def resolve_checked(template: Any, data: Any, context: Any = None) -> Any:
        for field, path in _fields(template):
            _check(path, data, context, f"specified for the field '{field}'")
        return resolve(template, data, context)

    def evaluate_checked(rule: Mapping[str, Any], data: Any, context: Any = None) -> Any:
        if "Variable" in rule and "IsPresent" not in rule:
            _check(rule["Variable"], data, context, "of a Choice state's condition")
        return evaluate(rule, data, context)

    def apply_input_checked(state: Mapping[str, Any], data: Any, context: Any = None) -> Any:
        _check(state.get("InputPath") or "$", data, context, "specified for InputPath")
        return apply_input(state, data, context)

    def apply_output_checked(state: Mapping[str, Any], data: Any, context: Any = None) -> Any:
        _check(state.get("OutputPath") or "$", data, context, "specified for OutputPath")
        return apply_output(state, data, context)

    stepfunctions._resolve_params_obj, stepfunctions._evaluate_rule = resolve_checked, evaluate_checked
    stepfunctions._apply_input_path, stepfunctions._apply_output_path = apply_input_checked, apply_output_checked


def _fields(template: Any) -> Iterator[tuple[str, str]]:
    """Give name and path of the fields of one object; those of the objects in it are resolved one by one later."""
    from ministack.services import stepfunctions

    for field, value in template.items() if isinstance(template, dict) else ():
        if field.endswith(".$") and isinstance(value, str):
            if value.startswith("$"):
                yield field, value
            elif value.startswith("States."):
                call, _ = stepfunctions._parse_intrinsic_call(value, 0)
                yield from ((field, path) for path in _arguments(call))


def _arguments(node: Any) -> Iterator[str]:
    """Give the paths among the arguments of a call such as `States.Format('{}', $.name)`."""
    if node[0] == "path":
        yield node[1]
    elif node[0] == "call":
        for argument in node[2]:
            yield from _arguments(argument)


def _check(path: str, data: Any, context: Any, where: str) -> None:
    """Raise States.Runtime for a path of fields and indexes of which one is not there."""
    from ministack.services import stepfunctions

    plain, value = (path[1:], context or {}) if path.startswith("$$") else (path, data)
    steps = stepfunctions._parse_jsonpath_tokens(plain) if plain.startswith("$") else []
    if steps is None:
        raise stepfunctions._ExecutionError("States.Runtime", f"Invalid path '{path}' {where}")
    for kind, name in steps:
        if kind == "wildcard":
            return
        found = isinstance(value, dict) and name in value if kind == "field" else _has(value, name)
        if not found:
            raise stepfunctions._ExecutionError(
                "States.Runtime", f"The JSONPath '{path}' {where} could not be found in the input"
            )
        value = value[name]


def _has(value: Any, index: int) -> bool:
    return isinstance(value, list) and index < len(value)
