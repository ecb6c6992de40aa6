"""The account that the emulator plays, and the keys of its root user."""

from typing import NotRequired, TypedDict

ACCOUNT = "000000000000"
REGION = "us-east-1"


class Credentials(TypedDict):
    """What a client or a session of boto3 takes."""

    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: NotRequired[str]
    region_name: str


CREDENTIALS: Credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
