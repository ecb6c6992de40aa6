"""The error of a function has the name of its exception's class, as Lambda gives it: workflows catch it by that name.

MiniStack calls every one `Runtime.HandlerError`, and keeps the traceback for the log.
"""

import re
from typing import Any

UNNAMED = "Runtime.HandlerError"
# The first line below the last stack that is not indented: `sightline.errors.InvalidMetricError: the mAP is 2`.
RAISED = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+(?:[\w.]+\.)?(\w+)(?::|\n|$)")


def register() -> None:
    """Let the emulator of this process name the errors of functions."""
    from ministack.services import lambda_svc

    execute = lambda_svc._execute_function_warm

    def execute_and_name(*args: Any) -> Any:
        answer = execute(*args)
        body = answer.get("body")
        if answer.get("error") and isinstance(body, dict) and body.get("errorType") == UNNAMED:
            body["errorType"] = name_of(answer.get("log", "")) or UNNAMED
        return answer

    lambda_svc._execute_function_warm = execute_and_name


def name_of(log: str) -> str:
    """Return the class of the exception whose traceback ends a log; empty where there is none."""
    found = RAISED.findall(log)
    return found[-1] if found else ""
