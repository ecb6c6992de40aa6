"""The mails that the emulator has sent for services of the account."""

from dataclasses import dataclass

import requests
from botocore import credentials
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from local.account import ACCOUNT, Credentials


@dataclass(frozen=True, slots=True)
class Mail:
    to: tuple[str, ...]
    subject: str
    text: str


def sent(endpoint: str, root: Credentials) -> list[Mail]:
    """Return all mails, the first one first."""
    request = AWSRequest("GET", f"{endpoint}/_ministack/ses/messages?account={ACCOUNT}")
    keys = credentials.Credentials(root["aws_access_key_id"], root["aws_secret_access_key"])
    SigV4Auth(keys, "ses", root["region_name"]).add_auth(request)
    answer = requests.get(str(request.url), headers=dict(request.headers.items()), timeout=10).json()
    return [
        Mail(tuple(one["To"]), one["Subject"], one["BodyText"] or one["BodyHtml"])
        for one in answer["messages"][ACCOUNT]
    ]
