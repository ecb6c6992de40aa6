"""Messages to people, through one SNS topic."""

import re
from typing import Any

import boto3

_sns: Any = boto3.client("sns")

SUBJECT_LIMIT = 100  # characters, printable ASCII: SNS's own limit
MESSAGE_LIMIT = 200_000  # bytes; SNS takes 256 KiB


def publish(topic_arn: str, subject: str, lines: list[str]) -> None:
    """Send one message; what is too long is cut, so that a long error never hides that there was one."""
    plain = re.sub(r"[^ -~]+", " ", subject.encode("ascii", "replace").decode())
    message = "\n".join(lines).encode()[:MESSAGE_LIMIT].decode(errors="ignore")  # a character cut in two is dropped
    _sns.publish(TopicArn=topic_arn, Subject=plain[:SUBJECT_LIMIT], Message=message)
