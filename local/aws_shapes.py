"""Requests and answers held against botocore's own service models, so that what passes here has the shape AWS takes."""

from datetime import datetime
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator


class AwsError(Exception):
    """An error as AWS answers it: a code, a message, an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def check_request(service: str, operation: str, request: dict[str, Any]) -> None:
    """Raise AwsError ValidationException when `request` is not one that AWS takes."""
    model = service_model(service)
    if operation not in model.operation_names:
        raise AwsError("UnknownOperationException", f"{service} has no operation {operation}")
    shape = model.operation_model(operation).input_shape
    if shape is None:
        return
    problem = _problem(request, shape)
    if problem:
        raise AwsError("ValidationException", problem)


def check_answer(service: str, operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return `answer`; raise AssertionError when AWS would never give it: that is a bug of the emulation."""
    shape = service_model(service).operation_model(operation).output_shape
    problem = _problem(answer, shape) if shape is not None else None
    if problem:
        raise AssertionError(f"{service}.{operation} answered what AWS does not: {problem}")
    return answer


def _problem(value: dict[str, Any], shape: Shape) -> str | None:
    """What is wrong with `value`: fields that are missing, unknown, of the wrong type, or outside an enumeration."""
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        return str(report.generate_report())
    return _wrong_word(value, shape, "")


def _wrong_word(value: Any, shape: Shape, where: str) -> str | None:
    """botocore checks types and lengths; the service also refuses unknown fields and words outside an enumeration."""
    if shape.type_name == "structure":
        for name, entry in value.items():
            if name not in shape.members:
                return f"Unknown parameter in input: {where + name!r}, must be one of: {', '.join(shape.members)}"
            problem = _wrong_word(entry, shape.members[name], f"{where}{name}.")
            if problem:
                return problem
    elif shape.type_name == "list":
        for number, entry in enumerate(value):
            problem = _wrong_word(entry, shape.member, f"{where}{number + 1}.")
            if problem:
                return problem
    elif shape.type_name == "string" and getattr(shape, "enum", None) and value not in shape.enum:
        choices = ", ".join(shape.enum)
        return (
            f"1 validation error detected: Value '{value}' at '{where.rstrip('.')}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{choices}]"
        )
    return None


def to_wire(value: Any) -> Any:
    """Times as seconds since 1970, as the JSON protocols send them; the rest unchanged."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: to_wire(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [to_wire(entry) for entry in value]
    return value
