"""Messages to SQS, ten at a time."""

import json
from collections.abc import Sequence
from typing import Any

from sightline.aws.clients import Aws

BATCH = 10  # messages; SQS's own limit
REASON = 1000  # characters of an attribute that says why a message lies in a dead-letter queue


class Queue:
    """One queue, by its URL."""

    def __init__(self, aws: Aws, url: str) -> None:
        self.aws = aws
        self.url = url

    def send(self, events: Sequence[Any]) -> None:
        """Send each event as one message of JSON. Raise RuntimeError when the queue refused any of them."""
        for start in range(0, len(events), BATCH):
            bodies = [json.dumps(event) for event in events[start : start + BATCH]]
            answer = self.aws.sqs.send_message_batch(
                QueueUrl=self.url,
                Entries=[{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)],
            )
            failed = answer.get("Failed")
            if failed:
                raise RuntimeError(f"{self.url} refused {len(failed)} of {len(bodies)} messages: {failed[0]}")

    def put(self, body: str, *, reason: str, message_id: str) -> None:
        """Send a message on as it came, with attributes that say why, and which one it was."""
        told = "".join(letter for letter in reason if letter.isprintable())[:REASON] or "unknown"
        self.aws.sqs.send_message(
            QueueUrl=self.url,
            MessageBody=body,
            MessageAttributes={
                "reason": {"DataType": "String", "StringValue": told},
                "message_id": {"DataType": "String", "StringValue": message_id},
            },
        )
