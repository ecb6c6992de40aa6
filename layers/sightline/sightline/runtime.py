"""What every function shares: its logger, its metrics, and how a step of a workflow begins and ends."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

Context = LambdaContext
Event = TypeVar("Event")
Answer = TypeVar("Answer")

logger = Logger()
metrics = Metrics()


def step(serve: Callable[[Event, Context], Answer]) -> Callable[[Event, Context], Answer]:
    """Return `serve` as Lambda's handler: every line it logs has the request's id, the correlation id of its event
    and the execution that it belongs to, and its metrics are sent when it ends, however it ends.
    """

    @functools.wraps(serve)
    def handler(event: Event, context: Context) -> Answer:
        if isinstance(event, Mapping):
            kept = {name: event[name] for name in ("correlation_id", "execution") if event.get(name)}
            logger.append_keys(**kept)
        try:
            return serve(event, context)
        finally:
            if metrics.metric_set:
                metrics.flush_metrics()

    # A container is used again: what one event has added must not stand on the lines of the next.
    prepared: Any = logger.inject_lambda_context(handler, clear_state=True)
    typed: Callable[[Event, Context], Answer] = prepared
    return typed


def correlate(correlation_id: str | None) -> None:
    """Put a correlation id on every further line of this call, where the event did not have it."""
    if correlation_id:
        logger.append_keys(correlation_id=correlation_id)


def count_metric(name: str, number: int = 1) -> None:
    """Add `number` to a metric that counts."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)


def measure_metric(name: str, value: float) -> None:
    """Add a measured value without a unit, as a share or a score."""
    metrics.add_metric(name=name, unit=MetricUnit.NoUnit, value=value)
