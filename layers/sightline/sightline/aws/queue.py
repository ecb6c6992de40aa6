"""Messages to SQS, ten at a time."""

import json
from typing import Any

import boto3

_sqs: Any = boto3.client("sqs")


def send_events(queue_url: str, events: list[dict[str, Any]]) -> None:
    """Send each event as one message. Raises RuntimeError when the queue refused any of them."""
    for start in range(0, len(events), 10):
        entries = [
            {"Id": str(number), "MessageBody": json.dumps(event)}
            for number, event in enumerate(events[start : start + 10])
        ]
        failed = _sqs.send_message_batch(QueueUrl=queue_url, Entries=entries).get("Failed")
        if failed:
            raise RuntimeError(f"{queue_url} refused {len(failed)} of {len(entries)} messages: {failed[0]}")
