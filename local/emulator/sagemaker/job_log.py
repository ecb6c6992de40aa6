"""A job's log: read while it grows, sent to CloudWatch Logs, and searched for metrics."""

import logging
import math
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.emulator.rights import RoleSession

logger = logging.getLogger("sightline.jobs")
LOG_BATCH = 1000


def log_writer(account: RoleSession, group: str, stream: str, job: str) -> Callable[[list[str]], None]:
    """Return a function that puts lines into the job's stream of CloudWatch Logs."""
    silent = False

    def write(lines: list[str]) -> None:
        nonlocal silent
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines if line]
        try:
            for first in range(0, 0 if silent else len(events), LOG_BATCH):
                batch = events[first : first + LOG_BATCH]
                account.client("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
        except (ClientError, BotoCoreError) as error:  # a job without rights to its log runs without one, as on AWS
            logger.warning("the log of %s stays in job.log: %s", job, error)
            silent = True

    try:
        logs = account.client("logs")
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    except (ClientError, BotoCoreError) as error:
        logger.warning("the log of %s stays in job.log: %s", job, error)
        silent = True
    return write


class LogReader:
    """Reads what a log has grown by, in whole lines."""

    def __init__(self, log: Path, *listeners: Callable[[list[str]], None]) -> None:
        self._log, self._listeners, self._read, self._rest = log, listeners, 0, ""

    def read(self, *, last: bool = False) -> None:
        with self._log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        text = self._rest + new.decode(errors="replace")
        *lines, self._rest = text.split("\n")
        if last and self._rest:
            lines.append(self._rest)
        if lines:
            for listener in self._listeners:
                listener(lines)


def last_value(expression: str, lines: list[str]) -> float | None:
    """Return the last finite number that the first group of `expression` finds, None without one."""
    found = None
    for line in lines:
        for match in re.finditer(expression, line):
            with suppress(ValueError):
                value = float(match.group(1) if match.re.groups else match.group(0))
                found = value if math.isfinite(value) else found
    return found
