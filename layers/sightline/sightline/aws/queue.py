"""Messages to SQS, ten at a time."""

import json
from collections.abc import Sequence
from typing import Any

from sightline.aws.clients import Aws

BATCH = 10  # messages; SQS's own limit


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
