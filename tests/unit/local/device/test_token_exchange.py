"""The token exchange of a simulated device: keys of its own role, renewed in time, for its components alone."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from local.device.token_exchange import TokenExchange
from tests.fake_device import session_keys


class Cloud:
    """Gives keys that soon end, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.holds = timedelta(hours=1)
        self.refuses = False

    def ask(self) -> object:
        self.asked += 1
        if self.refuses:
            raise PermissionError("the certificate may not use the role alias")
        return replace(session_keys(), token=f"session-{self.asked}", ends=datetime.now(UTC) + self.holds)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def tokens(cloud: Cloud) -> Iterator[TokenExchange]:
    made = TokenExchange(cloud.ask)  # type: ignore[arg-type]
    yield made
    made.close()


def get(tokens: TokenExchange, token: str | None = None) -> tuple[int, dict[str, str]]:
    given = tokens.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] if token is None else token
    url = tokens.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    request = urllib.request.Request(url, headers={"Authorization": given})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_keys_are_asked_for_once_and_renewed_before_they_end(tokens: TokenExchange, cloud: Cloud) -> None:
    assert [get(tokens)[1]["Token"] for _ in range(3)] == ["session-1"] * 3
    cloud.holds = timedelta(minutes=4)
    tokens._keys = None
    assert [get(tokens)[1]["Token"] for _ in range(2)] == ["session-2", "session-3"]


def test_a_process_without_the_token_gets_nothing(tokens: TokenExchange, cloud: Cloud) -> None:
    assert get(tokens, "guess")[0] == 403
    assert cloud.asked == 0


def test_a_refusal_of_the_cloud_is_told_and_asked_again(tokens: TokenExchange, cloud: Cloud) -> None:
    cloud.refuses = True
    status, said = get(tokens)
    assert (status, "may not use the role alias" in said["message"]) == (500, True)
    cloud.refuses = False
    assert get(tokens)[0] == 200
