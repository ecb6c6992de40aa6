"""The task that the current thread runs: its execution, and until when it may run."""

import time
from contextvars import ContextVar

from local.emulator.aws_shapes import Structure

execution: ContextVar[Structure | None] = ContextVar("execution", default=None)
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)  # in seconds of time.monotonic


def is_given_up() -> bool:
    """Return whether nobody waits for the task any more: its execution was stopped, or its time is over."""
    run, end = execution.get(), deadline.get()
    stopped = run is not None and run.get("status") not in (None, "RUNNING")
    return stopped or (end is not None and time.monotonic() > end)
