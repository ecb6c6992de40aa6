"""An emulator as if it were AWS: what finds its account by the environment finds this one, with the rights of root."""

import pytest

from local.account import Credentials


def play_aws(monkeypatch: pytest.MonkeyPatch, endpoint: str | None, root: Credentials) -> None:
    """Set the environment for a test."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(endpoint))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", root["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", root["aws_secret_access_key"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", root["region_name"])
