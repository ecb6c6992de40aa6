"""The account that the emulator plays, and the keys of its root user: made at each start, kept in the stack's folder.

The folder's file `aws` is a configuration of AWS' own tools, so that whoever owns the folder may use them:
`AWS_CONFIG_FILE=.sightline/aws aws --profile sightline-local s3 ls`.
"""

import configparser
import os
import secrets
import string
from pathlib import Path
from typing import NotRequired, TypedDict

from sightline.errors import SightlineError

ACCOUNT = "000000000000"
REGION = "us-east-1"
KEYS_FILE = "aws"
PROFILE = "sightline-local"
_SECTION = f"profile {PROFILE}"
_LETTERS = string.ascii_uppercase + "234567"  # of AWS' own ids


class Credentials(TypedDict):
    """What a client or a session of boto3 takes."""

    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: NotRequired[str]
    region_name: str


def new_credentials() -> Credentials:
    """Return keys that nobody else knows."""
    return {
        "aws_access_key_id": "AKIA" + "".join(secrets.choice(_LETTERS) for _ in range(16)),
        "aws_secret_access_key": secrets.token_urlsafe(30),
        "region_name": REGION,
    }


def write_credentials(root: Path, port: int) -> Credentials:
    """Make the keys of the emulator at `port`, and write them for nobody but this user to read."""
    made = new_credentials()
    known = configparser.RawConfigParser()
    known[_SECTION] = {
        "aws_access_key_id": made["aws_access_key_id"],
        "aws_secret_access_key": made["aws_secret_access_key"],
        "region": made["region_name"],
        "endpoint_url": f"http://127.0.0.1:{port}",
    }
    (root / KEYS_FILE).unlink(missing_ok=True)  # one that others could read would stay as it is
    descriptor = os.open(root / KEYS_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        known.write(file)
    return made


def read_credentials(root: Path) -> Credentials:
    """Return the keys of the emulator in this folder. Raise SightlineError."""
    known = configparser.RawConfigParser()
    known.read(root / KEYS_FILE)
    if not known.has_section(_SECTION):
        raise SightlineError(f"{root / KEYS_FILE} has no keys; start the stack anew: sightline down, sightline up")
    found = known[_SECTION]
    return {
        "aws_access_key_id": found["aws_access_key_id"],
        "aws_secret_access_key": found["aws_secret_access_key"],
        "region_name": found["region"],
    }
