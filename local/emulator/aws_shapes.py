"""Requests and answers held against botocore's own service models, so that what passes here has the shape AWS takes."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

# A structure of an API of AWS, as botocore's model of the service tells it: its fields are checked when a request comes
# and when an answer goes, not by the type checker.
Structure = dict[str, Any]
Query = Mapping[str, str | list[str]]  # of an HTTP request: some of MiniStack's parsers give lists, some do not


def values_of(query: Query, name: str) -> list[str]:
    """Return all values of a parameter that is in the query."""
    found = query[name]
    return [found] if isinstance(found, str) else found


class AwsError(Exception):
    """An error as AWS answers it: a code, a message, an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def check_request(service: str, operation: str, request: Structure) -> None:
    """Raise AwsError ValidationException when `request` is not one that AWS takes."""
    model = service_model(service)
    if operation not in model.operation_names:
        raise AwsError("UnknownOperationException", f"{service} has no operation {operation}")
    shape = model.operation_model(operation).input_shape
    if shape is None:
        return
    problem = _problem(request, shape, bounds=True)
    if problem:
        raise AwsError("ValidationException", problem)


def check_answer(service: str, operation: str, answer: Structure) -> Structure:
    """Return `answer`; raise AssertionError when AWS would never give it: that is a bug of the emulation.

    Lengths and patterns are not checked: AWS itself answers names that its requests may not have (`group/1`).
    """
    shape = service_model(service).operation_model(operation).output_shape
    problem = _problem(answer, shape, bounds=False) if shape is not None else None
    if problem:
        raise AssertionError(f"{service}.{operation} answered what AWS does not: {problem}")
    return answer


def _problem(value: Structure, shape: Shape, *, bounds: bool) -> str | None:
    """Return what is wrong with `value`: fields missing, unknown, of the wrong type, or outside their constraints."""
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        return str(report.generate_report())
    return next(_broken_constraints(value, shape, "", bounds), None)


def _broken_constraints(value: Any, shape: Any, where: str, bounds: bool) -> Iterator[str]:
    """botocore checks fields, types and lower bounds; the service also upper bounds, patterns and words."""
    rules, at = shape.metadata if bounds else {}, where.rstrip(".")
    if shape.type_name == "structure":
        for name, entry in value.items():
            yield from _broken_constraints(entry, shape.members[name], f"{where}{name}.", bounds)
    elif shape.type_name in ("list", "map"):
        if len(value) > rules.get("max", len(value)):
            yield _constraint(f"{len(value)} entries", at, f"have length less than or equal to {rules['max']}")
        if shape.type_name == "list":
            inner = [(shape.member, entry, str(number)) for number, entry in enumerate(value, 1)]
        else:
            inner = [(shape.key, name, name) for name in value]
            inner += [(shape.value, entry, name) for name, entry in value.items()]
        for kind, entry, name in inner:
            yield from _broken_constraints(entry, kind, f"{where}{name}.", bounds)
    elif shape.type_name == "string":
        yield from _broken_text(value, shape.enum, rules, at)
    elif shape.type_name in ("integer", "long", "float", "double") and value > rules.get("max", value):
        yield _constraint(value, at, f"have value less than or equal to {rules['max']}")


def _broken_text(value: str, words: list[str], rules: Structure, at: str) -> Iterator[str]:
    longest, pattern = rules.get("max"), rules.get("pattern")
    if words and value not in words:
        yield _constraint(value, at, f"satisfy enum value set: [{', '.join(words)}]")
    if longest is not None and len(value) > longest:
        yield _constraint(value, at, f"have length less than or equal to {longest}")
    if pattern is not None and not _matches(pattern, value):
        yield _constraint(value, at, f"satisfy regular expression pattern: {pattern}")


def _constraint(value: Any, where: str, rule: str) -> str:
    return f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: Member must {rule}"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return None for the few patterns that Python's expressions cannot say (character properties)."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def to_wire(value: Any) -> Any:
    """Return times as seconds since 1970, as the JSON protocols send them; the rest unchanged."""
    return _with_times(value, lambda moment: moment.timestamp())


def in_milliseconds(value: Any) -> Any:
    """Return times as milliseconds since 1970, as events and Step Functions give them; the rest unchanged."""
    return _with_times(value, lambda moment: round(moment.timestamp() * 1000))


def _with_times(value: Any, convert: Callable[[datetime], Any]) -> Any:
    if isinstance(value, datetime):
        return convert(value)
    if isinstance(value, dict):
        return {key: _with_times(entry, convert) for key, entry in value.items()}
    if isinstance(value, list):
        return [_with_times(entry, convert) for entry in value]
    return value
