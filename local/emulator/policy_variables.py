"""Variables in IAM policies, such as `${credentials-iot:ThingName}`: the emulator compares them letter by letter."""

import re
from dataclasses import replace
from typing import Any

VARIABLE = re.compile(r"\$\{([\w:./-]+)\}")


def register() -> None:
    """Let the emulator fill in variables of resources with what it knows of the caller."""
    from ministack.core import iam_evaluator

    first_match, value_of = iam_evaluator._first_match, iam_evaluator._resolve_condition_key

    def filled(pattern: str, ctx: Any) -> str:
        # One without a value stays as it is, and matches nothing.
        def value(match: re.Match[str]) -> str:
            found = value_of(match[1], ctx)
            return found if isinstance(found, str) else match[0]

        return VARIABLE.sub(value, pattern)

    def with_values(ctx: Any, statements: Any, effect: str) -> Any:
        return first_match(
            ctx, [_filled(statement, lambda text: filled(text, ctx)) for statement in statements], effect
        )

    iam_evaluator._first_match = with_values


def _filled(statement: Any, fill: Any) -> Any:
    if not any("${" in text for text in (*statement.resources, *statement.not_resources)):
        return statement
    return replace(
        statement,
        resources=[fill(text) for text in statement.resources],
        not_resources=[fill(text) for text in statement.not_resources],
    )
