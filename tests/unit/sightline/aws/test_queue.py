"""Messages to a queue: all of them in order of batches, or an error."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sightline.aws.clients import Aws
from sightline.aws.queue import BATCH, Queue
from tests.given_aws import GivenAws


class Sqs:
    """An SQS that refuses messages with these bodies."""

    def __init__(self, *refused: Any) -> None:
        self.refused = [json.dumps(event) for event in refused]
        self.batches: list[list[Any]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == "queue"
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        self.batches.append([json.loads(entry["MessageBody"]) for entry in Entries])
        failed = [entry for entry in Entries if entry["MessageBody"] in self.refused]
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in failed]} if failed else {}


@pytest.mark.parametrize(
    ("number", "batches"), [(0, []), (1, [1]), (BATCH, [10]), (BATCH + 1, [10, 1]), (25, [10, 10, 5])]
)
def test_messages_are_sent_in_order_ten_at_a_time(number: int, batches: list[int]) -> None:
    sqs, events = Sqs(), [{"n": n} for n in range(number)]
    Queue(GivenAws(sqs=sqs), "queue").send(events)
    assert [len(batch) for batch in sqs.batches] == batches
    assert [event for batch in sqs.batches for event in batch] == events


@pytest.mark.parametrize("refused", [1, 14])
def test_a_message_that_the_queue_refused_is_an_error(refused: int) -> None:
    with pytest.raises(RuntimeError, match=r"^queue refused 1 of \d+ messages: .*InternalError"):
        Queue(GivenAws(sqs=Sqs({"n": refused})), "queue").send([{"n": n} for n in range(15)])


@pytest.fixture
def url() -> Iterator[str]:
    with mock_aws():
        yield boto3.client("sqs").create_queue(QueueName="events")["QueueUrl"]


def test_a_message_is_received_as_it_was_sent(url: str) -> None:
    Queue(Aws(), url).send([{"key": "incoming/Größe 1.jpg", "bytes": 3}])
    (message,) = boto3.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"key": "incoming/Größe 1.jpg", "bytes": 3}
