"""Messages to people, through one SNS topic."""

import re

from sightline.aws.clients import Aws

SUBJECT_LIMIT = 100  # characters, printable ASCII: SNS's own limit
MESSAGE_LIMIT = 200_000  # bytes; SNS takes 256 KiB


class Topic:
    """One topic, by its ARN."""

    def __init__(self, aws: Aws, arn: str) -> None:
        self.aws = aws
        self.arn = arn

    def publish(self, subject: str, lines: list[str]) -> None:
        """Send one message. What is too long is cut, so that a long error never hides that there was one."""
        plain = re.sub(r"[^ -~]+", " ", subject.encode("ascii", "replace").decode())
        message = "\n".join(lines).encode()[:MESSAGE_LIMIT].decode(errors="ignore")  # a character cut in two is dropped
        self.aws.sns.publish(TopicArn=self.arn, Subject=plain[:SUBJECT_LIMIT], Message=message)
