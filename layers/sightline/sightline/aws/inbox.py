"""What a function does with the messages of its queue: each one by itself, and what can never be handled is set aside
at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict, TypeVar

from botocore.exceptions import ClientError, ParamValidationError

from sightline.aws.queue import Queue
from sightline.errors import SightlineError
from sightline.runtime import count_metric, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse, PartialItemFailures

# What services say of a request that is wrong by itself, and will be the next time.
NEVER = {"InvalidArgument", "InvalidURI", "KeyTooLongError", "SerializationException", "ValidationException"}

Message = TypeVar("Message")


class HopelessMessageError(SightlineError):
    """A message that will never succeed, however often it comes; the text says why."""


class QueueRecord(TypedDict):
    """The part of an SQS record, as Lambda gets it, that is read here."""

    messageId: str
    body: str


class Inbox:
    """The messages of one queue, and the dead-letter queue behind it."""

    def __init__(self, dead_letters: Queue) -> None:
        self.dead_letters = dead_letters

    def handle(
        self, records: Sequence[QueueRecord], read: Callable[[object], Message], work: Callable[[Message], None]
    ) -> PartialItemFailureResponse:
        """Read and work on each message; answer which of them shall come again.

        What `read` refuses, and what `work` can never do, lies in the dead-letter queue afterwards, with the reason.
        Every message that failed leaves a line in the log.
        """
        failed: list[PartialItemFailures] = []
        for record in records:
            try:
                _handle(record, read, work)
            except HopelessMessageError as error:
                if not self._set_aside(record, str(error)):
                    failed.append({"itemIdentifier": record["messageId"]})
            except Exception:  # one message must not cost the others
                logger.exception("message failed; it comes again", extra=_about(record))
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}

    def _set_aside(self, record: QueueRecord, reason: str) -> bool:
        """Send a message to the dead-letter queue; answers whether it lies there."""
        about = {"reason": reason, **_about(record)}
        try:
            self.dead_letters.put(record["body"], reason=reason, message_id=record["messageId"])
        except Exception:
            logger.exception("message can't be set aside; it comes again", extra=about)
            return False
        logger.error("message can never succeed; it lies in the dead-letter queue", extra=about)
        count_metric("MessagesSetAside")
        return True


def _handle(record: QueueRecord, read: Callable[[object], Message], work: Callable[[Message], None]) -> None:
    """Raise HopelessMessageError for what will fail in the same way each time."""
    try:
        message = read(json.loads(record["body"]))
    except (SightlineError, ValueError, RecursionError) as error:
        raise HopelessMessageError(f"the message can't be read: {' '.join(str(error).split())}") from error
    try:
        work(message)
    except (ParamValidationError, UnicodeEncodeError) as error:
        raise HopelessMessageError(
            f"the message asks for what no request can: {' '.join(str(error).split())}"
        ) from error
    except ClientError as error:
        if error.response["Error"]["Code"] in NEVER:
            raise HopelessMessageError(" ".join(str(error).split())) from error
        raise


def _about(record: QueueRecord) -> Mapping[str, str]:
    return {"message_id": record["messageId"], "body": record["body"][:2000]}
