"""The mails that the emulator has sent for services of the account."""

from dataclasses import dataclass

import requests

from local.account import ACCOUNT


@dataclass(frozen=True, slots=True)
class Mail:
    to: tuple[str, ...]
    subject: str
    text: str


def sent(endpoint: str) -> list[Mail]:
    """Return all mails, the first one first."""
    answer = requests.get(f"{endpoint}/_ministack/ses/messages", params={"account": ACCOUNT}, timeout=10).json()
    return [
        Mail(tuple(one["To"]), one["Subject"], one["BodyText"] or one["BodyHtml"])
        for one in answer["messages"][ACCOUNT]
    ]
