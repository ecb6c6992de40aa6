"""Messages to people: what SNS would refuse is cut, not lost."""

from typing import Any

import pytest

from sightline.aws.topic import Topic
from tests.given_aws import GivenAws


class Sns:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.sent.append(message)


@pytest.fixture
def sns() -> Sns:
    return Sns()


def test_a_message_has_one_line_for_each_reason(sns: Sns) -> None:
    Topic(GivenAws(sns=sns), "topic").publish("Model rejected: train-1", ["mAP@.50 is below the floor", "Größe: 3 MB"])
    message = "mAP@.50 is below the floor\nGröße: 3 MB"
    assert sns.sent == [{"TopicArn": "topic", "Subject": "Model rejected: train-1", "Message": message}]


def test_a_subject_is_one_line_of_plain_characters(sns: Sns) -> None:
    Topic(GivenAws(sns=sns), "topic").publish("Größe\r\n\tfalsch" + "x" * 200, ["text"])
    subject = sns.sent[0]["Subject"]
    assert subject.startswith("Gr??e falschxxx")
    assert len(subject) == 100


def test_a_long_message_is_cut_by_bytes_between_characters(sns: Sns) -> None:
    Topic(GivenAws(sns=sns), "topic").publish("subject", ["x" + "ß" * 300_000])
    message = sns.sent[0]["Message"]
    assert len(message.encode()) == 199_999
    assert set(message[1:]) == {"ß"}
