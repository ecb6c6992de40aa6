"""A clock of the emulator that nobody sets: a message that waits must not wait for hours because the clock went back.

It begins with the time of day at the start, and goes on by itself. What has a date for people keeps the time of day.
"""

import time
from types import SimpleNamespace

# That of Linux goes on while the machine sleeps.
_SINCE = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BEGAN, _BEGAN_AT = time.clock_gettime(_SINCE), time.time()


def now() -> float:
    """Return seconds since 1970 by the clock that goes on by itself."""
    return _BEGAN_AT + time.clock_gettime(_SINCE) - _BEGAN


def register() -> None:
    """Let queues, and functions that read them, count time by it."""
    from ministack.services import lambda_svc, sqs

    for module in (sqs, lambda_svc):
        module.time = SimpleNamespace(**{**vars(time), "time": now})
