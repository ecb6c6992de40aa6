"""The messages of a queue: each one by itself, the hopeless ones aside at once."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sightline.aws.inbox import HopelessMessageError, Inbox
from sightline.aws.queue import REASON, Queue
from tests.given_aws import GivenAws


class Sqs:
    """An SQS that keeps what it is sent, or is away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away, self.sent = away, list[dict[str, Any]]()

    def send_message(self, **message: Any) -> None:
        if self.away:
            raise TimeoutError
        self.sent.append(message)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "so\nit is"}}, "GetObject")


def number(message: object) -> int:
    if not isinstance(message, int):
        raise HopelessMessageError(f"{message!r} is no number")
    return message


def handle(sqs: Sqs, raised: dict[int, Exception], *bodies: str) -> tuple[list[int], list[str]]:
    """What was worked on, and what comes again."""
    worked: list[int] = []

    def work(message: int) -> None:
        if message in raised:
            raise raised[message]
        worked.append(message)

    records: Any = [{"messageId": f"m{place}", "body": body} for place, body in enumerate(bodies)]
    answer = Inbox(Queue(GivenAws(sqs=sqs), "dead")).handle(records, number, work)
    return worked, [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


def test_each_message_is_worked_on_by_itself() -> None:
    sqs, away = Sqs(), {2: TimeoutError(), 3: refused("SlowDown")}
    assert handle(sqs, away, "1", "2", "3", "4") == ([1, 4], ["m1", "m2"])
    assert sqs.sent == []


@pytest.mark.parametrize("code", ["InvalidArgument", "KeyTooLongError", "ValidationException"])
def test_what_a_service_will_refuse_each_time_is_hopeless(code: str) -> None:
    sqs = Sqs()
    assert handle(sqs, {1: refused(code)}, "1", "2") == ([2], [])
    (message,) = sqs.sent
    assert (message["QueueUrl"], message["MessageBody"]) == ("dead", "1")
    told = {name: entry["StringValue"] for name, entry in message["MessageAttributes"].items()}
    assert told == {
        "message_id": "m0",
        "reason": f"An error occurred ({code}) when calling the GetObject operation: so it is",
    }


def test_a_reason_fits_into_an_attribute() -> None:
    sqs = Sqs()
    handle(sqs, {1: HopelessMessageError("a\x00b" + "x" * 5000)}, "1")
    reason = sqs.sent[0]["MessageAttributes"]["reason"]["StringValue"]
    assert (reason[:3], len(reason)) == ("abx", REASON)


def test_what_cannot_be_set_aside_comes_again() -> None:
    assert handle(Sqs(away=True), {}, "no JSON", "1") == ([1], ["m0"])
